/* The slots of the kernels' table as work to be measured. */
#ifndef RUNTIME_TOOLS_BENCH_SLOTS_H
#define RUNTIME_TOOLS_BENCH_SLOTS_H

#include "kernels/kernels.h"
#include "runtime/base/error.h"
#include "runtime/tools/bench/measure.h"
#include "runtime/tools/bench/operands.h"
#include "runtime/tools/bench/shapes.h"

#include <hone/bench.h>

/* What a slot works on, and what m, n and k of a case are. */
#define SCAN_KEYS 16 /* of a selective scan, as Mamba has them */

enum slot_shape {
    SLOT_MATRIX,    /* m rows, n outputs, k inputs */
    SLOT_EMBD,      /* m rows of n = n_embd */
    SLOT_FF,        /* m rows of n = n_ff */
    SLOT_KEYS,      /* m rows of n = n_keys */
    SLOT_HEADS,     /* m rows of n heads of k */
    SLOT_ATTENTION, /* a sequence of m tokens, n heads of k */
};

struct slot;
struct bench_row;

struct bench_case {
    const struct slot *slot;
    enum cpu_level level;
    const struct kernels *kernels;
    const struct shape_model *model;
    const char *shape; /* the matrix's name, or what rows these are */
    size_t m, n, k;
    int n_threads;
    double ops, bytes; /* of a call; bytes that it reads */
    size_t held;       /* bytes a thread comes back to in every call; 0: the weights do not fit any cache */
    struct slot_operands *operands;
};

struct slot {
    const char *name;
    size_t offset; /* of its function in struct kernels */
    enum slot_shape shape;
    enum hone_number number; /* counts where `cost` tells operations */
    /* Fills ops, bytes and held. */
    void (*cost)(struct bench_case *c);
    measure_work work;                      /* gets the case */
    void (*row)(const struct bench_row *r); /* of those that work on rows: one of them */
};

extern const struct slot slots[]; /* name is NULL at the end */

/* products.c */
void product_cost(struct bench_case *c);
void product_f32(void *arg, const struct measure_turn *turn);
void product_u8i8(void *arg, const struct measure_turn *turn);
void product_s8i4(void *arg, const struct measure_turn *turn);
void product_s8k4(void *arg, const struct measure_turn *turn);
void product_s8k5(void *arg, const struct measure_turn *turn);
void product_s8k6(void *arg, const struct measure_turn *turn);
void product_s8l4(void *arg, const struct measure_turn *turn);
void product_s8kl(void *arg, const struct measure_turn *turn);
void product_bf16(void *arg, const struct measure_turn *turn);

/* Thread `thread`'s part of n things: from *begin up to *end. */
static inline void slot_share(size_t n, const struct measure_turn *turn, size_t *begin, size_t *end)
{
    *begin = n * (size_t)turn->thread / (size_t)turn->n_threads;
    *end = n * ((size_t)turn->thread + 1) / (size_t)turn->n_threads;
}

#endif
