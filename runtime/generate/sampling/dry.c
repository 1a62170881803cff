/* DRY: "don't repeat yourself". Where the end of the sequence has occurred before, the token that followed it then is
 * penalized by the length of what would be repeated. The lengths come from the Z function of the reversed sequence
 * (Gusfield, Algorithms on Strings, 1997), in linear time. */
#include "runtime/generate/sampling/penalties.h"

#include "runtime/base/order.h"

#include <math.h>
#include <stdlib.h>

/* Beyond any logit, and small enough that what is taken off twice is no infinity, of which a difference is no number. */
#define MAX_PENALTY 1e30

struct repeat {
    int32_t id;    /* the token that followed */
    size_t length; /* of what it followed */
};

static int compare_repeats(const void *a, const void *b)
{
    const struct repeat *x = a, *y = b;
    int by_id = order_int32(&x->id, &y->id);
    return by_id ? by_id : (x->length > y->length) - (x->length < y->length);
}

static bool is_breaker(const struct sampler_params *p, int32_t id)
{
    return p->n_dry_breakers > 0 &&
           bsearch(&id, p->dry_breakers, p->n_dry_breakers, sizeof id, order_int32) != NULL;
}

/* lengths[i]: how many tokens before end[-i] equal those before end, going backwards. */
static void repeated_lengths(const int32_t *end, size_t n, size_t *lengths)
{
    size_t left = 0, right = 0; /* the match that reaches farthest back so far */
    lengths[0] = n;
    for (size_t i = 1; i < n; i++) {
        size_t length = 0;
        if (i < right)
            length = lengths[i - left] < right - i ? lengths[i - left] : right - i;
        while (i + length < n && *(end - 1 - length) == *(end - 1 - i - length))
            length++;
        lengths[i] = length;
        if (i + length > right) {
            left = i;
            right = i + length;
        }
    }
}

static float penalty(const struct hone_sampling *p, size_t length)
{
    double exponent = (double)(length - p->dry_allowed_length);
    double value = (double)p->dry_multiplier * pow((double)p->dry_base, exponent);
    return (float)(value < MAX_PENALTY ? value : MAX_PENALTY);
}

bool dry_apply(const struct sampler_params *p, const int32_t *tokens, size_t n_tokens, float *logits,
               size_t n_vocab)
{
    size_t n = n_tokens < p->sampling.dry_last_n ? n_tokens : p->sampling.dry_last_n, n_repeats = 0,
           reach = 0;
    const int32_t *end = tokens + n_tokens;
    if (p->sampling.dry_multiplier == 0 || n < 2)
        return true;
    while (reach < n && !is_breaker(p, *(end - 1 - reach)))
        reach++;
    size_t *lengths = malloc(n * sizeof *lengths);
    struct repeat *repeats = malloc(n * sizeof *repeats);
    bool ok = lengths && repeats;
    if (!ok)
        goto done;
    repeated_lengths(end, n, lengths);
    for (size_t i = 1; i < n; i++) {
        struct repeat r = {*(end - i), lengths[i] < reach ? lengths[i] : reach};
        if (r.length > 0 && r.length >= p->sampling.dry_allowed_length && !is_breaker(p, r.id))
            repeats[n_repeats++] = r;
    }
    qsort(repeats, n_repeats, sizeof *repeats, compare_repeats);
    for (size_t i = 0; i < n_repeats; i++) {
        bool is_longest = i + 1 == n_repeats || repeats[i + 1].id != repeats[i].id;
        if (is_longest && repeats[i].id >= 0 && (size_t)repeats[i].id < n_vocab)
            logits[repeats[i].id] -= penalty(&p->sampling, repeats[i].length);
    }
done:
    free(repeats);
    free(lengths);
    return ok;
}
