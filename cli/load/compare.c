/* hone bench compare: two servers, or two models and ways to run them, asked the same in turn. */
#include "cli/chart/curves.h"
#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/load/clients.h"
#include "cli/load/requests.h"
#include "cli/load/result.h"
#include "cli/load/side.h"
#include "cli/load/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_WARMUP   3  /* requests that do not count: the first one maps weights, the next fill caches */
#define USUAL_PATIENCE 60 /* s, of a request */
#define MOST_REQUESTS  1000000

static const char *const letters[] = {"A", "B"};

struct load_comparison {
    const struct options *options;
    struct load_side sides[2];
    struct load_requests requests[2];
    char paths[2][1024];
    struct load_part parts[2];
    struct load_clients *clients[2];
    struct load_figures figures[2];
    double tokens_s[2];
    struct statistics_paired whole, first; /* ms; of pairs that were both answered well */
    struct hone_error err;
};

/* ---- asking ---- */

static enum hone_status prepare(struct load_comparison *c, size_t i)
{
    const struct options *o = c->options;
    size_t n_prefix;
    enum hone_status status = load_side_start(&c->sides[i], o->operands[i]);
    if (status != HONE_OK)
        return status;
    const char *path = c->sides[i].address.path;
    const struct load_dialect *dialect = load_dialect_find(path, o->kind, o->dialect, &n_prefix);
    if (!dialect)
        return HONE_USAGE;
    snprintf(c->paths[i], sizeof c->paths[i], "%.*s%s", (int)n_prefix, path, dialect->path);
    status = load_requests_open(&c->requests[i], dialect, o);
    c->requests[i].run = c->requests[0].run; /* the same texts for both */
    const char *key =
        o->serving.values[SETTING_API_KEY] ? o->serving.values[SETTING_API_KEY] : getenv("HONE_API_KEY");
    double patience = o->patience.given ? o->patience.value : USUAL_PATIENCE;
    c->parts[i] = (struct load_part){.address = &c->sides[i].address,
                                     .dialect = dialect,
                                     .path = c->paths[i],
                                     .key = key,
                                     .keep_alive = true,
                                     .body = load_requests_body,
                                     .arg = &c->requests[i],
                                     .plan = {.patience = (uint64_t)(1e9 * patience), .n_slots = 1}};
    if (status == HONE_OK &&
        load_clients_open(&c->clients[i], &c->parts[i], 1, &clock_monotonic, &c->err) != HONE_OK)
        status = report_failure(&c->err);
    return status;
}

static void ask(struct load_comparison *c, size_t i)
{
    c->parts[i].plan.n_requests++;
    load_clients_work(c->clients[i]);
}

/* In turn, and each first as often as the other: what the machine does meanwhile, and what it gets hot from, is the same
 * for both. */
static void ask_in_turn(struct load_comparison *c, size_t n, size_t n_warmup)
{
    for (size_t j = 0; j < n_warmup + n; j++) {
        if (j == n_warmup)
            for (size_t i = 0; i < 2; i++)
                load_plan_forget(&c->parts[i].plan);
        ask(c, j % 2);
        ask(c, 1 - j % 2);
        for (size_t i = 0; i < 2; i++)
            if (c->parts[i].plan.is_gone) {
                report_note("it ended early, after %zu requests: for %g s nobody took connections of %s",
                            2 * (j + 1), 1e-9 * LOAD_GONE, letters[i]);
                return;
            }
    }
}

/* ---- what it comes to ---- */

/* One of a pair's numbers, where both were answered well. */
static size_t gather(const struct load_comparison *c, bool first, double *a, double *b)
{
    const struct load_plan *p = &c->parts[0].plan, *q = &c->parts[1].plan;
    size_t n = 0;
    for (size_t i = 0; i < p->n_samples && i < q->n_samples; i++) {
        const struct load_sample *s = &p->samples[i], *t = &q->samples[i];
        a[n] = first ? s->first_ms : s->ms;
        b[n] = first ? t->first_ms : t->ms;
        n += s->outcome == LOAD_GOOD && t->outcome == LOAD_GOOD && !isnan(a[n]) && !isnan(b[n]);
    }
    return n;
}

static enum hone_status compute(struct load_comparison *c)
{
    size_t room = c->parts[0].plan.n_samples + 1;
    double *a = malloc(room * sizeof *a), *b = malloc(room * sizeof *b);
    enum hone_status status =
        a && b ? HONE_OK : report_error(HONE_FAILED, "out of memory for %zu samples", room);
    if (status == HONE_OK) {
        c->whole = statistics_compare(a, b, gather(c, false, a, b));
        c->first = statistics_compare(a, b, gather(c, true, a, b));
    }
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        const struct load_plan *p = &c->parts[i].plan;
        double ms = 0;
        if (load_figures_of(&c->figures[i], p, letters[i], 0, &c->err) != HONE_OK)
            status = report_failure(&c->err);
        for (size_t j = 0; j < p->n_samples; j++)
            ms += p->samples[j].outcome == LOAD_GOOD ? p->samples[j].ms : 0;
        c->tokens_s[i] = ms > 0 ? 1e3 * (double)p->n_tokens / ms : 0;
    }
    free(a);
    free(b);
    return status;
}

