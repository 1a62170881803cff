/* Models without layers, which look tokens up in a table: a vector each, whose mean is the text's (model2vec, Tulkens and van
 * Dongen, 2024; Sentence Transformers' StaticEmbedding), or a weight each, of a text's words (the queries of sparse models
 * without inference, Geng et al., 2024, arXiv:2411.04403). */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    {"", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    {"", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1, 1}, /* there are none */
    {0},
};
static const struct tensor_spec tensors[] = {TOKEN_ROW, {0}};

/* Their tables are made by import/sentence/tables.c. */
static const struct hf_name names[] = {{0}};
static const char *const ignored[] = {"", NULL};
static const struct hf_form form = {.type = "static", .names = names, .ignored = ignored};
static const struct hf_form words_form = {.type = "static-words", .names = names, .ignored = ignored};

static float *forward(const struct net *m, const struct batch *b, struct workspace *ws)
{
    float *x = workspace_take(ws, b->n_tokens, m->hp.n_embd);
    encoder_embed_tokens(m, b, x, ws->n_threads);
    return x;
}

static size_t workspace(const struct net *m)
{
    return m->hp.n_embd;
}

static size_t scratch(const struct net *m, size_t longest)
{
    (void)m;
    (void)longest;
    return 0;
}

const struct arch arch_static = {
    .name = "static",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .workspace = workspace,
    .scratch = scratch,
    .forward = forward,
};

const struct arch arch_static_words = {
    .name = "static-words",
    .forms = (const struct hf_form *const[]){&words_form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_SPLADE,
    .head_pooling = POOL_MEAN,
    .words_looked_up = true,
    .workspace = workspace,
    .scratch = scratch,
    .forward = forward,
};
