#include "runtime/nn/positions.h"

#include "quant/types.h"

#include <math.h>

size_t batch_sequence_of(const struct batch *b, size_t token)
{
    size_t low = 0, high = b->n_seqs;
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        *(b->seq_start[mid] <= token ? &low : &high) = mid;
    }
    return low;
}

/* T5's buckets (Raffel et al., 2019, arXiv:1910.10683) for one direction: a bucket a distance for half of them, then
 * the others grow up to a distance of 128. The place of a distance among those is computed in float32, as PyTorch
 * does. */
static size_t bucket(size_t distance, size_t n_buckets)
{
    size_t exact = n_buckets / 2;
    if (distance < exact)
        return distance;
    float grown = logf((float)distance / (float)exact) / logf(128 / (float)exact) * (float)exact;
    size_t place = exact + (size_t)grown;
    return place < n_buckets - 1 ? place : n_buckets - 1;
}

void distance_buckets(float *out, const float *table, size_t n_heads, size_t longest)
{
    size_t row = 2 * longest - 1, here = longest - 1;
    for (size_t i = 0; i < row; i++) {
        size_t place = bucket(i > here ? i - here : here - i, DISTANCE_N_BUCKETS / 2);
        const float *biases = table + (i > here ? place + DISTANCE_N_BUCKETS / 2 : place) * n_heads;
        for (size_t head = 0; head < n_heads; head++)
            out[head * row + i] = biases[head];
    }
}

void distance_past_buckets(float *out, const float *table, size_t n_heads, size_t longest)
{
    for (size_t i = 0; i < longest; i++)
        for (size_t head = 0; head < n_heads; head++)
            out[head * longest + i] = table[bucket(longest - 1 - i, DISTANCE_N_BUCKETS) * n_heads + head];
}

/* 2^(-most (head + 1) / n_heads), with 8 as a rule, where n_heads is a power of two; else those of the power below, and then
 * every second one of the power above. */
static float alibi_slope(size_t head, size_t n_heads, double most)
{
    size_t power = 1;
    while (power * 2 <= n_heads)
        power *= 2;
    if (head < power)
        return (float)pow(2, -most * (double)(head + 1) / (double)power);
    return (float)pow(2, -most / 2 * (double)(2 * (head - power) + 1) / (double)power);
}

void distance_alibi(float *out, size_t n_heads, size_t longest)
{
    size_t row = 2 * longest - 1, here = longest - 1;
    for (size_t head = 0; head < n_heads; head++) {
        float slope = alibi_slope(head, n_heads, 8);
        for (size_t i = 0; i < row; i++)
            out[head * row + i] = -slope * (float)(i > here ? i - here : here - i);
    }
}

void distance_past_alibi(float *out, size_t n_heads, size_t longest, float most)
{
    for (size_t head = 0; head < n_heads; head++) {
        const float slope = alibi_slope(head, n_heads, (double)most);
        for (size_t i = 0; i < longest; i++)
            out[head * longest + i] = -slope * (float)(longest - 1 - i);
    }
}

static float as_bf16(float x)
{
    const struct quant_type *type = quant_type_by_id(QUANT_BF16);
    uint16_t half;
    type->quantize(&half, &x, 1, NULL);
    type->dequantize(&x, &half, 1);
    return x;
}

/* Softmax does not care from where distances are counted, but rounding does: so what keys get is of their own places. */
void distance_alibi_keys(float *out, size_t n_heads, size_t longest, float most, float divisor)
{
    for (size_t head = 0; head < n_heads; head++) {
        const float slope = as_bf16(alibi_slope(head, n_heads, (double)most));
        for (size_t i = 0; i < longest; i++)
            out[head * longest + i] = as_bf16(slope * as_bf16((float)i)) / divisor;
    }
}

/* ---- learned by nobody ---- */

/* "Attention is all you need" (Vaswani et al., 2017, arXiv:1706.03762); in doubles, as transformers makes Marian's and
 * Pegasus' tables. */
void positions_sines(float *out, size_t n, size_t n_embd)
{
    size_t n_sines = (n_embd + 1) / 2;
    for (size_t i = 0; i < n; i++, out += n_embd)
        for (size_t k = 0; k < n_sines; k++) {
            double angle = (double)i / pow(10000, 2 * (double)k / (double)n_embd);
            out[k] = (float)sin(angle);
            if (n_sines + k < n_embd)
                out[n_sines + k] = (float)cos(angle);
        }
}

/* fairseq's, which M2M100 took over: in float32, and the last frequency is 1/10000 itself. */
void positions_fairseq(float *out, size_t n, size_t n_embd, size_t first)
{
    size_t half = n_embd / 2;
    float step = half > 1 ? -(float)(log(10000) / (double)(half - 1)) : 0;
    for (size_t i = 0; i < n; i++, out += n_embd) {
        for (size_t k = 0; k < half; k++) {
            float angle = (float)(first + i) * expf((float)k * step);
            out[k] = sinf(angle);
            out[half + k] = cosf(angle);
        }
        if (n_embd % 2 != 0)
            out[n_embd - 1] = 0;
    }
}
