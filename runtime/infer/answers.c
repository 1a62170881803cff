/* Answers that stand in a text: a head tells of each token how well an answer begins and ends there, and the spans whose product
 * of both is largest are told, as transformers' pipeline does it. */
#include "runtime/base/sizes.h"
#include "runtime/base/utf8.h"
#include "runtime/infer/ragged.h"
#include "runtime/infer/tasks.h"
#include "tokenizer/text/unicode.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ANSWERS 1000 /* each new one is compared with all that were found: work grows by the square */

/* A context with its question, as token ids. */
struct asked {
    struct tok_encoding e;
    size_t first, end; /* tokens of the context */
    size_t n_windows, first_window;
};

/* Part of a context, behind the question: the tokens [start, end) of asked.e. */
struct window {
    size_t asked, start, end;
};

struct answering {
    struct hone_model *model;
    const struct hone_text *questions, *contexts;
    struct hone_answer_options how;
    size_t n, n_windows;
    struct asked *asked;    /* [n] */
    struct window *windows; /* [n_windows] */
    struct token_run *runs; /* [n_windows] */
    int32_t *ids;           /* those of all windows */
    uint8_t *type_ids;
    struct ragged logits; /* of windows */
};

/* ---- tokens ---- */

static enum hone_status encode(const struct answering *a, struct hone_text text, const struct hone_text *pair,
                               struct tok_encoding *e, struct hone_error *err)
{
    const struct tok_options how = {.add_special = pair != NULL, .spans = true};
    struct hone_error why = {0};
    return tokenizer_encode(a->model->tokenizer, text, pair, &how, e, &why)
               ? HONE_OK
               : hone_fail(err, why.status, "%s", why.message);
}

/* The context's tokens are those behind the question's, which are as many as it has alone. */
static enum hone_status find_context(struct answering *a, size_t i, struct tok_encoding *alone,
                                     struct hone_error *err)
{
    struct asked *q = &a->asked[i];
    enum hone_status status = encode(a, a->questions[i], NULL, alone, err);
    if (status == HONE_OK)
        status = encode(a, a->questions[i], &a->contexts[i], &q->e, err);
    if (status != HONE_OK)
        return status;
    size_t n_text = 0;
    q->first = q->end = q->e.n;
    for (size_t t = 0; t < q->e.n; t++) {
        if (q->e.spans[t].start == TOK_NO_TEXT || n_text++ < alone->n)
            continue;
        q->first = q->first < t ? q->first : t;
        q->end = t + 1;
    }
    return HONE_OK;
}

/* How many windows a context needs: each has as many tokens as fit, and the next one begins `overlap` before its end. */
static enum hone_status count_windows(struct answering *a, size_t i, size_t *room, size_t *step,
                                      struct hone_error *err)
{
    struct asked *q = &a->asked[i];
    size_t most = a->model->net.hp.max_length, n = q->end - q->first, around = q->e.n - n;
    if (a->how.window > 0 && a->how.window < most)
        most = a->how.window;
    size_t overlap = a->how.overlap < most / 2 ? a->how.overlap : most / 2;
    *room = most > around ? most - around : 0;
    *step = *room > overlap ? *room - overlap : 0;
    q->n_windows = n > 0;
    if (n <= *room)
        return HONE_OK;
    if (*step == 0)
        return hone_fail(err, HONE_USAGE,
                         "question %zu: with its %zu tokens too little of %zu is left for a context", i,
                         around, most);
    q->n_windows = 1 + (n - *room + *step - 1) / *step;
    return HONE_OK;
}

static enum hone_status add_windows(struct answering *a, size_t i, struct hone_error *err)
{
    struct asked *q = &a->asked[i];
    size_t room, step;
    enum hone_status status = count_windows(a, i, &room, &step, err);
    if (status != HONE_OK)
        return status;
    q->first_window = a->n_windows;
    size_t n = a->n_windows + q->n_windows;
    struct window *windows = realloc(a->windows, (n + 1) * sizeof *windows);
    if (!windows)
        return hone_no_memory(err, "windows", n * sizeof *windows);
    a->windows = windows;
    for (size_t w = 0; w < q->n_windows; w++) {
        size_t start = q->first + w * step;
        size_t end = q->end - start < room ? q->end : start + room;
        a->windows[a->n_windows++] = (struct window){i, start, end};
    }
    return HONE_OK;
}

