#include "cli/commands.h"
#include "cli/commands/generate_file.h"
#include "cli/commands/generation.h"
#include "cli/commands/kv_file.h"
#include "cli/io/ids.h"
#include "cli/io/output.h"
#include "cli/io/read_all.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/run.h"
#include "cli/translate/sentences.h"
#include "runtime/base/clock.h"

#include <stdlib.h>
#include <string.h>

static const char *const reasons[] = {"none", "stop", "length", "cancelled"};

struct teller {
    struct output o;
    bool writes;        /* text goes out as it comes */
    size_t n;           /* tokens that have come, */
    double first, last; /* and when, in s */
};

static bool on_token(void *arg, const struct hone_token *token)
{
    struct teller *t = arg;
    if (token->id >= 0) {
        t->last = clock_seconds(&clock_monotonic);
        t->first = t->n++ == 0 ? t->last : t->first;
    }
    if (!t->writes || token->text.size == 0)
        return true;
    output_write(&t->o, token->text.data, token->text.size);
    return output_flush(&t->o) == HONE_OK;
}

/* ---- results ---- */

static void write_logprob(struct output *o, int32_t id, float logprob)
{
    output_format(o, "{\"id\": %d, \"logprob\": ", (int)id);
    text_write_json_float(o, logprob);
}

static void write_logprobs(struct output *o, const struct hone_generated *r, size_t n_top)
{
    output_text(o, ", \"logprobs\": [");
    for (size_t i = 0; i < r->n_ids; i++) {
        output_text(o, i ? ", " : "");
        write_logprob(o, r->ids[i], r->logprobs[i]);
        output_text(o, ", \"top\": [");
        for (size_t k = 0; k < n_top && r->top[i * n_top + k].id >= 0; k++) {
            output_text(o, k ? ", " : "");
            write_logprob(o, r->top[i * n_top + k].id, r->top[i * n_top + k].logprob);
            output_text(o, "}");
        }
        output_text(o, "]}");
    }
    output_text(o, "]");
}

/* What there is to know of a text, and the end of its line. */
static void write_fields(struct output *o, const struct hone_generation *g, const struct hone_generated *r)
{
    output_text(o, "\"text\": ");
    text_write_json(o, (struct hone_text){r->text, r->text_size});
    output_text(o, ", \"ids\": [");
    for (size_t i = 0; i < r->n_ids; i++)
        output_format(o, "%s%d", i ? ", " : "", (int)r->ids[i]);
    output_format(o, "], \"finish_reason\": \"%s\", \"prompt_tokens\": %zu, \"cached_tokens\": %zu",
                  reasons[r->finish], g->n_prompt, g->n_cached);
    if (g->n_draft > 0 && g->n_draft != HONE_DRAFT_AUTO)
        output_format(o, ", \"drafted_tokens\": %zu, \"accepted_tokens\": %zu", g->n_drafted, g->n_accepted);
    if (g->beams) {
        output_text(o, ", \"score\": ");
        text_write_json_float(o, r->score);
    }
    if (r->logprobs)
        write_logprobs(o, r, g->n_logprobs);
    output_text(o, "}\n");
}

/* Texts that have not been written as they came. */
static void write_results(struct output *o, const struct hone_generation *g, bool json, bool written)
{
    for (size_t i = 0; i < g->n_results; i++) {
        if (json) {
            output_text(o, "{");
            write_fields(o, g, &g->results[i]);
        } else if (!written)
            output_write(o, g->results[i].text, g->results[i].text_size);
        if (!json)
            output_text(o, "\n");
    }
}

/* ---- the command ---- */

/* A rate is one of tokens behind the first one, whose time is the prompt's. */
static void tell_timings(const struct teller *t, const struct hone_generation *g, double opened, double began,
                         double ended)
{
    double first = 1e3 * ((t->n > 0 ? t->first : ended) - began), rest = t->n > 1 ? t->last - t->first : 0;
    report_note("timings: open %.1f ms; first token %.1f ms, of a prompt of %zu tokens, %zu of them known; "
                "rest %.1f ms, %zu tokens, %.1f tokens/s; all %.1f ms",
                1e3 * opened, first, g->n_prompt, g->n_cached, 1e3 * rest, t->n > 1 ? t->n - 1 : 0,
                rest > 0 ? (double)(t->n - 1) / rest : 0, 1e3 * (opened + ended - began));
}

/* opened: s that the model took. */
static enum hone_status generate(struct hone_model *model, struct hone_generation *g,
                                 const struct options *options, double opened)
{
    static struct teller t;
    struct hone_error err = {0};
    bool json = options->format && strcmp(options->format, "jsonl") == 0;
    enum hone_status status = output_open(&t.o, NULL, false);
    if (status != HONE_OK)
        return status;
    t.writes = !json && options->n_best <= 1;
    g->on_token = t.writes || options->timings ? on_token : NULL;
    g->arg = &t;
    double began = clock_seconds(&clock_monotonic);
    status = hone_generate(model, g, 1, NULL, &err);
    double ended = clock_seconds(&clock_monotonic);
    if (status != HONE_OK)
        report_failure(&err);
    else
        write_results(&t.o, g, json, t.writes);
    enum hone_status closed = output_close(&t.o, status == HONE_OK);
    if (status == HONE_OK && options->timings)
        tell_timings(&t, g, opened, began, ended);
    return status == HONE_OK ? closed : status;
}

