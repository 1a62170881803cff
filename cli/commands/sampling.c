#include "cli/commands/sampling.h"

#include "cli/io/report.h"

#include <math.h>
#include <time.h>

static float real(const struct option_number *number, float otherwise)
{
    return number->given ? (float)number->value : otherwise;
}

/* Whole numbers that a double holds exactly. */
static enum hone_status whole(const struct option_number *number, const char *name, uint64_t *out)
{
    if (!number->given)
        return HONE_OK;
    if (number->value < 0 || number->value > 0x1p53 || floor(number->value) != number->value)
        return report_error(HONE_USAGE, "--%s must be a whole number from 0 on", name);
    *out = (uint64_t)number->value;
    return HONE_OK;
}

enum hone_status sampling_read(const struct options *options, struct hone_sampling *out)
{
    *out = (struct hone_sampling)HONE_SAMPLING_DEFAULTS;
    uint64_t top_k = out->top_k, last_n = out->penalty_last_n, dry_length = out->dry_allowed_length,
             mirostat = 0;
    out->seed = (uint64_t)time(NULL);
    out->temperature = real(&options->temp, out->temperature);
    out->top_p = real(&options->top_p, out->top_p);
    out->min_p = real(&options->min_p, out->min_p);
    out->typical_p = real(&options->typical_p, out->typical_p);
    out->repetition_penalty = real(&options->repeat_penalty, out->repetition_penalty);
    out->presence_penalty = real(&options->presence_penalty, out->presence_penalty);
    out->frequency_penalty = real(&options->frequency_penalty, out->frequency_penalty);
    out->dry_multiplier = real(&options->dry, out->dry_multiplier);
    out->dry_base = real(&options->dry_base, out->dry_base);
    out->mirostat_tau = real(&options->mirostat_tau, out->mirostat_tau);
    out->mirostat_eta = real(&options->mirostat_eta, out->mirostat_eta);
    enum hone_status status = whole(&options->seed, "seed", &out->seed);
    if (status == HONE_OK)
        status = whole(&options->top_k, "top-k", &top_k);
    if (status == HONE_OK)
        status = whole(&options->mirostat, "mirostat", &mirostat);
    if (status == HONE_OK)
        status = whole(&options->repeat_last_n, "repeat-last-n", &last_n);
    if (status == HONE_OK)
        status = whole(&options->dry_length, "dry-length", &dry_length);
    out->top_k = (size_t)top_k;
    out->penalty_last_n = (size_t)last_n;
    out->dry_allowed_length = (size_t)dry_length;
    out->mirostat = mirostat < 100 ? (int)mirostat : 100;
    return status;
}
