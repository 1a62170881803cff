#include "cli/commands.h"
#include "cli/hub/hub.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was done so far. */
struct quantize_listing {
    struct output o;
    struct table table;
    struct table_column columns[6];
    bool json;
    size_t n, n_fallbacks, n_requantized;
    uint64_t n_elements, size_before, size;
};

/* Columns as wide as the input's longest name needs. */
static void begin(struct quantize_listing *l, const char *path)
{
    static const struct table_column columns[] = {{"tensor", 24, false}, {"was", 6, false},  {"is", 6, false},
                                                  {"bytes", 12, true},   {"error", 8, true}, {"", 0, false}};
    struct hone_file *file;
    memcpy(l->columns, columns, sizeof columns);
    if (hone_file_open(&file, path, NULL) == HONE_OK)
        for (size_t i = 0; i < hone_file_n_tensors(file); i++) {
            size_t width = text_columns(text_from(hone_file_tensor(file, i).name));
            l->columns[0].width = width > l->columns[0].width ? width : l->columns[0].width;
        }
    hone_file_close(&file);
}

static void table_row(struct quantize_listing *l, const struct hone_quantized *q)
{
    struct table *t = &l->table;
    if (l->n == 0)
        table_begin(t, &l->o, l->columns, sizeof l->columns / sizeof *l->columns, true);
    table_cell(t, text_from(q->name));
    table_cell(t, text_from(q->from));
    table_cell(t, text_from(q->type));
    table_format(t, "%llu", (unsigned long long)q->size);
    table_format(t, strcmp(q->from, q->type) == 0 ? "-" : "%.3f %%", 100 * q->error);
    table_format(t, q->wanted ? "%s%s has no such rows" : "%s", q->weighted ? "weighted " : "",
                 q->wanted ? q->wanted : "");
}

static void json_row(struct quantize_listing *l, const struct hone_quantized *q)
{
    output_text(&l->o, l->n ? ",\n  {\"name\": " : "{\"tensors\": [\n  {\"name\": ");
    text_write_json(&l->o, text_from(q->name));
    output_format(&l->o, ", \"from\": \"%s\", \"type\": \"%s\", \"wanted\": ", q->from, q->type);
    output_format(&l->o, q->wanted ? "\"%s\"" : "null", q->wanted);
    output_format(&l->o, ", \"size_before\": %llu, \"size\": %llu, \"weighted\": %s, \"error\": %.6g}",
                  (unsigned long long)q->size_before, (unsigned long long)q->size,
                  q->weighted ? "true" : "false", q->error);
}

static void on_tensor(void *arg, const struct hone_quantized *q)
{
    struct quantize_listing *l = arg;
    bool changed = strcmp(q->from, q->type) != 0, was_float = strchr("fb", *q->from) != NULL;
    uint64_t n = 1;
    for (unsigned d = 0; d < q->n_dims; d++)
        n *= q->dims[d];
    progress_hide();
    (l->json ? json_row : table_row)(l, q);
    output_flush(&l->o);
    l->n++;
    l->n_elements += n;
    l->n_fallbacks += q->wanted != NULL;
    l->n_requantized += changed && !was_float;
    l->size_before += q->size_before;
    l->size += q->size;
}

static bool on_progress(void *arg, uint64_t n_done, uint64_t n_bytes)
{
    (void)arg;
    progress_show((size_t)(n_done / 1000000), n_bytes ? (double)n_done / (double)n_bytes : 1);
    return true;
}

static double bits(const struct quantize_listing *l)
{
    return l->n_elements ? 8 * (double)l->size / (double)l->n_elements : 0;
}

static void sum_up(const struct quantize_listing *l, const char *path, double seconds)
{
    report_note("wrote %s: %zu tensors, %.1f MB instead of %.1f, %.2f bits a weight, in %.1f s", path, l->n,
                (double)l->size / 1e6, (double)l->size_before / 1e6, bits(l), seconds);
    if (l->n_fallbacks)
        report_note("%zu tensors have rows that are no whole blocks of the type they should get, and got "
                    "another",
                    l->n_fallbacks);
    if (l->n_requantized)
        report_note("%zu tensors had few bits before: their errors add up", l->n_requantized);
}

enum hone_status quantize_run(const struct options *options)
{
    static struct quantize_listing l;
    const char *out_path = options->operands[1];
    char *in_path;
    struct hone_quantize_options how = {.n_threads = (int)options->threads,
                                        .imatrix = options->imatrix,
                                        .on_tensor = on_tensor,
                                        .on_progress = on_progress,
                                        .arg = &l};
    struct hone_error err = {0};
    double start = progress_clock();
    l.json = options->json;
    if (hub_find(options->operands[0], &in_path, &err) != HONE_OK)
        return report_failure(&err);
    if (output_open(&l.o, NULL, false) != HONE_OK) {
        free(in_path);
        return HONE_FAILED;
    }
    begin(&l, in_path);
    progress_start("MB", false);
    enum hone_status status = hone_quantize(in_path, out_path, options->operands[2], &how, &err);
    progress_hide();
    free(in_path);
    if (status == HONE_OK && l.json)
        output_format(&l.o, "%s\n], \"size_before\": %llu, \"size\": %llu, \"bits\": %.4g}\n",
                      l.n ? "" : "{\"tensors\": [", (unsigned long long)l.size_before,
                      (unsigned long long)l.size, bits(&l));
    if (output_close(&l.o, status == HONE_OK) != HONE_OK && status == HONE_OK)
        return HONE_FAILED;
    if (status != HONE_OK)
        return report_failure(&err);
    sum_up(&l, out_path, progress_clock() - start);
    return HONE_OK;
}
