#include "runtime/infer/engine.h"

#include "runtime/base/files.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/head.h"
#include "runtime/nn/spans.h"
#include "runtime/nn/tuning.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MIN_TASK_TOKENS 64 /* of a task, unless there are fewer */
#define THREAD_TASKS    8  /* at least: what a thread waits for the last of the others is part of one */

struct engine {
    struct hone_model *model;
    const struct request *request;
    struct token_run *runs; /* [n] */
    size_t n;
    size_t *order;      /* texts by falling length */
    size_t *task_start; /* [n_tasks + 1], in order */
    size_t n_order, n_tasks;
    atomic_size_t n_done;  /* texts */
    atomic_bool stopped;   /* on_progress said so */
    atomic_bool no_memory; /* for results */
};

void worker_release(struct worker *w)
{
    workspace_release(&w->ws);
    free(w->batch.seq_start);
    free(w->batch.n_unseen);
    free(w->tasks);
    free(w->batch.ids);
    free(w->batch.type_ids);
    free(w->head);
}

/* ---- what is computed together ---- */

static int by_falling_length(const void *a, const void *b, void *runs)
{
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    size_t n = ((struct token_run *)runs)[i].n, m = ((struct token_run *)runs)[j].n;
    return n != m ? (n < m ? 1 : -1) : (i > j) - (i < j);
}

static size_t total_tokens(const struct engine *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_order; i++)
        n += e->runs[e->order[i]].n;
    return n;
}

static size_t task_limit(const struct engine *e)
{
    size_t n_threads = (size_t)e->model->options.n_threads, most = tuning_get()->task_tokens;
    size_t limit = e->model->options.batch_tokens / n_threads;
    size_t share = total_tokens(e) / (THREAD_TASKS * n_threads);
    limit = limit < most ? limit : most;
    limit = limit < share ? limit : share;
    return limit > MIN_TASK_TOKENS ? limit : MIN_TASK_TOKENS;
}

static void split_tasks(struct engine *e)
{
    size_t limit = task_limit(e), n_tokens = 0;
    for (size_t i = 0; i < e->n_order; i++) {
        size_t n = e->runs[e->order[i]].n;
        if (i == 0 || n_tokens + n > limit) {
            e->task_start[e->n_tasks++] = i;
            n_tokens = 0;
        }
        n_tokens += n;
    }
    e->task_start[e->n_tasks] = e->n_order;
}

static enum hone_status plan(struct engine *e, struct hone_error *err)
{
    size_t n = e->n;
    e->order = malloc((n + 1) * sizeof *e->order);
    e->task_start = malloc((n + 1) * sizeof *e->task_start);
    if (!e->order || !e->task_start)
        return hone_no_memory(err, "the order of the texts", n * sizeof *e->order);
    for (size_t i = 0; i < n; i++)
        if (e->runs[i].n > 0)
            e->order[e->n_order++] = i;
    qsort_r(e->order, e->n_order, sizeof *e->order, by_falling_length, e->runs);
    split_tasks(e);
    return HONE_OK;
}

/* ---- one task ---- */

static enum hone_status reserve_head(const struct engine *e, struct worker *w, size_t n_seqs, size_t n_tokens,
                                     struct hone_error *err)
{
    bool tokens = e->request->output == OUTPUT_TOKENS || e->request->output == OUTPUT_TOKEN_LABELS;
    size_t n = head_floats(&e->model->net, tokens ? n_tokens : n_seqs, n_tokens);
    if (n <= w->head_size)
        return HONE_OK;
    free(w->head);
    w->head = malloc(n * sizeof *w->head);
    w->head_size = w->head ? n : 0;
    return w->head ? HONE_OK : hone_no_memory(err, "results", n * sizeof *w->head);
}