/* "B takes 3.1 ms (4.2 %) longer than A" */
static void verdict(const struct load_comparison *c, char *out, size_t size)
{
    const struct statistics_paired *p = &c->whole;
    double share = 100 * p->difference / (c->figures[0].ms.mean);
    if (p->n < 2)
        snprintf(out, size, "nothing to compare: fewer than two pairs were answered by both");
    else if (!p->differs)
        snprintf(out, size, "no difference seen");
    else
        snprintf(out, size, "B takes %.3g ms (%.2g %%) %s than A", fabs(p->difference), fabs(share),
                 p->difference > 0 ? "longer" : "less");
}

/* ---- showing it ---- */

static void number(struct table *t, double x)
{
    if (isfinite(x))
        table_format(t, fabs(x) < 100 ? "%.3f" : "%.1f", x);
    else
        table_cell(t, text_from("-"));
}

static void row(struct table *t, const char *name, const double *x, const struct statistics_paired *p)
{
    table_cell(t, text_from(name));
    number(t, x[0]);
    number(t, x[1]);
    if (p) {
        number(t, p->difference);
        table_format(t, "%.3f .. %.3f", p->low, p->high);
    } else {
        number(t, x[1] - x[0]);
        table_cell(t, text_from(""));
    }
}

static void show_table(const struct load_comparison *c, struct output *o)
{
    static const struct table_column columns[] = {
        {"", 22, false}, {"A", 11, true}, {"B", 11, true}, {"B - A", 11, true}, {"95 % of pairs", 24, false}};
    const struct load_figures *a = &c->figures[0], *b = &c->figures[1];
    const struct statistics *s = &a->ms, *t = &b->ms, *f = &a->first, *g = &b->first;
    const double rows[][2] = {{s->mean, t->mean},
                              {s->p50, t->p50},
                              {s->p95, t->p95},
                              {s->p99, t->p99},
                              {s->min, t->min},
                              {s->max, t->max},
                              {s->deviation, t->deviation}};
    static const char *const names[] = {"mean ms",           "median", "P95", "P99", "min", "max",
                                        "standard deviation"};
    struct table table;
    for (size_t i = 0; i < 2; i++)
        output_format(o, "%s: %s\n", letters[i], c->sides[i].given);
    output_text(o, "\n");
    table_begin(&table, o, columns, sizeof columns / sizeof *columns, true);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        row(&table, names[i], rows[i], i == 0 && c->whole.n > 1 ? &c->whole : NULL);
    if (f->n || g->n) {
        row(&table, "first token: mean ms", (double[]){f->mean, g->mean}, c->first.n > 1 ? &c->first : NULL);
        row(&table, "first token: P95", (double[]){f->p95, g->p95}, NULL);
        row(&table, "between tokens: mean", (double[]){a->a_token.mean, b->a_token.mean}, NULL);
    }
    if (c->tokens_s[0] > 0 || c->tokens_s[1] > 0)
        row(&table, "tokens/s", c->tokens_s, NULL);
    row(&table, "answered well, %",
        (double[]){100.0 * (double)a->n_good / (double)a->n, 100.0 * (double)b->n_good / (double)b->n}, NULL);
}

static void show_text(const struct load_comparison *c, struct output *o)
{
    char text[256];
    const struct statistics_paired *p = &c->whole;
    show_table(c, o);
    verdict(c, text, sizeof text);
    output_format(o, "\n%s (%zu pairs)\n", text, p->n);
    if (isfinite(p->needed))
        output_format(o, "to see a difference of 2 %% takes %.0f pairs\n", p->needed);
}

static void write_side(const struct load_comparison *c, struct output *o, size_t i)
{
    output_text(o, "{\"what\": ");
    text_write_json(o, text_from(c->sides[i].given));
    output_text(o, ", \"success_rate\": ");
    load_write_number(o, (double)c->figures[i].n_good / (double)c->figures[i].n); /* of none: null */
    output_format(o, ", \"tokens_s\": %.9g, \"figures\": ", c->tokens_s[i]);
    load_figures_write_json(o, &c->figures[i]);
    output_text(o, "}");
}

static void write_paired(struct output *o, const char *name, const struct statistics_paired *p)
{
    const struct {
        const char *name;
        double value;
    } values[] = {{"difference_ms", p->difference},
                  {"low", p->low},
                  {"high", p->high},
                  {"needed_for_2_percent", p->needed}};
    output_format(o, ", \"%s\": {\"pairs\": %zu", name, p->n);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        output_format(o, ", \"%s\": ", values[i].name);
        load_write_number(o, values[i].value);
    }
    output_format(o, ", \"differs\": %s}", p->differs ? "true" : "false");
}

