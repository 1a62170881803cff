#include "runtime/load/import/packed/packed.h"

#include "runtime/base/threads.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes. Longer names are of no tensor that a family knows, and are refused with those. */
#define MAX_NAME 512

/* ---- parts ---- */

enum hone_status packed_each(const struct packed_folder *p, const char *end,
                             enum hone_status (*one)(const struct packed_folder *p, const char *base,
                                                     const struct safetensor *t, struct hone_error *err),
                             struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    const struct safetensors *s = p->f->tensors;
    const size_t n = safetensors_n(s), n_end = strlen(end); /* more come, which need not be looked at */
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        char base[MAX_NAME];
        const struct safetensor *t = safetensors_at(s, i);
        const size_t size = strlen(t->name);
        if (t->is_part || size <= n_end || size >= sizeof base || strcmp(t->name + size - n_end, end) != 0)
            continue;
        snprintf(base, sizeof base, "%.*s", (int)(size - n_end), t->name);
        status = one(p, base, t, err);
    }
    return status;
}

const struct safetensor *packed_part(const struct packed_folder *p, const char *base, const char *end)
{
    char name[MAX_NAME + 64];
    snprintf(name, sizeof name, "%s%s", base, end);
    return safetensors_take_part(p->f->tensors, name);
}

/* Bytes an element; 0: not known. */
static size_t width_of(const char *dtype)
{
    static const struct {
        const char *dtype;
        size_t width;
    } widths[] = {{"I64", 8},  {"I32", 4},     {"U32", 4}, {"F32", 4}, {"F16", 2},
                  {"BF16", 2}, {"F8_E4M3", 1}, {"U8", 1},  {"I8", 1}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (strcmp(dtype, widths[i].dtype) == 0)
            return widths[i].width;
    return 0;
}

enum hone_status packed_check(const struct packed_folder *p, const char *base, const char *end,
                              const struct safetensor *t, const char *dtypes, uint64_t rows, uint64_t cols,
                              struct hone_error *err)
{
    if (!t)
        return packed_refuse(p, err, "the tensor '%.300s%s' is missing", base, end);
    const char *at = strstr(dtypes, t->dtype);
    const size_t n = strlen(t->dtype);
    const bool known = at && (at == dtypes || at[-1] == '|') && (at[n] == 0 || at[n] == '|');
    const bool right =
        cols ? t->n_dims == 2 && t->dims[0] == rows && t->dims[1] == cols : safetensor_n_elements(t) == rows;
    if (known && right && t->size / width_of(t->dtype) == safetensor_n_elements(t))
        return HONE_OK;
    return packed_refuse(p, err, "the tensor '%.300s%s' is %s [%llu, %llu], expected %s [%llu, %llu]", base,
                         end, t->dtype, (unsigned long long)t->dims[0], (unsigned long long)t->dims[1],
                         dtypes, (unsigned long long)rows, (unsigned long long)(cols ? cols : 1));
}

/* ---- matrices ---- */

enum hone_status packed_make(const struct packed_folder *p, const char *base, struct packed_matrix *m,
                             thread_pool_work rows, struct hone_error *err)
{
    char name[MAX_NAME + 16];
    size_t size;
    snprintf(name, sizeof name, "%s.weight", base);
    if (m->n_out == 0 || m->n_in == 0 || __builtin_mul_overflow(m->n_out, m->n_in, &size) ||
        __builtin_mul_overflow(size, sizeof *m->out, &size))
        return packed_refuse(p, err, "'%.300s' is %zu by %zu", base, m->n_out, m->n_in);
    m->out = malloc(size);
    if (!m->out || !gguf_own_memory(p->f->g, m->out)) {
        free(m->out);
        return hone_no_memory(err, name, size);
    }
    thread_pool_run(threads_available(), m->n_out, 0, rows, m);
    const struct safetensor made = {.name = name,
                                    .dtype = "F32",
                                    .type = quant_type_by_id(QUANT_F32),
                                    .n_dims = 2,
                                    .dims = {m->n_out, m->n_in, 1, 1, 1, 1, 1, 1},
                                    .size = size,
                                    .data = m->out};
    ++*p->n_made;
    return safetensors_put(p->f->tensors, &made, err);
}

/* ---- numbers ---- */

json_int_t packed_number(json_t *object, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

float packed_e4m3(uint8_t x)
{
    const int exponent = x >> 3 & 15, mantissa = x & 7;
    if ((x & 0x7f) == 0x7f)
        return NAN;
    const float size =
        exponent == 0 ? ldexpf((float)mantissa, -9) : ldexpf((float)(8 + mantissa), exponent - 10);
    return x & 0x80 ? -size : size;
}

float packed_float(const struct safetensor *t, size_t i)
{
    const uint8_t *data = t->data;
    float x = 0;
    if (t->type)
        t->type->dequantize(&x, data + i * t->type->block_size, 1);
    else
        x = strcmp(t->dtype, "I8") == 0 ? (float)(int8_t)data[i] : packed_e4m3(data[i]);
    return x;
}

float packed_scale(const struct safetensor *t, size_t i)
{
    if (strcmp(t->dtype, "U8") != 0)
        return packed_float(t, i);
    const uint8_t exponent = ((const uint8_t *)t->data)[i];
    return exponent == 255 ? NAN : ldexpf(1, exponent - 127);
}

uint32_t packed_word(const struct safetensor *t, size_t i)
{
    uint32_t word;
    memcpy(&word, (const char *)t->data + i * sizeof word, sizeof word);
    return word;
}

unsigned packed_bits(const struct safetensor *t, size_t first, size_t stride, size_t i, unsigned bits)
{
    const size_t word = i * bits / 32;
    const unsigned shift = (unsigned)(i * bits % 32);
    uint64_t two = packed_word(t, first + word * stride);
    if (shift + bits > 32)
        two |= (uint64_t)packed_word(t, first + (word + 1) * stride) << 32;
    return (unsigned)(two >> shift) & ((1u << bits) - 1);
}

/* ---- the folder ---- */

static const char *method_of(const json_t *config)
{
    const char *method = json_string_value(json_object_get(config, "quant_method"));
    return method ? method : "(not named)";
}

enum hone_status packed_refuse(const struct packed_folder *p, struct hone_error *err, const char *format, ...)
{
    char what[600];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: weights quantised by '%s': %s", p->f->dir,
                     method_of(p->config), what);
}

/* Old folders say it in a file of their own, or not at all. */
static enum hone_status check_plain(const struct folder *f, struct hone_error *err)
{
    static const char *const ends[] = {".qweight", ".weight_packed", ".weight_scale_inv"};
    for (size_t i = 0; i < safetensors_n(f->tensors); i++)
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            const char *name = safetensors_at(f->tensors, i)->name;
            const size_t n = strlen(name), n_end = strlen(ends[k]);
            if (n > n_end && strcmp(name + n - n_end, ends[k]) == 0)
                return hone_fail(err, HONE_BAD_MODEL,
                                 "%s/config.json: the tensor '%s' is of quantised weights, but there is no "
                                 "'quantization_config' that says how",
                                 f->dir, name);
        }
    return HONE_OK;
}

enum hone_status import_packed(struct folder *f, struct hone_error *err)
{
    static const struct {
        const char *method;
        enum hone_status (*unpack)(const struct packed_folder *p, struct hone_error *err);
    } methods[] = {
        {"fp8", packed_fp8},
        {"fbgemm_fp8", packed_fp8},
        {"gptq", packed_gptq},
        {"awq", packed_awq},
        {"compressed-tensors", packed_compressed},
        {"bitsandbytes", packed_bitsandbytes},
    };
    size_t n_made = 0;
    struct packed_folder p = {f, json_at(f->config, "quantization_config"), &n_made};
    const char *method = method_of(p.config);
    if (!p.config || json_is_null(p.config))
        return check_plain(f, err);
    if (f->form->packing && strcmp(method, f->form->packing) == 0)
        return HONE_OK;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i].method) == 0) {
            enum hone_status status = packed_check_keys(&p, method, err);
            if (status == HONE_OK)
                status = methods[i].unpack(&p, err);
            return status == HONE_OK && n_made == 0 ? packed_refuse(&p, err, "no tensor of the folder is")
                                                    : status;
        }
    return packed_refuse(&p, err,
                         "that is not supported; convert the folder that they were made from, and quantise "
                         "with hone");
}
