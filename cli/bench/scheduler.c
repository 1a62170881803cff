/* hone bench scheduler: what it costs to go through a scheduler, and what it makes of many clients. */
#include "cli/bench/load.h"
#include "cli/bench/streams.h"
#include "cli/commands.h"
#include "cli/io/output.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/load/statistics.h"
#include "cli/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    N_SINGLE = 200,     /* requests one after the other */
    N_CLIENTS = 64,     /* of short texts */
    MIXED_CLIENTS = 32, /* of texts of all lengths */
    N_ROUNDS =
        3, /* of which the best counts, since whatever else the machine does can only make one longer */
    MAX_TRACE = 4096, /* requests */
    N_STREAMS = 8,
    STREAM_TOKENS = 96, /* of each stream, while the rate of all is measured */
    LONG_PROMPT =
        2000, /* tokens of the prompt that comes while streams run: several steps' worth of any model */
    LEAST_CONTEXT = 512, /* for streams to be long enough */
};
#define TRACE_LOAD 0.6 /* of what the model can do */
#define SECONDS    2   /* about, of a round */

struct bench_scheduler {
    const struct options *options;
    struct output *o;
    struct table table;
    double tokens_s; /* of a call with short texts, about */
};

/* ---- what came out ---- */

/* A row of the table and a member of the JSON object. NAN: there is nothing to compare with. */
static void show(struct bench_scheduler *b, const char *key, const char *what, double value, const char *unit,
                 double beside, double wanted)
{
    if (b->options->json) {
        output_format(b->o, ", \"%s\": %.6g", key, value);
        if (!isnan(beside))
            output_format(b->o, ", \"%s_beside\": %.6g", key, beside);
        return;
    }
    char number[32];
    table_cell(&b->table, text_from(what));
    snprintf(number, sizeof number, "%.4g %s", value, unit);
    table_cell(&b->table, text_from(number));
    snprintf(number, sizeof number, "%.4g %s", beside, unit);
    table_cell(&b->table, text_from(isnan(beside) ? "" : number));
    snprintf(number, sizeof number, "%.3f", value / beside);
    table_cell(&b->table, text_from(isnan(beside) ? "" : number));
    snprintf(number, sizeof number, "%.4g", wanted);
    table_cell(&b->table, text_from(isnan(wanted) ? "" : number));
}

static void begin(struct bench_scheduler *b, const struct hone_model_info *info)
{
    static const struct table_column columns[] = {{"", 44, false},
                                                  {"scheduler", 18, true},
                                                  {"beside", 18, true},
                                                  {"ratio", 7, true},
                                                  {"wanted", 7, true}};
    if (b->options->json) {
        output_text(b->o, "{\"path\": ");
        text_write_json(b->o, text_from(info->path));
        output_format(b->o, ", \"architecture\": \"%s\", \"compute\": \"%s\", \"threads\": %zu",
                      info->architecture, info->compute, info->n_threads);
        return;
    }
    output_format(b->o, "%s, %s by %s, %zu threads\n", info->architecture, info->compute, info->cpu,
                  info->n_threads);
    table_begin(&b->table, b->o, columns, sizeof columns / sizeof *columns, true);
}

/* ---- texts ---- */

static double median(double *x, size_t n)
{
    statistics_sort(x, n);
    return x[n / 2];
}

static enum hone_status estimate(struct bench_scheduler *b, struct hone_model *model, struct hone_error *err)
{
    static const size_t lengths[] = {16, 32};
    struct load l;
    double start = 0;
    enum hone_status status = load_make(&l, model, lengths, 2, N_CLIENTS, err);
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) { /* once to warm up */
        start = progress_clock();
        status = load_offline(&l, 0, l.n, err);
    }
    b->tokens_s = (double)l.n_tokens / (progress_clock() - start);
    load_release(&l);
    return status;
}

