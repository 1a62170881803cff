/* POST /api/v1/zero-shot: {"texts": ["...", ...], "labels": ["...", ...]}, and "model", "hypothesis", "multi_label" if need
 * be: how well labels fit that the model was not trained for. */
#include "runtime/base/text.h"
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

struct zero_shot_call {
    struct work work; /* a pair for each text and label */
    struct texts texts, labels;
    struct hone_text *seconds; /* [texts.n * labels.n] */
    char *hypotheses;          /* of the labels, behind one another */
    struct hone_zero_shot_options how;
};

static void release(void *state)
{
    struct zero_shot_call *z = state;
    free(z->texts.items);
    free(z->labels.items);
    free(z->seconds);
    free(z->hypotheses);
    work_release(&z->work);
}

/* ---- the request ---- */

/* The template with a label in place of its first {}. */
static char *put_label(char *to, struct hone_text template, const char *at, struct hone_text label)
{
    size_t before = (size_t)(at - template.data), after = template.size - before - 2;
    memcpy(to, template.data, before);
    memcpy(text_put(to + before, label), at + 2, after);
    return to + before + label.size + after;
}

static void write_hypotheses(struct fields *f, struct zero_shot_call *z)
{
    static const struct hone_text usual = {"This example is {}.", 19};
    struct hone_text template = z->how.hypothesis.data ? z->how.hypothesis : usual;
    const char *at = memmem(template.data, template.size, "{}", 2);
    size_t size = 1;
    for (size_t i = 0; i < z->labels.n; i++)
        size += template.size + z->labels.items[i].size;
    if (!at) {
        field_fail(f, PROBLEM_FIELD, "hypothesis", "must have {} where a label goes");
        return;
    }
    char *to = z->hypotheses = malloc(size);
    if (!to) {
        http_fail(f->r, PROBLEM_MEMORY, NULL, "out of memory for hypotheses");
        f->failed = true;
        return;
    }
    for (size_t i = 0; i < z->labels.n; i++) {
        char *end = put_label(to, template, at, z->labels.items[i]);
        z->seconds[i] = (struct hone_text){to, (size_t)(end - to)};
        to = end;
    }
}

static void make_pairs(struct fields *f, struct zero_shot_call *z)
{
    struct work *w = &z->work;
    size_t n = z->texts.n * z->labels.n;
    z->seconds = field_reserve(f, "labels", n, sizeof *z->seconds);
    w->texts.items = field_reserve(f, "labels", n, sizeof *w->texts.items);
    if (f->failed)
        return;
    write_hypotheses(f, z);
    for (size_t i = 0; i < n && !f->failed; i++) {
        w->texts.items[i] = z->texts.items[i / z->labels.n];
        z->seconds[i] = z->seconds[i % z->labels.n];
    }
    w->texts.n = n;
    work_texts(w);
    w->request.pairs = z->seconds;
    w->request.how.raw = w->request.how.keep_second = true;
}

/* ---- the answer ---- */

static bool write_scores(struct http_request *r, const struct zero_shot_call *z, size_t i, float *scores)
{
    struct hone_error err;
    size_t n = z->labels.n;
    if (hone_zero_shot_scores(r->model->light, z->work.values + i * n * z->work.width, n, &z->how, scores,
                              &err) != HONE_OK) {
        http_fail(r, PROBLEM_FAILED, NULL, "%s", err.message);
        return false;
    }
    reply_buffer_text(&r->out, i ? "," : "");
    reply_buffer_json_floats(&r->out, scores, n);
    return true;
}

static void write_answer(struct http_request *r, const struct zero_shot_call *z, float *scores)
{
    reply_buffer_text(&r->out, "{\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_text(&r->out, ",\"labels\":[");
    for (size_t k = 0; k < z->labels.n; k++) {
        reply_buffer_text(&r->out, k ? "," : "");
        reply_buffer_json_text(&r->out, z->labels.items[k]);
    }
    reply_buffer_text(&r->out, "],\"scores\":[");
    for (size_t i = 0; i < z->texts.n; i++)
        if (!write_scores(r, z, i, scores))
            return;
    reply_buffer_text(&r->out, "],");
    work_write_usage(&r->out, &z->work);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

static void answer(struct http_request *r)
{
    const struct zero_shot_call *z = r->state;
    float *scores = calloc(z->labels.n + 1, sizeof *scores);
    if (!scores)
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for an answer");
    else if (work_fits(r, &z->work))
        write_answer(r, z, scores);
    free(scores);
}

void zero_shot_handle(struct http_request *r)
{
    struct zero_shot_call *z = work_state(r, sizeof *z, release);
    struct hone_text model = {0};
    if (!z)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_CLASSIFY))
        return;
    z->how = (struct hone_zero_shot_options)HONE_ZERO_SHOT_DEFAULTS;
    field_text(&f, "hypothesis", &z->how.hypothesis);
    field_bool(&f, "multi_label", &z->how.multi_label);
    field_required(&f, "texts");
    field_texts(&f, "texts", &z->texts);
    field_required(&f, "labels");
    field_texts(&f, "labels", &z->labels);
    if (!f.failed && r->model->info->n_labels < 2)
        field_fail(&f, PROBLEM_FIELD, "model", "must know entailment; '%s' has one label", r->model->name);
    if (!f.failed)
        make_pairs(&f, z);
    if (!f.failed)
        work_submit(r, &z->work, HONE_REQUEST_CLASSIFY, r->model->info->n_labels, answer);
}
