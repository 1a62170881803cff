#include "runtime/generate/sampling/mirostat.h"

#include <math.h>

/* Candidates that Zipf's exponent is estimated from: as the paper has it (Basu et al., 2021, arXiv:2007.14966). */
enum { N_ESTIMATE = 100 };

/* Zipf's exponent of the most probable candidates, by least squares. */
static float zipf_exponent(const struct candidates *c)
{
    double sum_tb = 0, sum_tt = 0;
    for (size_t i = 0; i + 1 < N_ESTIMATE && i + 1 < c->n; i++) {
        double t = log((double)(i + 2) / (double)(i + 1));
        double b = (double)c->logits[c->items[i].id] - (double)c->logits[c->items[i + 1].id];
        sum_tb += t * b;
        sum_tt += t * t;
    }
    return sum_tt > 0 ? (float)(sum_tb / sum_tt) : 0;
}

static size_t count_by_exponent(const struct candidates *c, float mu)
{
    float s = zipf_exponent(c), epsilon = s - 1;
    float k = powf(epsilon * exp2f(mu) / (1 - powf((float)c->n_vocab, -epsilon)), 1 / s);
    if (!(k >= 1)) /* NaN too: a flat or tiny distribution */
        return 1;
    return k < (float)c->n ? (size_t)k : c->n;
}

static size_t count_by_surprise(const struct candidates *c, float mu)
{
    double sum = 1;
    for (size_t i = 1; i < c->n; i++)
        sum += (double)expf(c->logits[c->items[i].id] - c->logits[c->items[0].id]);
    size_t n = 1;
    float total = c->logits[c->items[0].id] + (float)log(sum);
    while (n < c->n && (total - c->logits[c->items[n].id]) * (float)M_LOG2E <= mu)
        n++;
    return n;
}

void mirostat_cut(struct candidates *c, int version, float mu)
{
    candidates_sort(c);
    if (c->n > 0)
        c->n = version == 1 ? count_by_exponent(c, mu) : count_by_surprise(c, mu);
}

float mirostat_learn(float mu, float probability, float tau, float eta)
{
    return mu - eta * (-log2f(probability) - tau);
}
