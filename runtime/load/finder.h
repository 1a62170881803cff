/* Looking for tensors in a file, each with the shape it has to have. */
#ifndef RUNTIME_LOAD_FINDER_H
#define RUNTIME_LOAD_FINDER_H

#include "runtime/nn/net.h"

#define MAX_LABELS (1 << 16) /* of a text or a token: more rows of a head are a mistake of the file */

struct finder {
    struct net *m;
    bool *used; /* [n_tensors of the file] */
    struct hone_error *err;
};

/* name + suffix, cut to fit. */
const char *finder_suffixed(char out[160], const char *name, const char *suffix);

/* The tensor of that name, and whether it is [rows, cols]; a vector where cols is 0. *out is NULL where it is not there,
 * an error only where it is required. */
enum hone_status finder_tensor(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                               bool required, const struct gguf_tensor **out);
/* The same as float32, in the file or of it. */
enum hone_status finder_floats(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                               bool required, const float **out);

/* name.weight and name.bias, as `flags` (TENSOR_...) says. A dense layer gets a further part. */
enum hone_status finder_norm(const struct finder *f, const char *name, uint64_t n, unsigned flags,
                             struct norm *out);
enum hone_status finder_part(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                             unsigned flags, struct dense *d);

/* name.weight, and with TENSOR_MAYBE_BIAS name.bias where it is there: of n matrices [rows, cols] in it each is a further part
 * of one of the n dense layers at *out, which are made, and become the file's, with the first part. */
enum hone_status finder_slices(const struct finder *f, const char *name, size_t n, uint64_t rows,
                               uint64_t cols, unsigned flags, struct dense **out);
/* The same of matrices that were found or made: [n], the file's; biases: NULL: there are none. */
enum hone_status finder_add_slices(const struct finder *f, const char *name, const struct gguf_tensor *slices,
                                   const struct gguf_tensor *biases, size_t n, unsigned flags,
                                   struct dense **out);
/* Memory of the file's, zeros. NULL, and an error: there is none. */
void *finder_keep(const struct finder *f, size_t n, size_t size);

/* latent.c: the matrices that make each head's keys, or values, of a latent; `name` is the tensor's that has them. In its place
 * a file may have one of both, "attn_kv_b". */
enum hone_status latent_find(const struct finder *f, const char *name, bool values, struct dense **out);

/* steps.c: what vectors go through behind the layers, as hone.modules says; then the tensors of that. */
enum hone_status steps_load(struct net *m, struct hone_error *err);
enum hone_status steps_find(const struct finder *f);

/* spans.c: the numbers of a head of spans, once the head is known, and its tensors. */
enum hone_status spans_load(struct net *m, struct hone_error *err);
enum hone_status spans_find(const struct finder *f);

#endif
