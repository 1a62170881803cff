/* compressed-tensors: integers in words of 32 bits (pack-quantized) or bytes (int-quantized), floats of 8 bits, and NVFP4. What a
 * matrix is, its tensors tell; quantization_config says it once more for all. */
#include "runtime/load/import/packed/packed.h"

#include <string.h>

struct compressed_matrix {
    struct packed_matrix m;
    const struct safetensor *codes, *scales, *zeros, *group_of, *shape;
    size_t n_groups, scale_rows; /* scales: [scale_rows, n_groups], a row an output or one for all */
    unsigned bits;
    float divisor; /* NVFP4: of scales */
};

static size_t group_at(const struct compressed_matrix *x, size_t i)
{
    return x->group_of ? packed_word(x->group_of, i) : i * x->n_groups / x->m.n_in;
}

static size_t scale_at(const struct compressed_matrix *x, size_t o, size_t g)
{
    return (x->scale_rows == 1 ? 0 : o) * x->n_groups + g;
}

/* How many groups of inputs, and of outputs, have scales. */
static enum hone_status find_scales(const struct packed_folder *p, const char *base,
                                    struct compressed_matrix *x, struct hone_error *err)
{
    x->scales = packed_part(p, base, ".weight_scale");
    if (!x->scales)
        return packed_refuse(p, err, "the tensor '%.300s.weight_scale' is missing", base);
    x->scale_rows = x->scales->n_dims > 0 ? (size_t)x->scales->dims[0] : 1;
    x->n_groups = x->scales->n_dims > 1 ? (size_t)x->scales->dims[1] : 1;
    const bool rows = x->scale_rows == 1 || x->scale_rows == x->m.n_out;
    const bool even = x->n_groups > 0 && x->m.n_in % x->n_groups == 0;
    const bool known =
        even && (x->n_groups == 1 || packed_args_know(p, "group_size", x->m.n_in / x->n_groups, true));
    if (rows && known && x->scales->n_dims <= 2)
        return HONE_OK;
    return packed_refuse(p, err, "'%.300s.weight_scale' is [%zu, %zu] for a matrix of %zu by %zu", base,
                         x->scale_rows, x->n_groups, x->m.n_out, x->m.n_in);
}

/* ---- pack-quantized ---- */

static int zero_of(const struct compressed_matrix *x, size_t o, size_t g)
{
    if (!x->zeros)
        return 1 << (x->bits - 1);
    if (strcmp(x->zeros->dtype, "I8") == 0)
        return (1 << (x->bits - 1)) + (int)packed_float(x->zeros, scale_at(x, o, g));
    return (int)packed_bits(x->zeros, g, x->n_groups, o, x->bits);
}

static void fill_words(const void *arg, struct work_range rows)
{
    const struct compressed_matrix *x = arg;
    const size_t words = (size_t)x->codes->dims[1];
    for (size_t o = rows.first; o < rows.end; o++) {
        float *to = x->m.out + o * x->m.n_in, scale = 0;
        size_t last = SIZE_MAX;
        int zero = 0;
        for (size_t i = 0; i < x->m.n_in; i++) {
            const size_t g = group_at(x, i);
            if (g != last) {
                zero = zero_of(x, o, g);
                scale = packed_float(x->scales, scale_at(x, o, g));
                last = g;
            }
            to[i] = scale * (float)((int)packed_bits(x->codes, o * words, 1, i, x->bits) - zero);
        }
    }
}

static enum hone_status check_groups(const struct packed_folder *p, const char *base,
                                     struct compressed_matrix *x, struct hone_error *err)
{
    x->group_of = packed_part(p, base, ".weight_g_idx");
    if (!x->group_of)
        return HONE_OK;
    enum hone_status status = packed_check(p, base, ".weight_g_idx", x->group_of, "I32", x->m.n_in, 0, err);
    bool none = status == HONE_OK && packed_word(x->group_of, 0) == UINT32_MAX; /* -1 */
    for (size_t i = 0; i < x->m.n_in && status == HONE_OK && !none; i++)
        if (packed_word(x->group_of, i) >= x->n_groups)
            return packed_refuse(p, err, "'%.300s.weight_g_idx' names group %u of %zu", base,
                                 packed_word(x->group_of, i), x->n_groups);
    x->group_of = none ? NULL : x->group_of;
    return status;
}