static void copy_ids(struct answering *a, const struct asked *q, size_t from, size_t to,
                     struct token_run *run, size_t at)
{
    memcpy(a->ids + at + run->n, q->e.ids + from, (to - from) * sizeof *a->ids);
    memcpy(a->type_ids + at + run->n, q->e.type_ids + from, to - from);
    run->n += to - from;
}

/* What is around the context is in each of its windows. */
static enum hone_status make_runs(struct answering *a, struct hone_error *err)
{
    size_t n_ids = 0, at = 0;
    for (size_t w = 0; w < a->n_windows; w++) {
        const struct asked *q = &a->asked[a->windows[w].asked];
        n_ids += q->e.n - (q->end - q->first) + a->windows[w].end - a->windows[w].start;
    }
    a->runs = calloc(a->n_windows + 1, sizeof *a->runs);
    a->ids = malloc((n_ids + 1) * sizeof *a->ids);
    a->type_ids = malloc(n_ids + 1);
    if (!a->runs || !a->ids || !a->type_ids)
        return hone_no_memory(err, "token ids", n_ids * sizeof *a->ids);
    for (size_t w = 0; w < a->n_windows; w++) {
        const struct asked *q = &a->asked[a->windows[w].asked];
        struct token_run *run = &a->runs[w];
        run->ids = a->ids + at;
        run->type_ids = a->type_ids + at;
        copy_ids(a, q, 0, q->first, run, at);
        copy_ids(a, q, a->windows[w].start, a->windows[w].end, run, at);
        copy_ids(a, q, q->end, q->e.n, run, at);
        run->n_full = run->n;
        at += run->n;
    }
    return HONE_OK;
}

static enum hone_status make_tokens(struct answering *a, struct hone_error *err)
{
    struct tok_encoding alone = {0};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < a->n && status == HONE_OK; i++) {
        status = find_context(a, i, &alone, err);
        if (status == HONE_OK)
            status = add_windows(a, i, err);
    }
    tok_encoding_release(&alone);
    return status == HONE_OK ? make_runs(a, err) : status;
}

/* ---- spans ---- */

struct found {
    size_t first, last; /* tokens of the encoding */
    float score;
};

/* Column k of logits [n, 2]: exp(x - the largest) / their sum, over the first token and those from `first` up to `end`. */
static void normalize(const float *logits, size_t k, size_t first, size_t end, float *out)
{
    float most = logits[k], sum = 0;
    for (size_t t = first; t < end; t++)
        most = logits[2 * t + k] > most ? logits[2 * t + k] : most;
    for (size_t t = first - 1; t < end; t++) {
        size_t from = t < first ? 0 : t;
        out[t] = expf(logits[2 * from + k] - most);
        sum += out[t];
    }
    for (size_t t = first - 1; t < end; t++)
        out[t] /= sum;
}

/* Into a list that falls; *n at most `most`. */
static void keep(struct found *list, size_t *n, size_t most, struct found new)
{
    if (*n == most && list[most - 1].score >= new.score)
        return;
    size_t at = *n < most ? (*n)++ : most - 1;
    for (; at > 0 && list[at - 1].score < new.score; at--)
        list[at] = list[at - 1];
    list[at] = new;
}

/* The bytes from the first one's word to the last one's, as far as the window has them. */
static struct hone_answer answer_of(const struct answering *a, const struct asked *q, const struct window *w,
                                    struct found f)
{
    size_t first = f.first, last = f.last;
    while (!a->how.parts_of_words && first > w->start && q->e.spans[first].goes_on)
        first--;
    while (!a->how.parts_of_words && last + 1 < w->end && q->e.spans[last + 1].goes_on)
        last++;
    return (struct hone_answer){
        .start = q->e.spans[first].start, .end = q->e.spans[last].end, .score = f.score};
}