static enum hone_status reserve(const struct engine *e, struct worker *w, size_t n_tokens, size_t n_seqs,
                                size_t longest, int n_threads, struct hone_error *err)
{
    const struct net *m = &e->model->net;
    enum hone_status status = reserve_head(e, w, n_seqs, n_tokens, err);
    if (status != HONE_OK)
        return status;
    if (n_tokens > w->max_tokens || n_seqs > w->max_seqs) {
        w->max_tokens = n_tokens > w->max_tokens ? n_tokens : w->max_tokens;
        w->max_seqs = n_seqs > w->max_seqs ? n_seqs : w->max_seqs;
        free(w->batch.ids);
        free(w->batch.type_ids);
        free(w->batch.seq_start);
        free(w->batch.n_unseen);
        free(w->tasks);
        w->tasks = malloc(w->max_seqs * sizeof *w->tasks);
        w->batch.n_unseen = malloc(w->max_seqs * sizeof *w->batch.n_unseen);
        w->batch.ids = malloc(w->max_tokens * sizeof *w->batch.ids);
        w->batch.type_ids = malloc(w->max_tokens);
        w->batch.seq_start = malloc((w->max_seqs + 1) * sizeof *w->batch.seq_start);
        if (!w->batch.ids || !w->batch.type_ids || !w->batch.seq_start || !w->batch.n_unseen || !w->tasks) {
            w->max_tokens = w->max_seqs = 0;
            return hone_no_memory(err, "a batch", n_tokens * sizeof *w->batch.ids);
        }
    }
    size_t scratch = m->arch->scratch ? m->arch->scratch(m, longest)
                                      : m->kernels->attention_scratch(longest, m->hp.head_dim);
    return workspace_reserve(&w->ws, n_tokens, m->arch->workspace(m), m->weights.row_bytes, n_threads,
                             scratch, err);
}

static enum hone_status gather(const struct engine *e, struct worker *w, size_t task, int n_threads,
                               struct hone_error *err)
{
    const size_t *first = e->order + e->task_start[task], *end = e->order + e->task_start[task + 1];
    const struct token_run *runs = e->runs;
    size_t n_tokens = 0, n_types = e->model->net.hp.segments ? e->model->net.hp.n_types : 0,
           n_seqs = (size_t)(end - first);
    for (const size_t *i = first; i < end; i++)
        n_tokens += runs[*i].n;
    enum hone_status status = reserve(e, w, n_tokens, n_seqs, runs[*first].n, n_threads, err);
    if (status != HONE_OK)
        return status;
    struct batch *b = &w->batch;
    b->n_seqs = n_seqs;
    b->n_tokens = n_tokens;
    b->n_skipped = e->request->n_skipped;
    b->tasks = NULL;
    b->seq_start[0] = 0;
    for (size_t s = 0; s < n_seqs; s++) {
        const struct token_run *run = &runs[first[s]];
        size_t start = b->seq_start[s];
        memcpy(b->ids + start, run->ids, run->n * sizeof *run->ids);
        for (size_t t = 0; t < run->n; t++)
            b->type_ids[start + t] = run->type_ids[t] < n_types ? run->type_ids[t] : 0;
        b->seq_start[s + 1] = (uint32_t)(start + run->n);
        b->n_unseen[s] = (uint32_t)run->n_unseen;
        w->tasks[s] = run->task;
        if (run->task > 0)
            b->tasks = w->tasks;
    }
    return HONE_OK;
}

/* Rows of a text go on only where the files they were computed from are still whole: they may be kept for later calls. */
static void deliver(const struct engine *e, size_t text, const float *rows, size_t n_rows)
{
    if (!map_file_any_lost() || net_check_whole(&e->model->net, NULL) == HONE_OK)
        e->request->sink(e->request->arg, text, rows, n_rows);
}

static void score(const struct hone_model *model, float *logits)
{
    const struct net *m = &model->net;
    if (model->score == SCORE_SIGMOID)
        m->kernels->sigmoid(logits, m->hp.n_labels);
    else if (model->score == SCORE_SOFTMAX)
        m->kernels->softmax(logits, m->hp.n_labels);
}

