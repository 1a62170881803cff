/* The largest of many floats, in order, without sorting them all. */
#ifndef RUNTIME_GENERATE_SAMPLING_TOP_H
#define RUNTIME_GENERATE_SAMPLING_TOP_H

#include <stddef.h>
#include <stdint.h>

/* An element of a list that is sorted by falling `rank`; of equal ones the earlier stays first. */
struct top_item {
    uint32_t rank;
    uint32_t id;
};

/* Order of floats as that of unsigned integers; zeros of both signs are equal. Not for NaN. */
uint32_t top_rank(float x);

/* Stable, by falling rank. swap: room for n items. */
void top_sort(struct top_item *items, struct top_item *swap, size_t n);

/* items: the `want` largest of x [n] that are above -infinity, largest first, equal ones by rising id. Returns how
 * many there are. items and swap have room for n. */
size_t top_select(const float *x, size_t n, size_t want, struct top_item *items, struct top_item *swap);

#endif
