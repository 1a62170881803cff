/* The first OLMo (Groeneveld et al., 2024, arXiv:2402.00838): Llama's layers with layer norms that have no weights, and queries, keys
 * and values that may be clipped. */
#include "runtime/load/families/causal_rows.h"

#include <stdlib.h>

static const struct param_spec params[] = {
    CAUSAL_SIZES,
    {"", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    {"clip_qkv", "attention.clamp_kqv", PARAM_FLOAT, PARAM(qkv_clip), 0, -1},
    ROPE_PARAM,
    {0},
};
static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL | TENSOR_NO_BIAS, AT(output)},
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_out)},
    {"rope_freqs", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_freqs)},
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    GATED_ROWS,
    {0},
};
static const struct hf_name names[] = {CAUSAL_PLAIN_NAMES(CUT_PAIRS, CUT_KV_PAIRS), GATED_NAMES, {0}};

/* Norms without weights are those whose weights are 1. */
static enum hone_status prepare(struct net *m, int n_threads, struct hone_error *err)
{
    const size_t n = m->hp.n_embd;
    float *ones = malloc(n * sizeof *ones);
    (void)n_threads;
    if (!ones || !gguf_own_memory(m->gguf, ones)) {
        free(ones);
        return hone_no_memory(err, "a norm", n * sizeof *ones);
    }
    for (size_t i = 0; i < n; i++)
        ones[i] = 1;
    const struct norm norm = {.gamma = ones, .n = n};
    for (size_t i = 0; i < m->hp.n_layers; i++)
        m->weights.layers[i].attn_norm = m->weights.layers[i].ffn_norm = norm;
    m->weights.output_norm = norm;
    return HONE_OK;
}

static const char *const ignored[] = {NULL};
static const char *const form_classes[] = {"Olmo", "OLMo", NULL};
static const struct hf_form form = {
    .classes = form_classes, .type = "olmo", .prefix = "model.", .names = names, .ignored = ignored};

const struct arch arch_olmo = {
    .name = "olmo",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .gated = true,
    .rope_pairs = true,
    .prepare = prepare,
    CAUSAL_PASS,
};