/* The lowercase of the character there, 1 or 2 code points; bytes that are none stay what they are. */
static unsigned lower_at(struct hone_text text, size_t at, size_t *size, uint32_t out[2])
{
    const char *p = text.data + at;
    if (utf8_character(p, text.size - at, size))
        return unicode_lower(utf8_next(&p), out);
    out[0] = 0x110000 + (unsigned char)*p;
    return 1;
}

static bool same_text(struct hone_text context, const struct hone_answer *x, const struct hone_answer *y)
{
    struct hone_text a = {context.data + x->start, x->end - x->start},
                     b = {context.data + y->start, y->end - y->start};
    uint32_t first[2], second[2];
    size_t i = 0, j = 0, n_a, n_b;
    for (; i < a.size && j < b.size; i += n_a, j += n_b) {
        unsigned n = lower_at(a, i, &n_a, first), m = lower_at(b, j, &n_b, second);
        if (n != m || memcmp(first, second, n * sizeof *first) != 0)
            return false;
    }
    return i == a.size && j == b.size;
}

/* An answer that was found elsewhere, too, counts for both places. */
static void add_answer(struct hone_text context, struct hone_answer new, struct hone_answer *answers,
                       size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        if (same_text(context, &answers[i], &new)) {
            answers[i].score += new.score;
            return;
        }
    answers[(*n)++] = new;
}

/* Room for what a window needs, and for the answers of all windows of a context. */
struct room {
    float *begins, *ends;
    struct found *found;
    struct hone_answer *answers;
};

static size_t n_candidates(const struct answering *a)
{
    return 2 * a->how.n_best + 10; /* some become one, where they are widened to words */
}

static void search_window(const struct answering *a, size_t w, struct room *r, float *none, size_t *n_answers)
{
    const struct window *window = &a->windows[w];
    const struct asked *q = &a->asked[window->asked];
    const float *logits = a->logits.texts[w].items;
    size_t n = 0, first = q->first, end = first + window->end - window->start;
    if (first == 0 || a->logits.texts[w].n != a->runs[w].n)
        return;
    normalize(logits, 0, first, end, r->begins);
    normalize(logits, 1, first, end, r->ends);
    *none = fminf(*none, r->begins[first - 1] * r->ends[first - 1]);
    for (size_t s = first; s < end; s++)
        for (size_t e = s; e < end && e - s < a->how.max_tokens; e++)
            keep(r->found, &n, n_candidates(a),
                 (struct found){s - first + window->start, e - first + window->start,
                                r->begins[s] * r->ends[e]});
    for (size_t i = 0; i < n; i++)
        add_answer(a->contexts[window->asked], answer_of(a, q, window, r->found[i]), r->answers, n_answers);
}

static int by_falling_score(const void *x, const void *y)
{
    const struct hone_answer *a = x, *b = y;
    return a->score < b->score ? 1 : a->score > b->score ? -1 : 0;
}

static enum hone_status search_context(const struct answering *a, size_t i, struct ragged_text *out,
                                       struct hone_error *err)
{
    const struct asked *q = &a->asked[i];
    size_t n = 0, most = q->n_windows * n_candidates(a) + 1;
    struct room r = {.begins = malloc((q->e.n + 1) * sizeof *r.begins),
                     .ends = malloc((q->e.n + 1) * sizeof *r.ends),
                     .found = malloc(n_candidates(a) * sizeof *r.found),
                     .answers = malloc(most * sizeof *r.answers)};
    float none = 1;
    bool ok = r.begins && r.ends && r.found && r.answers;
    for (size_t w = 0; w < q->n_windows && ok; w++)
        search_window(a, q->first_window + w, &r, &none, &n);
    if (ok && a->how.may_lack)
        r.answers[n++] = (struct hone_answer){.score = none};
    if (ok && n > 1)
        qsort(r.answers, n, sizeof *r.answers, by_falling_score);
    free(r.begins);
    free(r.ends);
    free(r.found);
    if (!ok) {
        free(r.answers);
        return hone_no_memory(err, "answers", most * sizeof *r.answers);
    }
    *out = (struct ragged_text){r.answers, n < a->how.n_best ? n : a->how.n_best};
    return HONE_OK;
}

