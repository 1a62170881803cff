#include "runtime/base/pages.h"
#include "runtime/base/sizes.h"
#include "runtime/base/thread_pool.h"
#include "runtime/base/threads.h"
#include "runtime/tools/bench/limits.h"
#include "runtime/tools/bench/slots.h"

#include <string.h>

#define PATTERN 8192 /* bytes */

struct filling {
    char *dst;
    size_t size;
    uint16_t pattern[PATTERN / 2];
};

static void fill(const void *arg, struct work_range patterns)
{
    const struct filling *f = arg;
    size_t end = patterns.end * PATTERN < f->size ? patterns.end * PATTERN : f->size;
    for (size_t at = patterns.first * PATTERN; at < end; at += PATTERN)
        memcpy(f->dst + at, f->pattern, end - at < PATTERN ? end - at : PATTERN);
}

/* Every 16 bits are a small number as bfloat16, every 32 as float32, and no byte is -128. */
void operands_fill(void *dst, size_t size)
{
    struct filling f = {.dst = dst, .size = size};
    uint32_t state = 1;
    for (size_t i = 0; i < PATTERN / 2; i++) {
        state = state * 1664525 + 1013904223;
        f.pattern[i] = (uint16_t)(0x3d00 | (state >> 16 & 0x7f) | (state >> 31 << 15));
    }
    thread_pool_run(threads_available(), (size + PATTERN - 1) / PATTERN, 0, fill, &f);
}

static enum hone_status reserve(void *block, size_t *held, size_t size, struct hone_error *err)
{
    if (size <= *held)
        return HONE_OK;
    void *old;
    memcpy(&old, block, sizeof old);
    pages_free(old, *held);
    *held = 0;
    void *pages = pages_alloc(size);
    memcpy(block, &pages, sizeof pages);
    if (!pages)
        return hone_no_memory(err, "what a kernel works on", size);
    *held = size;
    operands_fill(pages, size);
    return HONE_OK;
}

static enum hone_status reserve_weights(struct slot_operands *o, struct hone_error *err)
{
    size_t size = limits_share(HONE_MEMORY_MAIN, 1),
           least = (size_t)32 << 20; /* the largest part of a matrix */
    return reserve(&o->weights, &o->weights_size, size > least ? size : least, err);
}

enum hone_status operands_make(struct bench_case *c, struct hone_error *err)
{
    enum { ROUND = 32 };
    struct slot_operands *o = c->operands;
    bool is_matrix = c->slot->shape == SLOT_MATRIX;
    bool has_heads = c->slot->shape == SLOT_HEADS || c->slot->shape == SLOT_ATTENTION;
    size_t width = has_heads ? c->n * c->k : c->n;
    size_t in = is_matrix ? c->k + ROUND : has_heads ? 3 * width : width;
    enum hone_status status = is_matrix ? reserve_weights(o, err) : HONE_OK;
    o->scratch_share = 0;
    if (c->slot->shape == SLOT_ATTENTION)
        o->scratch_share = (c->kernels->attention_scratch(c->m, c->k) + ROUND) / ROUND * ROUND;
    if (c->slot->offset == offsetof(struct kernels, recurrence)) /* a state a head */
        o->scratch_share = c->n * c->k * round_up(c->k, STATE_PANEL);
    if (c->slot->offset == offsetof(struct kernels, selective_scan)) /* the same, and what they decay by */
        o->scratch_share = 2 * SCAN_KEYS * c->n * round_up(c->k, STATE_PANEL);
    if (status == HONE_OK)
        status = reserve(&o->in, &o->in_held, c->m * in * sizeof(float), err);
    if (status == HONE_OK)
        status = reserve(&o->out, &o->out_held, c->m * width * sizeof(float), err);
    if (status == HONE_OK)
        status = reserve(&o->scratch, &o->scratch_held,
                         (size_t)c->n_threads * o->scratch_share * sizeof(float), err);
    return status;
}

void operands_free(struct slot_operands *o)
{
    pages_free(o->weights, o->weights_size);
    pages_free(o->in, o->in_held);
    pages_free(o->out, o->out_held);
    pages_free(o->scratch, o->scratch_held);
    *o = (struct slot_operands){0};
}
