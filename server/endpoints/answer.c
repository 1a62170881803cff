/* POST /api/v1/answer: {"questions": "...", "contexts": ["...", ...]}, and "model", "top_n", "none", "max_tokens" if need be: where
 * contexts answer a question, or each its own. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

#include <stdlib.h>

#define MOST_ANSWERS 1000 /* as the library has it */
#define MOST_TOKENS  4096 /* of an answer: spans are tried for each of its tokens */

struct answer_call {
    struct work work; /* its texts: the contexts' questions */
    struct texts contexts;
    struct hone_answer_options how;
    struct hone_answer *answers;
    size_t *starts; /* [n + 1] */
};

static void release(void *state)
{
    struct answer_call *a = state;
    free(a->contexts.items);
    hone_free(a->answers);
    hone_free(a->starts);
    work_release(&a->work);
}

static void write_answer(struct reply_buffer *out, struct hone_text context, const struct hone_answer *a)
{
    reply_buffer_text(out, "{\"score\":");
    reply_buffer_json_float(out, a->score);
    reply_buffer_format(out, ",\"start\":%zu,\"end\":%zu,\"text\":", a->start, a->end);
    reply_buffer_json_text(out, (struct hone_text){context.data + a->start, a->end - a->start});
    reply_buffer_text(out, "}");
}

static void answer(struct http_request *r)
{
    const struct answer_call *a = r->state;
    reply_buffer_text(&r->out, "{\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_text(&r->out, ",\"answers\":[");
    for (size_t i = 0; i < a->work.n; i++) {
        reply_buffer_text(&r->out, i ? ",[" : "[");
        for (size_t k = a->starts[i]; k < a->starts[i + 1]; k++) {
            reply_buffer_text(&r->out, k > a->starts[i] ? "," : "");
            write_answer(&r->out, a->contexts.items[i], &a->answers[k]);
        }
        reply_buffer_text(&r->out, "]");
    }
    reply_buffer_format(&r->out, "],\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", r->n_tokens,
                        r->n_tokens);
    http_reply(r, 200);
}

/* A question for each context: its own, or the one that there is. */
static void pair_up(struct fields *f, struct answer_call *a)
{
    struct texts *questions = &a->work.texts;
    size_t n = a->contexts.n;
    if (questions->n != 1 && questions->n != n)
        field_fail(f, PROBLEM_FIELD, "questions", "must be one, or one for each of the %zu contexts", n);
    struct hone_text *each = f->failed ? NULL : field_reserve(f, "contexts", n, sizeof *each);
    if (!each)
        return;
    for (size_t i = 0; i < n; i++)
        each[i] = questions->items[questions->n == 1 ? 0 : i];
    free(questions->items);
    *questions = (struct texts){each, n, a->contexts.alone};
    work_texts(&a->work);
    a->work.request.pairs = a->contexts.items;
}

static void read_options(struct fields *f, struct answer_call *a)
{
    a->how = (struct hone_answer_options)HONE_ANSWER_DEFAULTS;
    field_count(f, "top_n", 1, MOST_ANSWERS, &a->how.n_best);
    field_count(f, "max_tokens", 1, MOST_TOKENS, &a->how.max_tokens);
    field_bool(f, "none", &a->how.may_lack);
    a->work.request.answering = &a->how;
    a->work.request.out_answers = &a->answers;
    a->work.request.out_starts = &a->starts;
}

void answer_handle(struct http_request *r)
{
    struct answer_call *a = work_state(r, sizeof *a, release);
    struct hone_text model = {0};
    if (!a)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_ANSWER))
        return;
    read_options(&f, a);
    field_required(&f, "questions");
    field_texts(&f, "questions", &a->work.texts);
    field_required(&f, "contexts");
    field_texts(&f, "contexts", &a->contexts);
    if (!f.failed)
        pair_up(&f, a);
    if (!f.failed)
        work_submit(r, &a->work, HONE_REQUEST_ANSWER, 0, answer);
}
