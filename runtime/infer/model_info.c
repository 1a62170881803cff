/* What can be asked of a model that is open. */
#include "runtime/infer/hybrid.h"
#include "runtime/infer/llm_rerank.h"
#include "runtime/infer/model_load.h"
#include "runtime/infer/routes.h"
#include "runtime/nn/head.h"
#include "runtime/nn/rope.h"

#include <hone/generate.h>

/* ---- keys and values ---- */

enum kv_type model_kv_type(const struct hone_model *model, enum hone_kv kv)
{
    static const enum kv_type types[] = {
        [HONE_KV_F32] = KV_F32, [HONE_KV_F16] = KV_F16, [HONE_KV_INT8] = KV_INT8};
    bool exact = model->options.compute == HONE_COMPUTE_F32 || model->options.compute == HONE_COMPUTE_BLAS;
    if (kv == HONE_KV_AUTO)
        return exact ? KV_F32 : KV_F16;
    return types[kv];
}

size_t hone_kv_bytes(const struct hone_model *model, enum hone_kv kv, size_t n_tokens)
{
    struct kv_shape shape = step_kv_shape(&model->net, model_kv_type(model, kv));
    size_t blocks = model_goes_stepwise(model) ? kv_bytes(&shape, n_tokens) : 0;
    return n_tokens > 0 && blocks > 0 && blocks < SIZE_MAX ? blocks + shape.state_size * sizeof(float)
                                                           : blocks;
}

static size_t count_params(const struct gguf *g)
{
    size_t n = 0;
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        n += t->size / t->type->block_size * t->type->block_len;
    }
    return n;
}

static size_t count_local(const struct net *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->hp.n_layers && m->weights.layers; i++)
        n += m->weights.layers[i].local;
    return n;
}

void model_fill_info(struct hone_model *model)
{
    static const char *const scores[] = {"sigmoid", "softmax", "none"};
    static const char *const computes[] = {"auto", "f32", "int8", "bf16", "blas"};
    const struct net *m = &model->net;
    struct hone_model_info *info = &model->info;
    rope_describe(m, model->positions, sizeof model->positions);
    *info = (struct hone_model_info){
        .path = model->path,
        .name = model->name,
        .architecture = m->arch ? m->arch->name : "",
        .task = !m->arch                          ? HONE_TASK_NONE
                : m->hp.head == HEAD_TOKEN_LABELS ? HONE_TASK_CLASSIFY_TOKENS
                : m->hp.head == HEAD_ANSWERS      ? HONE_TASK_ANSWER
                : m->hp.head == HEAD_SPANS        ? HONE_TASK_FIND_SPANS
                : m->hp.head == HEAD_LISTWISE     ? HONE_TASK_RERANK
                : m->hp.n_labels                  ? HONE_TASK_CLASSIFY
                : m->hp.generates                 ? HONE_TASK_GENERATE
                                                  : HONE_TASK_EMBED,
        .pooling = pooling_name(m->hp.pooling),
        .normalize = m->hp.normalize,
        .activation = m->hp.n_labels ? scores[model->score]
                      : m->hp.generates && llm_rerank_can(model)
                          ? scores[model->score == SCORE_NONE ? SCORE_NONE : SCORE_SIGMOID]
                          : "none",
        .n_params = count_params(routes_file(model)),
        .n_vocab = tokenizer_n_tokens(model->target_tokenizer),
        .n_input_vocab = tokenizer_n_tokens(model->tokenizer),
        .n_layers = m->hp.n_layers,
        .n_embd = m->hp.n_embd,
        .n_dims = m->hp.truncate_dim && m->hp.truncate_dim < m->hp.n_out ? m->hp.truncate_dim : m->hp.n_out,
        .n_heads = m->hp.n_heads,
        .n_ff = m->hp.n_ff,
        .n_kv_heads = m->hp.n_kv_heads,
        .head_dim = m->hp.head_dim,
        .n_local = count_local(m),
        .window = count_local(m) ? m->hp.window : 0,
        .positions = model->positions,
        .max_length = m->hp.head == HEAD_SPANS ? m->hp.spans.max_tokens : m->hp.max_length,
        .n_labels = m->hp.n_labels,
        .fills_masks = m->hp.head == HEAD_WORDS && model->mask >= 0,
        .has_decoder = m->arch && m->arch->has_decoder,
        .n_prompts = model->n_prompts,
        .n_threads = (size_t)model->options.n_threads,
        .compute = computes[model->options.compute],
        .cpu = m->kernels ? m->kernels->name : "",
        .n_token_dims = hybrid_has_rows(model)                    ? m->weights.multi_vector.n_out
                        : m->arch && m->hp.pooling == POOL_TOKENS ? m->hp.n_out
                                                                  : m->hp.n_embd,
        .vectors_of_tokens = hybrid_has_rows(model),
        .weighs_words = hybrid_has_words(model) || (m->arch && m->hp.pooling == POOL_SPLADE),
        .route = model->route ? model->route : "",
    };
}

const struct hone_model_info *hone_model_info(const struct hone_model *model)
{
    return &model->info;
}

const char *hone_model_label(const struct hone_model *model, size_t i)
{
    return i < model->net.hp.n_labels ? model->labels[i] : "";
}

const char *hone_model_prompt(const struct hone_model *model, size_t i, const char **text)
{
    if (i >= model->n_prompts)
        return "";
    if (text)
        *text = model->prompts[i].text;
    return model->prompts[i].name;
}

const char *hone_model_remark(const struct hone_model *model, size_t i)
{
    return i < model->n_remarks ? model->remarks[i] : NULL;
}