static void run_head(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    const struct net *m = &e->model->net;
    size_t n_labels = m->hp.n_labels;
    float *logits = head_classify(m, &w->batch, hidden, w->head, &w->ws);
    for (size_t s = 0; s < w->batch.n_seqs; s++) {
        if (!e->request->raw)
            score(e->model, logits + s * n_labels);
        deliver(e, texts[s], logits + s * n_labels, 1);
    }
}

static void run_pool(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    const struct net *m = &e->model->net;
    float *rows = head_embed(m, &w->batch, e->request->pooling, hidden, w->head, &w->ws);
    for (size_t s = 0; s < w->batch.n_seqs; s++) {
        float *row = rows + s * m->hp.n_out;
        if (e->request->normalize)
            head_normalize(m->kernels, row, e->request->n_normalized);
        deliver(e, texts[s], row, 1);
    }
}

static bool is_skipped(const struct request *r, int32_t id)
{
    size_t low = 0, high = r->n_skip_ids;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (r->skipped[mid] == id)
            return true;
        *(r->skipped[mid] < id ? &low : &high) = r->skipped[mid] < id ? mid + 1 : mid;
    }
    return false;
}

static void run_tokens(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    const struct net *m = &e->model->net;
    const struct request *r = e->request;
    const struct batch *b = &w->batch;
    size_t width = m->hp.pooling == POOL_TOKENS ? m->hp.n_out : m->hp.n_embd, n_dims = r->n_dims;
    float *rows = head_tokens(m, b, hidden, w->head, &w->ws);
    for (size_t s = 0; s < b->n_seqs; s++) {
        float *first = rows + b->seq_start[s] * width;
        size_t n = 0;
        for (size_t t = b->seq_start[s]; t < b->seq_start[s + 1]; t++) {
            if (is_skipped(r, b->ids[t]))
                continue;
            if (r->normalize)
                head_normalize(m->kernels, rows + t * width, r->n_normalized);
            memmove(first + n++ * n_dims, rows + t * width, n_dims * sizeof *rows);
        }
        deliver(e, texts[s], first, n);
    }
}

static void run_token_labels(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    const struct net *m = &e->model->net;
    const struct batch *b = &w->batch;
    size_t n = m->hp.n_labels;
    float *logits = head_classify_tokens(m, b, hidden, w->head, &w->ws);
    for (size_t t = 0; t < b->n_tokens && !e->request->raw; t++)
        score(e->model, logits + t * n);
    for (size_t s = 0; s < b->n_seqs; s++)
        deliver(e, texts[s], logits + b->seq_start[s] * n, b->seq_start[s + 1] - b->seq_start[s]);
}

/* tokens: [n, 2 + width] */
static void put_tokens(const struct engine *e, const struct batch *b, size_t seq,
                       const struct head_hybrid *made, float *tokens)
{
    const struct net *m = &e->model->net;
    size_t width = m->weights.multi_vector.n_out;
    for (size_t t = b->seq_start[seq]; t < b->seq_start[seq + 1]; t++, tokens += 2 + width) {
        tokens[0] = (float)b->ids[t]; /* exact: vocabularies are far smaller than 2^24 */
        tokens[1] = made->weights ? made->weights[t] : 0;
        if (width > 0)
            memcpy(tokens + 2, made->vectors + t * width, width * sizeof *tokens);
        if (e->request->normalize && width > 0)
            head_normalize(m->kernels, tokens + 2, width);
    }
}

static void run_hybrid(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    const struct net *m = &e->model->net;
    const struct batch *b = &w->batch;
    size_t n_out = m->hp.n_out, longest = b->seq_start[1]; /* the first one is */
    float *block = malloc((n_out + longest * (2 + m->weights.multi_vector.n_out)) * sizeof *block);
    if (!block) {
        atomic_store(&e->no_memory, true);
        return;
    }
    struct head_hybrid made = head_hybrid(m, b, e->request->pooling, hidden, w->head, &w->ws);
    for (size_t s = 0; s < b->n_seqs; s++) {
        memcpy(block, made.dense + s * n_out, n_out * sizeof *block);
        if (e->request->normalize)
            head_normalize(m->kernels, block, e->request->n_normalized);
        put_tokens(e, b, s, &made, block + n_out);
        deliver(e, texts[s], block, b->seq_start[s + 1] - b->seq_start[s]);
    }
    free(block);
}

