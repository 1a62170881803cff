/* Labels of tokens, and what they name together: transformers' aggregation strategies. */
#include "runtime/base/sizes.h"
#include "runtime/infer/ragged.h"
#include "runtime/infer/tasks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels of tokens ---- */

static enum hone_status check_task(const struct hone_model *model, struct hone_error *err)
{
    if (model->info.task == HONE_TASK_CLASSIFY_TOKENS)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE, "%s does not label tokens: it has no head for them", model->path);
}

enum hone_status token_labels_request(const struct hone_model *model, const struct hone_run_options *how,
                                      struct request *out, struct hone_error *err)
{
    out->output = OUTPUT_TOKEN_LABELS;
    out->raw = how->raw;
    out->n_dims = model->net.hp.n_labels;
    out->inputs.max_length = model->net.hp.max_length;
    out->inputs.may_stop = !model->options.strict;
    out->inputs.cut = tokens_side(how->cut);
    return check_task(model, err);
}

enum hone_status hone_classify_tokens(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                      const struct hone_run_options *run, float **out, size_t **starts,
                                      struct hone_stats *stats, struct hone_error *err)
{
    struct ragged r;
    struct request request = {.inputs = {.n = n_texts, .first = texts}, .sink = ragged_keep_rows, .arg = &r};
    struct hone_run_options how;
    void *rows = NULL;
    *out = NULL;
    *starts = NULL;
    enum hone_status status = task_take_options(&how, run, err);
    request.run = &how;
    if (status == HONE_OK)
        status = token_labels_request(model, &how, &request, err);
    if (status == HONE_OK)
        status = ragged_run(model, &request, request.n_dims * sizeof(float), &rows, starts, stats, err);
    *out = rows;
    return status;
}

/* ---- words ---- */

/* A token of the text, or a word that has become one. */
struct entity_unit {
    size_t start, end, label;
    float score;
    const float *row;
    bool goes_on; /* with the word of the one before */
};

static size_t best_of(const float *row, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++)
        if (row[k] > row[best])
            best = k;
    return best;
}

static size_t n_characters(const char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

/* Tokens that carry a mark where they go on with a word differ from their text by it; others are taken to go on where no
 * space is before them or at their start. What is unknown begins a word. */
static bool goes_on(const struct hone_model *model, struct hone_text text, int32_t id, struct tok_span span)
{
    struct tok_traits traits = tokenizer_traits(model->tokenizer);
    struct hone_text token = tokenizer_token(model->tokenizer, id);
    if (id == traits.unknown)
        return false;
    if (traits.marks_middles)
        return n_characters(token.data, token.size) !=
               n_characters(text.data + span.start, span.end - span.start);
    if (span.start == 0 || text.data[span.start - 1] == ' ')
        return false;
    return span.start >= text.size || text.data[span.start] != ' ';
}

/* The tokens that stand for a part of the text. */
static size_t take_tokens(const struct hone_model *model, struct hone_text text, const struct tok_encoding *e,
                          const float *rows, struct entity_unit *units)
{
    size_t n = 0, n_labels = model->net.hp.n_labels;
    for (size_t i = 0; i < e->n; i++) {
        const float *row = rows + i * n_labels;
        size_t best = best_of(row, n_labels);
        if (e->spans[i].start == TOK_NO_TEXT)
            continue;
        units[n++] = (struct entity_unit){.start = e->spans[i].start,
                                          .end = e->spans[i].end,
                                          .label = best,
                                          .score = row[best],
                                          .row = row,
                                          .goes_on = goes_on(model, text, e->ids[i], e->spans[i])};
    }
    return n;
}

/* The label of the tokens of a word; mean: room for a row. */
static struct entity_unit word_of(const struct entity_unit *tokens, size_t n, enum hone_aggregate how,
                                  size_t n_labels, float *mean)
{
    struct entity_unit word = tokens[0];
    word.end = tokens[n - 1].end;
    for (size_t i = 1; i < n && how == HONE_AGGREGATE_MAX; i++)
        if (tokens[i].score > word.score) {
            word.score = tokens[i].score;
            word.label = tokens[i].label;
        }
    if (how != HONE_AGGREGATE_AVERAGE)
        return word;
    for (size_t k = 0; k < n_labels; k++) {
        float sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += tokens[i].row[k];
        mean[k] = sum / (float)n;
    }
    word.label = best_of(mean, n_labels);
    word.score = mean[word.label];
    return word;
}

/* In place. */
static size_t join_words(struct entity_unit *units, size_t n, enum hone_aggregate how, size_t n_labels,
                         float *mean)
{
    size_t n_words = 0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && units[end].goes_on;)
            end++;
        units[n_words++] = word_of(units + i, end - i, how, n_labels, mean);
    }
    return n_words;
}

/* ---- entities ---- */

/* What a label is of, behind "B-" or "I-". */
static const char *tag_of(const char *label)
{
    return strncmp(label, "B-", 2) == 0 || strncmp(label, "I-", 2) == 0 ? label + 2 : label;
}

static bool joins(const char *before, const char *label)
{
    return strncmp(label, "B-", 2) != 0 && strcmp(tag_of(before), tag_of(label)) == 0;
}

