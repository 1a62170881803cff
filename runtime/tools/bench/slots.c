/* Kernels that work on rows, and the list of all. Rows stay where they are from one call to the next, as a model's
 * activations are still in a cache when the next step takes them. */
#include "runtime/tools/bench/slots.h"
#include "runtime/base/sizes.h"

#include <math.h>
#include <string.h>

/* A kernel that works in place makes its values smaller each time; they are made anew before they get denormal. */
#define KEEPS 16 /* rounds */
#define TAPS  3  /* of a convolution, as LFM2 has it */

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

static void cost_widen(struct bench_case *c) /* from 16 bits */
{
    cost_of_rows(c, 1, 2);
    c->bytes /= 2;
}

/* A convolution's weights and rows; the state of a recurrence, at each token. */
static void cost_convolution(struct bench_case *c)
{
    cost_of_rows(c, 2 * TAPS, TAPS + 2);
}

static void cost_recurrence(struct bench_case *c)
{
    const double state = (double)(c->n * c->k * c->k) * sizeof(float);
    c->bytes = (double)c->m * state;
    c->held = (size_t)state;
}

/* States and what they decay by, as Mamba has them. */
static void cost_selective_scan(struct bench_case *c)
{
    const double state = (double)(SCAN_KEYS * c->n * round_up(c->k, STATE_PANEL)) * sizeof(float);
    c->bytes = 2 * (double)c->m * state;
    c->held = (size_t)(2 * state);
}

static void cost_attention(struct bench_case *c)
{
    double m = (double)c->m, width = (double)(c->n * c->k);
    c->ops = 4 * m * m * width; /* the products alone */
    c->bytes = 3 * m * width * sizeof(float);
    c->held = (size_t)(c->bytes / c->n_threads / 3 * 4);
}

/* ---- one row ---- */

struct bench_row {
    const struct kernels *kernels;
    const float *in, *first; /* of this row, of the first one */
    float *out, *state;      /* state: of the thread, of all heads; a recurrence's alone */
    size_t width, n_heads, head_dim;
};

/* One that works in place. */
#define IN_PLACE(slot_name)                                                                                  \
    static void row_##slot_name(const struct bench_row *r)                                                   \
    {                                                                                                        \
        r->kernels->slot_name(r->out, r->width);                                                             \
    }
IN_PLACE(softmax)
IN_PLACE(gelu)
IN_PLACE(gelu_tanh)
IN_PLACE(silu)
IN_PLACE(relu)
IN_PLACE(tanh)
IN_PLACE(sigmoid)

/* One of other arguments. */
#define CALL(slot_name, ...)                                                                                 \
    static void row_##slot_name(const struct bench_row *r)                                                   \
    {                                                                                                        \
        r->kernels->slot_name(__VA_ARGS__);                                                                  \
    }
CALL(add, r->out, r->in, r->width)
CALL(mul, r->out, r->in, r->width)
CALL(scale, r->out, -1, r->width)
CALL(dot, r->out, r->in, r->width)
CALL(max, r->in, r->width)
CALL(layer_norm, r->out, r->in, r->first, r->first, r->width, 1e-5f)
CALL(rms_norm, r->out, r->in, r->first, r->width, 1e-5f)
CALL(rope_halves, r->out, r->first, r->n_heads, r->head_dim, r->head_dim / 2)
CALL(rope_pairs, r->out, r->first, r->n_heads, r->head_dim, r->head_dim / 2)
CALL(f16_to_f32, r->out, (const uint16_t *)r->in, r->width)
CALL(bf16_to_f32, r->out, (const uint16_t *)r->in, r->width)
CALL(f32_to_f16, (uint16_t *)r->out, r->in, r->width)
CALL(f32_to_bf16, (uint16_t *)r->out, r->in, r->width)

enum { MAX_BLOCKS = 8192 / I8_BLOCK }; /* rows that are measured have 8,192 elements at most */

