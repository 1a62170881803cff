/* hone eval: how good rankings are, what a model makes of a BEIR folder, and whether two differ by more than chance. */
#include "cli/commands.h"
#include "cli/eval/judged.h"
#include "cli/eval/measures.h"
#include "cli/eval/rerun.h"
#include "cli/hub/fail.h"
#include "cli/io/output.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"

#include <stdio.h>
#include <string.h>

#define USUAL_CUT   10   /* nDCG@10: what BEIR and MTEB compare by */
#define USUAL_TOP_N 1000 /* documents of a query, as trec_eval takes */
#define MAX_RUNS    32

struct eval {
    const struct options *options;
    size_t cut;
    json_t *qrels;
    struct measures measures[MAX_RUNS];
    const char *names[MAX_RUNS];
    size_t n;
    struct rerun rerun; /* of a model; its run is NULL: there is none */
};

/* As trec_eval calls them, and for the eye; a space stands for the cut. */
static const char *const names[N_MEASURES] = {"ndcg_cut_ ", "map", "recip_rank", "recall_ ", "recall_100"};
static const char *const titles[N_MEASURES] = {"nDCG@ ", "MAP", "MRR", "recall@ ", "recall@100"};

/* Lives until the next call for that measure. */
static const char *name_of(const char *const *list, size_t k, size_t cut)
{
    static char text[N_MEASURES][40];
    size_t n = strcspn(list[k], " ");
    if (list[k][n])
        snprintf(text[k], sizeof text[k], "%.*s%zu", (int)n, list[k], cut);
    else
        snprintf(text[k], sizeof text[k], "%s", list[k]);
    return text[k];
}

/* ---- runs ---- */

static enum hone_status add(struct eval *e, const char *name, const json_t *run)
{
    if (e->n == MAX_RUNS)
        return report_error(HONE_USAGE, "there are more than %d runs", MAX_RUNS);
    struct measures *m = &e->measures[e->n++];
    e->names[e->n - 1] = name;
    if (!measures_compute(m, e->qrels, run, e->cut))
        return report_error(HONE_FAILED, "out of memory");
    if (m->n == 0)
        return report_error(HONE_USAGE, "%s and the judgements have no query in common", name);
    if (m->n_missing)
        report_note("%s has nothing of %zu judged queries, which do not count", name, m->n_missing);
    return HONE_OK;
}

static enum hone_status add_file(struct eval *e, const char *path)
{
    json_t *run;
    enum hone_status status = judged_read_run(&run, path);
    if (status == HONE_OK)
        status = add(e, path, run);
    json_decref(run);
    return status;
}

static void keep_judged(json_t *run, const json_t *qrels)
{
    const char *query;
    json_t *found;
    void *next;
    json_object_foreach_safe(run, next, query, found)
    {
        if (!json_object_get(qrels, query))
            json_object_del(run, query);
    }
}

/* Queries that were judged alone: others cost time and count nothing. */
static enum hone_status run_model(struct eval *e, const char *folder)
{
    const struct options *o = e->options;
    char path[HUB_PATH];
    json_t *queries = NULL, *corpus = NULL, *run = NULL;
    enum hone_status status = HONE_OK;
    if (!hub_format(path, "%s/queries.jsonl", folder))
        return report_error(HONE_USAGE, "%s: the path is too long", folder);
    status = judged_read_texts(&queries, path, e->qrels);
    if (status == HONE_OK && hub_format(path, "%s/corpus.jsonl", folder))
        status = judged_read_texts(&corpus, path, NULL);
    if (status == HONE_OK && o->run)
        status = judged_read_run(&run, o->run);
    keep_judged(run, e->qrels);
    if (status == HONE_OK)
        status = run ? rerun_rerank(&e->rerun, o, run, queries, corpus)
                     : rerun_search(&e->rerun, o, queries, corpus, o->top_n ? o->top_n : USUAL_TOP_N);
    if (status == HONE_OK && o->output)
        status = rerun_write(e->rerun.run, o->output);
    if (status == HONE_OK)
        status = add(e, o->model, e->rerun.run);
    json_decref(queries);
    json_decref(corpus);
    json_decref(run);
    return status;
}

/* ---- showing ---- */