/* How many texts of that mean length take a round: a multiple of n, at most `most`. */
static size_t enough_texts(const struct bench_scheduler *b, double length, size_t n, size_t most)
{
    size_t wanted = (size_t)(SECONDS * b->tokens_s / length) / n * n;
    return wanted < 2 * n ? 2 * n : wanted > most ? most / n * n : wanted;
}

/* One request after the other, in turn with the same text through the library's function. */
static enum hone_status measure_single(struct bench_scheduler *b, struct hone_model *model,
                                       struct hone_error *err)
{
    static const size_t lengths[] = {16, 32};
    static double direct[N_SINGLE], scheduled[N_SINGLE];
    struct load l;
    struct hone_scheduler *s = NULL;
    struct hone_scheduler_stats stats;
    enum hone_status status = load_make(&l, model, lengths, 2, N_SINGLE, err);
    if (status == HONE_OK)
        status = hone_scheduler_open(&s, model, NULL, err);
    for (size_t i = 0; i < N_SINGLE && status == HONE_OK; i++) {
        struct hone_request r = load_request(&l, i);
        double start = progress_clock();
        status = load_offline(&l, i, 1, err);
        double between = progress_clock();
        if (status == HONE_OK)
            status = hone_submit_and_wait(s, &r, err);
        direct[i] = 1e3 * (between - start);
        scheduled[i] = 1e3 * (progress_clock() - between);
    }
    if (status == HONE_OK) {
        double m = median(direct, N_SINGLE), n = median(scheduled, N_SINGLE);
        hone_scheduler_stats(s, &stats);
        show(b, "fast_share", "alone: requests that did not wait", (double)stats.n_fast / N_SINGLE, "", NAN,
             0.95);
        show(b, "single_ms", "alone: a request, beside a call", n, "ms", m, NAN);
        show(b, "overhead_ms", "alone: longer by", n - m, "ms", NAN, m / 50 > 0.2 ? m / 50 : 0.2);
    }
    hone_scheduler_close(&s);
    load_release(&l);
    return status;
}

/* The best of some rounds; offline and through the scheduler by turns. */
static enum hone_status measure_clients(const struct load *l, size_t n_clients, struct load_times *best,
                                        double *offline, struct hone_error *err)
{
    struct hone_scheduler *s = NULL;
    struct load_times times = {0};
    enum hone_status status = hone_scheduler_open(&s, l->model, NULL, err);
    for (size_t i = 0; i < N_ROUNDS && status == HONE_OK; i++) {
        double start = progress_clock();
        status = load_offline(l, 0, l->n, err);
        double seconds = progress_clock() - start;
        *offline = i == 0 || seconds < *offline ? seconds : *offline;
        if (status == HONE_OK)
            status = load_by_clients(l, s, n_clients, &times, err);
        if (i == 0 || times.seconds < best->seconds)
            *best = times;
    }
    hone_scheduler_close(&s);
    return status;
}

static enum hone_status measure_short(struct bench_scheduler *b, struct hone_model *model,
                                      struct hone_error *err)
{
    static const size_t lengths[] = {12, 20, 28};
    struct load l;
    struct load_times times;
    double offline = 0;
    enum hone_status status = load_make(&l, model, lengths, 3, enough_texts(b, 20, N_CLIENTS, 16384), err);
    if (status == HONE_OK)
        status = measure_clients(&l, N_CLIENTS, &times, &offline, err);
    if (status == HONE_OK) {
        show(b, "clients_texts_s", "64 clients, short texts; beside one call", (double)l.n / times.seconds,
             "texts/s", (double)l.n / offline, 0.95);
        show(b, "slowest_client", "64 clients: the slowest one, beside the mean", times.slowest, "", 1, 0.5);
    }
    load_release(&l);
    return status;
}

