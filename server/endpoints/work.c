#include "server/endpoints/work.h"
#include "server/manager/degrade.h"
#include "server/service.h"

#include <stdint.h>
#include <stdlib.h>

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
    if (name.size == 0)
        for (size_t i = 0; i < models->n && !r->model; i++)
            if (models->items[i]->info->n_labels == 1)
                r->model = models->items[i];
    if (r->model)
        return degrade_choose(r);
    bool embeds = name.size == 0 && models_find(models, any, HONE_TASK_EMBED);
    return http_model(r, name, embeds ? HONE_TASK_EMBED : HONE_TASK_NONE);
}

static void read_ids(struct fields *f, const char *name, const json_t *value, struct work *w)
{
    size_t n_vocab = f->r->model->info->n_vocab;
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

bool work_fits(struct http_request *r, const struct work *w)
{
    bool strict = w->strict || r->service->settings.strict;
    for (size_t i = 0; strict && i < w->n; i++)
        if (w->truncated[i]) {
            http_fail(r, PROBLEM_LENGTH, NULL, "text %zu is longer than the %zu tokens that '%s' reads", i,
                      r->model->info->max_length, r->model->name);
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
