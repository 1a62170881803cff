/* hone bench load: a server under load, whichever server it is. */
#include "cli/chart/curves.h"
#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/load/clients.h"
#include "cli/load/requests.h"
#include "cli/load/result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_SECONDS   10
#define USUAL_CLIENTS   16
#define RATED_CLIENTS   1024  /* connections that requests at fixed times may have at once */
#define STRESS_CLIENTS  256   /* that --stress goes up to */
#define MOST_CLIENTS    20000 /* a port each: Linux gives out some 28,000 for one address of a server */
#define USUAL_PATIENCE  30    /* seconds until an answer is given up */
#define LONGEST_SECONDS 1e6   /* of any setting: far from where nanoseconds in 64 bits end */
#define SCRAPES_S       10    /* of figures, a second: 600 times as often as Prometheus does by default */
#define MAX_ROWS        16    /* of the result: --stress has the most, 1, 4, 16 ... 20,000 connections */

struct load_bench {
    const struct options *options;
    struct load_address address;
    struct load_requests requests;
    char path[1024], prefix[512];
    const char *key;
    struct load_figures rows[MAX_ROWS];
    size_t n_rows;
    bool is_gone; /* the server, while it was asked */
    struct hone_error err;
};

static const char *mode_of(const struct load_bench *b)
{
    return b->options->mode ? b->options->mode : "load";
}

/* ---- one run ---- */

static size_t clients_of(const struct options *o, size_t usual)
{
    return o->concurrency ? o->concurrency : usual;
}

/* A part of a run that asks at that rate (0: each again as soon as it has its answer), with as many connections. */
static struct load_part part_of(struct load_bench *b, double rate, size_t n_clients)
{
    const struct options *o = b->options;
    double patience = o->patience.given ? o->patience.value : USUAL_PATIENCE;
    double duration = o->duration.given ? o->duration.value : o->requests ? 0 : USUAL_SECONDS;
    b->requests.run += 0x9e3779; /* texts of this run alone */
    return (struct load_part){.address = &b->address,
                              .dialect = b->requests.dialect,
                              .path = b->path,
                              .key = b->key,
                              .keep_alive = !o->no_keep_alive,
                              .body = load_requests_body,
                              .arg = &b->requests,
                              .plan = {.n_requests = o->requests,
                                       .rate = rate,
                                       .duration = (uint64_t)(1e9 * duration),
                                       .patience = (uint64_t)(1e9 * patience),
                                       .n_slots = n_clients}};
}

/* Requests that are not counted: the first ones of a connection and of a model take longer. */
static enum hone_status warm_up(struct load_bench *b, size_t n_clients)
{
    size_t n = b->options->warmup.given ? (size_t)b->options->warmup.value : n_clients;
    struct load_part part = part_of(b, 0, n_clients < n ? n_clients : n);
    part.plan.n_requests = n;
    part.plan.duration = 0;
    enum hone_status status = n ? load_clients_run(&part, 1, &clock_monotonic, &b->err) : HONE_OK;
    load_plan_release(&part.plan);
    return status;
}

static enum hone_status keep(struct load_bench *b, const struct load_part *part, const char *name, double at)
{
    enum hone_status status = load_figures_of(&b->rows[b->n_rows], &part->plan, name, at, &b->err);
    if (part->plan.is_full)
        report_note("%s: it ended early, after %zu requests, for lack of memory", name, part->plan.n_samples);
    if (part->plan.is_gone)
        report_note("%s: it ended early, after %zu requests: for %g s nobody took connections", name,
                    part->plan.n_samples, 1e-9 * LOAD_GONE);
    b->is_gone |= part->plan.is_gone;
    b->rows[b->n_rows].n_connections = part->n_connections;
    b->n_rows += status == HONE_OK;
    return status;
}

static enum hone_status run_once(struct load_bench *b, double rate, size_t n_clients)
{
    char name[64];
    struct load_part part = part_of(b, rate, n_clients);
    enum hone_status status = load_clients_run(&part, 1, &clock_monotonic, &b->err);
    if (rate > 0)
        snprintf(name, sizeof name, "%.6g requests/s", rate);
    else
        snprintf(name, sizeof name, "%zu connection%s", n_clients, n_clients == 1 ? "" : "s");
    if (status == HONE_OK)
        status = keep(b, &part, name, rate > 0 ? rate : (double)n_clients);
    load_plan_release(&part.plan);
    return status;
}

/* ---- modes ---- */

