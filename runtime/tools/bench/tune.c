/* Searches the sizes of runtime/nn/tuning.h by computing the layers of encoders: hone_tune. */
#include "runtime/base/machine.h"
#include "runtime/base/pages.h"
#include "runtime/nn/dense.h"
#include "runtime/nn/tuning.h"
#include "runtime/tools/bench/measure.h"
#include "runtime/tools/bench/operands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS  1024
#define TASK         512  /* tokens computed together while tiles are searched */
#define SECONDS      30   /* in all, if nothing else is said, */
#define MEASUREMENTS 200  /* for about so many matrices with a candidate */
#define WORTH        1.02 /* times as fast; what is less may be chance */
#define DUELS        5    /* all of which are to be won */
#define MAX_DENSE    8

/* ---- what is computed: every thread its own tokens, with the same weights ---- */

struct tune_matrix {
    size_t n_in, n_out; /* 0 at the end */
};

struct tune_subject {
    struct dense dense[MAX_DENSE];
    size_t n_dense, max_in, max_out;
    const struct dense *now;
    size_t task, most_tokens; /* tokens computed together; that a thread has room for */
    int n_threads;
    double budget;   /* seconds a matrix and candidate, at most */
    float *in, *out; /* [n_threads][most_tokens][max_in], [...][max_out] */
    void *weights;
    size_t in_size, out_size, weights_size; /* bytes */
    struct workspace *ws;                   /* [n_threads] */
};

static void run_dense(void *arg, const struct measure_turn *turn)
{
    const struct tune_subject *s = arg;
    const struct dense *d = s->now;
    size_t row = (size_t)turn->thread * s->most_tokens;
    const struct dense_call call = {.in = s->in + row * s->max_in,
                                    .ld_in = d->n_in,
                                    .out = s->out + row * s->max_out,
                                    .ld_out = d->n_out,
                                    .n_rows = s->task};
    for (size_t round = turn->first; round < turn->end; round++)
        dense_forward(d, &call, &s->ws[turn->thread]);
}

/* Operations a second through all matrices. Each is measured by itself: short runs find the machine undisturbed. */
static double speed(struct tune_subject *s, const struct tuning *tuning)
{
    double ops = 0, seconds = 0;
    s->task = tuning->task_tokens < s->most_tokens ? tuning->task_tokens : s->most_tokens;
    tuning_use(tuning);
    for (size_t i = 0; i < s->n_dense; i++) {
        double tokens = (double)s->task * s->n_threads;
        s->now = &s->dense[i];
        ops += 2.0 * (double)s->now->n_in * (double)s->now->n_out;
        seconds +=
            measure_run(run_dense, s, &(struct measure_how){s->n_threads, s->budget, true, NULL}) / tokens;
    }
    return ops / seconds;
}

static size_t describe(struct tune_subject *s, enum dense_kind kind, const struct tune_matrix *matrices)
{
    size_t size = 0;
    for (const struct tune_matrix *m = matrices; m->n_in > 0 && s->n_dense < MAX_DENSE; m++) {
        struct dense *d = &s->dense[s->n_dense++];
        *d = (struct dense){.kernels = kernels_get(), .kind = kind, .n_in = m->n_in, .n_out = m->n_out};
        size += dense_packed_size(d);
        s->max_in = m->n_in > s->max_in ? m->n_in : s->max_in;
        s->max_out = m->n_out > s->max_out ? m->n_out : s->max_out;
    }
    return size;
}

static enum hone_status subject_make(struct tune_subject *s, enum dense_kind kind,
                                     const struct tune_matrix *matrices, struct hone_error *err)
{
    size_t n_rows = s->most_tokens * (size_t)s->n_threads;
    s->weights_size = describe(s, kind, matrices);
    s->in_size = n_rows * s->max_in * sizeof(float);
    s->out_size = n_rows * s->max_out * sizeof(float);
    s->weights = pages_alloc(s->weights_size);
    s->in = pages_alloc(s->in_size);
    s->out = pages_alloc(s->out_size);
    s->ws = calloc((size_t)s->n_threads, sizeof *s->ws);
    if (!s->weights || !s->in || !s->out || !s->ws)
        return hone_no_memory(err, "layers to measure", s->weights_size + s->in_size + s->out_size);
    operands_fill(s->weights, s->weights_size);
    operands_fill(s->in, s->in_size);
    char *packed = s->weights;
    for (size_t i = 0; i < s->n_dense; i++) {
        s->dense[i].packed = packed;
        packed += dense_packed_size(&s->dense[i]);
    }
    enum hone_status status = HONE_OK;
    for (int i = 0; i < s->n_threads && status == HONE_OK; i++)
        status = workspace_reserve(&s->ws[i], s->most_tokens, 0, dense_row_bytes(kind, s->max_in), 1, 0, err);
    return status;
}

static void subject_free(struct tune_subject *s)
{
    for (int i = 0; s->ws && i < s->n_threads; i++)
        workspace_release(&s->ws[i]);
    free(s->ws);
    pages_free(s->weights, s->weights_size);
    pages_free(s->in, s->in_size);
    pages_free(s->out, s->out_size);
}

/* ---- one question ---- */

struct tune_question {
    const char *name;
    enum dense_kind kind;
    const struct tune_matrix *matrices;
    size_t fields[2]; /* offsets in struct tuning of the sizes that are searched, one after the other */
    size_t n_fields;
    const size_t *candidates[2]; /* 0 at the end */
    size_t most_tokens;
};