/* Units first up to end as one entity. */
static struct hone_entity entity_of(const struct hone_model *model, const struct entity_unit *units, size_t n,
                                    bool grouped)
{
    const char *label = model->labels[units[0].label], *dash = grouped ? strchr(label, '-') : NULL;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)units[i].score;
    return (struct hone_entity){.start = units[0].start,
                                .end = units[n - 1].end,
                                .label = dash ? dash + 1 : label,
                                .score = (float)(sum / (double)n)};
}

static size_t gather(const struct hone_model *model, const struct hone_entity_options *o,
                     const struct entity_unit *units, size_t n, struct hone_entity *out)
{
    size_t n_out = 0;
    bool grouped = o->aggregate != HONE_AGGREGATE_NONE;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && grouped &&
                          joins(model->labels[units[end - 1].label], model->labels[units[end].label]);)
            end++;
        struct hone_entity entity = entity_of(model, units + i, end - i, grouped);
        if (o->outside || strcmp(entity.label, "O") != 0)
            out[n_out++] = entity;
    }
    return n_out;
}

static enum hone_status find_in(const struct hone_model *model, struct hone_text text, const float *rows,
                                const struct tok_encoding *e, const struct hone_entity_options *o,
                                struct hone_entity **out, size_t *n, struct hone_error *err)
{
    size_t n_labels = model->net.hp.n_labels;
    struct entity_unit *units = calloc(e->n + 1, sizeof *units);
    float *mean = calloc(n_labels, sizeof *mean);
    *out = calloc(e->n + 1, sizeof **out);
    if (units && mean && *out) {
        size_t n_units = take_tokens(model, text, e, rows, units);
        if (o->aggregate > HONE_AGGREGATE_NONE)
            n_units = join_words(units, n_units, o->aggregate, n_labels, mean);
        *n = gather(model, o, units, n_units, *out);
    }
    bool ok = units && mean && *out;
    free(units);
    free(mean);
    return ok ? HONE_OK : hone_no_memory(err, "entities", e->n * sizeof *units);
}

static enum hone_status take_entity_options(struct hone_entity_options *out,
                                            const struct hone_entity_options *given, struct hone_error *err)
{
    *out = (struct hone_entity_options)HONE_ENTITY_DEFAULTS;
    enum hone_status status = sizes_take(out, sizeof *out, given, "hone_entity_options", err);
    if (status == HONE_OK && (unsigned)out->aggregate > HONE_AGGREGATE_MAX)
        return hone_fail(err, HONE_USAGE, "there is no aggregation of number %d", (int)out->aggregate);
    return status;
}

enum hone_status hone_entities_of(const struct hone_model *model, struct hone_text text, const float *rows,
                                  size_t n_rows, enum hone_side cut,
                                  const struct hone_entity_options *options, struct hone_entity **out,
                                  size_t *n, struct hone_error *err)
{
    struct hone_entity_options o;
    struct tok_encoding e = {0};
    const struct tok_options how = {
        .add_special = true, .spans = true, .max_length = model->net.hp.max_length, .side = tokens_side(cut)};
    struct hone_error why = {0};
    *out = NULL;
    *n = 0;
    enum hone_status status = check_task(model, err);
    if (status == HONE_OK)
        status = take_entity_options(&o, options, err);
    if (status != HONE_OK)
        return status;
    if (!tokenizer_encode(model->tokenizer, text, NULL, &how, &e, &why))
        status = hone_fail(err, why.status, "%s", why.message);
    else if (e.n != n_rows)
        status = hone_fail(err, HONE_USAGE, "%zu rows were given for a text of %zu tokens", n_rows, e.n);
    else
        status = find_in(model, text, rows, &e, &o, out, n, err);
    tok_encoding_release(&e);
    if (status != HONE_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* Those of all texts, one block. */
static enum hone_status find_all(const struct hone_model *model, const struct hone_text *texts,
                                 struct ragged *r, const float *rows, const size_t *starts,
                                 enum hone_side cut, const struct hone_entity_options *o,
                                 struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < r->n && status == HONE_OK; i++) {
        struct hone_entity *entities = NULL;
        size_t n = 0, n_rows = starts[i + 1] - starts[i];
        if (n_rows > 0)
            status = hone_entities_of(model, texts[i], rows + starts[i] * model->net.hp.n_labels, n_rows, cut,
                                      o, &entities, &n, err);
        r->texts[i] = (struct ragged_text){entities, n};
    }
    return status;
}

enum hone_status hone_find_entities(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                    const struct hone_entity_options *options,
                                    const struct hone_run_options *run, struct hone_entity **out,
                                    size_t **starts, struct hone_stats *stats, struct hone_error *err)
{
    struct ragged r = {0};
    float *rows;
    size_t *row_starts;
    void *items = NULL;
    *out = NULL;
    *starts = NULL;
    enum hone_status status =
        hone_classify_tokens(model, texts, n_texts, run, &rows, &row_starts, stats, err);
    if (status != HONE_OK)
        return status;
    status = ragged_start(&r, n_texts, sizeof **out, 0, err);
    if (status == HONE_OK)
        status = find_all(model, texts, &r, rows, row_starts, run ? run->cut : HONE_SIDE_USUAL, options, err);
    if (status == HONE_OK)
        status = ragged_flatten(&r, &items, starts, err);
    *out = items;
    ragged_release(&r);
    free(rows);
    free(row_starts);
    return status;
}
