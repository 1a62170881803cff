#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <string.h>

#define USUAL_WORDS 5  /* as many as transformers' pipeline tells */
#define WORD_WIDTH  24 /* columns */

struct fill {
    struct run run; /* first: it is what functions that are called back get */
    size_t n_words; /* for each mask */
    struct hone_word *words;
    size_t *starts;
};

static void forget(struct fill *f)
{
    hone_free(f->words);
    hone_free(f->starts);
    f->words = NULL;
    f->starts = NULL;
}

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    struct fill *f = (struct fill *)run;
    forget(f);
    return hone_fill_masks(run->model, run->lines.texts, run->lines.n, f->n_words, &run->how, &f->words,
                           &f->starts, &run->stats, err);
}

/* To be freed; NULL and 0 where there is no text for it. */
static struct hone_text spelled(const struct run *run, int32_t id)
{
    char *text;
    size_t size;
    struct hone_error err = {0};
    bool ok = hone_detokenize(run->model, &id, 1, false, &text, &size, &err) == HONE_OK;
    return ok ? (struct hone_text){text, size} : (struct hone_text){NULL, 0};
}

static void write_word(struct output *o, const struct run *run, const struct hone_word *word)
{
    struct hone_text text = spelled(run, word->id);
    output_text(o, "{\"token\": ");
    text_write_json(o, text);
    output_format(o, ", \"id\": %d, \"score\": ", word->id);
    text_write_json_float(o, word->weight);
    output_text(o, "}");
    hone_free((void *)text.data);
}

static void write_json(struct output *o, const struct run *run, size_t i)
{
    const struct fill *f = (const struct fill *)run;
    size_t first = f->starts[i], end = f->starts[i + 1];
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"masks\": [");
    for (size_t k = first; k < end; k++) {
        bool begins = (k - first) % f->n_words == 0;
        output_text(o, begins ? (k > first ? "], [" : "[") : ", ");
        write_word(o, run, &f->words[k]);
    }
    output_text(o, end > first ? "]]}\n" : "]}\n");
}

static void write_rows(struct table *t, const struct run *run, size_t i)
{
    const struct fill *f = (const struct fill *)run;
    for (size_t k = f->starts[i]; k < f->starts[i + 1]; k++) {
        struct hone_text text = spelled(run, f->words[k].id);
        table_format(t, "%zu", run->lines.numbers[i]);
        table_format(t, "%zu", (k - f->starts[i]) / f->n_words + 1);
        table_format(t, "%.4f", (double)f->words[k].weight);
        table_cell(t, text);
        hone_free((void *)text.data);
    }
}

enum hone_status fill_run(const struct options *options)
{
    static const struct table_column columns[] = {
        {"line", 8, true}, {"mask", 6, true}, {"score", 9, true}, {"word", WORD_WIDTH, false}};
    static const struct run_form form = {columns, 4, write_rows, write_json};
    static struct fill f;
    struct run *run = &f.run;
    f = (struct fill){.n_words = options->top_n ? options->top_n : USUAL_WORDS};
    if (run_open(run, options, RUN_TEXTS, false) != HONE_OK)
        return run->status;
    if (!run->info->fills_masks)
        run->status = report_error(HONE_USAGE, "%s tells no words: it has no head for them, or no mask token",
                                   options->model);
    f.n_words = f.n_words < run->info->n_vocab ? f.n_words : run->info->n_vocab;
    if (run->status == HONE_OK && run_start(run, 1, compute) == HONE_OK)
        run_write(run, &form);
    forget(&f);
    return run_close(run);
}
