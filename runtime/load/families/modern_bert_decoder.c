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
    MODERN_BERT_ROPE_PARAMS,
    {"sliding_window|local_attention", "attention.sliding_window", PARAM_OR_HALF, PARAM(window), 1 << 28,
     128},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    MODERN_BERT_NORM_ROWS,
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    MODERN_BERT_FFN_ROWS,
    {"mlm", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_LM | TENSOR_MAYBE_BIAS, AT(mlm)},
    {"mlm.norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_LM | TENSOR_MAYBE_BIAS, AT(mlm_norm)},
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_LM | TENSOR_MAYBE_BIAS | TENSOR_TIED, AT(output)},
    MODERN_BERT_HEAD_NORM_ROW,
    {"cls", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls)},
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_out)},
    {0},
};

static const struct hf_name names[] = {
    {"blk.%u.attn_q", "layers.%u.attn.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "layers.%u.attn.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "layers.%u.attn.v_proj", CUT_NONE},
    MODERN_BERT_NAMES,
    {"mlm", "lm_head.dense", CUT_NONE},
    {"mlm.norm", "lm_head.norm", CUT_NONE},
    {"output", "decoder", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {
    MODERN_BERT_FIXED,
    {0},
};
static const char *const ignored[] = {"head.", "classifier.", NULL};

static const char *const classes[] = {"ModernBertDecoder", NULL};
static const struct key_spec keys[] = {
    MODERN_BERT_KEYS,
    {"causal_mask", "true"},
    {"classifier_pooling", NULL}, /* of the encoder; here it is the last token */
    {NULL, NULL}};

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