/* All that the rest is computed from: null where an answer went wrong. */
static void write_samples(const struct load_comparison *c, struct output *o)
{
    const struct load_plan *p = &c->parts[0].plan, *q = &c->parts[1].plan;
    output_text(o, ", \"samples_ms\": [");
    for (size_t i = 0; i < p->n_samples && i < q->n_samples; i++) {
        const struct load_sample *s = &p->samples[i], *t = &q->samples[i];
        output_text(o, i ? ", [" : "[");
        load_write_number(o, s->outcome == LOAD_GOOD ? s->ms : NAN);
        output_text(o, ", ");
        load_write_number(o, t->outcome == LOAD_GOOD ? t->ms : NAN);
        output_text(o, "]");
    }
    output_text(o, "]");
}

static void show_json(const struct load_comparison *c, struct output *o)
{
    char text[256];
    output_text(o, "{\"a\": ");
    write_side(c, o, 0);
    output_text(o, ", \"b\": ");
    write_side(c, o, 1);
    write_paired(o, "paired", &c->whole);
    write_paired(o, "paired_first_token", &c->first);
    write_samples(c, o);
    verdict(c, text, sizeof text);
    output_format(o, ", \"verdict\": \"%s\"}\n", text);
}

static enum hone_status show(const struct load_comparison *c)
{
    static struct output o;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    (c->options->json ? show_json : show_text)(c, &o);
    return output_close(&o, true);
}

/* The times of each side, from the shortest to the longest. */
static enum hone_status draw(const struct load_comparison *c, const char *path)
{
    static const double shares[] = {1, 5, 10, 25, 50, 75, 90, 95, 99};
    static const char *const places[] = {"P1", "P5", "P10", "P25", "P50", "P75", "P90", "P95", "P99"};
    enum { N = sizeof shares / sizeof *shares };
    static struct output o;
    double y[2][N];
    char text[256];
    for (size_t i = 0; i < 2; i++) {
        const struct load_plan *p = &c->parts[i].plan;
        double *x = malloc((p->n_samples + 1) * sizeof *x);
        size_t n = 0;
        for (size_t j = 0; x && j < p->n_samples; j++)
            if (p->samples[j].outcome == LOAD_GOOD)
                x[n++] = p->samples[j].ms;
        statistics_sort(x, n);
        for (size_t j = 0; j < N; j++)
            y[i][j] = statistics_percentile(x, n, shares[j]);
        free(x);
    }
    const struct curve curves[] = {{"A", y[0]}, {"B", y[1]}};
    enum hone_status status = output_open(&o, path, false);
    if (status != HONE_OK)
        return status;
    verdict(c, text, sizeof text);
    curves_write(&o, "Time to the whole answer", text, "share of the answers that were as fast", "ms", places,
                 N, curves, 2);
    return output_close(&o, true);
}

/* HONE_FAILED: a side has no good answer; HONE_REFUSED: some answers went wrong. */
static enum hone_status judge(const struct load_comparison *c)
{
    enum hone_status status = HONE_OK;
    char errors[512];
    for (size_t i = 0; i < 2; i++) {
        const struct load_figures *f = &c->figures[i];
        load_figures_errors(f, errors, sizeof errors);
        if (f->n_good == 0)
            return report_error(HONE_FAILED, "%s: no answers%s%s", letters[i], *errors ? ": " : "", errors);
        if (*errors)
            status = report_error(HONE_REFUSED, "%s: %zu of %zu requests went wrong: %s", letters[i],
                                  f->n - f->n_good, f->n, errors);
    }
    return status;
}

enum hone_status bench_compare_run(const struct options *options)
{
    static struct load_comparison c;
    c.options = options;
    size_t n_warmup = options->warmup.given ? (size_t)options->warmup.value : USUAL_WARMUP;
    enum hone_status status = HONE_OK;
    if (options->requests > MOST_REQUESTS || n_warmup > MOST_REQUESTS || options->warmup.value < 0)
        status = report_error(HONE_USAGE, "--requests and --warmup are %d at most", MOST_REQUESTS);
    if (options->patience.given && !(options->patience.value > 0 && options->patience.value <= 1e6))
        status = report_error(HONE_USAGE, "--timeout must be above 0, and 1000000 at most");
    if (options->input && options->words)
        status = report_error(HONE_USAGE, "--words makes texts, --input brings them: leave one out");
    for (size_t i = 0; i < 2 && status == HONE_OK; i++)
        status = prepare(&c, i);
    if (status == HONE_OK) {
        ask_in_turn(&c, options->requests ? options->requests : load_requests_count(&c.requests[0]),
                    n_warmup);
        status = compute(&c);
    }
    if (status == HONE_OK)
        status = show(&c);
    if (status == HONE_OK && options->svg)
        status = draw(&c, options->svg);
    for (size_t i = 0; i < 2; i++) {
        load_clients_close(c.clients[i]);
        load_plan_release(&c.parts[i].plan);
        load_requests_close(&c.requests[i]);
    }
    load_sides_end();
    return status == HONE_OK ? judge(&c) : status;
}
