#include "runtime/generate/sampling/sampler.h"

#include "kernels/kernels.h"
#include "runtime/base/order.h"
#include "runtime/generate/sampling/candidates.h"
#include "runtime/generate/sampling/mirostat.h"
#include "runtime/generate/sampling/penalties.h"
#include "runtime/generate/sampling/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sampler {
    struct sampler_params params;
    size_t n_vocab;
    float mu; /* mirostat's largest surprise */
};

/* ---- parameters ---- */

static enum hone_status check_numbers(const struct hone_sampling *s, struct hone_error *err)
{
    const struct {
        const char *name;
        float value, min, max;
        bool above; /* min itself is too little */
    } rows[] = {
        {"temperature", s->temperature, 0, 1e6f, false},
        {"top_p", s->top_p, 0, 1, false},
        {"min_p", s->min_p, 0, 1, false},
        {"typical_p", s->typical_p, 0, 1, false},
        {"repetition_penalty", s->repetition_penalty, 0, 1e6f, true},
        {"frequency_penalty", s->frequency_penalty, -1e6f, 1e6f, false},
        {"presence_penalty", s->presence_penalty, -1e6f, 1e6f, false},
        {"dry_multiplier", s->dry_multiplier, 0, 1e6f, false},
        {"dry_base", s->dry_base, 1, 1e6f, false},
        {"mirostat_tau", s->mirostat_tau, 0, 1e6f, true},
        {"mirostat_eta", s->mirostat_eta, 0, 1e6f, false},
        {"mirostat", (float)s->mirostat, 0, 2, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool enough = rows[i].above ? rows[i].value > rows[i].min : rows[i].value >= rows[i].min;
        if (!enough || !(rows[i].value <= rows[i].max))
            return hone_fail(err, HONE_USAGE, "%s is %g; expected %s %g and at most %g", rows[i].name,
                             (double)rows[i].value, rows[i].above ? "more than" : "at least",
                             (double)rows[i].min, (double)rows[i].max);
    }
    return HONE_OK;
}

static enum hone_status check_ids(const char *name, const int32_t *ids, size_t n, size_t n_vocab,
                                  struct hone_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= n_vocab)
            return hone_fail(err, HONE_USAGE, "%s: %d is no token id; the vocabulary has %zu", name, ids[i],
                             n_vocab);
    return HONE_OK;
}

static enum hone_status check(const struct sampler_params *p, size_t n_vocab, struct hone_error *err)
{
    if (n_vocab == 0 || n_vocab > INT32_MAX)
        return hone_fail(err, HONE_USAGE, "a vocabulary of %zu tokens cannot be sampled from", n_vocab);
    enum hone_status status = check_numbers(&p->sampling, err);
    for (size_t i = 0; !status && i < p->n_biases; i++) {
        float bias = p->biases[i].bias;
        status = check_ids("logit bias", &p->biases[i].id, 1, n_vocab, err);
        if (!status && !(bias < INFINITY))
            status = hone_fail(err, HONE_USAGE, "the logit bias of token %d is %g; expected a number",
                               p->biases[i].id, (double)bias);
    }
    if (!status)
        status = check_ids("DRY breakers", p->dry_breakers, p->n_dry_breakers, n_vocab, err);
    if (!status)
        status = check_ids("end tokens", p->end_ids, p->n_end_ids, n_vocab, err);
    return status;
}

/* ---- lifetime ---- */

/* NULL for n = 0 as well. */
static void *copy_array(const void *array, size_t n, size_t item_size)
{
    void *copy = n > 0 ? malloc(n * item_size) : NULL;
    if (copy)
        memcpy(copy, array, n * item_size);
    return copy;
}

