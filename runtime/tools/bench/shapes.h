/* The sizes of models that people run, to measure kernels with. */
#ifndef RUNTIME_TOOLS_BENCH_SHAPES_H
#define RUNTIME_TOOLS_BENCH_SHAPES_H

#include <stddef.h>

struct shape_matrix {
    const char *name; /* NULL at the end */
    size_t n_out, n_in;
};

struct shape_model {
    const char *name; /* "bert-base"; NULL at the end */
    size_t n_embd, n_ff, n_heads, head_dim, n_kv_heads;
    size_t n_keys; /* a usual number of tokens to attend to */
    struct shape_matrix matrices[7];
};

extern const struct shape_model shape_models[];

#endif
