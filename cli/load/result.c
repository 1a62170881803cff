#include "cli/load/result.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[LOAD_N_OUTCOMES] = {
    [LOAD_GOOD] = "good",           [LOAD_STATUS] = "status",  [LOAD_WRONG] = "not what was asked for",
    [LOAD_MALFORMED] = "not HTTP",  [LOAD_CLOSED] = "cut off", [LOAD_REFUSED] = "no connection",
    [LOAD_TIMEOUT] = "out of time",
};
static const char *const outcome_keys[LOAD_N_OUTCOMES] = {
    [LOAD_GOOD] = "good",           [LOAD_STATUS] = "status", [LOAD_WRONG] = "wrong",
    [LOAD_MALFORMED] = "malformed", [LOAD_CLOSED] = "closed", [LOAD_REFUSED] = "refused",
    [LOAD_TIMEOUT] = "timeout",
};

/* ---- figures ---- */

enum what { WHOLE, FIRST, A_TOKEN };

static double value_of(const struct load_sample *s, enum what what)
{
    return what == WHOLE ? s->ms : what == FIRST ? s->first_ms : s->a_token_ms;
}

static struct statistics gather(const struct load_plan *p, enum what what, double *x)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_samples; i++) {
        const struct load_sample *s = &p->samples[i];
        bool counts = s->outcome == LOAD_GOOD || (what == WHOLE && s->outcome == LOAD_TIMEOUT);
        if (counts && !isnan(value_of(s, what)))
            x[n++] = value_of(s, what);
    }
    return statistics_of(x, n);
}

enum hone_status load_figures_of(struct load_figures *f, const struct load_plan *plan, const char *name,
                                 double at, struct hone_error *err)
{
    double *x = malloc((plan->n_samples + 1) * sizeof *x);
    if (!x) {
        snprintf(err->message, sizeof err->message, "out of memory for %zu samples", plan->n_samples);
        return err->status = HONE_FAILED;
    }
    *f = (struct load_figures){.at = at,
                               .n = plan->n_samples,
                               .n_good = plan->outcomes[LOAD_GOOD],
                               .seconds = 1e-9 * (double)(plan->end - plan->start)};
    if (plan->rate > 0 && f->seconds < 1e-9 * (double)plan->duration) /* in which no more was asked for */
        f->seconds = 1e-9 * (double)plan->duration;
    snprintf(f->name, sizeof f->name, "%s", name);
    f->good_s = f->seconds > 0 ? (double)f->n_good / f->seconds : 0;
    f->tokens_s = f->seconds > 0 ? (double)plan->n_tokens / f->seconds : 0;
    f->ms = gather(plan, WHOLE, x);
    f->first = gather(plan, FIRST, x);
    f->a_token = gather(plan, A_TOKEN, x);
    memcpy(f->outcomes, plan->outcomes, sizeof f->outcomes);
    memcpy(f->statuses, plan->statuses, sizeof f->statuses);
    free(x);
    return HONE_OK;
}

void load_figures_errors(const struct load_figures *f, char *out, size_t size)
{
    FILE *text = fmemopen(out, size, "w");
    const char *comma = "";
    out[0] = '\0';
    if (!text)
        return;
    for (size_t i = 0; i < LOAD_STATUSES; i++)
        if (f->statuses[i]) {
            fprintf(text, "%s%zu of status %zu", comma, f->statuses[i], i);
            comma = ", ";
        }
    for (int i = LOAD_WRONG; i < LOAD_N_OUTCOMES; i++)
        if (f->outcomes[i]) {
            fprintf(text, "%s%zu %s", comma, f->outcomes[i], outcome_names[i]);
            comma = ", ";
        }
    fclose(text);
}

/* ---- for the eye ---- */

static void number(struct table *t, double x)
{
    if (isnan(x))
        table_cell(t, text_from("-"));
    else
        table_format(t, x < 100 ? "%.2f" : "%.0f", x);
}

static void show_errors(struct table *t, const struct load_figures *f)
{
    if (f->n_good == 0)
        table_cell(t, text_from("no answers"));
    else
        table_format(t, "%.2f%%", 100 * (double)(f->n - f->n_good) / (double)f->n);
}