static struct sampler *copy_sampler(const struct sampler_params *p, size_t n_vocab, float mu)
{
    struct sampler *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct sampler){.params = *p, .n_vocab = n_vocab, .mu = mu};
    struct sampler_params *own = &s->params;
    int32_t *breakers = copy_array(p->dry_breakers, p->n_dry_breakers, sizeof *breakers);
    own->biases = copy_array(p->biases, p->n_biases, sizeof *p->biases);
    own->end_ids = copy_array(p->end_ids, p->n_end_ids, sizeof *p->end_ids);
    own->dry_breakers = breakers;
    own->sampling.dry_breakers = NULL; /* the caller's texts, which need not live as long */
    if ((p->n_biases && !own->biases) || (p->n_end_ids && !own->end_ids) ||
        (p->n_dry_breakers && !breakers)) {
        sampler_free(s);
        return NULL;
    }
    if (breakers)
        qsort(breakers, p->n_dry_breakers, sizeof *breakers, order_int32);
    return s;
}

enum hone_status sampler_new(struct sampler **out, const struct sampler_params *params, size_t n_vocab,
                             struct hone_error *err)
{
    *out = NULL;
    enum hone_status status = check(params, n_vocab, err);
    if (status)
        return status;
    *out = copy_sampler(params, n_vocab, 2 * params->sampling.mirostat_tau);
    return *out ? HONE_OK : hone_no_memory(err, "a sampler", sizeof **out);
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    free((void *)s->params.biases);
    free((void *)s->params.end_ids);
    free((void *)s->params.dry_breakers);
    free(s);
}

void sampler_scratch_release(struct sampler_scratch *scratch)
{
    free(scratch->logits);
    free(scratch->floats);
    free(scratch->items);
    free(scratch->swap);
    *scratch = (struct sampler_scratch){0};
}

bool sampler_scratch_reserve(struct sampler_scratch *s, size_t n, struct hone_error *err)
{
    if (s->capacity >= n)
        return true;
    sampler_scratch_release(s);
    s->logits = malloc(n * sizeof *s->logits);
    s->floats = malloc(n * sizeof *s->floats);
    s->items = malloc(n * sizeof *s->items);
    s->swap = malloc(n * sizeof *s->swap);
    if (!s->logits || !s->floats || !s->items || !s->swap) {
        sampler_scratch_release(s);
        hone_no_memory(err, "sampling", n * 24);
        return false;
    }
    s->capacity = n;
    return true;
}

/* ---- the chain ---- */

/* Copies the logits; a token that must not come has -infinity. */
static bool copy_logits(float *to, const struct sampler_input *in, size_t n, struct hone_error *err)
{
    const uint32_t infinity = 0x7f800000;
    uint32_t bits, is_bad = 0;
    for (size_t i = 0; i < n; i++) { /* without a branch, so that it is fast */
        memcpy(&bits, &in->logits[i], sizeof bits);
        is_bad |= (uint32_t)((bits & 0x7fffffff) > infinity) | (uint32_t)(bits == infinity);
        to[i] = in->logits[i];
    }
    for (size_t i = 0; is_bad && i < n; i++)
        if (!(in->logits[i] < INFINITY)) {
            hone_fail(err, HONE_FAILED, "the model gave token %zu the logit %g", i, (double)in->logits[i]);
            return false;
        }
    for (size_t word = 0; in->allowed && word < (n + 63) / 64; word++) {
        uint64_t forbidden = ~in->allowed[word];
        for (size_t i = word * 64; forbidden && i < n; i++, forbidden >>= 1)
            if (forbidden & 1)
                to[i] = -INFINITY;
    }
    return true;
}

/* Steps 1 to 4. */
static bool change_logits(const struct sampler *s, const struct sampler_input *in, float *logits,
                          struct hone_error *err)
{
    const struct sampler_params *p = &s->params;
    if (!copy_logits(logits, in, s->n_vocab, err))
        return false;
    for (size_t i = 0; i < p->n_biases; i++)
        logits[p->biases[i].id] += p->biases[i].bias;
    for (size_t i = 0; p->ignore_end && i < p->n_end_ids; i++)
        logits[p->end_ids[i]] = -INFINITY;
    if (!penalties_apply(&p->sampling, in->tokens, in->n_tokens, logits, s->n_vocab) ||
        !dry_apply(p, in->tokens, in->n_tokens, logits, s->n_vocab)) {
        hone_no_memory(err, "penalties", in->n_tokens * 24);
        return false;
    }
    if (p->rules) {
        struct rules_text text = p->text;
        text.ids = in->tokens;
        text.n = in->n_tokens;
        token_rules_apply(p->rules, &text, logits, s->n_vocab);
    }
    return true;
}