static size_t *field(struct tuning *t, size_t offset)
{
    return (size_t *)((char *)t + offset);
}

static void tell_sizes(char text[64], const struct tune_question *q, const struct tuning *t)
{
    struct tuning copy = *t;
    size_t x = *field(&copy, q->fields[0]);
    if (q->n_fields == 1)
        snprintf(text, 64, "tasks of %zu tokens", x);
    else
        snprintf(text, 64, "rows of %zu KiB by %zu outputs", x >> 10, *field(&copy, q->fields[1]));
}

/* The best of the candidates for each size, one size after the other. */
static struct tuning search(const struct tune_question *q, struct tune_subject *s, const struct tuning *from)
{
    struct tuning best = *from;
    double best_speed = speed(s, &best);
    for (size_t f = 0; f < q->n_fields; f++)
        for (const size_t *c = q->candidates[f]; *c > 0; c++) {
            struct tuning trial = best;
            *field(&trial, q->fields[f]) = *c;
            double trial_speed = *c == *field(&best, q->fields[f]) ? 0 : speed(s, &trial);
            if (trial_speed > best_speed) {
                best = trial;
                best_speed = trial_speed;
            }
        }
    return best;
}

/* Searches, then compares what was found with what was there, in turns. *tuning keeps what is better beyond doubt. */
static void decide(const struct tune_question *q, struct tune_subject *s, struct tuning *tuning,
                   struct hone_tuned *answer)
{
    struct tuning before = *tuning, after = search(q, s, tuning);
    *answer = (struct hone_tuned){.name = q->name};
    int wins = 0;
    for (int i = 0; i < DUELS; i++) {
        double x = speed(s, &before), y = speed(s, &after);
        wins += y > x;
        answer->before_ops = x > answer->before_ops ? x : answer->before_ops;
        answer->after_ops = y > answer->after_ops ? y : answer->after_ops;
    }
    if (wins < DUELS || answer->after_ops < WORTH * answer->before_ops) {
        after = before;
        answer->after_ops = answer->before_ops;
    }
    tell_sizes(answer->before, q, &before);
    tell_sizes(answer->after, q, &after);
    *tuning = after;
}

static enum hone_status ask(const struct tune_question *q, int n_threads, double budget,
                            struct tuning *tuning, hone_tune_sink sink, void *arg, struct hone_error *err)
{
    struct hone_tuned answer;
    struct tune_subject s = {.n_threads = n_threads, .budget = budget, .most_tokens = q->most_tokens};
    enum hone_status status = subject_make(&s, q->kind, q->matrices, err);
    if (status == HONE_OK) {
        decide(q, &s, tuning, &answer);
        sink(arg, &answer);
    }
    subject_free(&s);
    return status;
}

/* ---- all of them ---- */

/* Of encoders small and large. */
static const struct tune_matrix narrow[] = {{384, 1536}, {768, 2304}, {0, 0}};
static const struct tune_matrix wide[] = {{1536, 384}, {3072, 768}, {0, 0}};
static const struct tune_matrix layer[] = {{768, 2304}, {768, 768}, {768, 3072}, {3072, 768}, {0, 0}};

static const size_t tile_bytes[] = {32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 0};
static const size_t tile_cols[] = {64, 128, 256, 512, 1024, 2048, 4096, 0};
static const size_t tasks[] = {64, 128, 256, 512, 1024, 0};

#define TILES(text, dense_kind, type, class, matrices)                                                       \
    {                                                                                                        \
        text, dense_kind, matrices,                                                                          \
            {offsetof(struct tuning, type[class].bytes), offsetof(struct tuning, type[class].cols)}, 2,      \
            {tile_bytes, tile_cols}, TASK                                                                    \
    }

static const struct tune_question questions[] = {
    TILES("f32, up to 1024 inputs", DENSE_F32, f32, 0, narrow),
    TILES("f32, more inputs", DENSE_F32, f32, 1, wide),
    TILES("int8, up to 1024 inputs", DENSE_I8, int8, 0, narrow),
    TILES("int8, more inputs", DENSE_I8, int8, 1, wide),
    {"int8, a layer", DENSE_I8, layer, {offsetof(struct tuning, task_tokens)}, 1, {tasks}, 1024},
};

enum hone_status hone_tune(int n_threads, double seconds, hone_tune_sink sink, void *arg,
                           struct hone_error *err)
{
    char path[TUNING_PATH];
    struct tuning tuning = *tuning_default();
    const struct tuning *in_use = tuning_get();
    seconds = seconds > 0 ? seconds : SECONDS;
    n_threads = n_threads > 0 ? n_threads : hone_machine()->n_threads;
    if (n_threads > MAX_THREADS)
        return hone_fail(err, HONE_USAGE, "%d threads are more than %d", n_threads, MAX_THREADS);
    enum hone_status status = tuning_path(path, err);
    for (size_t i = 0; i < sizeof questions / sizeof *questions && status == HONE_OK; i++)
        status = ask(&questions[i], n_threads, seconds / MEASUREMENTS, &tuning, sink, arg, err);
    tuning_use(in_use);
    if (status == HONE_OK)
        status = tuning_save(&tuning, path, err);
    if (status == HONE_OK)
        tuning_adopt(&tuning);
    return status;
}
