/* Opening and closing a model, and what can be asked of it. */
#include "runtime/infer/model.h"

#include "runtime/base/threads.h"
#include "runtime/generate/vocabulary.h"
#include "runtime/infer/judge.h"
#include "runtime/load/import/import.h"
#include "runtime/nn/head.h"
#include "runtime/nn/kv/kv.h"
#include "runtime/nn/rope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_BATCH_TOKENS 4096
#define MAX_THREADS          1024
#define PROMPT_KEY           "hone.prompt."

static char *copy_text(struct hone_text text)
{
    char *copy = malloc(text.size + 1);
    if (copy) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = 0;
    }
    return copy;
}

static enum hone_status open_file(struct gguf **out, const char *path, struct hone_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return import_folder(out, path, err);
    return gguf_open(out, path, err);
}

static enum hone_status find_arch(struct model *m, struct hone_error *err)
{
    struct hone_text text = {"", 0};
    char name[64] = "", known[512];
    enum hone_status status = gguf_get_text(m->gguf, "general.architecture", &text, err);
    if (status != HONE_OK)
        return status;
    if (text.size < sizeof name)
        memcpy(name, text.data, text.size);
    m->arch = arch_by_name(name);
    if (m->arch)
        return HONE_OK;
    arch_names(false, known, sizeof known);
    return hone_fail(err, HONE_BAD_MODEL, "%s: the architecture '%s' is not supported, expected one of %s",
                     gguf_path(m->gguf), name, known);
}

static enum hone_status check_vocab(const struct model *m, struct hone_error *err)
{
    size_t n = tokenizer_n_tokens(m->tokenizer);
    if (n == m->hp.n_vocab)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the vocabulary has %zu tokens, but 'token_embd.weight' has %zu rows",
                     gguf_path(m->gguf), n, m->hp.n_vocab);
}

static enum hone_status load_labels(struct model *m, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.classifier.output_labels", m->arch->name);
    const struct gguf_value *v = gguf_find(m->gguf, key);
    if (v && (!v->is_array || v->type != GGUF_STRING || v->n != m->hp.n_labels))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %zu strings, one a label",
                         gguf_path(m->gguf), key, m->hp.n_labels);
    m->labels = calloc(m->hp.n_labels + 1, sizeof *m->labels);
    if (!m->labels)
        return hone_no_memory(err, "labels", m->hp.n_labels * sizeof *m->labels);
    for (size_t i = 0; i < m->hp.n_labels; i++) {
        char name[32];
        int size = snprintf(name, sizeof name, "LABEL_%zu", i);
        m->labels[i] = copy_text(v ? v->strings[i] : (struct hone_text){name, (size_t)size});
        if (!m->labels[i])
            return hone_no_memory(err, "a label", v ? v->strings[i].size : sizeof name);
    }
    return HONE_OK;
}

static enum hone_status load_score(struct model *m, struct hone_error *err)
{
    static const char *const names[] = {"sigmoid", "softmax", "none"};
    struct hone_text name = {NULL, 0};
    enum hone_status status = gguf_get_text(m->gguf, "hone.score_activation", &name, err);
    m->score = m->hp.n_labels > 1 ? SCORE_SOFTMAX : SCORE_SIGMOID;
    if (status != HONE_OK || !name.data)
        return status;
    for (size_t i = 0; i < 3; i++)
        if (name.size == strlen(names[i]) && memcmp(name.data, names[i], name.size) == 0) {
            m->score = (enum score_activation)i;
            return HONE_OK;
        }
    return hone_fail(err, HONE_BAD_MODEL, "%s: hone.score_activation should be sigmoid, softmax or none",
                     gguf_path(m->gguf));
}

static enum hone_status load_prompts(struct model *m, struct hone_error *err)
{
    size_t n_keys = gguf_n_keys(m->gguf), prefix = strlen(PROMPT_KEY);
    m->prompts = calloc(n_keys + 1, sizeof *m->prompts);
    if (!m->prompts)
        return hone_no_memory(err, "prompts", n_keys * sizeof *m->prompts);
    for (size_t i = 0; i < n_keys; i++) {
        const char *key = gguf_key(m->gguf, i);
        struct hone_text text = {"", 0};
        if (strncmp(key, PROMPT_KEY, prefix) != 0)
            continue;
        enum hone_status status = gguf_get_text(m->gguf, key, &text, err);
        if (status != HONE_OK)
            return status;
        struct prompt *p = &m->prompts[m->n_prompts++];
        p->name = copy_text((struct hone_text){key + prefix, strlen(key + prefix)});
        p->text = copy_text(text);
        if (!p->name || !p->text)
            return hone_no_memory(err, "a prompt", text.size);
    }
    struct hone_text name = {NULL, 0};
    enum hone_status status = gguf_get_text(m->gguf, "hone.default_prompt", &name, err);
    for (size_t i = 0; i < m->n_prompts && name.data; i++)
        if (strlen(m->prompts[i].name) == name.size && memcmp(m->prompts[i].name, name.data, name.size) == 0)
            m->default_prompt = &m->prompts[i];
    return status;
}

