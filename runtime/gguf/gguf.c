#include "runtime/base/files.h"
#include "runtime/gguf/impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

struct gguf *gguf_new(const char *path)
{
    struct gguf *g = calloc(1, sizeof *g);
    if (g && !(g->path = strdup(path)))
        gguf_close(&g);
    return g;
}

void gguf_close(struct gguf **g_ptr)
{
    struct gguf *g = *g_ptr;
    *g_ptr = NULL;
    if (!g)
        return;
    name_list_clear(&g->entries);
    name_list_clear(&g->tensors);
    for (size_t i = 0; i < g->n_owned; i++)
        if (g->owned[i].map_size)
            unmap_file(g->owned[i].p, g->owned[i].map_size);
        else
            free(g->owned[i].p);
    free(g->owned);
    free(g->path);
    free(g);
}

const char *gguf_path(const struct gguf *g)
{
    return g->path;
}

const struct file_identity *gguf_identity(const struct gguf *g)
{
    return g->identity.inode ? &g->identity : NULL;
}

enum hone_status gguf_check_whole(const struct gguf *g, struct hone_error *err)
{
    for (size_t i = 0; i < g->n_owned; i++)
        if (g->owned[i].map_size && !map_file_is_whole(g->owned[i].p))
            return hone_fail(
                err, HONE_FAILED,
                "%s: the file was shortened, or its disk failed, while the model was open; put it "
                "right and open it again",
                g->path);
    return HONE_OK;
}

/* ---- what reading, building and writing share ---- */

size_t gguf_type_size(enum gguf_type type)
{
    static const unsigned char sizes[GGUF_N_TYPES] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
        [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
    };
    return (unsigned)type < GGUF_N_TYPES ? sizes[type] : 0;
}

bool gguf_name_ok(struct hone_text name, size_t max)
{
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
            return false;
    return name.size >= 1 && name.size <= max;
}

const char *gguf_tensor_measure(struct gguf_tensor *tensor)
{
    if (tensor->n_dims > GGUF_MAX_DIMS)
        return "more dimensions than 4";
    for (unsigned i = tensor->n_dims; i < GGUF_MAX_DIMS; i++)
        tensor->dims[i] = 1;
    if (tensor->dims[0] % tensor->type->block_len)
        return "rows that are not whole blocks of its type";
    uint64_t size = tensor->dims[0] / tensor->type->block_len;
    if (__builtin_mul_overflow(size, tensor->type->block_size, &size))
        return "more elements than a file can hold";
    for (unsigned i = 1; i < GGUF_MAX_DIMS; i++)
        if (__builtin_mul_overflow(size, tensor->dims[i], &size))
            return "more elements than a file can hold";
    if (size == 0)
        return "no elements";
    /* Elements and bytes as float32 must fit a size_t too: others compute with them. */
    if (size / tensor->type->block_size > SIZE_MAX / sizeof(float) / tensor->type->block_len)
        return "more elements than a file can hold";
    tensor->size = size;
    return NULL;
}

enum hone_status gguf_alignment(const struct gguf *g, size_t *out, struct hone_error *err)
{
    *out = 32;
    enum hone_status status = gguf_get_size(g, "general.alignment", GGUF_MAX_ALIGNMENT, out, err);
    if (status)
        return status;
    if (*out < 8 || (*out & (*out - 1)))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: general.alignment is %zu, expected a power of two from 8 to %d", g->path, *out,
                         GGUF_MAX_ALIGNMENT);
    return HONE_OK;
}

/* ---- metadata ---- */

size_t gguf_n_keys(const struct gguf *g)
{
    return g->entries.n;
}

static const struct gguf_entry *entry_at(const struct gguf *g, size_t i)
{
    return g->entries.items[i];
}

const char *gguf_key(const struct gguf *g, size_t i)
{
    return entry_at(g, i)->key;
}

const struct gguf_value *gguf_value_at(const struct gguf *g, size_t i)
{
    return &entry_at(g, i)->value;
}

const struct gguf_value *gguf_find(const struct gguf *g, const char *key)
{
    const struct gguf_entry *entry = name_list_find(&g->entries, key);
    return entry ? &entry->value : NULL;
}