/* At fixed rates: shares of the one that was named, up to it. Else four times as many connections each time. */
static enum hone_status stress(struct load_bench *b)
{
    static const double shares[] = {0.1, 0.2, 0.4, 0.6, 0.8, 1};
    double rate = b->options->rate.value;
    size_t most = clients_of(b->options, rate > 0 ? RATED_CLIENTS : STRESS_CLIENTS);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; rate > 0 && i < sizeof shares / sizeof *shares && status == HONE_OK && !b->is_gone;
         i++)
        status = run_once(b, shares[i] * rate, most);
    for (size_t n = 1; rate <= 0 && n && status == HONE_OK && !b->is_gone; n = n == most      ? 0
                                                                               : 4 * n < most ? 4 * n
                                                                                              : most)
        status = run_once(b, 0, n);
    return status;
}

/* Of the last row: every answer was that there is no such path. Servers that are not hone have other ones, or none. */
static bool is_absent(const struct load_bench *b)
{
    const struct load_figures *f = &b->rows[b->n_rows - 1];
    return f->n > 0 && f->statuses[404] == f->n;
}

/* How long those wait who look after the server, while others ask it. */
static enum hone_status scrape(struct load_bench *b, size_t n_clients)
{
    static const char *const paths[] = {"/metrics", "/metrics.json", "/health"};
    struct load_part parts[4] = {part_of(b, b->options->rate.value, n_clients)};
    char names[3][sizeof b->prefix + 16];
    enum hone_status status;
    for (size_t i = 0; i < 3; i++) {
        snprintf(names[i], sizeof names[i], "%s%s", b->prefix, paths[i]);
        parts[1 + i] = part_of(b, SCRAPES_S, 64);
        parts[1 + i].path = names[i];
        parts[1 + i].dialect = NULL;
        parts[1 + i].body = NULL;
    }
    status = load_clients_run(parts, 4, &clock_monotonic, &b->err);
    for (size_t i = 0; i < 4 && status == HONE_OK; i++) {
        status = keep(b, &parts[i], i ? paths[i - 1] : b->path, (double)i);
        if (status == HONE_OK && i > 0 && is_absent(b)) {
            report_note("%s: the server has no such path, which is left out", names[i - 1]);
            b->n_rows--;
        }
    }
    for (size_t i = 0; i < 4; i++)
        load_plan_release(&parts[i].plan);
    return status;
}

static enum hone_status measure(struct load_bench *b)
{
    double rate = b->options->rate.value;
    const char *mode = mode_of(b);
    size_t n =
        strcmp(mode, "latency") == 0 ? 1 : clients_of(b->options, rate > 0 ? RATED_CLIENTS : USUAL_CLIENTS);
    enum hone_status status = warm_up(b, rate > 0 && n > USUAL_CLIENTS ? USUAL_CLIENTS : n);
    if (status != HONE_OK)
        return status;
    if (strcmp(mode, "stress") == 0)
        return stress(b);
    if (strcmp(mode, "metrics") == 0)
        return scrape(b, n);
    return run_once(b, rate, n);
}

/* ---- what came out ---- */

static enum hone_status draw(const struct load_bench *b, const char *path)
{
    static struct output o;
    double y[4][MAX_ROWS];
    char names[MAX_ROWS][32];
    const char *places[MAX_ROWS];
    bool is_rate = b->options->rate.value > 0, is_scrape = strcmp(mode_of(b), "metrics") == 0;
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct statistics *s = &b->rows[i].ms;
        const double ms[4] = {s->p50, s->p90, s->p95, s->p99};
        for (size_t j = 0; j < 4; j++)
            y[j][i] = ms[j];
        snprintf(names[i], sizeof names[i], "%.5g", b->rows[i].at);
        places[i] = is_scrape ? b->rows[i].name : names[i];
    }
    const struct curve curves[] = {{"P50", y[0]}, {"P90", y[1]}, {"P95", y[2]}, {"P99", y[3]}};
    char subtitle[256];
    snprintf(subtitle, sizeof subtitle, "%.100s%.100s, %s", b->address.host, b->path, mode_of(b));
    enum hone_status status = output_open(&o, path, false);
    if (status != HONE_OK)
        return status;
    curves_write(&o, "Time to the whole answer", subtitle,
                 is_scrape ? "path"
                 : is_rate ? "requests/s that came"
                           : "connections",
                 "ms", places, b->n_rows, curves, 4);
    return output_close(&o, true);
}

