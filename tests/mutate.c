#include "tests/mutate.h"

#include "tests/guard.h"

#include <stdlib.h>
#include <string.h>

/* A number near a power of two, or small. */
static uint64_t boundary(void)
{
    uint64_t near = random_bits() % 5 - 2;
    return random_below(4) == 0 ? near : (1ull << random_below(64)) + near;
}

static void put_number(unsigned char *data, size_t size)
{
    uint64_t x = boundary();
    size_t n = (size_t)1 << random_below(4);
    if (n <= size)
        memcpy(data + random_below(size - n + 1), &x, n);
}

/* Takes a piece out. */
static size_t shrink(unsigned char *data, size_t size)
{
    size_t start = random_below(size), n = random_below(size - start) % 64 + 1;
    if (n > size - start)
        return size;
    memmove(data + start, data + start + n, size - start - n);
    return size - n;
}

/* Doubles a piece somewhere else. */
static size_t grow(unsigned char *data, size_t size, size_t capacity)
{
    unsigned char piece[64];
    size_t from = random_below(size), to = random_below(size + 1);
    size_t n = random_below(size - from) % sizeof piece;
    if (n > capacity - size)
        return size;
    memcpy(piece, data + from, n);
    memmove(data + to + n, data + to, size - to);
    memcpy(data + to, piece, n);
    return size + n;
}

size_t mutate(unsigned char *data, size_t size, size_t capacity)
{
    static const unsigned char bytes[] = "\0\1\x7f\x80\xff\"{}[],:.-09eE \\u";
    for (size_t n = random_below(4) + 1; n > 0 && size > 0; n--)
        switch (random_below(8)) {
        case 0:
        case 1:
            data[random_below(size)] ^= (unsigned char)(1u << random_below(8));
            break;
        case 2:
        case 3:
            data[random_below(size)] = bytes[random_below(sizeof bytes - 1)];
            break;
        case 4:
        case 5:
            put_number(data, size);
            break;
        case 6:
            size = random_below(2) ? shrink(data, size) : grow(data, size, capacity);
            break;
        default:
            if (random_below(8) == 0)
                size = random_below(size);
        }
    return size;
}

size_t fuzz_runs(size_t runs)
{
    const char *text = getenv("HONE_FUZZ_RUNS");
    return text ? strtoull(text, NULL, 10) : runs;
}