static void show_json(struct output *o, const struct eval *e)
{
    output_text(o, "{\"runs\": [");
    for (size_t i = 0; i < e->n; i++) {
        output_text(o, i ? ",\n  {\"name\": " : "\n  {\"name\": ");
        text_write_json(o, text_from(e->names[i]));
        output_format(o, ", \"queries\": %zu", e->measures[i].n);
        for (size_t k = 0; k < N_MEASURES; k++)
            output_format(o, ", \"%s\": %.9g", name_of(names, k, e->cut), e->measures[i].mean[k]);
        for (size_t k = 0, n; i > 0 && k < N_MEASURES; k++)
            output_format(o, ", \"p_%s\": %.6g", name_of(names, k, e->cut),
                          measures_p_value(&e->measures[i], &e->measures[0], k, &n));
        if (i == 0 && e->rerun.run)
            output_format(o, ", \"seconds\": %.3f, \"median_query_s\": %.6f, \"slowest_query_s\": %.6f",
                          e->rerun.seconds, e->rerun.median, e->rerun.slowest);
        output_text(o, "}");
    }
    output_text(o, "\n]}\n");
}

static void show_table(struct output *o, const struct eval *e)
{
    static struct table_column columns[N_MEASURES + 2];
    struct table t;
    columns[0] = (struct table_column){"queries", 8, true};
    for (size_t k = 0; k < N_MEASURES; k++)
        columns[k + 1] = (struct table_column){name_of(titles, k, e->cut), 10, true};
    columns[N_MEASURES + 1] = (struct table_column){"run", 0, false};
    table_begin(&t, o, columns, N_MEASURES + 2, true);
    for (size_t i = 0; i < e->n; i++) {
        table_format(&t, "%zu", e->measures[i].n);
        for (size_t k = 0; k < N_MEASURES; k++)
            table_format(&t, "%.4f", e->measures[i].mean[k]);
        table_cell(&t, text_from(e->names[i]));
    }
    for (size_t i = 1; i < e->n; i++) {
        table_format(&t, " ");
        for (size_t k = 0, n; k < N_MEASURES; k++)
            table_format(&t, "p %.4f", measures_p_value(&e->measures[i], &e->measures[0], k, &n));
        table_format(&t, "%zu beside 1: how probable such a difference is by chance", i + 1);
    }
}

static enum hone_status show(const struct eval *e)
{
    static struct output o;
    if (e->rerun.run)
        report_note("%zu pairs in %.2f s; a query takes %.1f ms (median), %.1f ms at most", e->rerun.n_pairs,
                    e->rerun.seconds, 1e3 * e->rerun.median, 1e3 * e->rerun.slowest);
    enum hone_status status = output_open(&o, NULL, false);
    if (status != HONE_OK)
        return status;
    (e->options->json ? show_json : show_table)(&o, e);
    return output_close(&o, true);
}

/* ---- the command ---- */

static enum hone_status read_qrels(struct eval *e)
{
    const struct options *o = e->options;
    char path[HUB_PATH];
    if (o->qrels)
        return judged_read_qrels(&e->qrels, o->qrels);
    if (!o->model)
        return report_error(HONE_USAGE, "missing: --qrels FILE");
    if (!hub_format(path, "%s/qrels/test.tsv", o->operand))
        return report_error(HONE_USAGE, "%s: the path is too long", o->operand);
    return judged_read_qrels(&e->qrels, path);
}

enum hone_status eval_run(const struct options *options)
{
    static struct eval e;
    e = (struct eval){.options = options, .cut = options->cut ? options->cut : USUAL_CUT};
    if (!options->model && (options->run || options->output))
        return report_error(HONE_USAGE, "--run and --output are for a model: -m MODEL");
    enum hone_status status = read_qrels(&e);
    if (status == HONE_OK && options->model)
        status = run_model(&e, options->operand);
    for (int i = options->model ? 1 : 0; i < options->n_operands && status == HONE_OK; i++)
        status = add_file(&e, options->operands[i]);
    if (status == HONE_OK)
        status = show(&e);
    for (size_t i = 0; i < e.n; i++)
        measures_release(&e.measures[i]);
    json_decref(e.qrels);
    rerun_release(&e.rerun);
    return status;
}

enum hone_status eval_rerank(const struct options *options)
{
    struct rerun rerun = {0};
    json_t *run = NULL, *queries = NULL, *corpus = NULL, *wanted = json_object(), *found;
    const char *query;
    if (!options->queries || !options->corpus) {
        json_decref(wanted);
        return report_error(HONE_USAGE, "--run needs --queries and --corpus, where the texts are");
    }
    enum hone_status status = judged_read_run(&run, options->run);
    json_object_foreach (run, query, found) {
        json_object_update(wanted, found);
    }
    if (status == HONE_OK)
        status = judged_read_texts(&queries, options->queries, run);
    if (status == HONE_OK)
        status = judged_read_texts(&corpus, options->corpus, wanted);
    if (status == HONE_OK)
        status = rerun_rerank(&rerun, options, run, queries, corpus);
    if (status == HONE_OK)
        status = rerun_write(rerun.run, options->output);
    json_decref(run);
    json_decref(queries);
    json_decref(corpus);
    json_decref(wanted);
    rerun_release(&rerun);
    return status;
}