union number {
    uint8_t u8;
    int8_t i8;
    uint16_t u16;
    int16_t i16;
    uint32_t u32;
    int32_t i32;
    uint64_t u64;
    int64_t i64;
    float f32;
    double f64;
};

static union number number_at(const struct gguf_value *value, size_t i)
{
    union number number = {0};
    size_t size = gguf_type_size(value->type);
    memcpy(&number, (const char *)value->data + i * size, size);
    return number;
}

static int64_t int_of_double(double x)
{
    if (isnan(x))
        return 0;
    return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

int64_t gguf_int_at(const struct gguf_value *value, size_t i)
{
    union number x = number_at(value, i);
    switch (value->type) {
    case GGUF_U8:
    case GGUF_BOOL:
        return x.u8;
    case GGUF_I8:
        return x.i8;
    case GGUF_U16:
        return x.u16;
    case GGUF_I16:
        return x.i16;
    case GGUF_U32:
        return x.u32;
    case GGUF_I32:
        return x.i32;
    case GGUF_U64:
        return x.u64 > INT64_MAX ? INT64_MAX : (int64_t)x.u64;
    case GGUF_I64:
        return x.i64;
    case GGUF_F32:
        return int_of_double((double)x.f32);
    case GGUF_F64:
        return int_of_double(x.f64);
    default:
        return 0;
    }
}

double gguf_float_at(const struct gguf_value *value, size_t i)
{
    union number x = number_at(value, i);
    switch (value->type) {
    case GGUF_F32:
        return (double)x.f32;
    case GGUF_F64:
        return x.f64;
    case GGUF_U64:
        return (double)x.u64;
    default:
        return (double)gguf_int_at(value, i);
    }
}

static bool is_float(const struct gguf_value *value)
{
    return value->type == GGUF_F32 || value->type == GGUF_F64;
}

static enum hone_status wrong_kind(const struct gguf *g, const char *key, const char *expected,
                                   struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: the value of %s is not %s", g->path, key, expected);
}

enum hone_status gguf_get_size(const struct gguf *g, const char *key, size_t max, size_t *out,
                               struct hone_error *err)
{
    const struct gguf_value *value = gguf_find(g, key);
    if (!value)
        return HONE_OK;
    if (value->is_array || value->type == GGUF_STRING || is_float(value))
        return wrong_kind(g, key, "an integer", err);
    int64_t x = gguf_int_at(value, 0);
    if (x < 0 || x == INT64_MAX || (uint64_t)x > max)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the value of %s is %lld, expected 0 to %zu", g->path, key,
                         (long long)x, max);
    *out = (size_t)x;
    return HONE_OK;
}

enum hone_status gguf_get_float(const struct gguf *g, const char *key, float *out, struct hone_error *err)
{
    const struct gguf_value *value = gguf_find(g, key);
    if (!value)
        return HONE_OK;
    if (value->is_array || value->type == GGUF_STRING)
        return wrong_kind(g, key, "a number", err);
    float x = (float)gguf_float_at(value, 0);
    if (!isfinite(x))
        return wrong_kind(g, key, "a finite float32", err);
    *out = x;
    return HONE_OK;
}

enum hone_status gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct hone_error *err)
{
    size_t x = *out;
    const struct gguf_value *value = gguf_find(g, key);
    if (value && (value->is_array || value->type == GGUF_STRING || is_float(value)))
        return wrong_kind(g, key, "true or false", err);
    enum hone_status status = gguf_get_size(g, key, 1, &x, err);
    if (!status)
        *out = x;
    return status;
}

enum hone_status gguf_get_text(const struct gguf *g, const char *key, struct hone_text *out,
                               struct hone_error *err)
{
    const struct gguf_value *value = gguf_find(g, key);
    if (!value)
        return HONE_OK;
    if (value->is_array || value->type != GGUF_STRING)
        return wrong_kind(g, key, "a string", err);
    *out = value->strings[0];
    return HONE_OK;
}

/* ---- tensors ---- */

size_t gguf_n_tensors(const struct gguf *g)
{
    return g->tensors.n;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
    return g->tensors.items[i];
}

size_t gguf_tensor_index(const struct gguf *g, const struct gguf_tensor *tensor)
{
    const struct gguf_tensor_entry *entry = name_list_find(&g->tensors, tensor->name);
    return entry->i;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name)
{
    return name_list_find(&g->tensors, name);
}