/* Everything but the packing. Needs m->gguf. */
static enum hone_status model_read(struct model *m, bool force, struct hone_error *err)
{
    enum hone_status status = vocab_load(&m->tokenizer, m->gguf, err);
    if (status == HONE_OK)
        status = find_arch(m, err);
    if (status == HONE_OK)
        status = hparams_load(m, err);
    if (status == HONE_OK)
        status = check_vocab(m, err);
    if (status == HONE_OK)
        status = weights_find(m, force, err);
    if (status == HONE_OK)
        status = load_labels(m, err);
    if (status == HONE_OK)
        status = load_score(m, err);
    if (status == HONE_OK)
        status = load_prompts(m, err);
    return status;
}

/* Whether the file gave up precision already: whoever chose such a file wants its speed. */
static bool is_quantised(const struct gguf *g)
{
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        if (gguf_tensor_at(g, i)->type->block_len > 1)
            return true;
    return false;
}

static enum dense_kind kind_of(enum hone_compute compute)
{
    static const enum dense_kind kinds[] = {[HONE_COMPUTE_F32] = DENSE_F32,
                                            [HONE_COMPUTE_INT8] = DENSE_I8,
                                            [HONE_COMPUTE_BLAS] = DENSE_BLAS,
                                            [HONE_COMPUTE_BF16] = DENSE_BF16};
    return kinds[compute];
}

/* Of bfloat16 beside products of bytes: their rounding hides its own. Beside products of bfloat16 it would be felt. */
static void choose_attention(struct model *m, enum dense_kind kind)
{
    const struct kernels *k = m->kernels;
    bool is_bytes = kind == DENSE_I8;
    m->attention = is_bytes ? k->attention_bf16 : k->attention;
    m->tile_attention = is_bytes ? k->tile_attention_bf16 : k->tile_attention;
}

static enum hone_status model_load(struct model *m, const char *path, struct hone_options *options,
                                   struct hone_error *err)
{
    enum hone_status status = open_file(&m->gguf, path, err);
    if (status != HONE_OK)
        return status;
    if (options->vocab_only)
        return vocab_load(&m->tokenizer, m->gguf, err);
    m->kernels = kernels_get();
    if (options->compute == HONE_COMPUTE_AUTO)
        options->compute = is_quantised(m->gguf) ? HONE_COMPUTE_INT8 : HONE_COMPUTE_F32;
    choose_attention(m, kind_of(options->compute));
    status = model_read(m, options->force, err);
    if (status == HONE_OK)
        status = weights_pack(m, kind_of(options->compute), options->n_threads, err);
    return status;
}

static void model_free(struct model *m)
{
    weights_free(m);
    tokenizer_free(m->tokenizer);
    for (size_t i = 0; m->labels && i < m->hp.n_labels; i++)
        free(m->labels[i]);
    for (size_t i = 0; i < m->n_prompts; i++) {
        free(m->prompts[i].name);
        free(m->prompts[i].text);
    }
    free(m->labels);
    free(m->prompts);
    gguf_close(&m->gguf);
}

enum hone_status model_check(struct gguf *g, struct hone_error *err)
{
    struct model m = {.gguf = g};
    enum hone_status status = model_read(&m, false, err);
    m.gguf = NULL; /* the caller's */
    model_free(&m);
    return status;
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

static size_t count_local(const struct model *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->hp.n_layers && m->weights.layers; i++)
        n += m->weights.layers[i].local;
    return n;
}