static void divide(struct candidates *c, float temperature)
{
    if (temperature == 1)
        return;
    /* The largest becomes 0, so that nothing overflows upwards. */
    float max = kernels_get()->max(c->logits, c->n_vocab);
    bool is_whole = c->order == CANDIDATES_WHOLE;
    for (size_t i = 0; is_whole && i < c->n_vocab; i++)
        c->logits[i] = (c->logits[i] - max) / temperature;
    for (size_t i = 0; !is_whole && i < c->n; i++)
        c->logits[c->items[i].id] = (c->logits[c->items[i].id] - max) / temperature;
}

/* Steps 5 to 11, but for the draw. */
static void filter(const struct sampler *s, struct candidates *c)
{
    const struct hone_sampling *p = &s->params.sampling;
    if (p->temperature == 0) {
        candidates_top_k(c, 1);
    } else if (p->mirostat) {
        divide(c, p->temperature);
        mirostat_cut(c, p->mirostat, s->mu);
    } else {
        candidates_top_k(c, p->top_k);
        candidates_typical(c, p->typical_p);
        candidates_top_p(c, p->top_p);
        candidates_min_p(c, p->min_p);
        divide(c, p->temperature);
    }
    candidates_finish(c);
}

static bool run_chain(const struct sampler *s, const struct sampler_input *in,
                      struct sampler_scratch *scratch, struct candidates *c, struct hone_error *err)
{
    if (!sampler_scratch_reserve(scratch, s->n_vocab, err) || !change_logits(s, in, scratch->logits, err))
        return false;
    *c = (struct candidates){.logits = scratch->logits,
                             .floats = scratch->floats,
                             .items = scratch->items,
                             .swap = scratch->swap,
                             .n_vocab = s->n_vocab};
    float max = kernels_get()->max(c->logits, c->n_vocab);
    if (max == INFINITY || max == -INFINITY) {
        hone_fail(err, HONE_FAILED,
                  max < 0 ? "no token is left to choose from: all are forbidden"
                          : "biases and penalties made a logit infinite");
        return false;
    }
    filter(s, c);
    return true;
}

enum hone_status sampler_distribution(const struct sampler *s, const struct sampler_input *in,
                                      struct sampler_scratch *scratch, const struct top_item **ids,
                                      const float **probabilities, size_t *n, struct hone_error *err)
{
    struct candidates c;
    if (!run_chain(s, in, scratch, &c, err))
        return HONE_FAILED;
    *ids = c.items;
    *probabilities = c.floats;
    *n = c.n;
    return HONE_OK;
}

static size_t draw(const float *probabilities, size_t n, double random)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        total += (double)probabilities[i];
    size_t last = 0; /* that can come at all */
    for (size_t i = 0; i < n; i++) {
        sum += (double)probabilities[i];
        if (probabilities[i] > 0) {
            last = i;
            if (sum > random * total)
                break;
        }
    }
    return last;
}

enum hone_status sampler_sample(struct sampler *s, const struct sampler_input *in,
                                struct sampler_scratch *scratch, int32_t *id, struct hone_error *err)
{
    struct candidates c;
    const struct hone_sampling *p = &s->params.sampling;
    if (!run_chain(s, in, scratch, &c, err))
        return HONE_FAILED;
    size_t i = draw(c.floats, c.n, random_unit(p->seed, in->n_tokens));
    *id = (int32_t)c.items[i].id;
    if (p->mirostat && p->temperature > 0)
        s->mu = mirostat_learn(s->mu, c.floats[i], p->mirostat_tau, p->mirostat_eta);
    return HONE_OK;
}
