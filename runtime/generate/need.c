/* What a model takes of memory, foretold. */
#include "runtime/generate/state.h"
#include "runtime/infer/model.h"
#include "runtime/nn/decoder/decoder.h"
#include "runtime/nn/disentangled.h"
#include "runtime/nn/head.h"
#include "runtime/nn/tuning.h"

#include <hone/generate.h>

/* Of a token of the vocabulary: its text, its place in the tables that find it, and of merges. Measured as the memory of a
 * process before and after: 130 bytes (BERT's 30,522 words), 219 (Llama 3's 128,256 pieces), 111 (XLM-R's 250,048). */
#define TOKEN_BYTES 220

static bool is_packed(const struct net *m, const struct gguf_tensor *t)
{
    for (size_t i = 0; i < m->weights.n_dense + m->weights.n_lent; i++)
        for (unsigned p = 0; p < m->weights.dense[i]->n_parts; p++)
            if (m->weights.dense[i]->parts[p].weight == t)
                return true;
    return false;
}

/* Whether a route that was opened before it reads the same bytes of the file. */
static bool is_counted(const struct net *m, const struct gguf_tensor *t)
{
    bool counted = false;
    for (const struct net *elder = m->elder; elder && !counted; elder = elder->elder) {
        const struct gguf_tensor *same = gguf_find_tensor(elder->gguf, t->name);
        counted = same && same->data == t->data;
    }
    return counted;
}

/* Tensors that no product reads; and the tokens' table, though its rows may be packed for the output, too. */
static size_t table_bytes(const struct net *m)
{
    size_t n = 0;
    for (size_t i = 0; i < gguf_n_tensors(m->gguf); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(m->gguf, i);
        const bool is_table = t == m->weights.token_embd.table || t == m->weights.decoder_token_embd.table;
        if ((is_table || !is_packed(m, t)) && !is_counted(m, t))
            n += t->size;
    }
    return n;
}

/* A worker of the engine has its own room, for a task or for one text that is longer. */
static size_t engine_bytes(const struct hone_model *model)
{
    const struct net *m = &model->net;
    size_t n_threads = (size_t)model->options.n_threads, task = tuning_get()->task_tokens;
    size_t longest =
        m->hp.max_length < model->options.batch_tokens ? m->hp.max_length : model->options.batch_tokens;
    size_t n = longest > task ? longest : task;
    size_t scratch = m->arch->scratch ? m->arch->scratch(m, longest)
                                      : m->kernels->attention_scratch(longest, m->hp.head_dim);
    size_t floats = n * m->arch->workspace(m) + head_floats(m, n, n) + n_threads * scratch;
    return n_threads * (floats * sizeof(float) + n * m->weights.row_bytes);
}

/* All threads share a step. */
static size_t step_bytes(const struct hone_model *model)
{
    const struct net *m = net_decoder(&model->net);
    size_t n = STEP_TOKENS + MAX_ROWS, scratch = decoder_scratch(m, m->hp.max_length);
    size_t floats = n * (m->arch->workspace(m) + m->hp.n_embd) + MAX_ROWS * m->hp.n_vocab +
                    (size_t)model->options.n_threads * scratch;
    return floats * sizeof(float) + n * m->weights.row_bytes;
}

/* Tables that a family makes of its weights: of DeBERTa's distances. */
static size_t prepared_bytes(const struct net *m)
{
    size_t n = m->weights.distance_embd ? 2 * m->hp.n_layers * disentangled_rows(&m->hp) : 0;
    return n * m->hp.n_heads * m->hp.head_dim * sizeof(float);
}

static void add_experts(struct hone_need *out, const struct net *m)
{
    const size_t n_experts = m->hp.n_experts;
    size_t n = 0;
    for (size_t i = 0; i < m->hp.n_layers && n_experts > 0; i++) {
        const struct layer *l = &m->weights.layers[i];
        for (size_t k = 0; k < n_experts && l->experts_up && l->routes; k++)
            n += dense_packed_size(&l->experts_up[k]) + dense_packed_size(&l->experts_down[k]);
    }
    out->experts += n;
    out->experts_token += n_experts > 0 ? n / n_experts * m->hp.n_experts_used : 0;
}

static void add_need(struct hone_need *out, const struct hone_model *model)
{
    const struct net *m = &model->net;
    bool generates = m->hp.generates && model_goes_stepwise(model);
    size_t kv_tokens = model->options.kv_tokens ? model->options.kv_tokens : m->hp.max_length;
    out->weights += m->weights.packed_size + prepared_bytes(m);
    add_experts(out, m);
    out->tables += table_bytes(m);
    out->vocabulary += tokenizer_n_tokens(model->tokenizer) * TOKEN_BYTES;
    if (model->target_tokenizer != model->tokenizer)
        out->vocabulary += tokenizer_n_tokens(model->target_tokenizer) * TOKEN_BYTES;
    out->activations += generates ? step_bytes(model) : engine_bytes(model);
    if (m->arch->has_decoder)
        out->activations += engine_bytes(model); /* the encoder's */
    out->kv += generates ? hone_kv_bytes(model, model->options.kv, kv_tokens) : 0;
    out->kv_token = out->kv / (kv_tokens ? kv_tokens : 1);
}

enum hone_status hone_model_need(const struct hone_model *model, struct hone_need *out,
                                 struct hone_error *err)
{
    if (model->options.vocab_only)
        return hone_fail(err, HONE_USAGE, "%s was opened for its vocabulary alone", model->path);
    *out = (struct hone_need){0};
    add_need(out, model);
    for (size_t i = 0; i < model->n_routes; i++)
        add_need(out, model->routes[i]);
    return HONE_OK;
}
