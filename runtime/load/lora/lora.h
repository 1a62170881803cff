/* Adapters of low rank (Hu et al., 2021, arXiv:2106.09685): what was learned of a matrix is the product of two narrow ones, which
 * is added to it before anything is packed. With DoRA (Liu et al., 2024, arXiv:2402.09353) the rows of the sum get lengths that were
 * learned, too. Some tensors (heads, norms, biases) may come whole, in the place of the model's. */
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

/* folder.c */
enum hone_status lora_merge_folder(struct gguf *g, const char *dir, float scale, struct hone_error *err);

/* apply.c: what a folder changes, by the names of the model's own folders. */
struct lora_sets {
    struct safetensors *changes; /* that are added */
    struct safetensors
        *lengths; /* [n, 1] of a matrix' rows, or where it is written the other way round, [1, n] */
    struct safetensors *whole; /* in the place of the model's */
    bool saves_embeddings;     /* those among them do not reach a head that is tied to them */
    bool keeps_ties;           /* a head that is tied stays so */
};
enum hone_status lora_apply(struct gguf *g, const struct lora_sets *sets, const struct arch *arch,
                            const char *dir, struct hone_error *err);

/* tensors.c: of g's tensors, by name. Adds delta [n_out, n_in] to a matrix, or a vector of n_in numbers, n_out 1. */
enum hone_status lora_add(struct gguf *g, const char *name, const float *delta, uint64_t n_out, uint64_t n_in,
                          const char *path, struct hone_error *err);
/* Gives the rows of the matrix of the same name those lengths; where they are one row themselves, its columns. */
enum hone_status lora_set_lengths(struct gguf *g, const struct gguf_tensor *lengths, const char *path,
                                  struct hone_error *err);
/* Puts values of the same name and shape in the place of g's. */
enum hone_status lora_replace(struct gguf *g, const struct gguf_tensor *whole, const char *path,
                              struct hone_error *err);
/* Gives a head that is tied to the token embeddings a tensor of its own, of the same values. */
enum hone_status lora_untie(struct gguf *g, struct hone_error *err);

/* import/tensors.c: tensors of one of the family's folders, each the change of one, or one `whole`, as GGUF files have them: in
 * *out, which has g's keys. A tensor without a place is refused. */
enum hone_status import_changes(struct gguf **out, const struct gguf *g, const struct arch *arch,
                                struct safetensors *changes, bool whole, const char *dir,
                                struct hone_error *err);

#endif
