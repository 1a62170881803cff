/* Opening and closing a model, and what it can do. */
#include "runtime/infer/model.h"

#include "runtime/base/sizes.h"
#include "runtime/base/threads.h"
#include "runtime/infer/chat.h"
#include "runtime/infer/model_load.h"
#include "runtime/infer/routes.h"

#include <stdlib.h>
#include <string.h>

/* Tokens of a batch, which bound its activations: some tens of MB for a model of BERT's size. */
#define DEFAULT_BATCH_TOKENS 4096
#define MAX_THREADS          1024 /* a number beyond that is a mistake; each has memory of its own */

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
    const struct net *decoder = net_decoder(&model->net);
    if (decoder->hp.n_labels > 0 || decoder->weights.output.n_parts == 0)
        return hone_fail(err, HONE_USAGE, "%s does not generate text: it has no head that tells words",
                         model->path);
    return HONE_OK;
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
    model_fill_info(model);
    model->info.chat_template = template;
    return routes_open(model, err);
}

/* part: NULL, and the file is opened. */
static enum hone_status open_model(struct hone_model **out, const char *path, struct gguf *part,
                                   const struct net *elder, const struct hone_options *filled,
                                   struct hone_error *err)
{
    *out = NULL;
    struct hone_model *model = calloc(1, sizeof *model);
    if (!model) {
        gguf_close(&part);
        return hone_no_memory(err, "a model", sizeof *model);
    }
    model->options = *filled;
    model->net.gguf = part;
    model->net.elder = elder;
    pthread_mutex_init(&model->lock, NULL);
    enum hone_status status = fill(model, path, err);
    if (status != HONE_OK)
        hone_model_close(&model);
    *out = model;
    return status;
}

enum hone_status model_open_part(struct hone_model **out, const char *path, struct gguf *part,
                                 const struct net *elder, const struct hone_options *options,
                                 struct hone_error *err)
{
    return open_model(out, path, part, elder, options, err);
}

enum hone_status hone_model_open(struct hone_model **out, const char *path,
                                 const struct hone_options *options, struct hone_error *err)
{
    struct hone_options filled;
    *out = NULL;
    enum hone_status status = fill_options(&filled, path, options, err);
    return status == HONE_OK ? open_model(out, path, NULL, NULL, &filled, err) : status;
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

void hone_free(void *p)
{
    free(p);
}
