/* What a model's file says: which family it is, its numbers and vocabulary, and how its results are read. */
#include "runtime/infer/model_load.h"

#include "runtime/base/text.h"
#include "runtime/infer/adaptations.h"
#include "runtime/infer/hybrid.h"
#include "runtime/infer/listwise.h"
#include "runtime/infer/multi_vector.h"
#include "runtime/infer/pair_template.h"
#include "runtime/infer/prompts.h"
#include "runtime/infer/routes.h"
#include "runtime/infer/spans/spans.h"
#include "runtime/load/import/import.h"
#include "runtime/load/import/keys.h"
#include "runtime/load/keys_file.h"
#include "runtime/load/load.h"
#include "runtime/load/lora/lora.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    char name[64] = "", known[640];
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
    size_t n = tokenizer_n_tokens(model->tokenizer), n_target = tokenizer_n_tokens(model->target_tokenizer);
    if (n != m->hp.n_input_vocab)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the vocabulary has %zu tokens, but 'token_embd.weight' has %zu rows",
                         gguf_path(m->gguf), n, m->hp.n_input_vocab);
    if (n_target != m->hp.n_vocab)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the vocabulary of what is written has %zu tokens, but the decoder's table of "
                         "embeddings has %zu rows",
                         gguf_path(m->gguf), n_target, m->hp.n_vocab);
    return HONE_OK;
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
    if (is_borrowed(model)) {
        model->tokenizer = model->options.like->tokenizer;
        model->target_tokenizer = model->options.like->target_tokenizer;
        return HONE_OK;
    }
    enum hone_status status = vocab_load(&model->tokenizer, model->net.gguf, err);
    model->target_tokenizer = model->tokenizer;
    if (status == HONE_OK && gguf_find(model->net.gguf, "hone.target.tokens"))
        status = vocab_load_target(&model->target_tokenizer, model->net.gguf, err);
    return status;
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
        status = listwise_check(model, err);
    if (status == HONE_OK)
        status = hybrid_load(model, err);
    if (status == HONE_OK)
        status = span_load(model, err);
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

enum hone_status model_load(struct hone_model *model, const char *path, struct hone_error *err)
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

void model_unload(struct hone_model *model)
{
    weights_free(&model->net);
    if (!is_borrowed(model) && model->target_tokenizer != model->tokenizer)
        tokenizer_free(model->target_tokenizer);
    if (!is_borrowed(model))
        tokenizer_free(model->tokenizer);
    for (size_t i = 0; model->labels && i < model->net.hp.n_labels; i++)
        free(model->labels[i]);
    free(model->labels);
    prompts_free(model);
    adaptations_free(model);
    pair_template_free(model->pairs);
    multi_vector_free(&model->multi);
    span_free(model);
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