/* Whose rows these are. */
struct words {
    const struct engine *engine;
    const size_t *texts;
};

static void words_done(void *arg, size_t seq, const float *row)
{
    const struct words *words = arg;
    deliver(words->engine, words->texts[seq], row, 1);
}

static void run_words(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    struct words words = {e, texts};
    head_words(&e->model->net, &w->batch, hidden, w->head, &w->ws, words_done, &words);
}

/* What fits where tokens are masked, of the sequence that is being gone through. */
struct fillings {
    const struct engine *engine;
    float *best;  /* [masks of the batch, n_words, 2] */
    size_t *ends; /* [n_seqs]: masks up to a sequence's end */
    size_t n, n_words;
};

/* The largest of a row, best first. */
static void take_best(const float *row, size_t n, float *best, size_t n_best)
{
    size_t n_taken = 0;
    for (size_t i = 0; i < n; i++) {
        if (n_taken == n_best && !(row[i] > best[2 * n_best - 1]))
            continue;
        size_t at = n_taken < n_best ? n_taken++ : n_best - 1;
        for (; at > 0 && row[i] > best[2 * at - 1]; at--)
            memcpy(best + 2 * at, best + 2 * at - 2, 2 * sizeof *best);
        best[2 * at] = (float)i; /* exact: vocabularies are far smaller than 2^24 */
        best[2 * at + 1] = row[i];
    }
}

static void filled(void *arg, size_t seq, float *logits)
{
    struct fillings *f = arg;
    const struct net *m = &f->engine->model->net;
    if (!f->engine->request->raw)
        m->kernels->softmax(logits, m->hp.n_vocab);
    take_best(logits, m->hp.n_vocab, f->best + 2 * f->n_words * f->n++, f->n_words);
    f->ends[seq] = f->n;
}

static size_t count_masks(const struct batch *b, int32_t mask)
{
    size_t n = 0;
    for (size_t t = 0; t < b->n_tokens; t++)
        n += b->ids[t] == mask;
    return n;
}

static void run_fillings(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    int32_t mask = e->model->mask;
    size_t n_words = e->request->n_dims, n_masks = count_masks(&w->batch, mask);
    struct fillings f = {.engine = e, .n_words = n_words};
    f.best = malloc((n_masks * n_words + 1) * 2 * sizeof *f.best);
    f.ends = calloc(w->batch.n_seqs, sizeof *f.ends);
    if (f.best && f.ends)
        head_fill(&e->model->net, &w->batch, hidden, mask, w->head, &w->ws, filled, &f);
    else
        atomic_store(&e->no_memory, true);
    for (size_t s = 0, first = 0; s < w->batch.n_seqs && f.best && f.ends; s++) {
        size_t end = f.ends[s] > first ? f.ends[s] : first;
        deliver(e, texts[s], f.best + first * 2 * n_words, end - first);
        first = end;
    }
    free(f.best);
    free(f.ends);
}

static void spans_done_of(void *arg, size_t seq, const float *logits)
{
    const struct words *words = arg;
    const size_t text = words->texts[seq];
    deliver(words->engine, text, logits, words->engine->request->marks[text].n_words);
}

static void run_spans(struct engine *e, struct worker *w, const float *hidden, const size_t *texts)
{
    struct words words = {e, texts};
    struct span_marks *marks = malloc(w->batch.n_seqs * sizeof *marks);
    for (size_t s = 0; s < w->batch.n_seqs && marks; s++)
        marks[s] = e->request->marks[texts[s]];
    if (!marks || !spans_score(&e->model->net, &w->batch, marks, hidden, &w->ws, spans_done_of, &words))
        atomic_store(&e->no_memory, true);
    free(marks);
}

