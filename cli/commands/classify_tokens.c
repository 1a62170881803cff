#include "cli/commands/classify_tokens.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <string.h>

#define LABEL_WIDTH 20 /* columns */

/* What the window's texts name: by the model's labels, or by those that were given. */
static struct {
    struct hone_entity *entities;
    struct hone_labeled_span *spans;
    size_t *starts;
    const struct hone_text *labels; /* NULL: the model's */
    size_t n_labels;
} found;

struct named_label {
    struct hone_text label;
    size_t start, end;
    float score;
};

static struct named_label named_at(size_t k)
{
    const struct hone_labeled_span *s = found.spans + k;
    const struct hone_entity *e = found.entities + k;
    return found.labels ? (struct named_label){found.labels[s->label], s->start, s->end, s->score}
                        : (struct named_label){text_from(e->label), e->start, e->end, e->score};
}

static enum hone_aggregate aggregate_of(const char *name)
{
    static const char *const names[] = {[HONE_AGGREGATE_SIMPLE] = "simple",
                                        [HONE_AGGREGATE_NONE] = "none",
                                        [HONE_AGGREGATE_FIRST] = "first",
                                        [HONE_AGGREGATE_AVERAGE] = "average",
                                        [HONE_AGGREGATE_MAX] = "max"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum hone_aggregate)i;
    return HONE_AGGREGATE_SIMPLE;
}

static void forget(void)
{
    hone_free(found.entities);
    hone_free(found.spans);
    hone_free(found.starts);
    found.entities = NULL;
    found.spans = NULL;
    found.starts = NULL;
}

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    struct hone_entity_options options = HONE_ENTITY_DEFAULTS;
    options.aggregate = aggregate_of(run->options->aggregate);
    forget();
    return hone_find_entities(run->model, run->lines.texts, run->lines.n, &options, &run->how,
                              &found.entities, &found.starts, &run->stats, err);
}

static enum hone_status compute_spans(struct run *run, struct hone_error *err)
{
    struct hone_span_options options = HONE_SPAN_DEFAULTS;
    options.nested = run->options->nested;
    options.multi_label = run->options->multi_label;
    if (run->options->threshold.given)
        options.threshold = (float)run->options->threshold.value;
    forget();
    return hone_find_spans(run->model, run->lines.texts, run->lines.n, found.labels, found.n_labels, &options,
                           &run->how, &found.spans, &found.starts, &run->stats, err);
}

static struct hone_text part_of(const struct run *run, size_t i, const struct named_label *e)
{
    return (struct hone_text){run->lines.texts[i].data + e->start, e->end - e->start};
}

static void write_json(struct output *o, const struct run *run, size_t i)
{
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"entities\": [");
    for (size_t k = found.starts[i]; k < found.starts[i + 1]; k++) {
        const struct named_label e = named_at(k);
        output_text(o, k > found.starts[i] ? ", {\"label\": " : "{\"label\": ");
        text_write_json(o, e.label);
        output_text(o, ", \"score\": ");
        text_write_json_float(o, e.score);
        output_format(o, ", \"start\": %zu, \"end\": %zu, \"text\": ", e.start, e.end);
        text_write_json(o, part_of(run, i, &e));
        output_text(o, "}");
    }
    output_text(o, "]}\n");
}

static void write_rows(struct table *t, const struct run *run, size_t i)
{
    for (size_t k = found.starts[i]; k < found.starts[i + 1]; k++) {
        const struct named_label e = named_at(k);
        table_format(t, "%zu", run->lines.numbers[i]);
        table_format(t, "%.4f", (double)e.score);
        table_cell(t, e.label);
        table_cell(t, part_of(run, i, &e));
    }
}

static void write_lines(struct run *run, run_compute how)
{
    static const struct table_column columns[] = {
        {"line", 8, true}, {"score", 9, true}, {"label", LABEL_WIDTH, false}, {"text", 0, false}};
    static const struct run_form form = {columns, 4, write_rows, write_json};
    if (run_start(run, 1, how) == HONE_OK)
        run_write(run, &form);
    forget();
}

void classify_tokens_lines(struct run *run)
{
    write_lines(run, compute);
}

void classify_spans_lines(struct run *run, const struct hone_text *labels, size_t n_labels)
{
    found.labels = labels;
    found.n_labels = n_labels;
    write_lines(run, compute_spans);
}
