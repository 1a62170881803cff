/* Element and block types of tensors, one row each. A further block format is one row in types.c and its two
 * functions in a file of its own.
 *
 * The ids and the layouts are GGUF's (ggml_type); https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
#ifndef QUANT_TYPES_H
#define QUANT_TYPES_H

#include <stddef.h>
#include <stdint.h>

enum {
    QUANT_F32 = 0,
    QUANT_F16 = 1,
    QUANT_Q4_0 = 2,
    QUANT_Q4_1 = 3,
    QUANT_Q5_0 = 6,
    QUANT_Q5_1 = 7,
    QUANT_Q8_0 = 8,
    QUANT_Q2_K = 10,
    QUANT_Q3_K = 11,
    QUANT_Q4_K = 12,
    QUANT_Q5_K = 13,
    QUANT_Q6_K = 14,
    QUANT_IQ2_XXS = 16,
    QUANT_IQ2_XS = 17,
    QUANT_IQ3_XXS = 18,
    QUANT_IQ1_S = 19,
    QUANT_IQ4_NL = 20,
    QUANT_IQ3_S = 21,
    QUANT_IQ2_S = 22,
    QUANT_IQ4_XS = 23,
    QUANT_IQ1_M = 29,
    QUANT_BF16 = 30,
    QUANT_TQ1_0 = 34,
    QUANT_TQ2_0 = 35,
    QUANT_MXFP4 = 39,
    QUANT_NVFP4 = 40,
};

struct quant_type {
    uint32_t id;       /* in a GGUF file */
    const char *name;  /* "f32", "q8_0": lower case, as the command line takes it */
    size_t block_len;  /* elements a block; rows are whole blocks */
    size_t block_size; /* bytes a block */
    /* n is a multiple of block_len. src and dst may have any alignment. dequantize: block format to float32. */
    void (*dequantize)(float *dst, const void *src, size_t n);
    /* The types that the `gguf` Python package quantizes: without importance, its bits, ties and scales included. The
     * others, and all with less than 8 bits where importance is given: scales searched for the least squared error. NULL:
     * tensors of that type are read, and not made.
     * importance [n]: how much the error of each number counts, finite and not negative; NULL: all the same. */
    void (*quantize)(void *dst, const float *src, size_t n, const float *importance);
    /* For types whose groups of 32 elements are scale * q + offset with q from 0 to 15, or scale * levels[q], else NULL: q:
     * [n]; scales and offsets: [n / 32]; of levels all offsets are 0. */
    void (*nibbles)(uint8_t *q, float *scales, float *offsets, const void *src, size_t n);
    /* For K-quants of 4, 5 and 6 bits: the bits, and codes and scales as they are, for products that compute with them, see
     * pack_k in kernels/kernels.h. codes: [n]; scales: [n / 32][2]; super_scales: [n / 256][2]. Of superblocks whose elements
     * are d scale levels[code]: 4, and super_scales are the lower and the upper half of d as float32. */
    unsigned bits;
    void (*codes)(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);
    const int8_t *levels; /* [16], -127 to 127; NULL: codes are numbers */
};

/* NULL: unknown. */
const struct quant_type *quant_type_by_id(uint32_t id);
const struct quant_type *quant_type_by_name(const char *name);

/* What GGUF calls a type that is not in the table ("Q8_1"); NULL: no such type. */
const char *quant_other_name(uint32_t id);

/* Row i of the table of all types, NULL past its end. */
const struct quant_type *quant_type_at(size_t i);

#endif
