/* Which type each tensor of a quantized file gets: the mixtures that llama.cpp calls Q4_K_M and so on, where tensors
 * that suffer most from few bits (the output's, attention's values, some layers' second feed-forward matrix) get more
 * of them. */
#ifndef RUNTIME_TOOLS_QUANT_PRESET_H
#define RUNTIME_TOOLS_QUANT_PRESET_H

#include "runtime/gguf/gguf.h"

struct quant_preset; /* one kind of mixture */

/* By a name as the command line takes it, capitals or not: "q4_k_m"; "q4_k" is the same. HONE_USAGE: there is none. */
enum hone_status quant_preset_find(const struct quant_preset **out, const char *name, struct hone_error *err);

/* general.file_type of such a file, and general.quantization_version of every file. */
uint32_t quant_preset_file_type(const struct quant_preset *mix);
#define QUANT_PRESET_VERSION 2 /* of GGUF's quantisation formats, as llama.cpp counts them */

/* What the choice depends on. */
struct quant_preset_model {
    const struct quant_preset *mix;
    size_t n_layers;
    size_t n_groups; /* attention heads for each head of keys and values */
    bool has_output; /* a matrix of its own behind the last layer; otherwise the token embeddings do that */
    bool has_importance; /* an importance matrix is given */
};
void quant_preset_look(struct quant_preset_model *m, const struct quant_preset *mix, const struct gguf *g,
                       bool has_importance);

/* Vectors, norms and small tables, which stay as they are. */
bool quant_preset_keeps(const struct gguf_tensor *tensor);

/* The type of a tensor that is not kept. *wanted, which may be left NULL: another type, which its rows are no whole
 * blocks of, or NULL. */
const struct quant_type *quant_preset_type(const struct quant_preset_model *m,
                                           const struct gguf_tensor *tensor,
                                           const struct quant_type **wanted);

#endif
