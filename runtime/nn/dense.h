/* A dense layer: weights packed for the kernels, bias, activation, and what follows it over the same rows. */
#ifndef RUNTIME_NN_DENSE_H
#define RUNTIME_NN_DENSE_H

#include "kernels/kernels.h"
#include "runtime/base/checked_blocks.h"
#include "runtime/gguf/gguf.h"
#include "runtime/nn/batch.h"

enum activation {
    ACT_NONE,
    ACT_GELU,
    ACT_GELU_TANH,
    ACT_RELU,
    ACT_SILU,
    ACT_TANH,
    ACT_RELU2, /* the square of what is above 0 */
    /* Of both halves of a gated layer's rows x, y, which are cut to a limit before: x sigmoid(slope x) (y + 1). */
    ACT_CLAMPED,
    /* Each layer's own (Huang and Schlag, 2024, arXiv:2411.13010): above 0 rise x^2 + bend x, else fall (e^x - 1 - x) + bend x. */
    ACT_XIELU,
    N_ACTIVATIONS
};

struct activation_clamp {
    float limit, slope;
};
struct activation_bend {
    float rise, fall, bend;
    float least; /* below 0: x of e^x - 1 is at most this */
};

/* By Hugging Face's name ("gelu", "gelu_new", ...); N_ACTIVATIONS where it is not known. */
enum activation activation_by_name(struct hone_text name);
const char *activation_name(enum activation act);
/* Not ACT_CLAMPED and ACT_XIELU, which are: x becomes what it gives. y is overwritten. */
void activation_apply(const struct kernels *k, enum activation act, float *y, size_t n);
void activation_bent(const struct kernels *k, const struct activation_bend *bend, float *x, size_t n);
void activation_clamped(const struct kernels *k, struct activation_clamp clamp, float *x, float *y, size_t n);

/* Tensors that are multiplied as one: query, key and value, for instance, or gate and up. */
#define DENSE_MAX_PARTS 4

/* How the products are computed. */
enum dense_kind {
    DENSE_F32,  /* kernels->gemm_f32 */
    DENSE_BLAS, /* OpenBLAS */
    DENSE_I4, /* kernels->gemm_s8i4, or gemm_s8l4: four-bit weights as the file has them, activations as bytes */
    DENSE_BF16, /* kernels->gemm_bf16: weights and activations as bfloat16 */
    DENSE_I8,   /* kernels->gemm_u8i8: weights and activations as bytes, in blocks with a scale */
    DENSE_K, /* kernels->gemm_s8k4 to 6, or gemm_s8kl: K-quants as the file has them, each part's bits; activations as bytes */
};

/* Rows of several tensors, one after the other, make one matrix: query, key and value read their input once. */
struct dense {
    const struct kernels *kernels;
    enum dense_kind kind;
    size_t n_in, n_out;
    void *packed; /* in the model's block of pages: panels for the kernels; DENSE_BLAS: float [n_out, n_in] */
    struct checked_blocks
        *unchecked; /* those that `packed` lies in are looked at before it is read; or NULL */
    float *bias;    /* [n_out], or NULL */
    bool narrow;    /* products may be in fewer bits */
    bool fused;     /* one tensor has the rows of all parts */
    unsigned n_parts;
    struct dense_part {
        const struct gguf_tensor *weight, *bias;
        size_t n_out;
    } parts[DENSE_MAX_PARTS];
};

/* ---- packing, dense_pack.c ---- */

/* What computes best with what the file holds, where `kind` is asked for: weights of 4 to 6 bits stay what they are.
 * Needs kernels and parts. */
enum dense_kind dense_best_kind(const struct dense *d, enum dense_kind kind);
/* Bytes at `packed`, a multiple of 64. Needs kernels, kind, n_in and n_out. */
size_t dense_packed_size(const struct dense *d);
/* Packs panels first up to end of what `parts` name, in parallel. dst: 64-byte aligned zeros, of dense_panel_at(d, end) -
 * dense_panel_at(d, first) bytes. */
enum hone_status dense_pack(const struct dense *d, size_t first, size_t end, char *dst, int n_threads,
                            struct hone_error *err);
/* Whether packing makes that of a panel. */
bool dense_panel_is(const struct dense *d, size_t panel, const char *packed);
size_t dense_n_panels(const struct dense *d);
/* Reads the biases that `parts` name. */
enum hone_status dense_read_bias(struct dense *d, struct hone_error *err);
/* Frees the bias; `packed` is left alone. */
void dense_free(struct dense *d);

/* Outputs a panel, and where a panel lies at `packed`: bytes. */
size_t dense_panel(const struct dense *d);
size_t dense_panel_at(const struct dense *d, size_t panel);

/* Neighbouring parts of a DENSE_K that have the same bits and levels; each but the last fills whole panels. */
struct dense_run {
    size_t first, n_out; /* outputs */
    unsigned bits;       /* as kernels->pack_k takes them */
    const int8_t *levels;
    unsigned next_part;
};

/* From {0} on. False behind the last. */
bool dense_next_run(const struct dense *d, struct dense_run *run);

/* ---- products, dense.c ---- */

/* Rows as a layer's products take them, in fewer bits: bytes, or of DENSE_BF16 bfloat16. */
struct dense_input {
    char *bytes; /* [n_rows, ld_bytes]; NULL: they are floats */
    size_t ld_bytes, n_blocks;
    void *blocks; /* [n_rows, n_blocks]; DENSE_I8: struct u8_block, DENSE_I4: s8_block, DENSE_K: s8_super */
};

struct dense_call {
    const float *in; /* [n_rows, n_in] */
    size_t ld_in;
    float *out; /* [n_rows, n_out] */
    size_t ld_out;
    size_t n_rows;
    enum activation act;
    struct activation_clamp clamp; /* of ACT_CLAMPED */
    struct activation_bend bend;   /* of ACT_XIELU */
    /* The halves of each row are multiplied, after the activation of one of them, and become the first. */
    enum { GATE_NONE, GATE_FIRST, GATE_SECOND } gate;
    /* Where not NULL: out = layer_norm(out + residual), rows of n_out, after the activation. gamma NULL: no norm. */
    const float *residual; /* [n_rows, n_out], stride ld_out */
    const float *gamma, *beta;
    float eps;
    /* Where not NULL: the layer that `out` is the input of, and of nobody else. If its products are of fewer bits *left
     * gets that input, each tile while it is in the cache, and what is at `out` then means nothing. */
    const struct dense *next;
    struct dense_input *left;
    /* Where not NULL: what the call before left for this one; `in` where that is floats. */
    const struct dense_input *given;
};

/* On ws->n_threads threads. Uses ws->bytes, which has room for n_rows of dense_row_bytes, those of `next` too. */
void dense_forward(const struct dense *d, const struct dense_call *call, struct workspace *ws);

/* Bytes of workspace a row whose product is of that kind, a multiple of 64. */
size_t dense_row_bytes(enum dense_kind kind, size_t n_in);

#endif
