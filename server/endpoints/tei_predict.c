/* POST /predict of text-embeddings-inference. "inputs" is a text, a pair as a list of two, or a list of lists of one
 * text or two. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/tei.h"
#include "server/service.h"

#include <stdlib.h>

/* Texts and pairs are requests of their own. */
struct predict {
    struct work single, paired; /* single first: it is what tei_begin sets */
    struct hone_text *seconds;  /* [paired.n] */
    struct {
        bool is_pair;
        size_t i; /* in `single` or `paired` */
    } * places;   /* [n] */
    size_t n;
    bool alone;
};

static void release(void *state)
{
    struct predict *p = state;
    free(p->places);
    free(p->seconds);
    work_release(&p->paired);
    work_release(&p->single);
}

/* ---- the request ---- */

static struct hone_text text_at(struct fields *f, const json_t *list, size_t i)
{
    const json_t *text = json_is_array(list) ? json_array_get(list, i) : list;
    if (!json_is_string(text))
        field_fail(f, PROBLEM_FIELD, "inputs", "must be a string, a pair of them, or a list of such lists");
    return (struct hone_text){json_string_value(text), json_string_length(text)};
}

/* item: a string, or a list of one or two */
static void add(struct fields *f, struct predict *p, const json_t *item, size_t i)
{
    bool is_pair = json_array_size(item) == 2;
    struct work *w = is_pair ? &p->paired : &p->single;
    if (json_array_size(item) > 2)
        field_fail(f, PROBLEM_FIELD, "inputs", "must have one text or two in each list");
    p->places[i].is_pair = is_pair;
    p->places[i].i = w->texts.n;
    if (is_pair)
        p->seconds[w->texts.n] = text_at(f, item, 1);
    w->texts.items[w->texts.n++] = text_at(f, item, 0);
}

static void read_inputs(struct fields *f, struct predict *p)
{
    field_required(f, "inputs");
    const json_t *inputs = field_get(f, "inputs");
    p->alone = !json_is_array(json_array_get(inputs, 0));
    p->n = p->alone ? 1 : json_array_size(inputs);
    p->places = field_reserve(f, "inputs", p->n, sizeof *p->places);
    p->seconds = field_reserve(f, "inputs", p->n, sizeof *p->seconds);
    p->single.texts.items = field_reserve(f, "inputs", p->n, sizeof *p->single.texts.items);
    p->paired.texts.items = field_reserve(f, "inputs", p->n, sizeof *p->paired.texts.items);
    for (size_t i = 0; i < p->n && !f->failed; i++)
        add(f, p, p->alone ? inputs : json_array_get(inputs, i), i);
    work_texts(&p->single);
    work_texts(&p->paired);
    p->paired.request.how = p->single.request.how;
    p->paired.request.pairs = p->seconds;
    p->paired.strict = p->single.strict;
}

/* ---- the answer ---- */

static int by_falling_score(const void *a, const void *b, void *scores)
{
    float x = ((const float *)scores)[*(const size_t *)a], y = ((const float *)scores)[*(const size_t *)b];
    return (x < y) - (x > y);
}

static void write_labels(struct http_request *r, const float *scores, size_t *order)
{
    size_t n = r->model->info->n_labels;
    for (size_t k = 0; k < n; k++)
        order[k] = k;
    qsort_r(order, n, sizeof *order, by_falling_score, (void *)scores);
    for (size_t k = 0; k < n; k++) {
        reply_buffer_text(&r->out, k ? ",{\"score\":" : "[{\"score\":");
        reply_buffer_json_float(&r->out, scores[order[k]]);
        reply_buffer_text(&r->out, ",\"label\":");
        reply_buffer_json_string(&r->out, hone_model_label(r->model->light, order[k]));
        reply_buffer_text(&r->out, "}");
    }
    reply_buffer_text(&r->out, "]");
}

static void answer(struct http_request *r)
{
    const struct predict *p = r->state;
    size_t *order = calloc(r->model->info->n_labels, sizeof *order);
    if (!order) {
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for an answer");
        return;
    }
    if (work_fits(r, &p->single) && work_fits(r, &p->paired)) {
        for (size_t i = 0; i < p->n; i++) {
            const struct work *w = p->places[i].is_pair ? &p->paired : &p->single;
            reply_buffer_text(&r->out, p->alone ? "" : i ? "," : "[");
            write_labels(r, w->values + p->places[i].i * w->width, order);
        }
        reply_buffer_text(&r->out, p->alone ? "" : "]");
        http_reply(r, 200);
    }
    free(order);
}

void tei_predict_handle(struct http_request *r)
{
    struct predict *p = work_state(r, sizeof *p, release);
    if (!p)
        return;
    struct fields f = fields_of(r);
    if (!tei_begin(&f, &f, &p->single, HONE_TASK_CLASSIFY))
        return;
    field_bool(&f, "raw_scores", &p->single.request.how.raw);
    read_inputs(&f, p);
    if (!f.failed && p->single.n > 0)
        work_submit(r, &p->single, HONE_REQUEST_CLASSIFY, r->model->info->n_labels, answer);
    if (!f.failed && p->paired.n > 0)
        work_submit(r, &p->paired, HONE_REQUEST_CLASSIFY, r->model->info->n_labels, answer);
}