static enum hone_status find_shape(const struct packed_folder *p, const char *base,
                                   struct compressed_matrix *x, struct hone_error *err)
{
    int64_t shape[2];
    x->shape = packed_part(p, base, ".weight_shape");
    enum hone_status status = packed_check(p, base, ".weight_shape", x->shape, "I64", 2, 0, err);
    if (status != HONE_OK)
        return status;
    memcpy(shape, x->shape->data, sizeof shape);
    const struct safetensor *t = x->codes;
    for (x->bits = 8; x->bits >= 1; x->bits--)
        if (packed_args_know(p, "num_bits", x->bits, x->bits == 4 || x->bits == 8) && t->n_dims == 2 &&
            shape[0] > 0 && (uint64_t)shape[0] == t->dims[0] && shape[1] > 0 && shape[1] < INT64_MAX / 64 &&
            ((uint64_t)shape[1] * x->bits + 31) / 32 == t->dims[1]) {
            x->m.n_out = (size_t)shape[0];
            x->m.n_in = (size_t)shape[1];
            return packed_check(p, base, ".weight_packed", t, "I32", t->dims[0], t->dims[1], err);
        }
    return packed_refuse(
        p, err,
        "'%.300s.weight_packed' is not a matrix of %lld by %lld in 4 or 8 bits, or those that are named",
        base, (long long)shape[0], (long long)shape[1]);
}

static enum hone_status unpack_words(const struct packed_folder *p, const char *base,
                                     struct compressed_matrix *x, struct hone_error *err)
{
    enum hone_status status = find_shape(p, base, x, err);
    if (status == HONE_OK)
        status = find_scales(p, base, x, err);
    if (status == HONE_OK)
        status = packed_check(p, base, ".weight_scale", x->scales, "F32|F16|BF16",
                              x->scale_rows * x->n_groups, 0, err);
    if (status == HONE_OK)
        status = check_groups(p, base, x, err);
    x->zeros = packed_part(p, base, ".weight_zero_point");
    if (status == HONE_OK && x->zeros && strcmp(x->zeros->dtype, "I8") == 0)
        status =
            packed_check(p, base, ".weight_zero_point", x->zeros, "I8", x->scale_rows * x->n_groups, 0, err);
    else if (status == HONE_OK && x->zeros)
        status = packed_check(p, base, ".weight_zero_point", x->zeros, "I32",
                              (x->m.n_out * x->bits + 31) / 32, x->n_groups, err);
    return status == HONE_OK ? packed_make(p, base, &x->m, fill_words, err) : status;
}

/* ---- NVFP4, and MXFP4, whose scales are powers of two ---- */

static void fill_nvfp4(const void *arg, struct work_range rows)
{
    static const float levels[16] = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
    const struct compressed_matrix *x = arg;
    for (size_t o = rows.first; o < rows.end; o++)
        for (size_t i = 0; i < x->m.n_in; i++) {
            const uint8_t pair = ((const uint8_t *)x->codes->data)[(o * x->m.n_in + i) / 2];
            const float scale = packed_scale(x->scales, scale_at(x, o, group_at(x, i))) / x->divisor;
            x->m.out[o * x->m.n_in + i] = levels[pair >> i % 2 * 4 & 15] * scale;
        }
}

