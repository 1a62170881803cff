#include "cli/chart/roofline.h"
#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kernels_listing {
    struct output o;
    struct table table;
    bool json;
    struct hone_bench_result *results; /* for the picture */
    size_t n, n_kept, capacity;
    int n_threads;
    char slot[64]; /* the table's heading tells it, and the level */
};

static void json_result(struct output *o, const struct hone_bench_result *r)
{
    output_format(o, "{\"slot\": \"%s\", \"level\": \"%s\", \"model\": \"%s\", \"shape\": \"%s\", ", r->slot,
                  r->level, r->model, r->shape);
    output_format(o, "\"m\": %zu, \"n\": %zu, \"k\": %zu, \"n_measured\": %zu, \"threads\": %d, ", r->m, r->n,
                  r->k, r->n_measured, r->n_threads);
    output_format(o, "\"seconds\": %.4g, \"gop_s\": %.5g, \"gb_s\": %.5g, ", r->seconds, r->ops * 1e-9,
                  r->bytes * 1e-9);
    output_format(o, "\"limit_gop_s\": %.5g, \"limit_gb_s\": %.5g, \"bound\": \"%s\", \"share\": %.4f}",
                  r->ops_limit * 1e-9, r->bytes_limit * 1e-9, r->bound, r->share);
}

static void table_result(struct kernels_listing *l, const struct hone_bench_result *r)
{
    static const struct table_column columns[] = {
        {"model", 12, false}, {"shape", 8, false}, {"n", 6, true},    {"k", 4, true},        {"M", 4, true},
        {"us", 9, true},      {"GOP/s", 7, true},  {"GB/s", 6, true}, {"share of", 8, true}, {"", 0, false}};
    char slot[64];
    snprintf(slot, sizeof slot, "%s, %s", r->slot, r->level);
    if (strcmp(slot, l->slot) != 0) {
        output_format(&l->o, "%s%s\n", l->n ? "\n" : "", slot);
        table_begin(&l->table, &l->o, columns, sizeof columns / sizeof *columns, true);
        memcpy(l->slot, slot, sizeof slot);
    }
    struct table *t = &l->table;
    table_cell(t, text_from(r->model));
    table_cell(t, text_from(r->shape));
    table_format(t, "%zu", r->n);
    table_format(t, r->k ? "%zu" : "-", r->k);
    table_format(t, "%zu", r->m);
    table_format(t, "%.1f", r->seconds * 1e6);
    table_format(t, r->ops > 0 ? "%.1f" : "-", r->ops * 1e-9);
    table_format(t, "%.1f", r->bytes * 1e-9);
    table_format(t, "%.1f %%", r->share * 100);
    table_cell(t, text_from(r->bound));
    output_flush(&l->o);
}

/* A result that finds no room is not in the picture. */
static void keep(struct kernels_listing *l, const struct hone_bench_result *r)
{
    if (l->n_kept == l->capacity) {
        size_t capacity = 2 * l->capacity + 256;
        struct hone_bench_result *more = realloc(l->results, capacity * sizeof *more);
        if (!more)
            return;
        l->results = more;
        l->capacity = capacity;
    }
    l->results[l->n_kept++] = *r;
}

static void on_result(void *arg, const struct hone_bench_result *r)
{
    struct kernels_listing *l = arg;
    keep(l, r);
    if (l->json) {
        output_text(&l->o, l->n ? ",\n  " : "\n  ");
        json_result(&l->o, r);
    } else {
        table_result(l, r);
    }
    l->n++;
}

static enum hone_status write_picture(const struct kernels_listing *l, const char *path)
{
    static struct output o;
    enum hone_status status = output_open(&o, path, false);
    if (status != HONE_OK)
        return status;
    roofline_write(&o, l->results, l->n_kept, l->n_threads);
    return output_close(&o, true);
}

static void begin(struct kernels_listing *l)
{
    if (!l->json)
        return;
    output_text(&l->o, "{\"cpu\": ");
    text_write_json(&l->o, text_from(hone_machine()->cpu));
    output_format(&l->o, ", \"threads\": %d, \"results\": [", l->n_threads);
}

enum hone_status bench_kernels_run(const struct options *options)
{
    static struct kernels_listing l;
    struct hone_error err;
    struct hone_bench_selection select = {.slot = options->slot,
                                          .level = options->level,
                                          .model = options->model,
                                          .m = options->rows,
                                          .n_threads = (int)options->threads};
    enum hone_status status = output_open(&l.o, NULL, false);
    if (status != HONE_OK)
        return status;
    l.json = options->json;
    l.n_threads = select.n_threads ? select.n_threads : hone_machine()->n_threads;
    begin(&l);
    status = hone_bench_kernels(&select, on_result, &l, &err);
    if (status != HONE_OK)
        report_failure(&err);
    else if (l.json)
        output_text(&l.o, "]}\n");
    enum hone_status closed = output_close(&l.o, true);
    if (status == HONE_OK && options->svg)
        status = write_picture(&l, options->svg);
    free(l.results);
    return status == HONE_OK ? closed : status;
}
