/* NeoBERT (Le Breton et al., 2025, arXiv:2502.19587): Llama's layers, whose attention sees both sides, with neighbouring
 * elements rotated together. Two thirds of what config.json has as the inner width are there. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"intermediate_size", "feed_forward_length", PARAM_TWO_THIRDS, PARAM(n_ff), 1 << 18, 0},
    {"max_length", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 1024},
    {"norm_eps", "attention.layer_norm_rms_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-6},
    {"", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    {"enc.output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, AT(output_norm)},
    HEAD_ROWS(0),
    CAUSAL_QKV_ROWS(TENSOR_NO_BIAS),
    GATED_ROWS,
    RMS_ROW("attn_norm", attn_norm),
    RMS_ROW("ffn_norm", ffn_norm),
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "encoder", CUT_NONE},
    {"enc.output_norm", "layer_norm", CUT_NONE},
    {"blk.%u.attn_norm", "transformer_encoder.%u.attention_norm", CUT_NONE},
    {"blk.%u.attn_qkv", "transformer_encoder.%u.qkv", CUT_QKV_GROUPS},
    {"blk.%u.attn_output", "transformer_encoder.%u.wo", CUT_NONE},
    {"blk.%u.ffn_norm", "transformer_encoder.%u.ffn_norm", CUT_NONE},
    {"blk.%u.ffn_up", "transformer_encoder.%u.ffn.w12", CUT_NONE},
    {"blk.%u.ffn_down", "transformer_encoder.%u.ffn.w3", CUT_NONE},
    {"cls", "dense", CUT_NONE},
    {"cls.output", "classifier", CUT_NONE},
    {0},
};
static const char *const ignored[] = {"decoder.", "dense.", "classifier.", NULL}; /* heads */

static const char *const classes[] = {"NeoBERT", "=NeoBERT", "=NeoBERTLMHead", NULL};
static const struct key_spec keys[] = {
    {"dim_head", NULL}, /* follows from the others */
    {"kwargs", NULL},   /* of training, and of how it was first loaded */
    {"embedding_init_range", NULL},
    {"encoder_init_range", NULL},
    {"decoder_init_range", NULL},
    {"classifier_init_range", NULL},
    {"pretrained_model_name_or_path", NULL},
    {"trust_remote_code", NULL},
    {NULL, NULL},
};

static const struct hf_form form = {.type = "neobert",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .classes = classes};

const struct arch arch_neo_bert = {
    .name = "neo-bert",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .head_activation = ACT_TANH,
    .foreign_doubt =
        "llama.cpp's converter leaves the rows of 'attn_qkv' in the order of NeoBERT's heads, in which "
        "nobody reads them, llama.cpp included",
    .tokens_through_head = true,
    .two_sided = true,
    .rope_pairs = true,
    .pooling = POOL_CLS,
    .head_pooling = POOL_CLS,
    .causal = true,
    .workspace = decoder_workspace,
    .scratch = decoder_batch_scratch,
    .forward = decoder_forward,
    .rms = true,
    .gated = true,
};
