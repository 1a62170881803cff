/* A fast hash of short byte strings, for tables in memory only (the multiply-and-fold of wyhash). */
#ifndef RUNTIME_BASE_HASH_H
#define RUNTIME_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1b54a32d192ed03u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_load8(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

static inline uint64_t hash_bytes(const char *p, size_t n)
{
    uint64_t a, b, h = n;
    for (; n > 16; p += 16, n -= 16)
        h = hash_mix(hash_load8(p) ^ h, hash_load8(p + 8));
    if (n >= 8) {
        a = hash_load8(p);
        b = hash_load8(p + n - 8);
    } else if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        a = low;
        b = high;
    } else {
        a = n ? (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 |
                    (unsigned char)p[n - 1]
              : 0;
        b = 0;
    }
    return hash_mix(a ^ h, b);
}

#endif