static enum hone_status measure_mixed(struct bench_scheduler *b, struct hone_model *model,
                                      struct hone_error *err)
{
    static const size_t lengths[] = {8, 512, 16, 64, 8, 128, 32, 256, 24, 384, 12};
    static const struct hone_scheduler_options usual = HONE_SCHEDULER_DEFAULTS;
    struct load l;
    struct load_times times;
    double offline = 0;
    enum hone_status status = load_make(&l, model, lengths, sizeof lengths / sizeof *lengths,
                                        enough_texts(b, 131, MIXED_CLIENTS, 4096), err);
    if (status == HONE_OK)
        status = measure_clients(&l, MIXED_CLIENTS, &times, &offline, err);
    if (status == HONE_OK) {
        show(b, "mixed_tok_s", "8 to 512 tokens, 32 clients; beside one call",
             (double)l.n_tokens / times.seconds, "tokens/s", (double)l.n_tokens / offline, 0.9);
        show(b, "mixed_wait_ms", "8 to 512 tokens: the longest wait, beside bound", times.longest_wait, "ms",
             usual.starvation_ms, 1);
    }
    load_release(&l);
    return status;
}

/* ---- bursts ---- */

/* Bursts of up to 24 requests, single ones between them; exponential gaps. The same in every run. */
static void make_trace(double *at, size_t n, double mean_gap)
{
    uint64_t state = 12345;
    double now = 0;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double x = (double)(state >> 11) / (double)(UINT64_C(1) << 53);
        if (left == 0) {
            left = state >> 40 & 3 ? 1 : 1 + (state >> 45) % 24;
            now += -log(1 - x) * mean_gap * (double)left;
        }
        left--;
        at[i] = now += 2e-5; /* within a burst */
    }
}

static enum hone_status replay(const struct load *l, const struct hone_scheduler_options *options,
                               const double *at, struct load_trace *best, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < N_ROUNDS && status == HONE_OK; i++) {
        struct hone_scheduler *s = NULL;
        struct load_trace trace = {0};
        status = hone_scheduler_open(&s, l->model, options, err);
        if (status == HONE_OK)
            status = load_by_trace(l, s, at, &trace, err);
        if (i == 0 || trace.p95_ms < best->p95_ms)
            *best = trace;
        hone_scheduler_close(&s);
    }
    return status;
}

static enum hone_status measure_bursts(struct bench_scheduler *b, struct hone_model *model,
                                       struct hone_error *err)
{
    static const size_t lengths[] = {12, 40, 20, 90};
    static const struct {
        const char *key, *what;
        bool window, batch, tune;
    } modes[] = {{"bursts_fixed", "bursts, P95: window of 1 ms", false, false, false},
                 {"bursts_window", "bursts, P95: adaptive window", true, false, false},
                 {"bursts_batch", "bursts, P95: adaptive batches", false, true, false},
                 {"bursts_both", "bursts, P95: both", true, true, false},
                 {"bursts_tuned", "bursts, P95: tuned", false, false, true}};
    static double at[MAX_TRACE];
    struct load l;
    double fixed = NAN, start = progress_clock();
    enum hone_status status = load_make(&l, model, lengths, 4, enough_texts(b, 60, 64, MAX_TRACE), err);
    if (status == HONE_OK) {
        start = progress_clock();
        status = load_offline(&l, 0, l.n, err);
    }
    make_trace(at, l.n, (progress_clock() - start) / (double)l.n / TRACE_LOAD);
    for (size_t i = 0; i < sizeof modes / sizeof *modes && status == HONE_OK; i++) {
        struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
        struct load_trace trace = {0};
        options.adaptive_window = modes[i].window;
        options.adaptive_batch = modes[i].batch;
        options.tune = modes[i].tune;
        options.max_queue = MAX_TRACE; /* most of the trace can wait at once on a busy machine */
        status = replay(&l, &options, at, &trace, err);
        if (status == HONE_OK)
            show(b, modes[i].key, modes[i].what, trace.p95_ms, "ms", fixed, NAN);
        fixed = i == 0 ? trace.p95_ms : fixed;
    }
    load_release(&l);
    return status;
}