static enum hone_status unpack_nvfp4(const struct packed_folder *p, const char *base,
                                     struct compressed_matrix *x, struct hone_error *err)
{
    const struct safetensor *t = x->codes, *whole = packed_part(p, base, ".weight_global_scale");
    const struct safetensor *scales = packed_part(p, base, ".weight_scale");
    const bool powers = scales && strcmp(scales->dtype, "U8") == 0; /* MXFP4 */
    packed_part(p, base, ".input_global_scale");
    x->m.n_out = (size_t)t->dims[0];
    x->m.n_in = 2 * (size_t)t->dims[1];
    enum hone_status status = packed_check(p, base, ".weight_packed", t, "U8", t->dims[0], t->dims[1], err);
    if (status == HONE_OK && !powers)
        status = packed_check(p, base, ".weight_global_scale", whole, "F32", 1, 0, err);
    if (status == HONE_OK)
        status = find_scales(p, base, x, err);
    if (status == HONE_OK)
        status = packed_check(p, base, ".weight_scale", x->scales, powers ? "U8" : "F8_E4M3", x->m.n_out,
                              x->m.n_in / (powers ? 32 : 16), err);
    x->divisor = status == HONE_OK && !powers ? packed_float(whole, 0) : 1;
    if (status == HONE_OK && !(x->divisor > 0))
        return packed_refuse(p, err, "'%.300s.weight_global_scale' should be above 0", base);
    return status == HONE_OK ? packed_make(p, base, &x->m, fill_nvfp4, err) : status;
}

static enum hone_status unpack_packed(const struct packed_folder *p, const char *base,
                                      const struct safetensor *t, struct hone_error *err)
{
    struct compressed_matrix x = {.codes = t};
    packed_part(p, base, ".weight_packed");
    return (strcmp(t->dtype, "U8") == 0 ? unpack_nvfp4 : unpack_words)(p, base, &x, err);
}

/* ---- int-quantized ---- */

static void fill_bytes(const void *arg, struct work_range rows)
{
    const struct compressed_matrix *x = arg;
    for (size_t o = rows.first; o < rows.end; o++)
        for (size_t i = 0; i < x->m.n_in; i++) {
            const size_t at = scale_at(x, o, group_at(x, i));
            const float zero = x->zeros ? packed_float(x->zeros, at) : 0;
            x->m.out[o * x->m.n_in + i] =
                (packed_float(x->codes, o * x->m.n_in + i) - zero) * packed_float(x->scales, at);
        }
}

static enum hone_status unpack_bytes(const struct packed_folder *p, const char *base,
                                     const struct safetensor *t, struct hone_error *err)
{
    if (strcmp(t->dtype, "I8") != 0)
        return HONE_OK;
    struct compressed_matrix x = {.codes = t, .m.n_out = (size_t)t->dims[0], .m.n_in = (size_t)t->dims[1]};
    enum hone_status status = packed_check(p, base, ".weight", t, "I8", t->dims[0], t->dims[1], err);
    if (status == HONE_OK)
        status = find_scales(p, base, &x, err);
    const size_t n_scales = x.scale_rows * x.n_groups;
    x.zeros = packed_part(p, base, ".weight_zero_point");
    packed_part(p, base, ".input_scale");
    packed_part(p, base, ".input_zero_point");
    if (status == HONE_OK)
        status = packed_check(p, base, ".weight_scale", x.scales, "F32|F16|BF16", n_scales, 0, err);
    if (status == HONE_OK && x.zeros)
        status = packed_check(p, base, ".weight_zero_point", x.zeros, "I8", n_scales, 0, err);
    return status == HONE_OK ? packed_make(p, base, &x.m, fill_bytes, err) : status;
}

enum hone_status packed_compressed(const struct packed_folder *p, struct hone_error *err)
{
    const char *state = json_string_value(json_object_get(p->config, "quantization_status"));
    const json_t *sparse = json_object_get(json_object_get(p->config, "sparsity_config"), "format");
    if (state && strcmp(state, "compressed") != 0 && strcmp(state, "frozen") != 0)
        return packed_refuse(p, err, "'quantization_status' is '%.40s', expected compressed", state);
    if (json_is_string(sparse) && strcmp(json_string_value(sparse), "dense") != 0)
        return packed_refuse(p, err, "sparse weights ('%.40s') are not supported", json_string_value(sparse));
    enum hone_status status = packed_args_check(p, err);
    if (status == HONE_OK)
        status = packed_each(p, ".weight_packed", unpack_packed, err);
    if (status == HONE_OK)
        status = packed_each(p, ".weight", unpack_bytes, err);
    return status == HONE_OK ? packed_fp8(p, err) : status;
}
