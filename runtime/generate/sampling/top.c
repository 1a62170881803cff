#include "runtime/generate/sampling/top.h"

#include <math.h>
#include <string.h>

/* Logits are looked at in runs, whose largest one vector instructions find: most runs have none that is wanted. Ranks are
 * sorted by three digits of 11 bits, whose 2,048 counters stay in the first cache; few are sorted by insertion. */
enum { RUN = 32, DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS, FEW = 48 };

uint32_t top_rank(float x)
{
    uint32_t bits;
    x += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static void insertion_sort(struct top_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct top_item item = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].rank < item.rank; j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

void top_sort(struct top_item *items, struct top_item *swap, size_t n)
{
    if (n <= FEW) {
        insertion_sort(items, n);
        return;
    }
    struct top_item *from = items, *to = swap;
    for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
        size_t starts[N_DIGITS] = {0}, next = 0;
        for (size_t i = 0; i < n; i++)
            starts[~from[i].rank >> shift & (N_DIGITS - 1)]++;
        for (size_t d = 0; d < N_DIGITS; d++) {
            size_t count = starts[d];
            starts[d] = next;
            next += count;
        }
        for (size_t i = 0; i < n; i++)
            to[starts[~from[i].rank >> shift & (N_DIGITS - 1)]++] = from[i];
        struct top_item *other = from;
        from = to;
        to = other;
    }
    memcpy(items, from, n * sizeof *items); /* an odd number of passes: they lie in swap */
}

/* The largest rank of a run, as a loop that compilers turn into vector instructions. */
static uint32_t max_rank(const float *x, size_t n)
{
    int32_t max = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        float value = x[i] + 0.0f;
        int32_t bits;
        memcpy(&bits, &value, sizeof bits);
        bits ^= (int32_t)((uint32_t)(bits >> 31) >> 1);
        max = bits > max ? bits : max;
    }
    return (uint32_t)max ^ 0x80000000u;
}

size_t top_select(const float *x, size_t n, size_t want, struct top_item *items, struct top_item *swap)
{
    size_t limit = want < n / 2 ? 2 * want + RUN + FEW : n, n_items = 0;
    uint32_t threshold = top_rank(-INFINITY); /* what is not above it is not wanted */
    if (limit > n)
        limit = n;
    for (size_t start = 0; start < n; start += RUN) {
        size_t run = n - start < RUN ? n - start : RUN;
        if (max_rank(x + start, run) <= threshold)
            continue;
        for (size_t i = start; i < start + run; i++) {
            uint32_t rank = top_rank(x[i]);
            if (rank > threshold)
                items[n_items++] = (struct top_item){rank, (uint32_t)i};
        }
        if (n_items + RUN > limit && n_items > want && start + run < n) {
            top_sort(items, swap, n_items);
            n_items = want;
            threshold = want > 0 ? items[want - 1].rank : UINT32_MAX;
        }
    }
    top_sort(items, swap, n_items);
    return n_items < want ? n_items : want;
}
