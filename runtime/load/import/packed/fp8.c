/* Floats of 8 bits with a scale a matrix, an output, or a block of both. Scales of activations, which other programs round to
 * 8 bits too, are not needed. */
#include "runtime/load/import/packed/packed.h"

#include <string.h>

struct fp8_matrix {
    struct packed_matrix m;
    const struct safetensor *weight, *scales;
    size_t block_out, block_in,
        n_across; /* a scale is for so many outputs and inputs; scales a row of blocks */
    float values[256];
};

static void fill(const void *arg, struct work_range rows)
{
    const struct fp8_matrix *x = arg;
    for (size_t o = rows.first; o < rows.end; o++) {
        const uint8_t *from = (const uint8_t *)x->weight->data + o * x->m.n_in;
        float *to = x->m.out + o * x->m.n_in;
        for (size_t i = 0; i < x->m.n_in;) {
            const float scale = packed_scale(x->scales, o / x->block_out * x->n_across + i / x->block_in);
            const size_t end = (i / x->block_in + 1) * x->block_in;
            for (; i < end && i < x->m.n_in; i++)
                to[i] = x->values[from[i]] * scale;
        }
    }
}

/* Blocks of so many outputs and inputs: of the two schemes that have such. */
static bool block_of(const struct packed_folder *p, struct fp8_matrix *x)
{
    json_t *block = json_object_get(p->config, "weight_block_size");
    const json_t *structure = packed_args_find(p, "block_structure");
    block = json_array_size(block) == 2 ? block : (json_t *)structure;
    const json_int_t rows = json_integer_value(json_array_get(block, 0)),
                     cols = json_integer_value(json_array_get(block, 1));
    if (rows <= 0 || cols <= 0 || rows > INT32_MAX || cols > INT32_MAX)
        return false;
    x->block_out = (size_t)rows;
    x->block_in = (size_t)cols;
    return true;
}

/* Whether blocks of that size have as many scales as there are. */
static bool fits(struct fp8_matrix *x)
{
    const struct safetensor *s = x->scales;
    const uint64_t down = (x->m.n_out - 1) / x->block_out + 1, across = (x->m.n_in - 1) / x->block_in + 1;
    x->n_across = (size_t)across;
    return s->n_dims == 2 ? s->dims[0] == down && s->dims[1] == across
                          : safetensor_n_elements(s) == down * across;
}

/* What the scales are for, by how many there are: blocks, where they are told of; or all inputs of an output, a group of them, or
 * the whole matrix. */
static enum hone_status find_blocks(const struct packed_folder *p, const char *base, struct fp8_matrix *x,
                                    struct hone_error *err)
{
    const struct safetensor *s = x->scales;
    const size_t n_out = x->m.n_out, n_in = x->m.n_in, n = safetensor_n_elements(s);
    const size_t n_groups = s->n_dims == 2 && s->dims[0] == n_out ? (size_t)s->dims[1] : 0;
    const bool known = s->type || strcmp(s->dtype, "U8") == 0;
    if (known && n > 1 && block_of(p, x) && fits(x))
        return HONE_OK;
    x->block_in = n_in;
    x->block_out = n == n_out ? 1 : n_out;
    x->n_across = 1;
    if (known && (n == 1 || n == n_out))
        return HONE_OK;
    x->block_out = 1;
    x->block_in = n_groups > 0 ? n_in / n_groups : 0;
    if (known && x->block_in > 0 && packed_args_know(p, "group_size", x->block_in, false) && fits(x))
        return HONE_OK;
    return packed_refuse(p, err, "'%.300s' has %zu scales of type %s for a matrix of %zu by %zu", base, n,
                         s->dtype, n_out, n_in);
}

static enum hone_status unpack(const struct packed_folder *p, const char *base, const struct safetensor *t,
                               struct hone_error *err)
{
    struct fp8_matrix x = {.weight = t};
    if (strcmp(t->dtype, "F8_E5M2") == 0)
        return packed_refuse(p, err, "the tensor '%.300s.weight' is of type F8_E5M2, expected F8_E4M3", base);
    if (strcmp(t->dtype, "F8_E4M3") != 0)
        return HONE_OK;
    x.scales = packed_part(p, base, ".weight_scale_inv");
    x.scales = x.scales ? x.scales : packed_part(p, base, ".weight_scale");
    packed_part(p, base, ".activation_scale");
    packed_part(p, base, ".input_scale");
    packed_part(p, base, ".input_scale_ub");
    if (!x.scales)
        return packed_refuse(p, err, "the tensor '%.300s.weight_scale_inv' (or weight_scale) is missing",
                             base);
    x.m.n_out = (size_t)t->dims[0];
    x.m.n_in = (size_t)t->dims[1];
    enum hone_status status = packed_check(p, base, ".weight", t, "F8_E4M3", t->dims[0], t->dims[1], err);
    if (status == HONE_OK)
        status = find_blocks(p, base, &x, err);
    for (size_t i = 0; i < 256; i++)
        x.values[i] = packed_e4m3((uint8_t)i);
    return status == HONE_OK ? packed_make(p, base, &x.m, fill, err) : status;
}

enum hone_status packed_fp8(const struct packed_folder *p, struct hone_error *err)
{
    return packed_each(p, ".weight", unpack, err);
}
