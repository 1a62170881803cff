#include "cli/commands/embed_ragged.h"
#include "cli/io/output.h"
#include "cli/io/text.h"

#include <string.h>

/* Of the window that was computed last. */
static struct {
    float *rows;
    size_t *row_starts;
    struct hone_word *words;
    size_t *word_starts;
} held;

static void forget(void)
{
    hone_free(held.rows);
    hone_free(held.row_starts);
    hone_free(held.words);
    hone_free(held.word_starts);
    memset(&held, 0, sizeof held);
}

static enum hone_status compute_tokens(struct run *run, struct hone_error *err)
{
    forget();
    return hone_embed_tokens(run->model, run->lines.texts, run->lines.n, &run->how, &held.rows,
                             &held.row_starts, &run->stats, err);
}

static enum hone_status compute_words(struct run *run, struct hone_error *err)
{
    forget();
    return hone_embed_sparse(run->model, run->lines.texts, run->lines.n, &run->how, &held.words,
                             &held.word_starts, &run->stats, err);
}

static enum hone_status compute_all(struct run *run, struct hone_error *err)
{
    bool vectors = run->info->vectors_of_tokens;
    forget();
    return hone_embed_hybrid(
        run->model, run->lines.texts, run->lines.n, &run->how, run->values, vectors ? &held.rows : NULL,
        &held.row_starts, run->info->weighs_words ? &held.words : NULL, &held.word_starts, &run->stats, err);
}

static size_t width_of(const struct run *run)
{
    bool cut = run->how.n_dims && !run->options->all;
    return cut ? run->how.n_dims : run->info->n_token_dims;
}

static void put_vector(struct output *o, const float *row, size_t width)
{
    output_text(o, "[");
    for (size_t j = 0; j < width; j++) {
        output_text(o, j ? "," : "");
        text_write_json_float(o, row[j]);
    }
    output_text(o, "]");
}

static void put_tokens(struct output *o, const struct run *run, size_t i)
{
    size_t width = width_of(run);
    output_text(o, ", \"tokens\": [");
    for (size_t t = held.row_starts[i]; t < held.row_starts[i + 1]; t++) {
        output_text(o, t > held.row_starts[i] ? "," : "");
        put_vector(o, held.rows + t * width, width);
    }
    output_text(o, "]");
}

static void put_words(struct output *o, size_t i)
{
    output_text(o, ", \"sparse\": [");
    for (size_t j = held.word_starts[i]; j < held.word_starts[i + 1]; j++) {
        output_format(o, "%s{\"index\": %d, \"value\": ", j > held.word_starts[i] ? ", " : "",
                      (int)held.words[j].id);
        text_write_json_float(o, held.words[j].weight);
        output_text(o, "}");
    }
    output_text(o, "]");
}

static void write_tokens(struct output *o, const struct run *run, size_t i)
{
    records_write_begin(&run->records, o, &run->lines, i);
    put_tokens(o, run, i);
    output_text(o, "}\n");
}

static void write_words(struct output *o, const struct run *run, size_t i)
{
    records_write_begin(&run->records, o, &run->lines, i);
    put_words(o, i);
    output_text(o, "}\n");
}

static void write_all(struct output *o, const struct run *run, size_t i)
{
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"embedding\": ");
    put_vector(o, run->values + i * run->width, run->width);
    if (held.words)
        put_words(o, i);
    if (held.rows)
        put_tokens(o, run, i);
    output_text(o, "}\n");
}

static void embed(struct run *run, size_t width, run_compute compute,
                  void (*write)(struct output *, const struct run *, size_t))
{
    static struct output o;
    if (run_start(run, width, compute) != HONE_OK)
        return;
    if (run_open_output(run, &o, 0) != HONE_OK)
        return;
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n; i++)
            if (!records_write_refused(&run->records, &o, &run->lines, i))
                write(&o, run, i);
        run->status = output_flush(&o);
    }
    forget();
    enum hone_status closed = output_close(&o, run->status == HONE_OK);
    if (run->status == HONE_OK)
        run->status = closed;
}

void ragged_tokens(struct run *run)
{
    embed(run, 0, compute_tokens, write_tokens);
}

void ragged_words(struct run *run)
{
    embed(run, 0, compute_words, write_words);
}

void ragged_all(struct run *run)
{
    embed(run, run->options->dimensions ? run->options->dimensions : run->info->n_dims, compute_all,
          write_all);
}
