#include "server/endpoints/work.h"
#include "server/manager/degrade.h"
#include "server/service.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *work_state(struct http_request *r, size_t size, void (*release)(void *state))
{
    struct work *w = http_state(r, size, release);
    if (w)
        w->request.how = (struct hone_run_options)HONE_RUN_DEFAULTS;
    return w;
}

void work_release(void *work)
{
    struct work *w = work;
    for (size_t i = 0; w->lists && i < w->n; i++)
        free(w->lists[i].items);
    free(w->lists);
    free(w->ids);
    free(w->texts.items);
    free(w->values);
    free(w->n_tokens);
    free(w->truncated);
}

bool rerank_model(struct http_request *r, struct hone_text name)
{
    const struct models *models = &r->service->models;
    struct hone_text any = {NULL, 0};
    r->reranks = true;
    if (name.size == 0)
        for (size_t i = 0; i < models->n && !r->model; i++)
            if (models_only_rank(models->items[i]))
                r->model = models->items[i];
    if (r->model)
        return degrade_choose(r);
    bool embeds = name.size == 0 && models_find(models, any, HONE_TASK_EMBED);
    return http_model(r, name, embeds ? HONE_TASK_EMBED : HONE_TASK_NONE);
}

static void read_ids(struct fields *f, const char *name, const json_t *value, struct work *w)
{
    size_t n_vocab = f->r->model->info->n_input_vocab;
    w->alone = json_is_integer(json_array_get(value, 0));
    size_t n = w->alone ? 1 : json_array_size(value);
    w->lists = field_reserve(f, name, n, sizeof *w->lists);
    w->ids = field_reserve(f, name, n, sizeof *w->ids);
    if (!w->lists || !w->ids)
        return;
    w->n = n;
    for (size_t i = 0; i < n; i++) {
        field_ids(f, name, w->alone ? value : json_array_get(value, i), n_vocab, &w->lists[i]);
        w->ids[i] = (struct hone_ids){w->lists[i].items, w->lists[i].n};
    }
    w->request.ids = w->ids;
}

void work_inputs(struct fields *f, const char *name, struct work *w)
{
    field_required(f, name);
    const json_t *value = field_get(f, name), *first = json_array_get(value, 0);
    if (json_is_integer(first) || json_is_array(first)) {
        read_ids(f, name, value, w);
        return;
    }
    field_texts(f, name, &w->texts);
    work_texts(w);
}

void work_input_type(struct fields *f, struct work *w)
{
    static const enum hone_role roles[] = {HONE_ROLE_QUERY,    HONE_ROLE_DOCUMENT, HONE_ROLE_QUERY,
                                           HONE_ROLE_DOCUMENT, HONE_ROLE_DOCUMENT, HONE_ROLE_NONE,
                                           HONE_ROLE_NONE};
    int type = -1;
    field_choice(f, "input_type",
                 "query|document|search_query|search_document|passage|classification|clustering", &type);
    if (type >= 0)
        w->request.how.as = roles[type];
}

void work_prompt_name(struct fields *f, struct work *w)
{
    static const struct {
        const char *name;
        enum hone_role role;
    } sides[] = {{"query", HONE_ROLE_QUERY},
                 {"document", HONE_ROLE_DOCUMENT},
                 {"passage", HONE_ROLE_DOCUMENT},
                 {"corpus", HONE_ROLE_DOCUMENT}};
    const char *name = NULL;
    field_name(f, "prompt_name", &name);
    w->request.how.prompt = name;
    for (size_t i = 0; i < sizeof sides / sizeof *sides && name; i++)
        if (strcmp(name, sides[i].name) == 0)
            w->request.how.as = sides[i].role;
}

/* Jina's clients name a search's sides to every model. */
void work_task(struct fields *f, struct work *w)
{
    static const struct {
        const char *name;
        enum hone_role role;
    } sides[] = {{"retrieval.query", HONE_ROLE_QUERY}, {"retrieval.passage", HONE_ROLE_DOCUMENT}};
    const char *name = NULL;
    field_name(f, "task", &name);
    if (f->failed || !name)
        return;
    if (!hone_model_adaptation(f->r->model->model, 0))
        for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
            if (strcmp(name, sides[i].name) == 0) {
                w->request.how.as = sides[i].role;
                return;
            }
    w->request.how.adaptation = name;
}

void work_choose_prompt(const struct http_request *r, struct work *w)
{
    const struct hone_model *model = r->model->model;
    struct hone_run_options *how = &w->request.how;
    bool known = !*r->model->info->route || how->as == HONE_ROLE_NONE || !how->prompt;
    for (size_t i = 0; i < r->model->info->n_prompts && !known; i++)
        known = strcmp(hone_model_prompt(model, i, NULL), how->prompt) == 0;
    if (!known)
        how->prompt = NULL;
}

void work_texts(struct work *w)
{
    w->n = w->texts.n;
    w->alone = w->texts.alone;
    w->request.texts = w->texts.items;
}

void work_submit(struct http_request *r, struct work *w, enum hone_request_kind kind, size_t width,
                 http_handler then)
{
    w->width = width;
    w->values = calloc(w->n, (width + 1) * sizeof *w->values);
    w->n_tokens = calloc(w->n, sizeof *w->n_tokens);
    w->truncated = calloc(w->n, sizeof *w->truncated);
    if (!w->values || !w->n_tokens || !w->truncated) {
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for %zu results", w->n);
        return;
    }
    w->request.kind = kind;
    w->request.n_texts = w->n;
    w->request.out = w->values;
    w->request.out_n_tokens = w->n_tokens;
    w->request.out_truncated = w->truncated;
    r->then = then;
    http_submit(r, &w->request);
}

void work_embed(struct http_request *r, struct work *w, http_handler then)
{
    size_t n_dims = w->request.how.n_dims;
    work_submit(r, w, HONE_REQUEST_EMBED, n_dims ? n_dims : r->model->info->n_dims, then);
}

size_t work_most_tokens(const struct http_request *r, const struct work *w)
{
    const struct hone_model *reader = hone_model_route(r->model->model, w->request.how.as);
    return hone_model_info(reader ? reader : r->model->model)->max_length;
}

bool work_is_too_long(const struct http_request *r, const struct work *w, size_t i)
{
    return (w->strict || r->service->settings.strict) && w->truncated[i];
}

bool work_fits(struct http_request *r, const struct work *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (work_is_too_long(r, w, i)) {
            http_fail(r, PROBLEM_LENGTH, NULL, "text %zu is longer than the %zu tokens that '%s' reads", i,
                      work_most_tokens(r, w), r->model->name);
            return false;
        }
    return true;
}

size_t work_tokens(const struct work *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->n_tokens[i];
    return n;
}

void work_write_usage(struct reply_buffer *out, const struct work *w)
{
    size_t n = work_tokens(w);
    reply_buffer_format(out, "\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}", n, n);
}

bool work_reply_raw(struct http_request *r, const struct work *w)
{
    if (!http_wants_raw(r))
        return false;
    reply_buffer_write(&r->out, w->values, w->n * w->width * sizeof *w->values);
    r->type = "application/octet-stream";
    http_reply(r, 200);
    return true;
}

void work_write_rows(struct reply_buffer *out, const struct work *w)
{
    reply_buffer_text(out, "[");
    for (size_t i = 0; i < w->n; i++) {
        reply_buffer_text(out, i ? "," : "");
        reply_buffer_json_floats(out, w->values + i * w->width, w->width);
    }
    reply_buffer_text(out, "]");
}
