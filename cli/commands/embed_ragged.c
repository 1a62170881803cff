#include "cli/commands/embed_ragged.h"
#include "cli/io/output.h"
#include "cli/io/text.h"

#include <string.h>

/* Of the window that was computed last. */
static struct {
    float *rows;
    struct hone_word *words;
    size_t *starts;
} held;

static void forget(void)
{
    hone_free(held.rows);
    hone_free(held.words);
    hone_free(held.starts);
    held.rows = NULL;
    held.words = NULL;
    held.starts = NULL;
}

static enum hone_status compute_tokens(struct run *run, struct hone_error *err)
{
    forget();
    return hone_embed_tokens(run->model, run->lines.texts, run->lines.n, &run->how, &held.rows, &held.starts,
                             &run->stats, err);
}

static enum hone_status compute_words(struct run *run, struct hone_error *err)
{
    forget();
    return hone_embed_sparse(run->model, run->lines.texts, run->lines.n, &run->how, &held.words, &held.starts,
                             &run->stats, err);
}

static size_t width_of(const struct run *run)
{
    bool own = strcmp(run->info->pooling, "tokens") == 0;
    return run->how.n_dims ? run->how.n_dims : own ? run->info->n_dims : run->info->n_embd;
}

static void write_tokens(struct output *o, const struct run *run, size_t i)
{
    size_t width = width_of(run);
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"tokens\": [");
    for (size_t t = held.starts[i]; t < held.starts[i + 1]; t++) {
        output_text(o, t > held.starts[i] ? ",[" : "[");
        for (size_t j = 0; j < width; j++) {
            output_text(o, j ? "," : "");
            text_write_json_float(o, held.rows[t * width + j]);
        }
        output_text(o, "]");
    }
    output_text(o, "]}\n");
}

static void write_words(struct output *o, const struct run *run, size_t i)
{
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"sparse\": [");
    for (size_t j = held.starts[i]; j < held.starts[i + 1]; j++) {
        output_format(o, "%s{\"index\": %d, \"value\": ", j > held.starts[i] ? ", " : "",
                      (int)held.words[j].id);
        text_write_json_float(o, held.words[j].weight);
        output_text(o, "}");
    }
    output_text(o, "]}\n");
}

static void embed(struct run *run, run_compute compute,
                  void (*write)(struct output *, const struct run *, size_t))
{
    static struct output o;
    if (run_start(run, 0, compute) != HONE_OK)
        return;
    run->status = output_open(&o, run->options->output, false);
    if (run->status != HONE_OK)
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
    embed(run, compute_tokens, write_tokens);
}

void ragged_words(struct run *run)
{
    embed(run, compute_words, write_words);
}
