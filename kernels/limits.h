/* What an instruction set can do at most: loops that do one thing and wait for nothing, to measure a machine with. */
#ifndef KERNELS_LIMITS_H
#define KERNELS_LIMITS_H

#include "kernels/cpu.h"

#include <stddef.h>
#include <stdint.h>

enum limit_type {
    LIMIT_F32,
    LIMIT_BF16, /* products of bfloat16, sums in float32 */
    LIMIT_I8,   /* products of bytes, unsigned by signed, sums in 32 bits */
    LIMIT_N_TYPES
};

struct limit_loop {
    /* Multiply-adds of registers only, in chains enough to hide their latency. The result depends on all of them. */
    float (*run)(size_t n_rounds);
    size_t ops; /* a round; a multiply-add is two */
};

struct limits {
    struct limit_loop products[LIMIT_N_TYPES]; /* run is NULL where a lower level's does as well */
    /* Reads size bytes, a multiple of LIMIT_BLOCK, from an address that is one of 64. */
    uint64_t (*read)(const void *p, size_t size); /* NULL like run */
    /* Of levels that have tiles, else NULL: loads of size bytes, a multiple of LIMIT_TILES, into tiles; and the same with a
     * product of bytes for each tile, LIMIT_TILE_OPS operations every LIMIT_TILES bytes. */
    void (*load_tiles)(const void *p, size_t size);
    void (*multiply_tiles)(const void *p, size_t size);
};
#define LIMIT_BLOCK    1024 /* bytes: 16 loads of the widest vectors, unrolled */
#define LIMIT_TILES    4096 /* bytes: four tiles of AMX */
#define LIMIT_TILE_OPS (4 * 16 * 16 * 64 * 2)

/* The loops of one level, NULL where this machine (or this build) cannot run it. */
const struct limits *limits_of(enum cpu_level level);

#endif
