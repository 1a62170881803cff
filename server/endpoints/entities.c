/* POST /api/v1/entities: {"texts": ["...", ...]}, and "model", "aggregate" if need be: what the texts name, and where. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

struct entities {
    struct work work;
    float *rows;
    size_t *starts; /* [n + 1] */
    struct hone_entity_options how;
};

static void release(void *state)
{
    struct entities *e = state;
    hone_free(e->rows);
    hone_free(e->starts);
    work_release(&e->work);
}

static void write_entity(struct reply_buffer *out, struct hone_text text, const struct hone_entity *e)
{
    reply_buffer_text(out, "{\"label\":");
    reply_buffer_json_string(out, e->label);
    reply_buffer_text(out, ",\"score\":");
    reply_buffer_json_float(out, e->score);
    reply_buffer_format(out, ",\"start\":%zu,\"end\":%zu,\"text\":", e->start, e->end);
    reply_buffer_json_text(out, (struct hone_text){text.data + e->start, e->end - e->start});
    reply_buffer_text(out, "}");
}

/* False: it has been answered that this failed. */
static bool write_text(struct http_request *r, const struct entities *e, size_t i)
{
    struct hone_entity *found;
    struct hone_error err;
    size_t n, n_labels = r->model->info->n_labels, n_rows = e->starts[i + 1] - e->starts[i];
    struct hone_text text = e->work.texts.items[i];
    enum hone_status status = hone_entities_of(r->model->light, text, e->rows + e->starts[i] * n_labels,
                                               n_rows, e->work.request.how.cut, &e->how, &found, &n, &err);
    if (status != HONE_OK) {
        http_fail(r, PROBLEM_FAILED, NULL, "%s", err.message);
        return false;
    }
    reply_buffer_text(&r->out, i ? ",[" : "[");
    for (size_t k = 0; k < n; k++) {
        reply_buffer_text(&r->out, k ? "," : "");
        write_entity(&r->out, text, &found[k]);
    }
    reply_buffer_text(&r->out, "]");
    hone_free(found);
    return true;
}

static void answer(struct http_request *r)
{
    const struct entities *e = r->state;
    if (!work_fits(r, &e->work))
        return;
    reply_buffer_text(&r->out, "{\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_text(&r->out, ",\"entities\":[");
    for (size_t i = 0; i < e->work.n; i++)
        if (!write_text(r, e, i))
            return;
    reply_buffer_text(&r->out, "],");
    work_write_usage(&r->out, &e->work);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

void entities_handle(struct http_request *r)
{
    struct entities *e = work_state(r, sizeof *e, release);
    struct hone_text model = {0};
    int aggregate = HONE_AGGREGATE_SIMPLE;
    if (!e)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_CLASSIFY_TOKENS))
        return;
    field_choice(&f, "aggregate", "simple|none|first|average|max", &aggregate);
    e->how = (struct hone_entity_options)HONE_ENTITY_DEFAULTS;
    e->how.aggregate = (enum hone_aggregate)aggregate;
    field_required(&f, "texts");
    field_texts(&f, "texts", &e->work.texts);
    work_texts(&e->work);
    e->work.request.out_rows = &e->rows;
    e->work.request.out_starts = &e->starts;
    if (!f.failed)
        work_submit(r, &e->work, HONE_REQUEST_CLASSIFY_TOKENS, 0, answer);
}
