/* Opening and closing a model, and what can be asked of it. */
#include "runtime/infer/model.h"
#include "runtime/base/sizes.h"
#include "runtime/base/text.h"

#include "runtime/base/threads.h"
#include "runtime/infer/adaptations.h"
#include "runtime/infer/chat.h"
#include "runtime/infer/hybrid.h"
#include "runtime/infer/llm_rerank.h"
#include "runtime/infer/multi_vector.h"
#include "runtime/infer/pair_template.h"
#include "runtime/infer/prompts.h"
#include "runtime/infer/routes.h"
#include "runtime/load/import/import.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/keys_file.h"
#include "runtime/load/load.h"
#include "runtime/load/lora/lora.h"
#include "runtime/nn/head.h"
#include "runtime/nn/rope.h"

#include <hone/generate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_BATCH_TOKENS 4096
#define MAX_THREADS          1024

static enum hone_status open_file(struct gguf **out, const char *path, bool force, struct hone_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return import_folder(out, path, force, err);
    return gguf_open(out, path, err);
}

/* Files that go beside a model, and what they are. */
static enum hone_status check_purpose(const struct gguf *g, struct hone_text arch, struct hone_error *err)
{
    static const struct {
        const char *type, *arch, *what;
    } others[] = {
        {"adapter", NULL, "an adapter (LoRA), which changes another model"},
        {"mmproj", "clip", "the part of a model that reads images or sound; its text model is another file"},
        {"imatrix", "imatrix", "an importance matrix; quantising takes it with --imatrix"},
    };
    struct hone_text type = {"", 0};
    enum hone_status status = gguf_get_text(g, "general.type", &type, err);
    for (size_t i = 0; i < sizeof others / sizeof *others && status == HONE_OK; i++)
        if (text_is(type, others[i].type) || (others[i].arch && text_is(arch, others[i].arch)))
            return hone_fail(err, HONE_BAD_MODEL, "%s: this is %s", gguf_path(g), others[i].what);
    return status;
}

static enum hone_status find_arch(struct net *m, struct hone_error *err)
{
    struct hone_text text = {"", 0};
    char name[64] = "", known[512];
    enum hone_status status = gguf_get_text(m->gguf, "general.architecture", &text, err);
    if (status != HONE_OK)
        return status;
    status = check_purpose(m->gguf, text, err);
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

static enum hone_status check_vocab(const struct hone_model *model, struct hone_error *err)
{
    const struct net *m = &model->net;
    size_t n = tokenizer_n_tokens(model->tokenizer);
    if (n == m->hp.n_vocab)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: the vocabulary has %zu tokens, but 'token_embd.weight' has %zu rows",
                     gguf_path(m->gguf), n, m->hp.n_vocab);
}

static enum hone_status load_score(struct hone_model *model, struct hone_error *err)
{
    const struct net *m = &model->net;
    static const char *const names[] = {"sigmoid", "softmax", "none"};
    struct hone_text name = {NULL, 0};
    enum hone_status status = gguf_get_text(m->gguf, "hone.score_activation", &name, err);
    model->score = m->hp.n_labels > 1 ? SCORE_SOFTMAX : SCORE_SIGMOID;
    if (status != HONE_OK || !name.data)
        return status;
    for (size_t i = 0; i < 3; i++)
        if (text_is(name, names[i])) {
            model->score = (enum score_activation)i;
            return HONE_OK;
        }
    return hone_fail(err, HONE_BAD_MODEL, "%s: hone.score_activation should be sigmoid, softmax or none",
                     gguf_path(m->gguf));
}

