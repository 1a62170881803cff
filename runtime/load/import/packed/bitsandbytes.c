/* bitsandbytes (Dettmers et al., 2023, arXiv:2305.14314): codes of 4 bits that choose from 16 values, with a scale a block of all
 * elements, which may be packed itself; or bytes with a scale an output. */
#include "runtime/base/json.h"
#include "runtime/load/import/packed/packed.h"

#include <string.h>

/* ---- 4 bits ---- */

struct nibble_matrix {
    struct packed_matrix m;
    const struct safetensor *codes, *values, *scales; /* values: the 16 */
    const struct safetensor *scale_values, *scale_scales;
    size_t block, scale_block;
    float scale_offset;
};

static float scale_of(const struct nibble_matrix *x, size_t block)
{
    if (!x->scale_values)
        return packed_float(x->scales, block);
    const uint8_t code = ((const uint8_t *)x->scales->data)[block];
    return packed_float(x->scale_values, code) * packed_float(x->scale_scales, block / x->scale_block) +
           x->scale_offset;
}

static void fill_nibbles(const void *arg, struct work_range rows)
{
    const struct nibble_matrix *x = arg;
    const uint8_t *codes = x->codes->data;
    float scale = 0;
    size_t last = SIZE_MAX;
    for (size_t i = rows.first * x->m.n_in; i < rows.end * x->m.n_in; i++) {
        if (i / x->block != last) {
            last = i / x->block;
            scale = scale_of(x, last);
        }
        x->m.out[i] = packed_float(x->values, codes[i / 2] >> (i % 2 ? 0 : 4) & 15) * scale;
    }
}

/* What the state says, as JSON in the bytes of a tensor. */
static enum hone_status read_state(const struct packed_folder *p, const char *base,
                                   const struct safetensor *t, struct nibble_matrix *x,
                                   struct hone_error *err)
{
    json_error_t at;
    json_t *state = json_read(t->data, t->size, 0, &at), *shape = json_object_get(state, "shape");
    const json_int_t n_out = json_integer_value(json_array_get(shape, 0)),
                     n_in = json_integer_value(json_array_get(shape, 1));
    const json_int_t block = packed_number(state, "blocksize", 64),
                     nested = packed_number(state, "nested_blocksize", 256);
    const bool right = json_array_size(shape) == 2 && n_out > 0 && n_in > 0 && n_out < INT32_MAX &&
                       n_in < INT32_MAX && block > 0 && nested > 0;
    x->m.n_out = (size_t)n_out;
    x->m.n_in = (size_t)n_in;
    x->block = (size_t)block;
    x->scale_block = (size_t)nested;
    x->scale_offset = (float)json_number_value(json_object_get(state, "nested_offset"));
    json_decref(state);
    return right ? HONE_OK
                 : packed_refuse(p, err, "the state of '%.300s.weight' should have a shape and a blocksize",
                                 base);
}

static enum hone_status check_scales(const struct packed_folder *p, const char *base, struct nibble_matrix *x,
                                     struct hone_error *err)
{
    const size_t n_blocks = (x->m.n_out * x->m.n_in - 1) / x->block + 1;
    x->scales = packed_part(p, base, ".weight.absmax");
    x->values = packed_part(p, base, ".weight.quant_map");
    x->scale_values = packed_part(p, base, ".weight.nested_quant_map");
    x->scale_scales = packed_part(p, base, ".weight.nested_absmax");
    enum hone_status status =
        packed_check(p, base, ".weight.absmax", x->scales, x->scale_values ? "U8" : "F32", n_blocks, 0, err);
    if (status == HONE_OK)
        status = packed_check(p, base, ".weight.quant_map", x->values, "F32|F16|BF16", 16, 0, err);
    if (status == HONE_OK && x->scale_values)
        status =
            packed_check(p, base, ".weight.nested_quant_map", x->scale_values, "F32|F16|BF16", 256, 0, err);
    if (status == HONE_OK && x->scale_values)
        status = packed_check(p, base, ".weight.nested_absmax", x->scale_scales, "F32",
                              (n_blocks - 1) / x->scale_block + 1, 0, err);
    return status;
}

static enum hone_status unpack_nibbles(const struct packed_folder *p, const char *base,
                                       const struct safetensor *state, struct hone_error *err)
{
    struct nibble_matrix x = {.codes = packed_part(p, base, ".weight")};
    packed_part(p, state->name, "");
    enum hone_status status = read_state(p, base, state, &x, err);
    if (status == HONE_OK)
        status = packed_check(p, base, ".weight", x.codes, "U8|I8", (x.m.n_out * x.m.n_in + 1) / 2, 0, err);
    if (status == HONE_OK)
        status = check_scales(p, base, &x, err);
    return status == HONE_OK ? packed_make(p, base, &x.m, fill_nibbles, err) : status;
}

/* ---- 8 bits ---- */

#define PART 7.874015718698502e-3F /* a 127th, as bitsandbytes multiplies by it */

struct byte_matrix {
    struct packed_matrix m;
    const struct safetensor *codes, *largest;
};

static void fill_bytes(const void *arg, struct work_range rows)
{
    const struct byte_matrix *x = arg;
    for (size_t o = rows.first; o < rows.end; o++)
        for (size_t i = 0; i < x->m.n_in; i++)
            x->m.out[o * x->m.n_in + i] =
                packed_float(x->codes, o * x->m.n_in + i) * packed_float(x->largest, o) * PART;
}

static enum hone_status unpack_bytes(const struct packed_folder *p, const char *base,
                                     const struct safetensor *largest, struct hone_error *err)
{
    struct byte_matrix x = {.codes = packed_part(p, base, ".weight"), .largest = largest};
    packed_part(p, base, ".SCB");
    packed_part(p, base, ".weight_format");
    if (!x.codes || x.codes->n_dims != 2)
        return packed_refuse(p, err, "the tensor '%.300s.weight' should be a matrix", base);
    x.m.n_out = (size_t)x.codes->dims[0];
    x.m.n_in = (size_t)x.codes->dims[1];
    enum hone_status status = packed_check(p, base, ".weight", x.codes, "I8", x.m.n_out, x.m.n_in, err);
    if (status == HONE_OK)
        status = packed_check(p, base, ".SCB", largest, "F32|F16|BF16", x.m.n_out, 0, err);
    return status == HONE_OK ? packed_make(p, base, &x.m, fill_bytes, err) : status;
}

enum hone_status packed_bitsandbytes(const struct packed_folder *p, struct hone_error *err)
{
    enum hone_status status = packed_each(p, ".weight.quant_state.bitsandbytes__nf4", unpack_nibbles, err);
    if (status == HONE_OK)
        status = packed_each(p, ".weight.quant_state.bitsandbytes__fp4", unpack_nibbles, err);
    return status == HONE_OK ? packed_each(p, ".SCB", unpack_bytes, err) : status;
}
