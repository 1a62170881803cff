/* GPTQ (Frantar et al., 2022, arXiv:2210.17323) and AWQ (Lin et al., 2023, arXiv:2306.00978): codes in words of 32 bits, a scale
 * and a zero for each output and group of inputs: x = scale (code - zero). */
#include "runtime/load/import/packed/packed.h"

#include <string.h>

struct gptq_matrix {
    struct packed_matrix m;
    const struct safetensor *codes, *zeros, *scales, *group_of; /* group_of: of each input; or NULL */
    size_t group, n_groups;                                     /* inputs */
    unsigned bits, more;                                        /* what zeros are more than their codes */
};

static enum hone_status find_parts(const struct packed_folder *p, const char *base,
                                   const struct safetensor *t, struct gptq_matrix *x, struct hone_error *err)
{
    json_int_t group = packed_number(p->config, "group_size", packed_number(p->config, "q_group_size", -1));
    x->codes = t;
    x->zeros = packed_part(p, base, ".qzeros");
    x->scales = packed_part(p, base, ".scales");
    packed_part(p, base, ".qweight");
    if (x->m.n_in == 0 || x->m.n_out == 0 || t->n_dims != 2)
        return packed_refuse(p, err, "the tensor '%.300s.qweight' should be a matrix", base);
    x->group = group <= 0 || (size_t)group > x->m.n_in ? x->m.n_in : (size_t)group;
    const size_t n_groups = x->n_groups = (x->m.n_in - 1) / x->group + 1;
    enum hone_status status = packed_check(p, base, ".qweight", t, "I32|U32", t->dims[0], t->dims[1], err);
    if (status == HONE_OK)
        status =
            packed_check(p, base, ".qzeros", x->zeros, "I32|U32", n_groups, x->m.n_out * x->bits / 32, err);
    return status == HONE_OK
               ? packed_check(p, base, ".scales", x->scales, "F32|F16|BF16", n_groups, x->m.n_out, err)
               : status;
}

/* ---- GPTQ ---- codes of neighbouring inputs share words */

static void fill_gptq(const void *arg, struct work_range rows)
{
    const struct gptq_matrix *x = arg;
    const size_t n_out = x->m.n_out, words = n_out * x->bits / 32;
    const unsigned most = (1u << x->bits) - 1;
    for (size_t o = rows.first; o < rows.end; o++) {
        float *to = x->m.out + o * x->m.n_in, scale = 0;
        size_t last = SIZE_MAX;
        unsigned zero = 0;
        for (size_t i = 0; i < x->m.n_in; i++) {
            const size_t g = x->group_of ? packed_word(x->group_of, i) : i / x->group;
            if (g != last) {
                zero = (packed_bits(x->zeros, g * words, 1, o, x->bits) + x->more) & most;
                scale = packed_float(x->scales, g * n_out + o);
                last = g;
            }
            const int code = (int)packed_bits(x->codes, o, n_out, i, x->bits);
            to[i] = scale * (float)(code - (int)zero);
        }
    }
}

static enum hone_status check_groups(const struct packed_folder *p, const char *base,
                                     const struct gptq_matrix *x, struct hone_error *err)
{
    enum hone_status status = packed_check(p, base, ".g_idx", x->group_of, "I32|U32", x->m.n_in, 0, err);
    for (size_t i = 0; i < x->m.n_in && status == HONE_OK; i++)
        if (packed_word(x->group_of, i) >= x->n_groups)
            return packed_refuse(p, err, "'%.300s.g_idx' names group %u of %zu", base,
                                 packed_word(x->group_of, i), x->n_groups);
    return status;
}

static enum hone_status unpack_gptq(const struct packed_folder *p, const char *base,
                                    const struct safetensor *t, struct hone_error *err)
{
    const json_int_t bits = packed_number(p->config, "bits", 4);
    const char *format = json_string_value(json_at(p->config, "checkpoint_format|format"));
    struct gptq_matrix x = {.bits = (unsigned)bits, .group_of = packed_part(p, base, ".g_idx")};
    if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
        return packed_refuse(p, err, "'bits' is %lld, expected 2, 3, 4 or 8", (long long)bits);
    if (format && strcmp(format, "gptq") != 0 && strcmp(format, "gptq_v2") != 0)
        return packed_refuse(p, err, "'checkpoint_format' is '%.40s', expected gptq or gptq_v2", format);
    x.more = format && strcmp(format, "gptq_v2") == 0 ? 0 : 1;
    x.m.n_in = (size_t)t->dims[0] * 32 / x.bits;
    x.m.n_out = (size_t)t->dims[1];
    enum hone_status status = find_parts(p, base, t, &x, err);
    if (status == HONE_OK && !x.group_of && json_is_true(json_object_get(p->config, "desc_act")))
        return packed_refuse(p, err, "'desc_act' is true, but the tensor '%.300s.g_idx' is missing", base);
    if (status == HONE_OK && x.group_of)
        status = check_groups(p, base, &x, err);
    return status == HONE_OK ? packed_make(p, base, &x.m, fill_gptq, err) : status;
}

enum hone_status packed_gptq(const struct packed_folder *p, struct hone_error *err)
{
    return packed_each(p, ".qweight", unpack_gptq, err);
}

/* ---- AWQ ---- codes of eight neighbouring outputs share a word, the even ones first */

static unsigned awq_code(const struct safetensor *t, size_t row, size_t n_words, size_t output)
{
    static const unsigned char places[] = {0, 4, 1, 5, 2, 6, 3, 7};
    return packed_word(t, row * n_words + output / 8) >> 4 * places[output % 8] & 15;
}

static void fill_awq(const void *arg, struct work_range rows)
{
    const struct gptq_matrix *x = arg;
    const size_t n_out = x->m.n_out;
    for (size_t o = rows.first; o < rows.end; o++)
        for (size_t i = 0; i < x->m.n_in; i++) {
            const size_t g = i / x->group;
            const int code = (int)awq_code(x->codes, i, n_out / 8, o),
                      zero = (int)awq_code(x->zeros, g, n_out / 8, o);
            x->m.out[o * x->m.n_in + i] = packed_float(x->scales, g * n_out + o) * (float)(code - zero);
        }
}

static enum hone_status unpack_awq(const struct packed_folder *p, const char *base,
                                   const struct safetensor *t, struct hone_error *err)
{
    const json_int_t bits = packed_number(p->config, "bits", packed_number(p->config, "w_bit", 4));
    const char *version = json_string_value(json_at(p->config, "version|format"));
    struct gptq_matrix x = {.bits = 4};
    if (bits != 4 || json_is_false(json_object_get(p->config, "zero_point")))
        return packed_refuse(p, err, "expected 'bits' 4 and 'zero_point' true");
    if (version && strcmp(version, "gemm") != 0 && strcmp(version, "GEMM") != 0)
        return packed_refuse(p, err, "'version' is '%.40s', expected gemm", version);
    x.m.n_in = (size_t)t->dims[0];
    x.m.n_out = (size_t)t->dims[1] * 8;
    enum hone_status status = find_parts(p, base, t, &x, err);
    return status == HONE_OK ? packed_make(p, base, &x.m, fill_awq, err) : status;
}

enum hone_status packed_awq(const struct packed_folder *p, struct hone_error *err)
{
    return packed_each(p, ".qweight", unpack_awq, err);
}