static void show_times(struct output *o, const char *title, const struct load_figures *f, size_t n)
{
    const struct table_column columns[] = {{title, 24, false}, {"answers/s", 10, true}, {"mean ms", 9, true},
                                           {"P50", 9, true},   {"P90", 9, true},        {"P95", 9, true},
                                           {"P99", 9, true},   {"max", 9, true},        {"errors", 10, true},
                                           {"", 0, false}};
    struct table t;
    table_begin(&t, o, columns, sizeof columns / sizeof *columns, true);
    for (size_t i = 0; i < n; i++) {
        table_cell(&t, text_from(f[i].name));
        number(&t, f[i].good_s);
        const double ms[] = {f[i].ms.mean, f[i].ms.p50, f[i].ms.p90, f[i].ms.p95, f[i].ms.p99, f[i].ms.max};
        for (size_t j = 0; j < sizeof ms / sizeof *ms; j++)
            number(&t, ms[j]);
        show_errors(&t, &f[i]);
        table_cell(&t, text_from(""));
    }
}

static void show_tokens(struct output *o, const struct load_figures *f, size_t n)
{
    static const struct table_column columns[] = {
        {"tokens", 24, false}, {"tokens/s", 10, true}, {"first: P50", 10, true},   {"P95", 9, true},
        {"P99", 9, true},      {"max ms", 9, true},    {"between: P50", 12, true}, {"P95", 9, true},
        {"P99", 9, true},      {"", 0, false}};
    bool any = false, streamed = false;
    struct table t;
    for (size_t i = 0; i < n; i++) {
        any |= f[i].tokens_s > 0;
        streamed |= f[i].first.n > 0;
    }
    for (size_t i = 0; any && !streamed && i < n; i++)
        if (f[i].tokens_s > 0)
            output_format(o, "%s: %.0f tokens/s\n", f[i].name, f[i].tokens_s);
    if (!streamed)
        return;
    table_begin(&t, o, columns, sizeof columns / sizeof *columns, true);
    for (size_t i = 0; i < n; i++) {
        table_cell(&t, text_from(f[i].name));
        const double x[] = {f[i].tokens_s,  f[i].first.p50,   f[i].first.p95,   f[i].first.p99,
                            f[i].first.max, f[i].a_token.p50, f[i].a_token.p95, f[i].a_token.p99};
        for (size_t j = 0; j < sizeof x / sizeof *x; j++)
            number(&t, x[j]);
        table_cell(&t, text_from(""));
    }
}

void load_figures_show(struct output *o, const char *title, const struct load_figures *f, size_t n)
{
    char errors[512];
    show_times(o, title, f, n);
    show_tokens(o, f, n);
    for (size_t i = 0; i < n; i++) {
        load_figures_errors(&f[i], errors, sizeof errors);
        if (*errors)
            output_format(o, "%s: %s\n", f[i].name, errors);
    }
    output_text(o, "\n");
}

/* ---- for programs ---- */

void load_write_number(struct output *o, double x)
{
    if (isfinite(x))
        output_format(o, "%.9g", x);
    else
        output_text(o, "null");
}

void load_write_statistics(struct output *o, const char *name, const struct statistics *s)
{
    const struct {
        const char *name;
        double value;
    } values[] = {{"mean", s->mean}, {"sd", s->deviation}, {"min", s->min},
                  {"p50", s->p50},   {"p90", s->p90},      {"p95", s->p95},
                  {"p99", s->p99},   {"p99.9", s->p999},   {"max", s->max}};
    output_format(o, "\"%s\": {\"n\": %zu", name, s->n);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        output_format(o, ", \"%s\": ", values[i].name);
        load_write_number(o, values[i].value);
    }
    output_text(o, "}");
}

void load_figures_write_json(struct output *o, const struct load_figures *f)
{
    output_text(o, "{\"load\": ");
    text_write_json(o, text_from(f->name));
    output_format(o, ", \"requests\": %zu, \"good\": %zu, \"connections\": %zu, \"seconds\": %.9g, ", f->n,
                  f->n_good, f->n_connections, f->seconds);
    output_format(o, "\"answers_s\": %.9g, \"tokens_s\": %.9g, ", f->good_s, f->tokens_s);
    load_write_statistics(o, "ms", &f->ms);
    output_text(o, ", ");
    load_write_statistics(o, "first_token_ms", &f->first);
    output_text(o, ", ");
    load_write_statistics(o, "between_tokens_ms", &f->a_token);
    output_text(o, ", \"errors\": {");
    const char *comma = "";
    for (size_t i = 0; i < LOAD_STATUSES; i++)
        if (f->statuses[i]) {
            output_format(o, "%s\"%zu\": %zu", comma, i, f->statuses[i]);
            comma = ", ";
        }
    for (int i = LOAD_WRONG; i < LOAD_N_OUTCOMES; i++)
        if (f->outcomes[i]) {
            output_format(o, "%s\"%s\": %zu", comma, outcome_keys[i], f->outcomes[i]);
            comma = ", ";
        }
    output_text(o, "}}");
}
