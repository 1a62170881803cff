/* Folders whose matrices were packed into few bits (quantization_config of config.json): each becomes the float32 matrix that it
 * stands for, under the name that it had before, so that the rest of the import sees an ordinary folder. */
#ifndef RUNTIME_LOAD_IMPORT_PACKED_PACKED_H
#define RUNTIME_LOAD_IMPORT_PACKED_PACKED_H

#include "runtime/base/thread_pool.h"
#include "runtime/load/import/folder.h"

/* What a scheme knows of the folder. */
struct packed_folder {
    struct folder *f;
    json_t *config; /* quantization_config */
    size_t *n_made; /* matrices so far */
};

/* A matrix on its way: the first member of what a scheme knows of one. */
struct packed_matrix {
    float *out; /* [n_out, n_in] */
    size_t n_out, n_in;
};

/* keys_packed.c: refuses keys of quantization_config that nobody knows, or that ask for what is not done. */
enum hone_status packed_check_keys(const struct packed_folder *p, const char *method, struct hone_error *err);

/* Each looks at every tensor of the folder and calls packed_make for those that it knows. */
enum hone_status packed_fp8(const struct packed_folder *p, struct hone_error *err);
enum hone_status packed_gptq(const struct packed_folder *p, struct hone_error *err);
enum hone_status packed_awq(const struct packed_folder *p, struct hone_error *err);
enum hone_status packed_compressed(const struct packed_folder *p, struct hone_error *err);
enum hone_status packed_bitsandbytes(const struct packed_folder *p, struct hone_error *err);

/* ---- for schemes ---- */

/* Calls one for every tensor whose name ends so, with what comes before; until it fails. */
enum hone_status packed_each(const struct packed_folder *p, const char *end,
                             enum hone_status (*one)(const struct packed_folder *p, const char *base,
                                                     const struct safetensor *t, struct hone_error *err),
                             struct hone_error *err);

/* The tensor base + end, which becomes a part of something: no other will be wanted of it. NULL: there is none. */
const struct safetensor *packed_part(const struct packed_folder *p, const char *base, const char *end);

/* Fails where t is not there, has another dtype than one of those in `dtypes` ("I32|U8"), or is not [rows, cols]; cols 0: any
 * shape of `rows` elements. */
enum hone_status packed_check(const struct packed_folder *p, const char *base, const char *end,
                              const struct safetensor *t, const char *dtypes, uint64_t rows, uint64_t cols,
                              struct hone_error *err);

/* Adds base + ".weight", rows of m->out being filled by `rows`, which gets m. */
enum hone_status packed_make(const struct packed_folder *p, const char *base, struct packed_matrix *m,
                             thread_pool_work rows, struct hone_error *err);

/* "the scheme ... of quantization_config: ..." */
enum hone_status packed_refuse(const struct packed_folder *p, struct hone_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A whole number of quantization_config; `otherwise` where it is missing or null. */
json_int_t packed_number(json_t *object, const char *key, json_int_t otherwise);

/* compressed_args.c, of compressed-tensors: what it says of weights is known; whether it says `value` of `key` in any group of
 * modules (`otherwise` where it names no groups); and what the first says of it that does, or NULL. */
enum hone_status packed_args_check(const struct packed_folder *p, struct hone_error *err);
bool packed_args_know(const struct packed_folder *p, const char *key, size_t value, bool otherwise);
const json_t *packed_args_find(const struct packed_folder *p, const char *key);

/* Element i of a tensor of scales: the same, but U8 are exponents (E8M0). */
float packed_scale(const struct safetensor *t, size_t i);
/* Element i of a tensor of floats, F8_E4M3 or I8. */
float packed_float(const struct safetensor *t, size_t i);
uint32_t packed_word(const struct safetensor *t, size_t i); /* of 32 bits */
float packed_e4m3(uint8_t x);

/* `bits` bits at bit i * bits of a row of words that are `stride` apart, the first at word `first`. */
unsigned packed_bits(const struct safetensor *t, size_t first, size_t stride, size_t i, unsigned bits);

#endif
