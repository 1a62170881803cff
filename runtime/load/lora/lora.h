/* Adapters of low rank (Hu et al., 2021, arXiv:2106.09685): what was learned of a matrix is the product of two narrow ones, which
 * is added to it before anything is packed. */
#ifndef RUNTIME_LOAD_LORA_LORA_H
#define RUNTIME_LOAD_LORA_LORA_H

#include "runtime/load/import/safetensors.h"
#include "runtime/nn/arch.h"

/* Adds scale times the adapter at `path`, a GGUF file or PEFT's folder, to the matrices of g, which become float32. All matrices
 * of the adapter have their place there, or it is refused: it is another model's. */
enum hone_status lora_merge(struct gguf *g, const char *path, float scale, struct hone_error *err);

/* Whether a folder has an adapter beside what else it has. */
bool lora_is_beside(const char *dir);

/* ---- between the files here ---- */

/* delta = scale * left right^T: left [n_out, rank], right [n_in, rank]. */
void lora_product(float *delta, const float *left, const float *right, size_t n_out, size_t n_in, size_t rank,
                  float scale);

/* data [rows, cols] as float32, turned: [cols, rows]. To be freed; NULL: no memory. */
float *lora_floats(const struct quant_type *type, const void *data, size_t rows, size_t cols, bool turned);

/* Adds delta [n_out, n_in] to the matrix of that name. */
enum hone_status lora_add(struct gguf *g, const char *name, const float *delta, uint64_t n_out, uint64_t n_in,
                          const char *path, struct hone_error *err);

/* folder.c */
enum hone_status lora_merge_folder(struct gguf *g, const char *dir, float scale, struct hone_error *err);

/* import/tensors.c: the matrices of one of the family's folders, each the change of one, as GGUF files have them: in *out, which
 * has g's keys. A matrix without a place is refused. */
enum hone_status import_changes(struct gguf **out, const struct gguf *g, const struct arch *arch,
                                struct safetensors *changes, const char *dir, struct hone_error *err);

#endif
