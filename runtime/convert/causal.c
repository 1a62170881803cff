/* What causal families hold otherwise in a folder than in a GGUF file: rotary scaling, and the order of rows. */
#include "runtime/convert/folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ---- rotary scaling ---- */

static enum hone_status number(const struct folder *f, const json_t *rope, const char *name, double *out,
                               struct hone_error *err)
{
    const json_t *value = json_object_get(rope, name);
    *out = json_number_value(value);
    if (json_is_number(value) && *out > 0 && *out < 1e30)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: rotary scaling needs '%s', a number above 0",
                     f->dir, name);
}

/* Llama 3.1: far frequencies are divided, near ones are not, and between them it passes over. */
static float divisor(double wavelength, double factor, double low, double high, double old_length)
{
    if (wavelength < old_length / high)
        return 1;
    if (wavelength > old_length / low)
        return (float)factor;
    double smooth = (old_length / wavelength - low) / (high - low);
    return (float)(1 / ((1 - smooth) / factor + smooth));
}

static enum hone_status head_pairs(const struct folder *f, size_t *n_pairs, float *base,
                                   struct hone_error *err)
{
    char key[128];
    size_t width = 0, n_heads = 1, head_dim = 0;
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, &width, err);
    snprintf(key, sizeof key, "%s.attention.head_count", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, SIZE_MAX, &n_heads, err);
    head_dim = width / n_heads;
    snprintf(key, sizeof key, "%s.attention.key_length", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, SIZE_MAX, &head_dim, err);
    snprintf(key, sizeof key, "%s.rope.freq_base", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_float(f->g, key, base, err);
    *n_pairs = head_dim / 2;
    return status;
}

static enum hone_status add_divisors(struct folder *f, const json_t *rope, struct hone_error *err)
{
    double factor, low, high, old_length;
    size_t n = 0;
    float base = 10000;
    enum hone_status status = number(f, rope, "factor", &factor, err);
    if (status == HONE_OK)
        status = number(f, rope, "low_freq_factor", &low, err);
    if (status == HONE_OK)
        status = number(f, rope, "high_freq_factor", &high, err);
    if (status == HONE_OK)
        status = number(f, rope, "original_max_position_embeddings", &old_length, err);
    if (status == HONE_OK)
        status = head_pairs(f, &n, &base, err);
    if (status != HONE_OK)
        return status;
    float *divisors = malloc((n + 1) * sizeof *divisors);
    if (!divisors || !gguf_own_memory(f->g, divisors)) {
        free(divisors);
        return hone_no_memory(err, "rotary scaling", n * sizeof *divisors);
    }
    for (size_t i = 0; i < n; i++)
        divisors[i] =
            divisor(2 * PI * pow((double)base, (double)i / (double)n), factor, low, high, old_length);
    struct gguf_tensor t = {.name = "rope_freqs.weight",
                            .type = quant_type_by_id(QUANT_F32),
                            .n_dims = 1,
                            .dims = {n, 1, 1, 1},
                            .data = divisors};
    return folder_set(gguf_add_tensor(f->g, &t), t.name, err);
}

static enum hone_status set_linear(struct folder *f, const json_t *rope, struct hone_error *err)
{
    char key[128];
    double factor;
    enum hone_status status = number(f, rope, "factor", &factor, err);
    snprintf(key, sizeof key, "%s.rope.scaling.type", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_string(f->g, key, "linear"), key, err);
    snprintf(key, sizeof key, "%s.rope.scaling.factor", f->arch->name);
    return status == HONE_OK ? folder_set(gguf_set_f32(f->g, key, (float)factor), key, err) : status;
}

enum hone_status import_rope(struct folder *f, struct hone_error *err)
{
    const json_t *rope = json_at(f->config, "rope_parameters.full_attention|rope_parameters|rope_scaling");
    const json_t *type = json_object_get(rope, "rope_type");
    const char *name = json_string_value(type ? type : json_object_get(rope, "type"));
    if (!rope || !name || strcmp(name, "default") == 0)
        return HONE_OK;
    if (strcmp(name, "llama3") == 0)
        return add_divisors(f, rope, err);
    if (strcmp(name, "linear") == 0)
        return set_linear(f, rope, err);
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s/config.json: the rotary scaling '%s' is not supported, expected default, linear or llama3",
        f->dir, name);
}

/* ---- tensors ---- */

/* Element i of each half of a head goes to 2 i and 2 i + 1: copied rows. */
static enum hone_status pair_rows(const struct folder *f, enum cut cut, struct gguf_tensor *t, char *copy,
                                  struct hone_error *err)
{
    char key[128];
    size_t n_rows = (size_t)t->dims[t->n_dims - 1], n_heads = 0, row_size = (size_t)t->size / n_rows;
    snprintf(key, sizeof key, "%s.attention.head_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, &n_heads, err);
    snprintf(key, sizeof key, "%s.attention.head_count_kv", f->arch->name);
    if (status == HONE_OK && cut == CUT_KV_PAIRS)
        status = gguf_get_size(f->g, key, SIZE_MAX, &n_heads, err);
    if (status != HONE_OK)
        return status;
    if (n_heads == 0 || n_rows % (2 * n_heads) != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the %zu rows of '%s' are not those of %zu heads", f->dir,
                         n_rows, t->name, n_heads);
    size_t half = n_rows / n_heads / 2;
    for (size_t i = 0; i < n_rows; i++) {
        size_t head = i / (2 * half), pair = i % (2 * half) / 2, from = (2 * head + i % 2) * half + pair;
        memcpy(copy + i * row_size, (const char *)t->data + from * row_size, row_size);
    }
    return HONE_OK;
}

static void add_one(struct gguf_tensor *t, float *copy)
{
    size_t n = (size_t)(t->dims[0] * t->dims[1]);
    t->type->dequantize(copy, t->data, n);
    for (size_t i = 0; i < n; i++)
        copy[i] += 1;
    t->type = quant_type_by_id(QUANT_F32);
}

enum hone_status import_changed(struct folder *f, const char *gguf, const struct safetensor *t, enum cut cut,
                                struct hone_error *err)
{
    if (!t->type || t->n_dims < 1 || t->n_dims > 2)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: tensor '%s' should be a matrix or a vector of F32, F16 or BF16", f->dir,
                         t->name);
    bool matrix = t->n_dims == 2;
    struct gguf_tensor out = {.name = gguf,
                              .type = t->type,
                              .n_dims = t->n_dims,
                              .size = t->size,
                              .data = t->data,
                              .dims = {matrix ? t->dims[1] : t->dims[0], matrix ? t->dims[0] : 1, 1, 1}};
    enum hone_status status = HONE_OK;
    char *copy = malloc((size_t)t->size * 2); /* 16 bits may become 32 */
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, t->name, (size_t)t->size);
    }
    if (cut == CUT_PLUS_ONE)
        add_one(&out, (float *)copy);
    else
        status = pair_rows(f, cut, &out, copy, err);
    out.data = copy;
    return status == HONE_OK ? folder_set(gguf_add_tensor(f->g, &out), gguf, err) : status;
}