static void fill_info(struct hone_model *model)
{
    static const char *const scores[] = {"sigmoid", "softmax", "none"};
    static const char *const computes[] = {"auto", "f32", "int8", "bf16", "blas"};
    const struct model *m = &model->model;
    struct hone_model_info *info = &model->info;
    rope_describe(m, model->positions, sizeof model->positions);
    *info = (struct hone_model_info){
        .path = model->path,
        .name = model->name,
        .architecture = m->arch ? m->arch->name : "",
        .task = !m->arch          ? HONE_TASK_NONE
                : m->hp.n_labels  ? HONE_TASK_CLASSIFY
                : m->hp.generates ? HONE_TASK_GENERATE
                                  : HONE_TASK_EMBED,
        .pooling = pooling_name(m->hp.pooling),
        .normalize = m->hp.normalize,
        .activation = m->hp.n_labels                        ? scores[m->score]
                      : m->hp.generates && judge_can(model) ? "sigmoid"
                                                            : "none",
        .n_params = count_params(m->gguf),
        .n_vocab = tokenizer_n_tokens(m->tokenizer),
        .n_layers = m->hp.n_layers,
        .n_embd = m->hp.n_embd,
        .n_dims = m->hp.n_out,
        .n_heads = m->hp.n_heads,
        .n_ff = m->hp.n_ff,
        .n_kv_heads = m->hp.n_kv_heads,
        .head_dim = m->hp.head_dim,
        .n_local = count_local(m),
        .window = count_local(m) ? m->hp.window : 0,
        .positions = model->positions,
        .max_length = m->hp.max_length,
        .n_labels = m->hp.n_labels,
        .has_decoder = m->arch && m->arch->has_decoder,
        .n_prompts = m->n_prompts,
        .n_threads = (size_t)model->options.n_threads,
        .compute = computes[model->options.compute],
        .cpu = m->kernels ? m->kernels->name : "",
    };
}

static enum hone_status fill_options(struct hone_options *o, const struct hone_options *given,
                                     struct hone_error *err)
{
    *o = given ? *given : (struct hone_options){0};
    if (o->n_threads < 0 || o->n_threads > MAX_THREADS)
        return hone_fail(err, HONE_USAGE, "%d threads were asked for, expected 1 to %d", o->n_threads,
                         MAX_THREADS);
    if (o->n_threads == 0)
        o->n_threads = threads_available();
    if (o->batch_tokens == 0)
        o->batch_tokens = DEFAULT_BATCH_TOKENS;
    return HONE_OK;
}

static enum hone_status fill(struct hone_model *model, const char *path, struct hone_error *err)
{
    struct hone_text name = {"", 0}, template = {"", 0};
    enum hone_status status = model_load(&model->model, path, &model->options, err);
    if (status == HONE_OK)
        status = gguf_get_text(model->model.gguf, "general.name", &name, err);
    if (status == HONE_OK)
        status = gguf_get_text(model->model.gguf, "tokenizer.chat_template", &template, err);
    if (status != HONE_OK)
        return status;
    struct hparams *hp = &model->model.hp;
    if (model->options.max_length > 0 && model->options.max_length < hp->max_length)
        hp->max_length = model->options.max_length;
    model->path = copy_text((struct hone_text){path, strlen(path)});
    model->name = copy_text(name);
    model->workers = calloc((size_t)model->options.n_threads, sizeof *model->workers);
    model->encodings = calloc((size_t)model->options.n_threads, sizeof *model->encodings);
    if (!model->path || !model->name || !model->workers || !model->encodings)
        return hone_no_memory(err, "a model", name.size);
    fill_info(model);
    model->info.chat_template = template;
    return HONE_OK;
}

enum hone_status hone_model_open(struct hone_model **out, const char *path,
                                 const struct hone_options *options, struct hone_error *err)
{
    struct hone_options filled;
    *out = NULL;
    enum hone_status status = fill_options(&filled, options, err);
    if (status != HONE_OK)
        return status;
    struct hone_model *model = calloc(1, sizeof *model);
    if (!model)
        return hone_no_memory(err, "a model", sizeof *model);
    model->options = filled;
    pthread_mutex_init(&model->lock, NULL);
    status = fill(model, path, err);
    if (status != HONE_OK)
        hone_model_close(&model);
    *out = model;
    return status;
}

void hone_model_close(struct hone_model **model)
{
    if (!model || !*model)
        return;
    struct hone_model *m = *model;
    for (int i = 0; m->workers && i < m->options.n_threads; i++)
        worker_release(&m->workers[i]);
    free(m->workers);
    stepper_release(&m->stepper);
    for (int i = 0; m->encodings && i < m->options.n_threads; i++)
        tok_encoding_release(&m->encodings[i]);
    free(m->encodings);
    kv_free(m->kv);
    vocabulary_free(m->vocabulary);
    model_free(&m->model);
    free(m->path);
    free(m->name);
    pthread_mutex_destroy(&m->lock);
    free(m);
    *model = NULL;
}

const struct hone_model_info *hone_model_info(const struct hone_model *model)
{
    return &model->info;
}

const char *hone_model_label(const struct hone_model *model, size_t i)
{
    return i < model->model.hp.n_labels ? model->model.labels[i] : "";
}

const char *hone_model_prompt(const struct hone_model *model, size_t i, const char **text)
{
    const struct model *m = &model->model;
    if (i >= m->n_prompts)
        return "";
    if (text)
        *text = m->prompts[i].text;
    return m->prompts[i].name;
}

void hone_free(void *p)
{
    free(p);
}
