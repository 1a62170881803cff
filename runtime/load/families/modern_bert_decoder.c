/* ModernBERT's decoder sister (Weller et al., Ettin, 2025, arXiv:2507.11412): the same layers, which see the past alone, half as
 * many tokens in local ones, and a matrix, an activation and a norm before each head. llama.cpp has no such family; the names
 * follow its style. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/families/modern_bert_rows.h"

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 22},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 768},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 12},
    {"intermediate_size", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 1152},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 8192},
    {"norm_eps", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    {"rope_parameters.full_attention.rope_theta|global_rope_theta", "rope.freq_base", PARAM_FLOAT,
     PARAM(rope_base), 0, 160000},
    {"rope_parameters.sliding_attention.rope_theta|local_rope_theta", "rope.freq_base_swa", PARAM_FLOAT,
     PARAM(rope_base_local), 0, 10000},
    {"sliding_window|local_attention", "attention.sliding_window", PARAM_OR_HALF, PARAM(window), 1 << 28,
     128},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    {"token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, AT(embd_norm)},
    {"output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, AT(output_norm)},
    LAYER_ROW("attn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL | TENSOR_MAYBE_BIAS, attn_norm),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    LAYER_ROW("ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, ffn_norm),
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF2, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_MAYBE_BIAS, ffn_down),
    {"mlm", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_LM | TENSOR_MAYBE_BIAS, AT(mlm)},
    {"mlm.norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_LM | TENSOR_MAYBE_BIAS, AT(mlm_norm)},
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_LM | TENSOR_MAYBE_BIAS | TENSOR_TIED, AT(output)},
    {"cls.norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_norm)},
    {"cls", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls)},
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_out)},
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings.tok_embeddings", CUT_NONE},
    {"token_embd_norm", "embeddings.norm", CUT_NONE},
    {"output_norm", "final_norm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.attn_norm", CUT_NONE},
    {"blk.%u.attn_q", "layers.%u.attn.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "layers.%u.attn.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "layers.%u.attn.v_proj", CUT_NONE},
    {"blk.%u.attn_output", "layers.%u.attn.Wo", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.mlp_norm", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.mlp.Wi", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.Wo", CUT_NONE},
    {"mlm", "lm_head.dense", CUT_NONE},
    {"mlm.norm", "lm_head.norm", CUT_NONE},
    {"output", "decoder", CUT_NONE},
    {"cls", "head.dense", CUT_NONE},
    {"cls.norm", "head.norm", CUT_NONE},
    {"cls.output", "classifier", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {
    {"rope_parameters.full_attention.rope_type", "\"default\""},
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {0},
};
static const char *const ignored[] = {"head.", "classifier.", NULL};

static const char *const classes[] = {"ModernBertDecoder", NULL};
static const struct key_spec keys[] = {MODERN_BERT_KEYS, {NULL, NULL}};

static const struct hf_form form = {.type = "modernbert-decoder",
                                    .prefix = "model.",
                                    .names = names,
                                    .fixed = fixed,
                                    .ignored = ignored,
                                    .head_activation_key = "classifier_activation",
                                    .keys = keys,
                                    .classes = classes};

const struct arch arch_modern_bert_decoder = {
    .name = "modern-bert-decoder",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU,
    .head_activation = ACT_GELU,
    .mlm_as_head = true,
    .global_every = 3,
    .gated = true,
    CAUSAL_PASS,
};