static void row_quantize_u8(const struct bench_row *r)
{
    struct u8_block blocks[MAX_BLOCKS];
    r->kernels->quantize_u8((uint8_t *)r->out, blocks, r->in, r->width);
}

static void row_quantize_s8(const struct bench_row *r)
{
    struct s8_block blocks[MAX_BLOCKS * (I8_BLOCK / I4_BLOCK)];
    r->kernels->quantize_s8((int8_t *)r->out, blocks, r->in, r->width);
}

static void row_quantize_k(const struct bench_row *r)
{
    struct s8_super supers[MAX_BLOCKS];
    r->kernels->quantize_k((int8_t *)r->out, supers, r->in, r->width / K_SUPER * K_SUPER);
}

/* The row stands for those of the tokens before it, too. */
static void row_convolution(const struct bench_row *r)
{
    const float *rows[TAPS] = {r->in, r->in, r->in};
    r->kernels->convolution(r->out, rows, TAPS, r->first, NULL, r->width);
}

/* One token through the states of all heads. */
static void row_recurrence(const struct bench_row *r)
{
    static const float decay = 0.9f, weight = 0.1f;
    const size_t n = r->head_dim;
    for (size_t head = 0; head < r->n_heads; head++)
        r->kernels->recurrence(
            &(struct recurrence_args){.state = r->state + head * n * round_up(n, STATE_PANEL),
                                      .q = r->in + head * n,
                                      .k = r->in + head * n,
                                      .v = r->in + head * n,
                                      .out = r->out + head * n,
                                      .decay = &decay,
                                      .weight = &weight,
                                      .ld_in = r->width,
                                      .ld_out = r->width,
                                      .ld_gates = 1,
                                      .n_tokens = 1,
                                      .n_keys = n,
                                      .n_values = n});
}

/* The same; nothing decays, behind the states. */
static void row_selective_scan(const struct bench_row *r)
{
    const size_t size = SCAN_KEYS * round_up(r->head_dim, STATE_PANEL);
    for (size_t head = 0; head < r->n_heads; head++)
        r->kernels->selective_scan(
            &(struct selective_scan_args){.state = r->state + head * size,
                                          .decay = r->state + (r->n_heads + head) * size,
                                          .q = r->in,
                                          .k = r->in,
                                          .x = r->in + head * r->head_dim,
                                          .times = r->in + head * r->head_dim,
                                          .skip = r->first + head * r->head_dim,
                                          .out = r->out + head * r->head_dim,
                                          .ld_keys = r->width,
                                          .ld_values = r->width,
                                          .n_tokens = 1,
                                          .n_keys = SCAN_KEYS,
                                          .n_values = r->head_dim});
}

/* ---- what a round does ---- */

/* The threads share the rows. */
static void run_rows(void *arg, const struct measure_turn *turn)
{
    const struct bench_case *c = arg;
    struct bench_row r = {
        .kernels = c->kernels, .first = c->operands->in, .width = c->n, .n_heads = c->n, .head_dim = c->k};
    size_t begin, end;
    if (c->slot->shape == SLOT_HEADS)
        r.width = c->n * c->k;
    if (c->operands->scratch_share > 0)
        r.state = c->operands->scratch + (size_t)turn->thread * c->operands->scratch_share;
    slot_share(c->m, turn, &begin, &end);
    for (size_t round = turn->first; round < turn->end; round++)
        for (size_t i = begin; i < end; i++) {
            r.in = c->operands->in + i * r.width;
            r.out = c->operands->out + i * r.width;
            if (round % KEEPS == 0)
                memcpy(r.out, r.in, r.width * sizeof *r.out);
            c->slot->row(&r);
        }
}

