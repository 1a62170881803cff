/* Kernels that work on rows, and the list of all. Rows stay where they are from one call to the next, as a model's
 * activations are still in a cache when the next step takes them. */
#include "runtime/bench/slots.h"

#include <math.h>
#include <string.h>

/* A kernel that works in place makes its values smaller each time; they are made anew before they get denormal. */
#define KEEPS 16 /* rounds */

/* Floats that a row reads and writes, for each of its width. What is written in place is counted as read alone. */
static void cost_of_rows(struct bench_case *c, size_t n_read, size_t n_held)
{
    size_t width = c->slot->shape == SLOT_HEADS ? c->n * c->k : c->n;
    double floats = (double)c->m * (double)width * sizeof(float);
    c->bytes = floats * (double)n_read;
    c->held = (size_t)(floats * (double)n_held / c->n_threads);
}

static void cost_in_place(struct bench_case *c)
{
    cost_of_rows(c, 1, 1);
}

static void cost_in_out(struct bench_case *c)
{
    cost_of_rows(c, 1, 2);
}

static void cost_add_to(struct bench_case *c)
{
    cost_of_rows(c, 2, 2);
}

static void cost_attention(struct bench_case *c)
{
    double m = (double)c->m, width = (double)(c->n * c->k);
    c->ops = 4 * m * m * width; /* the products alone */
    c->bytes = 3 * m * width * sizeof(float);
    c->held = (size_t)(c->bytes / c->n_threads / 3 * 4);
}

/* ---- what a round does ---- */

/* Runs `statement` for each of the thread's rows in each round: `in` and `out` of `width` floats. */
#define FOR_ROWS(arg, turn, row_width, statement)                                                            \
    do {                                                                                                     \
        const struct bench_case *c = arg;                                                                    \
        const size_t width = row_width;                                                                      \
        size_t begin, end;                                                                                   \
        slot_share(c->m, turn, &begin, &end);                                                                \
        for (size_t round = turn->first; round < turn->end; round++)                                         \
            for (size_t i = begin; i < end; i++) {                                                           \
                const float *in = c->operands->in + i * width;                                               \
                float *out = c->operands->out + i * width;                                                   \
                statement;                                                                                   \
            }                                                                                                \
    } while (0)

#define IN_PLACE(slot_name)                                                                                  \
    static void run_##slot_name(void *arg, const struct measure_turn *turn)                                  \
    {                                                                                                        \
        FOR_ROWS(arg, turn, c->n, {                                                                          \
            if (round % KEEPS == 0)                                                                          \
                memcpy(out, in, width * sizeof *out);                                                        \
            c->kernels->slot_name(out, width);                                                               \
        });                                                                                                  \
    }

IN_PLACE(softmax)
IN_PLACE(gelu)
IN_PLACE(gelu_tanh)
IN_PLACE(silu)
IN_PLACE(relu)
IN_PLACE(tanh)
IN_PLACE(sigmoid)

static void run_layer_norm(void *arg, const struct measure_turn *turn)
{
    FOR_ROWS(arg, turn, c->n,
             c->kernels->layer_norm(out, in, c->operands->in, c->operands->in, width, 1e-5f));
}

static void run_add(void *arg, const struct measure_turn *turn)
{
    FOR_ROWS(arg, turn, c->n, c->kernels->add(out, in, width));
}

static void run_mul(void *arg, const struct measure_turn *turn)
{
    FOR_ROWS(arg, turn, c->n, {
        if (round % KEEPS == 0)
            memcpy(out, in, width * sizeof *out);
        c->kernels->mul(out, in, width);
    });
}

enum { MAX_BLOCKS = 8192 / I8_BLOCK };

static void run_quantize_u8(void *arg, const struct measure_turn *turn)
{
    FOR_ROWS(arg, turn, c->n, {
        struct u8_block blocks[MAX_BLOCKS];
        c->kernels->quantize_u8((uint8_t *)out, blocks, in, width);
    });
}

static void run_rope_halves(void *arg, const struct measure_turn *turn)
{
    FOR_ROWS(arg, turn, c->n * c->k, {
        if (round % KEEPS == 0)
            memcpy(out, in, width * sizeof *out);
        c->kernels->rope_halves(out, c->operands->in, c->n, c->k, c->k / 2);
    });
}

/* The threads share the heads. */
static void run_attention(void *arg, const struct measure_turn *turn)
{
    const struct bench_case *c = arg;
    const struct operands *o = c->operands;
    size_t begin, end, width = c->n * c->k;
    slot_share(c->n, turn, &begin, &end);
    for (size_t round = turn->first; round < turn->end; round++)
        for (size_t head = begin; head < end; head++)
            c->kernels->attention(
                &(struct attention_args){.out = o->out + head * c->k,
                                         .q = o->in + head * c->k,
                                         .k = o->in + width + head * c->k,
                                         .v = o->in + 2 * width + head * c->k,
                                         .ld_out = width,
                                         .ld_q = 3 * width,
                                         .ld_kv = 3 * width,
                                         .n_q = c->m,
                                         .n_k = c->m,
                                         .head_dim = c->k,
                                         .scale = 1 / sqrtf((float)c->k),
                                         .scratch = o->scratch + (size_t)turn->thread * o->scratch_share});
}

#define OFFSET(slot_name) offsetof(struct kernels, slot_name)
#define ROWS(slot_name, shape, cost)                                                                         \
    {                                                                                                        \
#slot_name, OFFSET(slot_name), shape, HONE_F32, cost, run_##slot_name                                \
    }

const struct slot slots[] = {
    {"gemm_f32", OFFSET(gemm_f32), SLOT_MATRIX, HONE_F32, product_cost, product_f32},
    {"gemm_bf16", OFFSET(gemm_bf16), SLOT_MATRIX, HONE_BF16, product_cost, product_bf16},
    {"gemm_u8i8", OFFSET(gemm_u8i8), SLOT_MATRIX, HONE_INT8, product_cost, product_u8i8},
    ROWS(attention, SLOT_ATTENTION, cost_attention),
    ROWS(quantize_u8, SLOT_EMBD, cost_in_out),
    ROWS(layer_norm, SLOT_EMBD, cost_in_out),
    ROWS(add, SLOT_EMBD, cost_add_to),
    ROWS(mul, SLOT_FF, cost_add_to),
    ROWS(gelu, SLOT_FF, cost_in_place),
    ROWS(gelu_tanh, SLOT_FF, cost_in_place),
    ROWS(silu, SLOT_FF, cost_in_place),
    ROWS(relu, SLOT_FF, cost_in_place),
    ROWS(tanh, SLOT_FF, cost_in_place),
    ROWS(sigmoid, SLOT_FF, cost_in_place),
    ROWS(softmax, SLOT_KEYS, cost_in_place),
    ROWS(rope_halves, SLOT_HEADS, cost_in_place),
    {0},
};
