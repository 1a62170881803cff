#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/run.h"
#include "runtime/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct hit {
    float score;
    size_t index, number;      /* from 0 on; of its line, from 1 */
    struct hone_text document; /* its own copy */
    json_t *row;               /* what it is a column of; NULL: a text alone */
};

struct ranking {
    struct hit *hits;
    size_t n, capacity;
    size_t top_n;    /* SIZE_MAX: all */
    bool are_logits; /* and are told as scores */
};

/* Logits keep an order that scores near 1 lose. */
static bool asks_for_logits(const struct run *run)
{
    return !run->options->raw && strcmp(run->info->activation, "sigmoid") == 0;
}

/* Of a model that reads all documents of a query together, scores come when all are there. */
static bool reads_lists(const struct run *run)
{
    return run->info->task == HONE_TASK_RERANK;
}

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    if (reads_lists(run) && run->lines.n > 0) {
        memset(run->values, 0, run->lines.n * sizeof *run->values);
        return HONE_OK;
    }
    run->how.raw = run->options->raw || asks_for_logits(run);
    return hone_rerank(run->model, text_from(run->options->query), run->lines.texts, run->lines.n, &run->how,
                       run->values, &run->stats, err);
}

/* Best first, ties by index; what is not a number comes last. */
static int compare(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (isnan(x->score) != isnan(y->score))
        return isnan(x->score) ? 1 : -1;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void release(struct hit *hit)
{
    free((char *)hit->document.data);
    json_decref(hit->row);
}

/* Sorts, and drops what does not belong to the best. */
static void settle(struct ranking *r)
{
    if (r->n > 1)
        qsort(r->hits, r->n, sizeof *r->hits, compare);
    while (r->n > r->top_n)
        release(&r->hits[--r->n]);
}

static bool add(struct ranking *r, const struct lines *l, size_t i, float score)
{
    struct hone_text document = l->texts[i];
    if (r->n == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : LINES_MAX_TEXTS;
        struct hit *hits = reallocarray(r->hits, capacity, sizeof *hits);
        if (!hits)
            return false;
        r->hits = hits;
        r->capacity = capacity;
    }
    char *copy = malloc(document.size + 1);
    if (!copy)
        return false;
    text_put(copy, document);
    r->hits[r->n++] =
        (struct hit){score, l->index[i], l->numbers[i], {copy, document.size}, json_incref(l->rows[i])};
    return true;
}

static enum hone_status add_window(struct ranking *r, const struct run *run)
{
    const struct lines *l = &run->lines;
    for (size_t i = 0; i < l->n; i++)
        if (!l->refused[i] && !add(r, l, i, run->values[i]))
            return report_error(HONE_FAILED, "out of memory for %zu documents; --top-n bounds them", r->n);
    if (r->n / 2 >= r->top_n)
        settle(r);
    return HONE_OK;
}

/* ---- whole lists ---- */

static void refuse_hit(void *arg, size_t i, const char *sentence)
{
    const struct ranking *r = arg;
    report_refused(NULL, r->hits[i].number, sentence);
}

/* Documents that were refused are left out, as those of a window are. */
static size_t take_scores(struct ranking *r, const float *scores)
{
    size_t n = 0, n_refused = 0;
    for (size_t i = 0; i < r->n; i++) {
        r->hits[i].score = scores[i];
        if (isnan(scores[i])) {
            release(&r->hits[i]);
            n_refused++;
        } else {
            r->hits[n++] = r->hits[i];
        }
    }
    r->n = n;
    return n_refused;
}

static enum hone_status score_list(struct ranking *r, struct run *run)
{
    struct hone_error err = {0};
    struct hone_run_options how = run->how;
    struct hone_text *docs = calloc(r->n, sizeof *docs);
    float *scores = calloc(r->n, sizeof *scores);
    enum hone_status status = HONE_OK;
    how.on_refused = refuse_hit;
    how.refused_arg = r;
    how.on_progress = NULL;
    for (size_t i = 0; docs && i < r->n; i++)
        docs[i] = r->hits[i].document;
    if (!docs || !scores)
        status = report_error(HONE_FAILED, "out of memory for %zu documents", r->n);
    else if ((status = hone_rerank(run->model, text_from(run->options->query), docs, r->n, &how, scores,
                                   &run->stats, &err)) != HONE_OK)
        report_failure(&err);
    else
        run->lines.n_refused += take_scores(r, scores);
    free(docs);
    free(scores);
    return status;
}

/* ---- what is written ---- */

static void write_json(struct output *o, const struct records *records, const struct hit *hit, bool is_logit)
{
    records_write_row(records, o, hit->index, hit->row);
    output_text(o, ", \"score\": ");
    if (is_logit)
        text_write_json_sigmoid(o, hit->score);
    else
        text_write_json_float(o, hit->score);
    output_text(o, ", \"document\": ");
    text_write_json(o, hit->document);
    output_text(o, "}\n");
}

static void write_table(struct output *o, const struct ranking *r)
{
    static const struct table_column columns[] = {
        {"rank", 4, true}, {"score", 9, true}, {"line", 8, true}, {"document", 0, false}};
    struct table t;
    table_begin(&t, o, columns, 4, true);
    for (size_t i = 0; i < r->n; i++) {
        table_format(&t, "%zu", i + 1);
        double score = (double)r->hits[i].score;
        table_format(&t, "%.4f", r->are_logits ? 1 / (1 + exp(-score)) : score);
        table_format(&t, "%zu", r->hits[i].number);
        table_cell(&t, r->hits[i].document);
    }
}

static bool wants_json(const struct options *options)
{
    return options->format ? strcmp(options->format, "jsonl") == 0 : options->output != NULL;
}

static enum hone_status write_ranking(const struct ranking *r, const struct run *run)
{
    static struct output o;
    enum hone_status status = output_open(&o, run->options->output, false);
    if (status != HONE_OK)
        return status;
    if (wants_json(run->options))
        for (size_t i = 0; i < r->n; i++)
            write_json(&o, &run->records, &r->hits[i], r->are_logits);
    else
        write_table(&o, r);
    return output_close(&o, true);
}

static void rerank_lines(struct run *run)
{
    struct ranking r = {.top_n = run->options->top_n ? run->options->top_n : SIZE_MAX,
                        .are_logits = asks_for_logits(run)};
    if (reads_lists(run))
        r.top_n = SIZE_MAX;
    else if (strcmp(run->info->activation, "none") == 0 && run->info->task != HONE_TASK_CLASSIFY)
        report_note("%s gives vectors: documents are ranked by cosine similarity%s", run->options->model,
                    run->info->task == HONE_TASK_GENERATE ? ", though it was made to write texts" : "");
    while (run_next(run))
        run->status = add_window(&r, run);
    if (run->status == HONE_OK && reads_lists(run) && r.n > 0)
        run->status = score_list(&r, run);
    r.top_n = run->options->top_n ? run->options->top_n : SIZE_MAX;
    settle(&r);
    if (run->status == HONE_OK)
        run->status = write_ranking(&r, run);
    for (size_t i = 0; i < r.n; i++)
        release(&r.hits[i]);
    free(r.hits);
}

/* A model that ranks nothing, or a query that it cannot take, is told of before the first document is read. */
static enum hone_status refuse_early(struct run *run)
{
    struct hone_error err = {0};
    run->status = compute(run, &err);
    if (run->status != HONE_OK)
        report_failure(&err);
    return run->status;
}

enum hone_status rerank_run(const struct options *options)
{
    struct run run;
    bool trec = options->format && strcmp(options->format, "trec") == 0;
    if (!options->query == !options->run)
        return report_error(HONE_USAGE, options->query ? "-q QUERY and --run FILE exclude each other"
                                                       : "missing: -q QUERY, or --run FILE");
    if (trec != (options->run != NULL) && options->format)
        return report_error(HONE_USAGE, "--format trec is for --run, and the only one there");
    if (options->run)
        return eval_rerank(options);
    if (options->queries || options->corpus)
        return report_error(HONE_USAGE, "--queries and --corpus are for --run");
    if (run_open(&run, options, RUN_TEXTS, false) != HONE_OK)
        return run.status;
    if (run.records.keep && !wants_json(options))
        run.status = report_error(HONE_USAGE, "--keep is for --format jsonl");
    else if (run_start(&run, 1, compute) == HONE_OK && refuse_early(&run) == HONE_OK)
        rerank_lines(&run);
    return run_close(&run);
}