/* ---- all of it ---- */

static enum hone_status take_options(const struct hone_model *model, const struct hone_answer_options *given,
                                     struct hone_answer_options *how, struct hone_error *err)
{
    *how = (struct hone_answer_options)HONE_ANSWER_DEFAULTS;
    enum hone_status status = sizes_take(how, sizeof *how, given, "hone_answer_options", err);
    if (status != HONE_OK)
        return status;
    if (model->info.task != HONE_TASK_ANSWER)
        return hone_fail(err, HONE_USAGE, "%s does not find answers: it has no head for them", model->path);
    if (how->n_best < 1 || how->n_best > MOST_ANSWERS)
        return hone_fail(err, HONE_USAGE, "%zu answers were asked for, expected 1 to %d", how->n_best,
                         MOST_ANSWERS);
    return how->max_tokens > 0
               ? HONE_OK
               : hone_fail(err, HONE_USAGE, "answers of 0 tokens were asked for, expected at least 1");
}

enum hone_status task_check_answers(const struct hone_model *model, const struct hone_answer_options *options,
                                    struct hone_error *err)
{
    struct hone_answer_options how;
    return take_options(model, options, &how, err);
}

static enum hone_status compute(struct answering *a, const struct hone_run_options *run,
                                struct hone_stats *stats, struct hone_error *err)
{
    struct hone_run_options how;
    enum hone_status status = task_take_options(&how, run, err);
    if (status == HONE_OK)
        status = ragged_start(&a->logits, a->n_windows, 2 * sizeof(float), 2, err);
    struct request request = {.inputs = {.n = a->n_windows},
                              .output = OUTPUT_TOKEN_LABELS,
                              .raw = true,
                              .n_dims = 2,
                              .run = &how,
                              .sink = ragged_keep_rows,
                              .arg = &a->logits};
    if (status != HONE_OK || a->n_windows == 0)
        return status;
    pthread_mutex_lock(&a->model->lock);
    status = engine_compute(a->model, &request, a->runs, stats, err);
    pthread_mutex_unlock(&a->model->lock);
    return status == HONE_OK && a->logits.failed ? hone_no_memory(err, "logits", a->n_windows) : status;
}

static enum hone_status search_all(const struct answering *a, struct hone_answer **out, size_t **starts,
                                   struct hone_error *err)
{
    struct ragged r = {0};
    void *items = NULL;
    enum hone_status status = ragged_start(&r, a->n, sizeof **out, 0, err);
    for (size_t i = 0; i < a->n && status == HONE_OK; i++)
        status = search_context(a, i, &r.texts[i], err);
    if (status == HONE_OK)
        status = ragged_flatten(&r, &items, starts, err);
    *out = items;
    ragged_release(&r);
    return status;
}

static void release(struct answering *a)
{
    for (size_t i = 0; a->asked && i < a->n; i++)
        tok_encoding_release(&a->asked[i].e);
    free(a->asked);
    free(a->windows);
    free(a->runs);
    free(a->ids);
    free(a->type_ids);
    ragged_release(&a->logits);
}

enum hone_status hone_answer(struct hone_model *model, const struct hone_text *questions,
                             const struct hone_text *contexts, size_t n,
                             const struct hone_answer_options *options, const struct hone_run_options *run,
                             struct hone_answer **out, size_t **starts, struct hone_stats *stats,
                             struct hone_error *err)
{
    struct answering a = {.model = model, .questions = questions, .contexts = contexts, .n = n};
    *out = NULL;
    *starts = NULL;
    enum hone_status status = take_options(model, options, &a.how, err);
    if (status == HONE_OK && !(a.asked = calloc(n + 1, sizeof *a.asked)))
        status = hone_no_memory(err, "questions", n * sizeof *a.asked);
    if (status == HONE_OK)
        status = make_tokens(&a, err);
    if (status == HONE_OK)
        status = compute(&a, run, stats, err);
    if (status == HONE_OK)
        status = search_all(&a, out, starts, err);
    release(&a);
    return status;
}
