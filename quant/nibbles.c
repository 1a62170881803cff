/* The four-bit types taken apart, for products that compute with the nibbles. */
#include "quant/blocks.h"
#include "quant/half.h"

enum { GROUP = 32 };

/* Elements i and i + 16. */
static void unpack(uint8_t *q, const uint8_t *bytes)
{
    for (int i = 0; i < GROUP / 2; i++) {
        q[i] = bytes[i] & 15;
        q[i + GROUP / 2] = bytes[i] >> 4;
    }
}

void nibbles_q4_0(uint8_t *q, float *scales, float *offsets, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += GROUP, block += 18) {
        unpack(q + i, block + 2);
        *scales = load_half(block);
        *offsets++ = -8 * *scales++;
    }
}

void nibbles_q4_1(uint8_t *q, float *scales, float *offsets, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += GROUP, block += 20) {
        unpack(q + i, block + 4);
        *scales++ = load_half(block);
        *offsets++ = load_half(block + 2);
    }
}