/* Only the calling thread calls. */
static void report(struct engine *e, size_t n_texts, size_t thread)
{
    const struct hone_run_options *run = e->request->run;
    size_t n_done = atomic_fetch_add(&e->n_done, n_texts) + n_texts;
    if (run && run->on_progress && thread == 0 && !run->on_progress(run->progress_arg, n_done))
        atomic_store(&e->stopped, true);
}

static enum hone_status check_stopped(const struct engine *e, struct hone_error *err)
{
    return atomic_load(&e->stopped) ? hone_fail(err, HONE_CANCELLED, "the call was cancelled by on_progress")
                                    : HONE_OK;
}

static void (*const outputs[])(struct engine *, struct worker *, const float *, const size_t *) = {
    [OUTPUT_EMBEDDING] = run_pool,
    [OUTPUT_LABELS] = run_head,
    [OUTPUT_TOKENS] = run_tokens,
    [OUTPUT_WORDS] = run_words,
    [OUTPUT_TOKEN_LABELS] = run_token_labels,
    [OUTPUT_HYBRID] = run_hybrid,
    [OUTPUT_SPANS] = run_spans,
    [OUTPUT_FILLINGS] = run_fillings,
};

/* By the worker of that thread. */
static enum hone_status run_task(struct engine *e, size_t task, size_t thread, int n_threads,
                                 struct hone_error *err)
{
    const struct net *m = &e->model->net;
    struct worker *w = &e->model->workers[thread];
    enum hone_status status = check_stopped(e, err);
    if (status == HONE_OK)
        status = gather(e, w, task, n_threads, err);
    if (status != HONE_OK)
        return status;
    const size_t *texts = e->order + e->task_start[task];
    const float *hidden = m->arch->forward(m, &w->batch, &w->ws);
    status = net_check_whole(m, err);
    if (status != HONE_OK)
        return status;
    outputs[e->request->output](e, w, hidden, texts);
    if (atomic_load(&e->no_memory))
        return hone_no_memory(err, "results", w->batch.n_tokens);
    report(e, w->batch.n_seqs, thread);
    status = check_stopped(e, err);
    return status == HONE_OK ? net_check_whole(m, err) : status;
}

struct own_tasks {
    struct engine *engine;
    pthread_mutex_t *lock; /* of *err */
    struct hone_error *err;
};

static void run_own_tasks(const void *arg, struct work_range tasks)
{
    const struct own_tasks *o = arg;
    for (size_t task = tasks.first; task < tasks.end; task++) {
        struct hone_error err = {0};
        if (run_task(o->engine, task, tasks.thread, 1, &err) == HONE_OK)
            continue;
        pthread_mutex_lock(o->lock);
        *o->err = err;
        pthread_mutex_unlock(o->lock);
    }
}

/* Each thread has its own tasks, or, where those are fewer, all share a task's work. */
static enum hone_status run_tasks(struct engine *e, struct hone_error *err)
{
    int n_threads = e->model->options.n_threads;
    enum hone_status status = HONE_OK;
    if (e->n_tasks < (size_t)n_threads) {
        for (size_t task = 0; task < e->n_tasks && status == HONE_OK; task++)
            status = run_task(e, task, 0, n_threads, err);
        return status;
    }
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct hone_error own = {.status = HONE_OK};
    thread_pool_run(n_threads, e->n_tasks, e->n_tasks, run_own_tasks, &(struct own_tasks){e, &lock, &own});
    if (own.status != HONE_OK && err)
        *err = own;
    return own.status;
}

/* ---- what is refused, what is counted ---- */

static enum hone_status refuse(const struct engine *e, struct token_run *run, size_t i,
                               struct hone_error *err)
{
    const struct hone_run_options *options = e->request->run;
    struct hone_error own;
    hone_fail(&own, HONE_REFUSED, "text %zu has %zu tokens, expected at most %zu", i, run->n_full,
              e->request->inputs.max_length);
    if (!options || !options->on_refused) {
        if (err)
            *err = own;
        return HONE_REFUSED;
    }
    options->on_refused(options->refused_arg, i, own.message);
    run->n = 0;
    e->request->sink(e->request->arg, i, NULL, 0);
    return HONE_OK;
}

