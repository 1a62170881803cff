#include "cli/commands/generation.h"

#include "cli/commands/sampling.h"
#include "cli/io/read_all.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define USUAL_DRAFT 5 /* tokens */

/* "ID=X", where X may be -inf. */
static enum hone_status read_bias(const char *text, struct hone_bias *out)
{
    char *end, *last;
    errno = 0;
    long id = strtol(text, &end, 10);
    double bias = *end == '=' ? strtod(end + 1, &last) : 0;
    if (end == text || *end != '=' || last == end + 1 || *last || errno || id < 0 || id > INT32_MAX ||
        isnan(bias) || bias == INFINITY)
        return report_error(HONE_USAGE, "--logit-bias should be a token and a number, ID=X, not '%s'", text);
    *out = (struct hone_bias){(int32_t)id, (float)bias};
    return HONE_OK;
}

static enum hone_status read_lists(struct cli_generation *p, const struct options *options)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < options->stops.n; i++)
        p->stops[i] = text_from(options->stops.items[i]);
    for (size_t i = 0; i < options->biases.n && status == HONE_OK; i++)
        status = read_bias(options->biases.items[i], &p->biases[i]);
    p->g.stops = p->stops;
    p->g.n_stops = options->stops.n;
    p->g.biases = p->biases;
    p->g.n_biases = options->biases.n;
    return status;
}

static enum hone_status read_logprobs(struct cli_generation *p, const struct option_number *n)
{
    if (!n->given)
        return HONE_OK;
    if (!(n->value >= 0 && n->value <= HONE_MAX_LOGPROBS && floor(n->value) == n->value))
        return report_error(HONE_USAGE, "--logprobs must be a whole number from 0 to %d", HONE_MAX_LOGPROBS);
    p->g.logprobs = true;
    p->g.n_logprobs = (size_t)n->value;
    return HONE_OK;
}

/* Whether something was asked for that a search for the most probable text does not know. */
static bool goes_by_lot(const struct cli_generation *p, const struct options *o)
{
    const struct option_number *const numbers[] = {
        &o->temp,
        &o->top_k,
        &o->top_p,
        &o->min_p,
        &o->typical_p,
        &o->seed,
        &o->mirostat,
        &o->repeat_penalty,
        &o->presence_penalty,
        &o->frequency_penalty,
        &o->dry,
        &o->repeat_last_n,
        &o->logprobs,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i]->given)
            return true;
    return p->g.grammar || p->g.json_schema || (p->g.n_draft > 0 && p->g.n_draft != HONE_DRAFT_AUTO) ||
           p->g.n_biases > 0;
}

void generation_search(struct cli_generation *p, const struct options *options,
                       const struct hone_model *model)
{
    bool searches = hone_model_beams(model, &p->beams);
    if (options->beams > 0)
        p->beams.n = options->beams;
    else if (!searches || goes_by_lot(p, options))
        return;
    p->beams.n_best = options->n_best;
    if (options->early_stopping) {
        p->beams.stop_early = true;
        p->beams.stop_never = false;
    }
    if (options->length_penalty.given)
        p->beams.length_penalty = (float)options->length_penalty.value;
    p->g.beams = &p->beams;
}

static enum hone_status read_file(const char *path, char **text, const char **out)
{
    size_t size;
    enum hone_status status = path ? read_all(path, text, &size) : HONE_OK;
    *out = *text;
    return status;
}

static enum hone_status open_draft_model(struct cli_generation *p, const struct options *options)
{
    struct hone_error err = {0};
    const struct option_number *n = &options->draft;
    if (n->given && !(n->value >= 0 && n->value <= INT32_MAX && floor(n->value) == n->value))
        return report_error(HONE_USAGE, "--draft must be a whole number from 0 to %d", INT32_MAX);
    p->g.n_draft = n->given ? (size_t)n->value : options->draft_model ? USUAL_DRAFT : HONE_DRAFT_AUTO;
    if (!options->draft_model)
        return HONE_OK;
    if (p->g.n_draft == 0)
        return report_error(HONE_USAGE, "--draft 0 leaves nothing to do for --draft-model");
    if (run_open_model(&p->draft_model, options->draft_model, options, RUN_WHOLE, &err) != HONE_OK)
        return report_failure(&err);
    p->g.draft_model = p->draft_model;
    return HONE_OK;
}

enum hone_status generation_open(struct cli_generation *p, const struct options *options)
{
    *p = (struct cli_generation){.g = {.max_tokens = options->n_tokens, .ignore_end = options->ignore_eos}};
    if (options->beams == 0 &&
        (options->n_best > 1 || options->length_penalty.given || options->early_stopping))
        return report_error(HONE_USAGE, "--n-best, --length-penalty and --early-stopping are for --beams");
    p->g.from = text_from(options->from ? options->from : "");
    p->g.to = text_from(options->to ? options->to : "");
    enum hone_status status = sampling_read(options, &p->g.sampling);
    if (status == HONE_OK)
        status = read_lists(p, options);
    if (status == HONE_OK)
        status = read_logprobs(p, &options->logprobs);
    if (status == HONE_OK)
        status = read_file(options->grammar, &p->grammar, &p->g.grammar);
    if (status == HONE_OK)
        status = read_file(options->json_schema, &p->json_schema, &p->g.json_schema);
    return status == HONE_OK ? open_draft_model(p, options) : status;
}

void generation_close(struct cli_generation *p)
{
    hone_model_close(&p->draft_model);
    free(p->grammar);
    free(p->json_schema);
}
