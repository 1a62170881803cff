#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

struct tune_listing {
    struct output o;
    struct table table;
    bool json;
    size_t n;
};

static void json_answer(struct output *o, const struct hone_tuned *t)
{
    output_format(o, "{\"name\": \"%s\", \"before\": \"%s\", \"after\": \"%s\", ", t->name, t->before,
                  t->after);
    output_format(o, "\"before_gop_s\": %.5g, \"after_gop_s\": %.5g}", t->before_ops * 1e-9,
                  t->after_ops * 1e-9);
}

static void on_answer(void *arg, const struct hone_tuned *t)
{
    struct tune_listing *l = arg;
    if (l->json) {
        output_text(&l->o, l->n++ ? ",\n  " : "\n  ");
        json_answer(&l->o, t);
        return;
    }
    table_cell(&l->table, text_from(t->name));
    table_cell(&l->table, text_from(t->before));
    table_format(&l->table, "%.1f", t->before_ops * 1e-9);
    table_cell(&l->table, text_from(t->after));
    table_format(&l->table, "%.1f", t->after_ops * 1e-9);
    output_flush(&l->o);
}

enum hone_status tune_run(const struct options *options)
{
    static const struct table_column columns[] = {{"", 23, false},
                                                  {"before", 31, false},
                                                  {"GOP/s", 7, true},
                                                  {"after", 31, false},
                                                  {"GOP/s", 0, false}};
    static struct tune_listing l;
    struct hone_error err = {0};
    enum hone_status status = output_open(&l.o, NULL, false);
    if (status != HONE_OK)
        return status;
    l.json = options->json;
    if (l.json)
        output_text(&l.o, "{\"results\": [");
    else
        table_begin(&l.table, &l.o, columns, sizeof columns / sizeof *columns, true);
    status = hone_tune((int)options->threads, (double)options->seconds, on_answer, &l, &err);
    if (status != HONE_OK)
        report_failure(&err);
    if (status == HONE_OK && l.json) {
        output_text(&l.o, "], \"path\": ");
        text_write_json(&l.o, text_from(hone_tuning(NULL)));
        output_text(&l.o, "}\n");
    } else if (status == HONE_OK) {
        output_format(&l.o, "kept in %s\n", hone_tuning(NULL));
    }
    enum hone_status closed = output_close(&l.o, true);
    return status == HONE_OK ? closed : status;
}