static enum hone_status load_similarity(struct hone_model *model, struct hone_error *err)
{
    static const char *const names[N_SIMILARITIES] = {[SIMILARITY_USUAL] = "",
                                                      [SIMILARITY_COSINE] = "cosine",
                                                      [SIMILARITY_DOT] = "dot",
                                                      [SIMILARITY_EUCLIDEAN] = "euclidean",
                                                      [SIMILARITY_MANHATTAN] = "manhattan",
                                                      [SIMILARITY_MAXSIM] = "maxsim",
                                                      [SIMILARITY_MEANMAXSIM] = "meanmaxsim"};
    struct hone_text name = {"", 0};
    enum hone_status status = gguf_get_text(model->net.gguf, "hone.similarity", &name, err);
    for (enum similarity i = SIMILARITY_USUAL; i < N_SIMILARITIES && status == HONE_OK; i++)
        if (text_is(name, names[i])) {
            model->similarity = i;
            return HONE_OK;
        }
    return status != HONE_OK ? status
                             : hone_fail(err, HONE_BAD_MODEL, "%s: the key 'hone.similarity' is not known",
                                         gguf_path(model->net.gguf));
}

static enum hone_status load_logit_score(struct hone_model *model, struct hone_error *err)
{
    static const char *const keys[] = {"hone.true_token_id", "hone.false_token_id"};
    const struct gguf *g = model->net.gguf;
    size_t ids[2] = {SIZE_MAX, SIZE_MAX};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        status = gguf_get_size(g, keys[i], INT32_MAX, &ids[i], err);
        if (status == HONE_OK && ids[i] != SIZE_MAX && ids[i] >= model->net.hp.n_vocab)
            status =
                hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is %zu, but the vocabulary has %zu tokens",
                          gguf_path(g), keys[i], ids[i], model->net.hp.n_vocab);
    }
    model->logit_score = (struct logit_score){.is_there = ids[0] != SIZE_MAX,
                                              .yes = ids[0] == SIZE_MAX ? -1 : (int32_t)ids[0],
                                              .no = ids[1] == SIZE_MAX ? -1 : (int32_t)ids[1]};
    return status;
}

/* Of models that see the past: others have no chat. */
static enum hone_status load_pairs(struct hone_model *model, struct hone_error *err)
{
    bool wanted = true;
    const struct net *m = &model->net;
    enum hone_status status = gguf_get_bool(m->gguf, "hone.pair_messages", &wanted, err);
    if (status == HONE_OK && wanted && m->arch->causal && (m->hp.generates || m->hp.n_labels > 0))
        status = pair_template_load(model, err);
    return status == HONE_OK ? load_logit_score(model, err) : status;
}

static enum hone_status add_remark(struct hone_model *model, struct hone_text text, struct hone_error *err)
{
    char *copy = model_copy_text(text);
    if (!copy)
        return hone_no_memory(err, "remarks", text.size);
    model->remarks[model->n_remarks++] = copy;
    return HONE_OK;
}