/* Sentence by sentence: what comes of each, with the white space that was between. */
static enum hone_status generate_sentences(struct hone_model *model, const struct hone_generation *how)
{
    static struct output o;
    struct hone_error err = {0};
    struct sentence_list list = {0};
    size_t first, n;
    enum hone_status status = sentences_add(&list, how->prompt, how, &first, &n) ? HONE_OK : HONE_FAILED;
    if (status == HONE_OK && sentences_generate(&list, model, NULL, &err) != HONE_OK)
        status = report_failure(&err);
    if (status == HONE_OK && (status = output_open(&o, NULL, false)) == HONE_OK) {
        sentences_write(&list, first, n, &o);
        output_text(&o, "\n");
        status = output_close(&o, true);
    }
    sentences_release(&list);
    return status;
}

static enum hone_status run(struct cli_generation *p, const struct options *options)
{
    struct hone_error err = {0};
    struct hone_model *model;
    double began = clock_seconds(&clock_monotonic);
    enum hone_status status = run_open_model(&model, options->model, options, RUN_WHOLE, &err);
    double opened = clock_seconds(&clock_monotonic) - began;
    if (status != HONE_OK)
        return report_failure(&err);
    status = kv_file_load(model, options->kv_file);
    generation_search(p, options, model);
    if (status == HONE_OK)
        status = options->split_sentences ? generate_sentences(model, &p->g)
                                          : generate(model, &p->g, options, opened);
    if (status == HONE_OK)
        status = kv_file_save(model, options->kv_file, &p->g);
    hone_generation_release(&p->g);
    hone_model_close(&model);
    return status;
}

/* Where the prompt comes from: one of these, and one alone. */
static enum hone_status check_source(const struct options *options)
{
    bool json = options->format && strcmp(options->format, "jsonl") == 0, files = options->n_operands > 0;
    int n = (options->text != NULL) + (options->ids != NULL) + (options->prompt_file != NULL) + files;
    if (n != 1)
        return report_error(HONE_USAGE,
                            "give either --prompt or --ids, or --prompt-file or FILEs of prompts");
    if (options->suffix && (options->ids || files || options->split_sentences))
        return report_error(HONE_USAGE, "--suffix is for one prompt that is a text");
    if (options->logprobs.given && !json && !files)
        return report_error(HONE_USAGE, "--logprobs is for --format jsonl");
    if (files && options->format && !json)
        return report_error(HONE_USAGE, "texts for files of prompts are written as jsonl");
    if (files && (options->kv_file || options->decoder_ids))
        return report_error(HONE_USAGE, "--kv-file and --decoder-ids are for one prompt");
    if (!files && (options->keep || options->input_format || options->columns.n || options->id_column ||
                   options->errors || options->jsonl || options->max_errors.given || options->output ||
                   options->resume || options->shard))
        return report_error(HONE_USAGE, "--input-format, --column, --keep, --errors, --output, --resume and "
                                        "--shard are for FILEs of prompts");
    if (options->timings && (files || options->split_sentences))
        return report_error(HONE_USAGE, "--timings is for one prompt, that is gone on with as a whole");
    if (options->split_sentences &&
        (options->ids || files || json || options->kv_file || options->n_best > 1))
        return report_error(HONE_USAGE,
                            "--split-sentences is for one prompt that is a text, and writes text");
    return kv_file_check(options->kv_file);
}

/* The prompt in full, from a file or standard input where it is not on the command line. *held is to be freed. */
static enum hone_status read_prompt(const struct options *options, struct hone_text *prompt, char **held)
{
    bool standard = options->text && strcmp(options->text, "-") == 0;
    size_t size;
    *prompt = text_from(options->text ? options->text : "");
    if (!standard && !options->prompt_file)
        return HONE_OK;
    enum hone_status status = read_all(standard ? NULL : options->prompt_file, held, &size);
    *prompt = (struct hone_text){*held, size};
    return status;
}

enum hone_status generate_run(const struct options *options)
{
    struct cli_generation p;
    struct hone_infill infill = HONE_INFILL_DEFAULTS;
    int32_t *ids = NULL, *decoder_ids = NULL;
    char *held = NULL;
    enum hone_status status = check_source(options);
    if (status != HONE_OK)
        return status;
    status = generation_open(&p, options);
    if (status == HONE_OK && options->ids)
        status = ids_read(options->ids, &ids, &p.g.n_ids);
    if (status == HONE_OK && options->decoder_ids)
        status = ids_read(options->decoder_ids, &decoder_ids, &p.g.n_decoder_ids);
    p.g.ids = ids;
    p.g.decoder_ids = decoder_ids;
    infill.suffix = text_from(options->suffix ? options->suffix : "");
    p.g.infill = options->suffix ? &infill : NULL;
    if (status == HONE_OK)
        status = read_prompt(options, &p.g.prompt, &held);
    if (status == HONE_OK)
        status = options->n_operands > 0 ? generate_file(options, &p, write_fields) : run(&p, options);
    generation_close(&p);
    free(ids);
    free(decoder_ids);
    free(held);
    return status;
}
