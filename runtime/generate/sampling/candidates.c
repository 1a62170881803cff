#include "runtime/generate/sampling/candidates.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

float logits_log_sum_exp(float *x, size_t n)
{
    const struct kernels *k = kernels_get();
    float max = k->max(x, n);
    k->softmax(x, n);
    return max - logf(k->max(x, n)); /* softmax(max) = exp(max - logits_log_sum_exp) */
}

/* Of all candidates. */
static float log_total(struct candidates *c)
{
    size_t n = c->order == CANDIDATES_WHOLE ? c->n_vocab : c->n;
    if (c->order == CANDIDATES_WHOLE)
        memcpy(c->floats, c->logits, n * sizeof *c->floats);
    else
        for (size_t i = 0; i < n; i++)
            c->floats[i] = c->logits[c->items[i].id];
    return logits_log_sum_exp(c->floats, n);
}

/* Lists those whose logit is at least `least`, by rising id. */
static void list(struct candidates *c, float least)
{
    c->n = 0;
    for (size_t i = 0; i < c->n_vocab; i++) {
        c->items[c->n].id = (uint32_t)i;
        c->n += c->logits[i] >= least && c->logits[i] > -INFINITY;
    }
    c->order = CANDIDATES_BY_ID;
}

void candidates_sort(struct candidates *c)
{
    if (c->order == CANDIDATES_WHOLE)
        c->n = top_select(c->logits, c->n_vocab, c->n_vocab, c->items, c->swap);
    else if (c->order != CANDIDATES_BY_LOGIT) {
        for (size_t i = 0; i < c->n; i++)
            c->items[i].rank = top_rank(c->logits[c->items[i].id]);
        top_sort(c->items, c->swap, c->n);
    }
    c->order = CANDIDATES_BY_LOGIT;
}

void candidates_top_k(struct candidates *c, size_t k)
{
    if (k == 0 || k >= c->n_vocab)
        return;
    c->n = top_select(c->logits, c->n_vocab, k, c->items, c->swap);
    c->order = CANDIDATES_BY_LOGIT;
}

/* Entropy of the candidates in nats. */
static float entropy(const struct candidates *c, float total)
{
    double sum = 0;
    for (size_t i = 0; i < c->n; i++) {
        float surprise = total - c->logits[c->items[i].id];
        sum += (double)(expf(-surprise) * surprise);
    }
    return (float)sum;
}

void candidates_typical(struct candidates *c, float p)
{
    if (p >= 1)
        return;
    if (c->order == CANDIDATES_WHOLE)
        list(c, -INFINITY);
    float total = log_total(c), expected = entropy(c, total);
    for (size_t i = 0; i < c->n; i++) {
        float surprise = total - c->logits[c->items[i].id];
        c->items[i].rank = ~top_rank(fabsf(surprise - expected));
    }
    top_sort(c->items, c->swap, c->n);
    double sum = 0;
    size_t keep = 0;
    while (keep < c->n && sum <= (double)p)
        sum += (double)expf(c->logits[c->items[keep++].id] - total);
    c->n = keep;
    c->order = CANDIDATES_MIXED;
}

/* How many of the first n_sorted items are needed to reach p; n_sorted + 1: more than these. */
static size_t reach(const struct candidates *c, size_t n_sorted, float total, float p)
{
    double sum = 0;
    for (size_t i = 0; i < n_sorted; i++) {
        sum += (double)expf(c->logits[c->items[i].id] - total);
        if (sum >= (double)p)
            return i + 1;
    }
    return n_sorted + 1;
}

void candidates_top_p(struct candidates *c, float p)
{
    if (p >= 1)
        return;
    float total = log_total(c);
    size_t n_sorted, keep;
    if (c->order != CANDIDATES_WHOLE) {
        candidates_sort(c);
        n_sorted = c->n;
        keep = reach(c, n_sorted, total, p);
    } else {
        size_t want = 64; /* mostly few are needed: try with few, then with more */
        do {
            want = want < c->n_vocab / 8 ? want * 8 : c->n_vocab;
            n_sorted = top_select(c->logits, c->n_vocab, want, c->items, c->swap);
            keep = reach(c, n_sorted, total, p);
        } while (keep > n_sorted && n_sorted == want && want < c->n_vocab);
    }
    c->n = keep < n_sorted ? keep : n_sorted;
    c->order = CANDIDATES_BY_LOGIT;
}

void candidates_min_p(struct candidates *c, float p)
{
    if (p <= 0)
        return;
    if (c->order == CANDIDATES_WHOLE) {
        list(c, kernels_get()->max(c->logits, c->n_vocab) + logf(p));
        return;
    }
    candidates_sort(c);
    if (c->n == 0)
        return;
    float least = c->logits[c->items[0].id] + logf(p);
    while (c->n > 1 && c->logits[c->items[c->n - 1].id] < least)
        c->n--;
}

void candidates_finish(struct candidates *c)
{
    if (c->order == CANDIDATES_WHOLE)
        list(c, -INFINITY);
    if (c->order != CANDIDATES_BY_ID) {
        for (size_t i = 0; i < c->n; i++)
            c->items[i].rank = ~c->items[i].id;
        top_sort(c->items, c->swap, c->n);
        c->order = CANDIDATES_BY_ID;
    }
    for (size_t i = 0; i < c->n; i++)
        c->floats[i] = c->logits[c->items[i].id];
    kernels_get()->softmax(c->floats, c->n);
}