static enum hone_status show(const struct load_bench *b)
{
    static struct output o;
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    if (b->options->json) {
        output_text(&o, "{\"url\": ");
        text_write_json(&o, text_from(b->options->operand));
        output_format(&o, ", \"kind\": \"%s\", \"dialect\": \"%s\", \"path\": ", b->requests.dialect->kind,
                      b->requests.dialect->name);
        text_write_json(&o, text_from(b->path));
        output_format(&o, ", \"mode\": \"%s\", \"results\": [", mode_of(b));
        for (size_t i = 0; i < b->n_rows; i++) {
            output_text(&o, i ? ", " : "");
            load_figures_write_json(&o, &b->rows[i]);
        }
        output_text(&o, "]}\n");
    } else
        load_figures_show(&o, b->requests.dialect->kind, b->rows, b->n_rows);
    return output_close(&o, true);
}

/* HONE_FAILED: a row has no good answer at all; HONE_REFUSED: some went wrong. */
static enum hone_status judge(const struct load_bench *b)
{
    enum hone_status status = HONE_OK;
    char errors[512];
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct load_figures *f = &b->rows[i];
        load_figures_errors(f, errors, sizeof errors);
        if (f->n_good == 0)
            return report_error(HONE_FAILED, "%s: no answers%s%s", f->name, *errors ? ": " : "", errors);
        if (*errors && status == HONE_OK)
            status = report_error(HONE_REFUSED, "%s: %zu of %zu requests went wrong: %s", f->name,
                                  f->n - f->n_good, f->n, errors);
    }
    return status;
}

/* ---- the command ---- */

static enum hone_status check(const struct options *o, const char *key)
{
    const struct {
        const char *name;
        struct option_number number;
        double low, high;
    } numbers[] = {{"rate", o->rate, 1e-3, 1e6},
                   {"duration", o->duration, 1e-3, LONGEST_SECONDS},
                   {"timeout", o->patience, 1e-3, LONGEST_SECONDS},
                   {"warmup", o->warmup, 0, 1e9}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].number.given &&
            !(numbers[i].number.value >= numbers[i].low && numbers[i].number.value <= numbers[i].high))
            return report_error(HONE_USAGE, "--%s must be from %g to %g, not %g", numbers[i].name,
                                numbers[i].low, numbers[i].high, numbers[i].number.value);
    if (o->concurrency > MOST_CLIENTS)
        return report_error(HONE_USAGE, "--concurrency is %d at most", MOST_CLIENTS);
    if (o->mode && strcmp(o->mode, "latency") == 0 && o->concurrency > 1)
        return report_error(HONE_USAGE, "--mode latency has one connection: leave --concurrency out");
    if (o->mode && strcmp(o->mode, "latency") == 0 && o->rate.given)
        return report_error(HONE_USAGE,
                            "--mode latency asks again as soon as it has an answer: leave --rate out");
    if (o->mode && strcmp(o->mode, "metrics") == 0 && !o->duration.given && o->requests)
        return report_error(HONE_USAGE, "--mode metrics lasts --duration seconds, not --requests");
    for (const char *c = key; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return report_error(HONE_USAGE, "the key of --api-key or HONE_API_KEY has control characters");
    if (o->input && o->words)
        return report_error(HONE_USAGE, "--words makes texts, --input brings them: leave one out");
    return HONE_OK;
}

enum hone_status bench_load_run(const struct options *options)
{
    static struct load_bench b;
    size_t n_prefix;
    b.options = options;
    b.key = options->serving.values[SETTING_API_KEY] ? options->serving.values[SETTING_API_KEY]
                                                     : getenv("HONE_API_KEY");
    enum hone_status status = check(options, b.key);
    if (status == HONE_OK)
        status = load_address_read(&b.address, options->operand);
    if (status != HONE_OK)
        return status;
    const struct load_dialect *dialect =
        load_dialect_find(b.address.path, options->kind, options->dialect, &n_prefix);
    if (!dialect)
        return HONE_USAGE;
    snprintf(b.prefix, sizeof b.prefix, "%.*s", (int)n_prefix, b.address.path);
    snprintf(b.path, sizeof b.path, "%s%s", b.prefix, dialect->path);
    status = load_requests_open(&b.requests, dialect, options);
    if (status == HONE_OK)
        status = load_address_check(&b.address, options->operand);
    if (status == HONE_OK && measure(&b) != HONE_OK)
        status = report_failure(&b.err);
    if (status == HONE_OK)
        status = show(&b);
    if (status == HONE_OK && options->svg)
        status = draw(&b, options->svg);
    load_requests_close(&b.requests);
    return status == HONE_OK ? judge(&b) : status;
}
