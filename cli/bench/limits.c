#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <stdlib.h>

static const char *const number_names[HONE_N_NUMBERS] = {"f32", "bf16", "int8"};
static const char *const memory_names[HONE_N_MEMORIES] = {"l1", "l2", "l3", "memory"};

/* Powers of two, and the most. */
static int next_threads(int n, int most)
{
    return n == most ? 0 : 2 * n < most ? 2 * n : most;
}

/* Where there are tiles: what they do with what lies where. */
static void show_tiles(struct output *o, const struct hone_limits *limits, size_t n)
{
    static const struct table_column columns[] = {
        {"threads", 7, true},  {"tiles: L1 GB/s", 14, true}, {"L2 GB/s", 8, true},
        {"L3 GB/s", 8, true},  {"memory GB/s", 11, true},    {"products: L1 GOP/s", 18, true},
        {"L2 GOP/s", 8, true}, {"L3 GOP/s", 8, true},        {"memory GOP/s", 0, false}};
    struct table t;
    if (limits[0].tile_read[HONE_MEMORY_L1] == 0)
        return;
    table_begin(&t, o, columns, sizeof columns / sizeof *columns, true);
    for (size_t i = 0; i < n; i++) {
        table_format(&t, "%d", limits[i].n_threads);
        for (int m = 0; m < HONE_N_MEMORIES; m++)
            table_format(&t, limits[i].tile_read[m] > 0 ? "%.1f" : "-", limits[i].tile_read[m] * 1e-9);
        for (int m = 0; m < HONE_N_MEMORIES; m++)
            table_format(&t, limits[i].tile_ops[m] > 0 ? "%.1f" : "-", limits[i].tile_ops[m] * 1e-9);
    }
}

static void show_table(struct output *o, const struct hone_limits *limits, size_t n)
{
    static const struct table_column columns[] = {{"threads", 7, true},       {"f32 GFLOP/s", 11, true},
                                                  {"bf16 GFLOP/s", 12, true}, {"int8 GOP/s", 10, true},
                                                  {"L1 GB/s", 8, true},       {"L2 GB/s", 8, true},
                                                  {"L3 GB/s", 8, true},       {"memory GB/s", 0, false}};
    struct table t;
    output_format(o, "%s\n", hone_machine()->cpu);
    table_begin(&t, o, columns, sizeof columns / sizeof *columns, true);
    for (size_t i = 0; i < n; i++) {
        table_format(&t, "%d", limits[i].n_threads);
        for (int type = 0; type < HONE_N_NUMBERS; type++)
            table_format(&t, limits[i].ops[type] > 0 ? "%.1f" : "-", limits[i].ops[type] * 1e-9);
        for (int m = 0; m < HONE_N_MEMORIES; m++)
            table_format(&t, limits[i].read[m] > 0 ? "%.1f" : "-", limits[i].read[m] * 1e-9);
    }
    for (int type = 0; type < HONE_N_NUMBERS; type++)
        if (limits[0].ops_level[type])
            output_format(o, "%s by %s\n", number_names[type], limits[0].ops_level[type]);
    show_tiles(o, limits, n);
}

static void show_json(struct output *o, const struct hone_limits *limits, size_t n)
{
    output_text(o, "{\"cpu\": ");
    text_write_json(o, text_from(hone_machine()->cpu));
    output_text(o, ", \"levels\": {");
    for (int type = 0, any = 0; type < HONE_N_NUMBERS; type++)
        if (limits[0].ops_level[type])
            output_format(o, "%s\"%s\": \"%s\"", any++ ? ", " : "", number_names[type],
                          limits[0].ops_level[type]);
    output_text(o, "}, \"threads\": [");
    for (size_t i = 0; i < n; i++) {
        output_format(o, "%s{\"threads\": %d", i ? ", " : "", limits[i].n_threads);
        for (int type = 0; type < HONE_N_NUMBERS; type++)
            output_format(o, ", \"%s_gop_s\": %.2f", number_names[type], limits[i].ops[type] * 1e-9);
        for (int m = 0; m < HONE_N_MEMORIES; m++)
            output_format(o, ", \"%s_gb_s\": %.2f", memory_names[m], limits[i].read[m] * 1e-9);
        for (int m = 0; m < HONE_N_MEMORIES && limits[i].tile_read[HONE_MEMORY_L1] > 0; m++)
            output_format(o, ", \"tile_%s_gb_s\": %.2f, \"tile_%s_gop_s\": %.2f", memory_names[m],
                          limits[i].tile_read[m] * 1e-9, memory_names[m], limits[i].tile_ops[m] * 1e-9);
        output_text(o, "}");
    }
    output_text(o, "]}\n");
}

enum hone_status bench_limits_run(const struct options *options)
{
    static struct output o;
    enum { MAX_ROWS = 32 };
    struct hone_limits limits[MAX_ROWS];
    struct hone_error err;
    int most = options->threads ? (int)options->threads : hone_machine()->n_threads, n_threads[MAX_ROWS];
    size_t n_rows = 0;
    for (int n = 1; n > 0; n = next_threads(n, most))
        n_threads[n_rows++] = n;
    for (size_t i = n_rows; i-- > 0;) /* too many are refused at once */
        if (hone_bench_limits(&limits[i], options->level, n_threads[i], &err) != HONE_OK)
            return report_failure(&err);
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    (options->json ? show_json : show_table)(&o, limits, n_rows);
    return output_close(&o, true);
}
