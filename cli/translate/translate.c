/* hone translate: each line in another language, sentence by sentence. */
#include "cli/commands.h"
#include "cli/commands/generation.h"
#include "cli/io/output.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/run.h"
#include "cli/translate/sentences.h"

#include <string.h>

struct translate {
    struct run run; /* first: it is what functions that are called back get */
    struct cli_generation how;
    struct sentence_list sentences;
    size_t first[LINES_MAX_TEXTS], n[LINES_MAX_TEXTS]; /* of each text's sentences */
};

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    struct translate *t = (struct translate *)run;
    struct lines *l = &run->lines;
    sentences_release(&t->sentences);
    for (size_t i = 0; i < l->n; i++) {
        t->first[i] = t->n[i] = 0;
        if (!l->refused[i] && !sentences_add(&t->sentences, l->texts[i], &t->how.g, &t->first[i], &t->n[i])) {
            err->message[0] = 0;
            return err->status = HONE_FAILED;
        }
    }
    return sentences_generate(&t->sentences, run->model, &run->stats, err);
}

/* ---- results ---- */

static void write_line(const struct translate *t, struct output *o, size_t i)
{
    sentences_write(&t->sentences, t->first[i], t->n[i], o);
    output_text(o, "\n");
}

static void write_json(struct output *o, struct translate *t, size_t i)
{
    records_write_begin(&t->run.records, o, &t->run.lines, i);
    output_text(o, ", \"sentences\": [");
    for (size_t k = t->first[i]; k < t->first[i] + t->n[i]; k++) {
        const struct hone_generation *g = &t->sentences.items[k];
        output_text(o, k > t->first[i] ? ", " : "");
        text_write_json(o, (struct hone_text){g->text ? g->text : "", g->text_size});
    }
    output_text(o, "]}\n");
}

static void write_all(struct translate *t, struct output *o)
{
    bool json = t->run.options->format && strcmp(t->run.options->format, "jsonl") == 0;
    while (run_next(&t->run)) {
        for (size_t i = 0; i < t->run.lines.n; i++) {
            if (json && records_write_refused(&t->run.records, o, &t->run.lines, i))
                continue;
            if (json)
                write_json(o, t, i);
            else
                write_line(t, o, i);
        }
        t->run.status = output_flush(o);
    }
}

/* ---- the command ---- */

/* Languages that the model does not name are told before a text is read. */
static enum hone_status check(struct translate *t, const struct options *options)
{
    struct hone_error err = {0};
    struct hone_language any;
    const struct hone_text one = text_from("x");
    if (!hone_model_language(t->run.model, 0, &any))
        return report_error(HONE_USAGE, "%s names no languages to translate from or to", options->model);
    struct hone_generation g = t->how.g;
    g.prompt = one;
    g.max_tokens = 1;
    g.beams = NULL;
    enum hone_status status = hone_generate(t->run.model, &g, 1, NULL, &err);
    hone_generation_release(&g);
    return status == HONE_OK ? status : report_failure(&err);
}

enum hone_status translate_run(const struct options *options)
{
    static struct translate t;
    static struct output o;
    struct run *run = &t.run;
    t = (struct translate){0};
    enum hone_status status = generation_open(&t.how, options);
    if (status == HONE_OK)
        status = run_open(run, options, RUN_TEXTS, false);
    if (status != HONE_OK) {
        generation_close(&t.how);
        return status;
    }
    t.how.g.from = text_from(options->from ? options->from : "");
    t.how.g.to = text_from(options->to ? options->to : "");
    t.how.g.sampling.temperature = 0;
    if ((run->status = check(&t, options)) == HONE_OK && run_start(run, 0, compute) == HONE_OK) {
        generation_search(&t.how, options, run->model);
        if (run_open_output(run, &o, 0) == HONE_OK) {
            write_all(&t, &o);
            enum hone_status closed = output_close(&o, run->status == HONE_OK);
            run->status = run->status == HONE_OK ? closed : run->status;
        }
    }
    sentences_release(&t.sentences);
    generation_close(&t.how);
    return run_close(run);
}