static enum hone_status count(const struct engine *e, struct hone_stats *stats, struct hone_error *err)
{
    struct hone_stats s = {.n_texts = e->n};
    for (size_t i = 0; i < e->n; i++) {
        struct token_run *run = &e->runs[i];
        s.n_invalid += run->invalid;
        if (run->n_full > run->n && e->model->options.strict) {
            enum hone_status status = refuse(e, run, i, err);
            if (status != HONE_OK)
                return status;
            s.n_refused++;
        } else {
            s.n_truncated += run->n_full > run->n;
        }
        s.n_tokens += run->n;
    }
    if (stats) {
        stats->n_texts += s.n_texts;
        stats->n_tokens += s.n_tokens;
        stats->n_truncated += s.n_truncated;
        stats->n_invalid += s.n_invalid;
        stats->n_refused += s.n_refused;
    }
    return HONE_OK;
}

/* Where texts have no special tokens, what the steps behind pooling make of the vector of none, which is zeros. */
static enum hone_status embed_nothing(const struct engine *e, float *out, struct hone_error *err)
{
    const struct net *m = &e->model->net;
    const struct request *r = e->request;
    struct worker *w = &e->model->workers[0];
    uint32_t starts[] = {0, 0};
    struct batch b = {.n_seqs = 1, .seq_start = starts};
    enum hone_status status = reserve(e, w, 1, 1, 1, e->model->options.n_threads, err);
    if (status != HONE_OK)
        return status;
    float *row = head_embed(m, &b, r->pooling, out, w->head, &w->ws);
    if (r->normalize)
        head_normalize(m->kernels, row, r->n_normalized);
    memcpy(out, row, r->n_dims * sizeof *out);
    return HONE_OK;
}

/* A text without any token has no direction: zeros, no vectors of tokens, and no label. */
static enum hone_status answer_empty(const struct engine *e, struct hone_error *err)
{
    const struct request *r = e->request;
    float *zeros = NULL;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < e->n && status == HONE_OK; i++) {
        if (e->runs[i].n > 0 || e->runs[i].n_full > 0) /* what was refused had tokens, and is told */
            continue;
        if (!zeros) {
            zeros = calloc(r->n_dims + 1, sizeof *zeros);
            status =
                zeros ? HONE_OK : hone_no_memory(err, "a text without tokens", r->n_dims * sizeof *zeros);
            if (zeros && e->model->net.hp.bare_texts && r->output == OUTPUT_EMBEDDING)
                status = embed_nothing(e, zeros, err);
        }
        if (status == HONE_OK)
            r->sink(r->arg, i, r->output == OUTPUT_LABELS ? NULL : zeros,
                    r->output == OUTPUT_TOKENS || r->output == OUTPUT_SPANS ? 0 : 1);
    }
    free(zeros);
    return status;
}

enum hone_status engine_compute(struct hone_model *model, const struct request *request,
                                struct token_run *runs, struct hone_stats *stats, struct hone_error *err)
{
    struct engine e = {.model = model, .request = request, .runs = runs, .n = request->inputs.n};
    enum hone_status status = count(&e, stats, err);
    if (status == HONE_OK)
        status = answer_empty(&e, err);
    if (status == HONE_OK)
        status = plan(&e, err);
    if (status == HONE_OK)
        status = run_tasks(&e, err);
    free(e.order);
    free(e.task_start);
    return status;
}

enum hone_status engine_run(struct hone_model *model, const struct request *request, struct hone_stats *stats,
                            struct hone_error *err)
{
    struct tokens tokens;
    enum hone_status status =
        tokens_make(&tokens, model, &request->inputs, model->encodings, model->options.n_threads, err);
    if (status == HONE_OK)
        status = engine_compute(model, request, tokens.runs, stats, err);
    tokens_release(&tokens);
    return status;
}