/* ---- generated texts ---- */

static enum hone_status measure_streams(struct bench_scheduler *b, struct hone_model *model,
                                        struct hone_error *err)
{
    struct hone_scheduler *s = NULL;
    double one = 0, many = 0, rate = 0;
    enum hone_status status = hone_scheduler_open(&s, model, NULL, err);
    for (size_t i = 0; i < N_ROUNDS && status == HONE_OK; i++) {
        status = streams_rate(s, model, 1, STREAM_TOKENS, &rate, err);
        one = rate > one ? rate : one;
        if (status == HONE_OK)
            status = streams_rate(s, model, N_STREAMS, STREAM_TOKENS, &rate, err);
        many = rate > many ? rate : many;
    }
    if (status == HONE_OK)
        show(b, "streams_tok_s", "8 streams of generated text; beside one", many, "tokens/s", one, 3.5);
    hone_scheduler_close(&s);
    return status;
}

static enum hone_status measure_prompt(struct bench_scheduler *b, struct hone_model *model,
                                       struct hone_error *err)
{
    size_t n_most = hone_model_info(model)->max_length - 32, n = n_most < LONG_PROMPT ? n_most : LONG_PROMPT;
    struct hone_scheduler *s = NULL;
    struct streams_gaps before = {0}, during = {0}, best[2] = {{0}};
    double seconds = 0, least = 0;
    enum hone_status status = hone_scheduler_open(&s, model, NULL, err);
    for (size_t i = 0; i < N_ROUNDS && status == HONE_OK; i++) {
        status = streams_beside_prompt(s, model, N_STREAMS - 1, n, &before, &during, &seconds, err);
        if (i > 0 && during.p50 / before.p50 >= best[1].p50 / best[0].p50)
            continue;
        best[0] = before;
        best[1] = during;
        least = seconds;
    }
    if (status == HONE_OK) {
        show(b, "gap_p50_ms", "between tokens beside a long prompt, P50", best[1].p50, "ms", best[0].p50, 3);
        show(b, "gap_p95_ms", "between tokens beside a long prompt, P95", best[1].p95, "ms", best[0].p95,
             NAN);
        show(b, "prompt_s", "until the prompt's first token", least, "s", NAN, NAN);
    }
    hone_scheduler_close(&s);
    return status;
}

/* ---- all ---- */

typedef enum hone_status (*measure)(struct bench_scheduler *b, struct hone_model *model,
                                    struct hone_error *err);

static enum hone_status run_all(struct bench_scheduler *b, struct hone_model *model, struct hone_error *err)
{
    static const measure texts[] = {estimate, measure_single, measure_short, measure_mixed, measure_bursts};
    static const measure generated[] = {measure_streams, measure_prompt};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == HONE_OK; i++)
        status = texts[i](b, model, err);
    const struct hone_model_info *info = hone_model_info(model);
    bool generates =
        info->task == HONE_TASK_GENERATE && !info->has_decoder && info->max_length >= LEAST_CONTEXT;
    for (size_t i = 0; generates && i < sizeof generated / sizeof *generated && status == HONE_OK; i++)
        status = generated[i](b, model, err);
    return status;
}

enum hone_status bench_scheduler_run(const struct options *options)
{
    static struct output o;
    struct hone_error err;
    struct hone_model *model;
    struct bench_scheduler b = {.options = options, .o = &o};
    if (run_open_model(&model, options->model, options, RUN_WHOLE, &err) != HONE_OK)
        return report_failure(&err);
    enum hone_status status = output_open(&o, NULL, false);
    if (status == HONE_OK) {
        begin(&b, hone_model_info(model));
        status = run_all(&b, model, &err);
        if (status != HONE_OK)
            report_failure(&err);
        if (options->json)
            output_text(&o, "}\n");
        enum hone_status closed = output_close(&o, true);
        status = status == HONE_OK ? closed : status;
    }
    hone_model_close(&model);
    return status;
}
