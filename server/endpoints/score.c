/* POST /v1/score: "text_1" and "text_2", or "queries" and "documents", each a text or a list; one of them alone is compared
 * with all of the others, lists with each other in order. docs.vllm.ai/en/stable/serving/openai_compatible_server.html */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/http/unique.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct score {
    struct work work;
    struct texts first, second;
    struct hone_text *pairs; /* [n_pairs], of a cross-encoder */
    size_t n_pairs;
    bool asked; /* a model that generates: w->values are of the pairs, too */
};

static void release(void *state)
{
    struct score *s = state;
    free(s->first.items);
    free(s->second.items);
    free(s->pairs);
    work_release(&s->work);
}

static size_t place(const struct texts *list, size_t i)
{
    return list->n == 1 ? 0 : i;
}

/* A cross-encoder's, or the cosine of the vectors of both texts, which have length 1. */
static float score_of(const struct score *s, size_t i)
{
    const struct work *w = &s->work;
    if (s->pairs || s->asked)
        return w->values[i];
    const float *a = w->values + place(&s->first, i) * w->width;
    const float *b = w->values + (s->first.n + place(&s->second, i)) * w->width;
    double sum = 0;
    for (size_t k = 0; k < w->width; k++)
        sum += (double)a[k] * (double)b[k];
    return (float)sum;
}

static void answer(struct http_request *r)
{
    const struct score *s = r->state;
    if (!work_fits(r, &s->work))
        return;
    unique_write(&r->out, "{\"id\":\"score-");
    reply_buffer_format(&r->out, "\",\"object\":\"list\",\"created\":%lld,\"model\":", (long long)time(NULL));
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_text(&r->out, ",\"data\":[");
    for (size_t i = 0; i < s->n_pairs; i++) {
        reply_buffer_format(&r->out, "%s{\"index\":%zu,\"object\":\"score\",\"score\":", i ? "," : "", i);
        reply_buffer_json_float(&r->out, score_of(s, i));
        reply_buffer_text(&r->out, "}");
    }
    reply_buffer_text(&r->out, "],");
    work_write_usage(&r->out, &s->work);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

static void submit_pairs(struct fields *f, struct score *s)
{
    struct work *w = &s->work;
    w->texts.items = field_reserve(f, "text_1", s->n_pairs, sizeof *w->texts.items);
    s->pairs = field_reserve(f, "text_2", s->n_pairs, sizeof *s->pairs);
    if (f->failed)
        return;
    for (size_t i = 0; i < s->n_pairs; i++) {
        w->texts.items[i] = s->first.items[place(&s->first, i)];
        s->pairs[i] = s->second.items[place(&s->second, i)];
    }
    w->texts.n = s->n_pairs;
    work_texts(w);
    w->request.pairs = s->pairs;
    work_submit(f->r, w, HONE_REQUEST_CLASSIFY, 1, answer);
}

/* Vectors of tokens, weights of words, and vectors that a router makes of queries otherwise than of documents, have no cosine
 * that does not say which text is which. */
static bool compares_sides(const struct hone_model_info *info)
{
    return *info->route || strcmp(info->pooling, "tokens") == 0 || strcmp(info->pooling, "splade") == 0;
}

/* Documents for one query, as a model that generates judges them, or as a model ranks them. */
static void submit_query(struct http_request *r, struct score *s)
{
    struct work *w = &s->work;
    w->texts = s->second;
    s->second.items = NULL;
    work_texts(w);
    w->request.query = s->first.items[0];
    s->asked = true;
    work_submit(r, w, HONE_REQUEST_RERANK, 1, answer);
}

static void submit_both(struct fields *f, struct score *s)
{
    struct work *w = &s->work;
    w->texts.n = s->first.n + s->second.n;
    w->texts.items = calloc(w->texts.n, sizeof *w->texts.items);
    if (!w->texts.items) {
        field_fail(f, PROBLEM_MEMORY, "text_1", "is too much for the memory there is");
        return;
    }
    memcpy(w->texts.items, s->first.items, s->first.n * sizeof *s->first.items);
    memcpy(w->texts.items + s->first.n, s->second.items, s->second.n * sizeof *s->second.items);
    work_texts(w);
    w->request.how.normalize = 1;
    work_embed(f->r, w, answer);
}

void score_handle(struct http_request *r)
{
    struct hone_text model = {0};
    struct score *s = work_state(r, sizeof *s, release);
    if (!s)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    bool newer = field_get(&f, "queries");
    const char *first = newer ? "queries" : "text_1", *second = newer ? "documents" : "text_2";
    field_required(&f, first);
    field_required(&f, second);
    field_texts(&f, first, &s->first);
    field_texts(&f, second, &s->second);
    s->n_pairs = s->first.n > s->second.n ? s->first.n : s->second.n;
    if (!f.failed && s->first.n != s->second.n && s->first.n != 1 && s->second.n != 1)
        field_fail(&f, PROBLEM_FIELD, second, "must be one text, or as many as '%s'", first);
    if (f.failed || !rerank_model(r, model))
        return;
    const struct hone_model_info *info = r->model->info;
    bool sides = info->task == HONE_TASK_EMBED && compares_sides(info);
    if (sides && s->first.n != 1)
        field_fail(&f, PROBLEM_FIELD, first, "must be one text, the query, for '%s'", r->model->name);
    else if (info->task == HONE_TASK_EMBED && !sides)
        submit_both(&f, s);
    else if (info->n_labels == 1)
        submit_pairs(&f, s);
    else if ((sides || info->task == HONE_TASK_GENERATE || info->task == HONE_TASK_RERANK) && s->first.n == 1)
        submit_query(r, s);
    else
        http_fail(r, PROBLEM_TASK, "model", "the model '%s' gives a pair no score", r->model->name);
}
