/* Which type each tensor of a quantized file gets: the mixtures that llama.cpp calls Q4_K_M and so on, where tensors
 * that suffer most from few bits (the output's, attention's values, some layers' second feed-forward matrix) get more
 * of them. */
#ifndef RUNTIME_TOOLS_MIX_H
#define RUNTIME_TOOLS_MIX_H

#include "runtime/gguf/gguf.h"

struct mix; /* one kind of mixture */

/* By a name as the command line takes it, capitals or not: "q4_k_m"; "q4_k" is the same. HONE_USAGE: there is none. */
enum hone_status mix_find(const struct mix **out, const char *name, struct hone_error *err);

/* general.file_type of such a file, and general.quantization_version of every file. */
uint32_t mix_file_type(const struct mix *mix);
#define MIX_VERSION 2

/* What the choice depends on. */
struct mix_model {
    const struct mix *mix;
    size_t n_layers;
    size_t n_groups; /* attention heads for each head of keys and values */
    bool has_output; /* a matrix of its own behind the last layer; otherwise the token embeddings do that */
    bool has_importance; /* an importance matrix is given */
};
void mix_look(struct mix_model *m, const struct mix *mix, const struct gguf *g, bool has_importance);

/* Vectors, norms and small tables, which stay as they are. */
bool mix_keeps(const struct gguf_tensor *tensor);

/* The type of a tensor that is not kept. *wanted, which may be left NULL: another type, which its rows are no whole
 * blocks of, or NULL. */
const struct quant_type *mix_type(const struct mix_model *m, const struct gguf_tensor *tensor,
                                  const struct quant_type **wanted);

#endif