/* The threads share the heads. */
static void run_heads(const struct bench_case *c, const struct measure_turn *turn,
                      void (*attention)(const struct attention_args *args))
{
    const struct slot_operands *o = c->operands;
    size_t begin, end, width = c->n * c->k;
    slot_share(c->n, turn, &begin, &end);
    for (size_t round = turn->first; round < turn->end; round++)
        for (size_t head = begin; head < end; head++)
            attention(
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

static void run_attention(void *arg, const struct measure_turn *turn)
{
    run_heads(arg, turn, ((const struct bench_case *)arg)->kernels->attention);
}

static void run_attention_bf16(void *arg, const struct measure_turn *turn)
{
    run_heads(arg, turn, ((const struct bench_case *)arg)->kernels->attention_bf16);
}

#define OFFSET(slot_name) offsetof(struct kernels, slot_name)
#define ROWS(slot_name, shape, cost)                                                                         \
    {                                                                                                        \
#slot_name, OFFSET(slot_name), shape, HONE_NUMBER_F32, cost, run_rows, row_##slot_name               \
    }

const struct slot slots[] = {
    {"gemm_f32", OFFSET(gemm_f32), SLOT_MATRIX, HONE_NUMBER_F32, product_cost, product_f32, NULL},
    {"gemm_bf16", OFFSET(gemm_bf16), SLOT_MATRIX, HONE_NUMBER_BF16, product_cost, product_bf16, NULL},
    {"gemm_u8i8", OFFSET(gemm_u8i8), SLOT_MATRIX, HONE_NUMBER_INT8, product_cost, product_u8i8, NULL},
    {"gemm_s8i4", OFFSET(gemm_s8i4), SLOT_MATRIX, HONE_NUMBER_INT8, product_cost, product_s8i4, NULL},
    {"gemm_s8k4", OFFSET(gemm_s8k4), SLOT_MATRIX, HONE_NUMBER_INT8, product_cost, product_s8k4, NULL},
    {"gemm_s8k5", OFFSET(gemm_s8k5), SLOT_MATRIX, HONE_NUMBER_INT8, product_cost, product_s8k5, NULL},
    {"gemm_s8k6", OFFSET(gemm_s8k6), SLOT_MATRIX, HONE_NUMBER_INT8, product_cost, product_s8k6, NULL},
    {"gemm_s8l4", OFFSET(gemm_s8l4), SLOT_MATRIX, HONE_NUMBER_INT8, product_cost, product_s8l4, NULL},
    {"gemm_s8kl", OFFSET(gemm_s8kl), SLOT_MATRIX, HONE_NUMBER_INT8, product_cost, product_s8kl, NULL},
    {"attention", OFFSET(attention), SLOT_ATTENTION, HONE_NUMBER_F32, cost_attention, run_attention, NULL},
    {"attention_bf16", OFFSET(attention_bf16), SLOT_ATTENTION, HONE_NUMBER_BF16, cost_attention,
     run_attention_bf16, NULL},
    ROWS(quantize_u8, SLOT_EMBD, cost_in_out),
    ROWS(quantize_s8, SLOT_EMBD, cost_in_out),
    ROWS(quantize_k, SLOT_EMBD, cost_in_out),
    ROWS(layer_norm, SLOT_EMBD, cost_in_out),
    ROWS(rms_norm, SLOT_EMBD, cost_in_out),
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
    ROWS(rope_pairs, SLOT_HEADS, cost_in_place),
    ROWS(convolution, SLOT_HEADS, cost_convolution),
    ROWS(recurrence, SLOT_HEADS, cost_recurrence),
    ROWS(selective_scan, SLOT_HEADS, cost_selective_scan),
    ROWS(scale, SLOT_EMBD, cost_in_place),
    ROWS(dot, SLOT_EMBD, cost_add_to),
    ROWS(max, SLOT_EMBD, cost_in_place),
    ROWS(f16_to_f32, SLOT_EMBD, cost_widen),
    ROWS(bf16_to_f32, SLOT_EMBD, cost_widen),
    ROWS(f32_to_f16, SLOT_EMBD, cost_in_out),
    ROWS(f32_to_bf16, SLOT_EMBD, cost_in_out),
    {0},
};