/* Keys that are passed over: those of the file itself, and those of the folder that it was made from. */
static enum hone_status load_remarks(struct hone_model *model, bool force, struct hone_error *err)
{
    struct keys keys = {.force = force};
    const struct gguf_value *v = gguf_find(model->net.gguf, "hone.ignored_keys");
    size_t n = v && v->is_array && v->type == GGUF_STRING ? v->n : 0;
    enum hone_status status = keys_check_file(&keys, &model->net, err);
    model->remarks = calloc(n + keys.n_remarks + 1, sizeof *model->remarks);
    if (!model->remarks && status == HONE_OK)
        status = hone_no_memory(err, "remarks", n * sizeof *model->remarks);
    for (size_t i = 0; i < keys.n_remarks && status == HONE_OK; i++)
        status = add_remark(model, (struct hone_text){keys.remarks[i], strlen(keys.remarks[i])}, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = add_remark(model, v->strings[i], err);
    keys_release(&keys);
    return status;
}

/* The token that stands for a word to be told. */
static enum hone_status load_mask(struct hone_model *model, struct hone_error *err)
{
    size_t id = SIZE_MAX;
    enum hone_status status =
        gguf_get_size(model->net.gguf, "tokenizer.ggml.mask_token_id", SIZE_MAX, &id, err);
    model->mask = id < model->net.hp.n_vocab ? (int32_t)id : -1;
    return status;
}

/* Its file and vocabulary are those of another model. */
static bool is_borrowed(const struct hone_model *model)
{
    return model->options.like && model->options.like->tokenizer && !model->options.like->whole;
}

static enum hone_status find_vocabulary(struct hone_model *model, struct hone_error *err)
{
    if (!is_borrowed(model))
        return vocab_load(&model->tokenizer, model->net.gguf, err);
    model->tokenizer = model->options.like->tokenizer;
    return HONE_OK;
}

/* Everything but the packing. Needs model->net.gguf. */
static enum hone_status model_read(struct hone_model *model, bool force, struct hone_error *err)
{
    struct net *net = &model->net;
    enum hone_status status = find_arch(net, err);
    if (status == HONE_OK)
        status = find_vocabulary(model, err);
    if (status == HONE_OK)
        status = hparams_load(net, err);
    if (status == HONE_OK)
        status = check_vocab(model, err);
    if (status == HONE_OK)
        status = weights_find(net, force, err);
    if (status == HONE_OK)
        status = model_load_labels(model, err);
    if (status == HONE_OK)
        status = load_score(model, err);
    if (status == HONE_OK)
        status = prompts_load(model, err);
    if (status == HONE_OK)
        status = adaptations_load(model, err);
    if (status == HONE_OK)
        status = load_remarks(model, force, err);
    if (status == HONE_OK)
        status = load_mask(model, err);
    if (status == HONE_OK)
        status = multi_vector_load(model, err);
    if (status == HONE_OK)
        status = hybrid_load(model, err);
    if (status == HONE_OK && net->arch->has_decoder)
        status = languages_load(&model->languages, net->gguf, model->tokenizer, err);
    if (status == HONE_OK)
        status = load_similarity(model, err);
    return status == HONE_OK ? load_pairs(model, err) : status;
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
static void choose_attention(struct net *m, enum dense_kind kind)
{
    const struct kernels *k = m->kernels;
    bool is_bytes = kind == DENSE_I8;
    m->attention = is_bytes ? k->attention_bf16 : k->attention;
    m->tile_attention = is_bytes ? k->tile_attention_bf16 : k->tile_attention;
}

static enum hone_status load_vocabulary(struct hone_model *model, struct hone_error *err)
{
    enum hone_status status = find_vocabulary(model, err);
    return status == HONE_OK ? hparams_load_texts(&model->net, err) : status;
}

/* Into net.gguf, unless it is there already. */
static enum hone_status load_file(struct hone_model *model, const char *path, struct hone_error *err)
{
    const struct hone_options *options = &model->options;
    struct gguf *g;
    if (model->net.gguf)
        return HONE_OK;
    if (is_borrowed(model)) {
        model->net.gguf = gguf_borrow(options->like->net.gguf);
        return model->net.gguf ? HONE_OK : hone_no_memory(err, path, sizeof g);
    }
    enum hone_status status = open_file(&g, path, options->force, err);
    if (status != HONE_OK || !gguf_has_routes(g)) {
        model->net.gguf = g;
        return status;
    }
    status = routes_take(model, g, err);
    if (status == HONE_OK && options->n_loras > 0 && !options->vocab_only)
        return hone_fail(err, HONE_USAGE,
                         "%s: an adapter of a model that has several routes is not supported", path);
    return status;
}

static enum hone_status model_load(struct hone_model *model, const char *path, struct hone_error *err)
{
    struct net *net = &model->net;
    struct hone_options *options = &model->options;
    enum hone_status status = load_file(model, path, err);
    for (size_t i = 0; i < options->n_loras && status == HONE_OK && !options->vocab_only; i++)
        status = lora_merge(net->gguf, options->loras[i].path, options->loras[i].scale, err);
    options->loras = NULL; /* the caller's */
    options->n_loras = 0;
    if (status != HONE_OK)
        return status;
    if (options->vocab_only)
        return load_vocabulary(model, err);
    net->kernels = kernels_get();
    if (options->compute == HONE_COMPUTE_AUTO)
        options->compute = is_quantised(net->gguf) ? HONE_COMPUTE_INT8 : HONE_COMPUTE_F32;
    choose_attention(net, kind_of(options->compute));
    status = model_read(model, options->force, err);
    if (options->no_weights)
        return status == HONE_OK ? weights_measure(net, kind_of(options->compute), options->n_threads, err)
                                 : status;
    if (status == HONE_OK)
        status = weights_pack(net, kind_of(options->compute), options->n_threads, options->no_cache, err);
    return status;
}

/* What model_load filled in, of a half-built model too. */
static void model_unload(struct hone_model *model)
{
    weights_free(&model->net);
    if (!is_borrowed(model))
        tokenizer_free(model->tokenizer);
    for (size_t i = 0; model->labels && i < model->net.hp.n_labels; i++)
        free(model->labels[i]);
    free(model->labels);
    prompts_free(model);
    adaptations_free(model);
    pair_template_free(model->pairs);
    multi_vector_free(&model->multi);
    languages_release(&model->languages);
    for (size_t i = 0; i < model->n_remarks; i++)
        free(model->remarks[i]);
    free(model->remarks);
    gguf_close(&model->net.gguf);
    gguf_close(&model->whole);
}

static enum hone_status check_routes(const struct gguf *g, struct hone_error *err)
{
    const struct hone_text *names;
    size_t n = 0;
    struct hone_model routes[GGUF_MAX_ROUTES] = {0};
    enum hone_status status = gguf_route_names(g, &names, &n, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        status = gguf_open_route(&routes[i].net.gguf, g, names[i], err);
        if (status == HONE_OK)
            status = model_read(&routes[i], false, err);
        if (status == HONE_OK)
            status = routes_compare(&routes[0].net, &routes[i].net, err);
    }
    for (size_t i = 0; i < n; i++)
        model_unload(&routes[i]);
    return status;
}

enum hone_status model_check(struct gguf *g, struct hone_error *err)
{
    if (gguf_has_routes(g))
        return check_routes(g, err);
    struct hone_model model = {.net.gguf = g};
    enum hone_status status = model_read(&model, false, err);
    model.net.gguf = NULL; /* the caller's */
    model_unload(&model);
    return status;
}

bool model_goes_stepwise(const struct hone_model *model)
{
    const struct net *n = &model->net;
    return n->arch && (n->arch->causal || n->arch->has_decoder) && !n->hp.two_sided;
}

enum hone_status model_check_computes(const struct hone_model *model, struct hone_error *err)
{
    if (model->options.vocab_only)
        return hone_fail(err, HONE_USAGE, "%s was opened for its vocabulary alone", model->path);
    if (model->options.no_weights)
        return hone_fail(err, HONE_USAGE, "%s was opened without its weights", model->path);
    return HONE_OK;
}

enum hone_status model_check_generates(const struct hone_model *model, struct hone_error *err)
{
    enum hone_status status = model_check_computes(model, err);
    if (status != HONE_OK)
        return status;
    if (!model_goes_stepwise(model))
        return hone_fail(err, HONE_USAGE, "%s does not generate text: its architecture is '%s'%s",
                         model->path, model->net.arch->name,
                         model->net.hp.two_sided ? ", and its attention sees both sides" : "");
    return HONE_OK;
}

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

/* ---- opening ---- */

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

static void fill_info(struct hone_model *model)
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
        .n_vocab = tokenizer_n_tokens(model->tokenizer),
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
        .max_length = m->hp.max_length,
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

static enum hone_status fill_options(struct hone_options *o, const char *path,
                                     const struct hone_options *given, struct hone_error *err)
{
    *o = (struct hone_options)HONE_OPTIONS_DEFAULTS;
    enum hone_status status = sizes_take(o, sizeof *o, given, "hone_options", err);
    if (status != HONE_OK)
        return status;
    if (o->n_threads < 0 || o->n_threads > MAX_THREADS)
        return hone_fail(err, HONE_USAGE, "%d threads were asked for, expected 1 to %d", o->n_threads,
                         MAX_THREADS);
    if (o->like && (strcmp(o->like->path, path) != 0 || o->n_loras > 0))
        return hone_fail(err, HONE_USAGE, "%s: %s", path,
                         o->n_loras > 0 ? "an adapter cannot be added to what is shared with another model"
                                        : "what it is to share is of another file");
    if (o->n_threads == 0)
        o->n_threads = threads_available();
    if (o->batch_tokens == 0)
        o->batch_tokens = DEFAULT_BATCH_TOKENS;
    return HONE_OK;
}

static enum hone_status fill(struct hone_model *model, const char *path, struct hone_error *err)
{
    struct hone_text name = {"", 0}, template = {"", 0};
    enum hone_status status = model_load(model, path, err);
    if (status == HONE_OK)
        status = gguf_get_text(model->net.gguf, "general.name", &name, err);
    if (status == HONE_OK)
        status = gguf_get_text(model->net.gguf, "tokenizer.chat_template", &template, err);
    if (status != HONE_OK)
        return status;
    struct hparams *hp = &model->net.hp;
    if (model->options.max_length > 0 && model->options.max_length < hp->max_length)
        hp->max_length = model->options.max_length;
    model->path = model_copy_text((struct hone_text){path, strlen(path)});
    model->name = model_copy_text(name);
    model->workers = calloc((size_t)model->options.n_threads, sizeof *model->workers);
    model->encodings = calloc((size_t)model->options.n_threads, sizeof *model->encodings);
    model->chats = chat_templates_new();
    if (!model->path || !model->name || !model->workers || !model->encodings || !model->chats)
        return hone_no_memory(err, "a model", name.size);
    stepper_init(&model->stepper, &model->net, model->options.n_threads,
                 model_kv_type(model, model->options.kv), model->options.kv_tokens);
    fill_info(model);
    model->info.chat_template = template;
    return routes_open(model, err);
}

/* part: NULL, and the file is opened. */
static enum hone_status open_model(struct hone_model **out, const char *path, struct gguf *part,
                                   const struct hone_options *filled, struct hone_error *err)
{
    *out = NULL;
    struct hone_model *model = calloc(1, sizeof *model);
    if (!model) {
        gguf_close(&part);
        return hone_no_memory(err, "a model", sizeof *model);
    }
    model->options = *filled;
    model->net.gguf = part;
    pthread_mutex_init(&model->lock, NULL);
    enum hone_status status = fill(model, path, err);
    if (status != HONE_OK)
        hone_model_close(&model);
    *out = model;
    return status;
}

enum hone_status model_open_part(struct hone_model **out, const char *path, struct gguf *part,
                                 const struct hone_options *options, struct hone_error *err)
{
    return open_model(out, path, part, options, err);
}

enum hone_status hone_model_open(struct hone_model **out, const char *path,
                                 const struct hone_options *options, struct hone_error *err)
{
    struct hone_options filled;
    *out = NULL;
    enum hone_status status = fill_options(&filled, path, options, err);
    return status == HONE_OK ? open_model(out, path, NULL, &filled, err) : status;
}

void hone_model_close(struct hone_model **model)
{
    if (!model || !*model)
        return;
    struct hone_model *m = *model;
    routes_close(m);
    for (int i = 0; m->workers && i < m->options.n_threads; i++)
        worker_release(&m->workers[i]);
    free(m->workers);
    stepper_release(&m->stepper);
    for (int i = 0; m->encodings && i < m->options.n_threads; i++)
        tok_encoding_release(&m->encodings[i]);
    free(m->encodings);
    if (m->vocabulary)
        m->vocabulary_free(m->vocabulary);
    chat_templates_free(m->chats);
    model_unload(m);
    free(m->path);
    free(m->name);
    free(m->route);
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

void hone_free(void *p)
{
    free(p);
}
