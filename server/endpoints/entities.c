/* POST /api/v1/entities: {"texts": ["...", ...]}, and "model", "aggregate" if need be: what the texts name, and where. With
 * "labels": ["...", ...], and "threshold", "nested", "multi_label" if need be: what these labels name, of a model that finds such. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

struct entities {
    struct work work;
    float *rows;
    size_t *starts; /* [n + 1] */
    struct hone_entity_options how;
    struct texts labels; /* n 0: the model's */
    struct hone_span_options spanning;
    struct hone_labeled_span *spans;
};

static void release(void *state)
{
    struct entities *e = state;
    free(e->labels.items);
    hone_free(e->spans);
    hone_free(e->rows);
    hone_free(e->starts);
    work_release(&e->work);
}

static void write_entity(struct reply_buffer *out, struct hone_text label, float score, struct hone_text text,
                         size_t start, size_t end)
{
    reply_buffer_text(out, "{\"label\":");
    reply_buffer_json_text(out, label);
    reply_buffer_text(out, ",\"score\":");
    reply_buffer_json_float(out, score);
    reply_buffer_format(out, ",\"start\":%zu,\"end\":%zu,\"text\":", start, end);
    reply_buffer_json_text(out, (struct hone_text){text.data + start, end - start});
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
        write_entity(&r->out, (struct hone_text){found[k].label, strlen(found[k].label)}, found[k].score,
                     text, found[k].start, found[k].end);
    }
    reply_buffer_text(&r->out, "]");
    hone_free(found);
    return true;
}

static bool write_spans(struct http_request *r, const struct entities *e, size_t i)
{
    reply_buffer_text(&r->out, i ? ",[" : "[");
    for (size_t k = e->starts[i]; k < e->starts[i + 1]; k++) {
        const struct hone_labeled_span *s = &e->spans[k];
        reply_buffer_text(&r->out, k > e->starts[i] ? "," : "");
        write_entity(&r->out, e->labels.items[s->label], s->score, e->work.texts.items[i], s->start, s->end);
    }
    reply_buffer_text(&r->out, "]");
    return true;
}

static void answer(struct http_request *r)
{
    const struct entities *e = r->state;
    const bool spans = e->labels.n > 0;
    if (!spans && !work_fits(r, &e->work))
        return;
    reply_buffer_text(&r->out, "{\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_text(&r->out, ",\"entities\":[");
    for (size_t i = 0; i < e->work.n; i++)
        if (!(spans ? write_spans : write_text)(r, e, i))
            return;
    const size_t n = spans ? r->n_tokens : work_tokens(&e->work);
    reply_buffer_format(&r->out, "],\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", n, n);
    http_reply(r, 200);
}

static void read_spans(struct fields *f, struct entities *e)
{
    double threshold = 0.5;
    e->spanning = (struct hone_span_options)HONE_SPAN_DEFAULTS;
    field_number(f, "threshold", 0, 1, &threshold);
    field_bool(f, "nested", &e->spanning.nested);
    field_bool(f, "multi_label", &e->spanning.multi_label);
    e->spanning.threshold = (float)threshold;
    e->work.request.labels = e->labels.items;
    e->work.request.n_labels = e->labels.n;
    e->work.request.spanning = &e->spanning;
    e->work.request.out_spans = &e->spans;
}

static void read_aggregate(struct fields *f, struct entities *e)
{
    int aggregate = HONE_AGGREGATE_SIMPLE;
    field_choice(f, "aggregate", "simple|none|first|average|max", &aggregate);
    e->how = (struct hone_entity_options)HONE_ENTITY_DEFAULTS;
    e->how.aggregate = (enum hone_aggregate)aggregate;
    e->work.request.out_rows = &e->rows;
}

void entities_handle(struct http_request *r)
{
    struct entities *e = work_state(r, sizeof *e, release);
    struct hone_text model = {0};
    if (!e)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    field_texts(&f, "labels", &e->labels);
    const bool spans = e->labels.n > 0;
    if (f.failed || !http_model(r, model, spans ? HONE_TASK_FIND_SPANS : HONE_TASK_CLASSIFY_TOKENS))
        return;
    if (spans || f.describing)
        read_spans(&f, e);
    if (!spans)
        read_aggregate(&f, e);
    field_required(&f, "texts");
    field_texts(&f, "texts", &e->work.texts);
    work_texts(&e->work);
    e->work.request.out_starts = &e->starts;
    if (!f.failed)
        work_submit(r, &e->work, spans ? HONE_REQUEST_FIND_SPANS : HONE_REQUEST_CLASSIFY_TOKENS, 0, answer);
}
