#include "runtime/base/files.h"
#include "runtime/base/text.h"
#include "runtime/gguf/impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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
    if (!g->borrowed) {
        name_list_clear(&g->entries);
        name_list_clear(&g->tensors);
    }
    for (size_t i = 0; i < g->n_owned; i++)
        if (g->owned[i].map_size)
            unmap_file(g->owned[i].p, g->owned[i].map_size);
        else
            free(g->owned[i].p);
    free(g->owned);
    for (size_t i = 0; i < g->n_files && !g->borrowed; i++)
        free(g->files[i].path);
    if (!g->borrowed)
        free(g->files);
    free(g->path);
    free(g);
}

struct gguf *gguf_borrow(const struct gguf *whole)
{
    struct gguf *g = gguf_new(whole->path);
    if (!g)
        return NULL;
    g->entries = whole->entries;
    g->tensors = whole->tensors;
    g->files = whole->files;
    g->n_files = whole->n_files;
    g->within = whole->within ? whole->within : whole;
    g->borrowed = true;
    return g;
}

const char *gguf_path(const struct gguf *g)
{
    return g->path;
}

size_t gguf_n_files(const struct gguf *g)
{
    return g->n_files;
}

const struct gguf_file *gguf_file_at(const struct gguf *g, size_t i)
{
    return &g->files[i];
}

enum hone_status gguf_check_whole(const struct gguf *g, struct hone_error *err)
{
    g = g->within ? g->within : g;
    for (size_t i = 0; i < g->n_owned; i++)
        if (g->owned[i].map_size && !map_file_is_whole(g->owned[i].p))
            return hone_fail(
                err, HONE_FAILED,
                "%s: the file was shortened, or its disk failed, while the model was open; put it "
                "right and open it again",
                g->path);
    return HONE_OK;
}

static bool own(struct gguf *g, struct gguf_owned block)
{
    struct gguf_owned *owned = reallocarray(g->owned, g->n_owned + 1, sizeof *owned);
    if (!owned)
        return false;
    g->owned = owned;
    g->owned[g->n_owned++] = block;
    return true;
}

bool gguf_change_tensor(struct gguf *g, const char *name, const float *values)
{
    struct gguf_tensor_entry *entry = name_list_find(&g->tensors, name);
    if (!entry)
        return false;
    entry->tensor.type = quant_type_by_id(QUANT_F32);
    entry->tensor.data = values;
    for (size_t i = 0; i < g->n_files; i++)
        free(g->files[i].path);
    g->n_files = 0;
    return gguf_tensor_measure(&entry->tensor) == NULL;
}

bool gguf_own_memory(struct gguf *g, void *p)
{
    return own(g, (struct gguf_owned){.p = p});
}

bool gguf_own_mapping(struct gguf *g, void *p, size_t size)
{
    return own(g, (struct gguf_owned){.p = size ? p : NULL, .map_size = size});
}

void gguf_forget(const struct gguf *g, const void *bytes, size_t size)
{
    g = g->within ? g->within : g;
    const uintptr_t page = 4096, data = (uintptr_t)bytes;
    const uintptr_t first = (data + page - 1) / page * page, end = (data + size) / page * page;
    for (size_t i = 0; i < g->n_owned; i++) {
        const uintptr_t map = (uintptr_t)g->owned[i].p;
        if (g->owned[i].map_size > 0 && first >= map && end <= map + g->owned[i].map_size && first < end)
            madvise((char *)g->owned[i].p + (first - map), end - first, MADV_DONTNEED);
    }
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

struct gguf_entry *gguf_entry_new(struct hone_text key, size_t n_strings, size_t extra, char **rest)
{
    size_t size, strings_size;
    if (__builtin_mul_overflow(n_strings, sizeof(struct hone_text), &strings_size) ||
        __builtin_add_overflow(strings_size, sizeof(struct gguf_entry) + 1, &size) ||
        __builtin_add_overflow(size, key.size, &size) || __builtin_add_overflow(size, extra, &size))
        return NULL;
    struct gguf_entry *entry = malloc(size);
    if (!entry)
        return NULL;
    char *name = (char *)(entry->strings + n_strings);
    memcpy(name, key.data, key.size);
    name[key.size] = '\0';
    *entry = (struct gguf_entry){.key = name, .value.strings = n_strings ? entry->strings : NULL};
    if (rest)
        *rest = name + key.size + 1;
    return entry;
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

/* ---- building ---- */

static bool copy_strings(struct gguf *g, struct hone_text key, const struct gguf_value *value)
{
    size_t size = 0;
    for (size_t i = 0; i < value->n; i++)
        if (__builtin_add_overflow(size, value->strings[i].size, &size))
            return false;
    char *rest;
    struct gguf_entry *entry = gguf_entry_new(key, value->n, size, &rest);
    if (!entry)
        return false;
    entry->value.type = GGUF_STRING;
    entry->value.is_array = value->is_array;
    entry->value.n = value->n;
    for (size_t i = 0; i < value->n; i++) {
        struct hone_text text = value->strings[i];
        entry->strings[i] = (struct hone_text){rest, text.size};
        rest = text_put(rest, text);
    }
    return name_list_add(&g->entries, entry);
}

bool gguf_set_value(struct gguf *g, const char *key_text, const struct gguf_value *value)
{
    struct hone_text key = {key_text, strlen(key_text)};
    if (!gguf_name_ok(key, GGUF_MAX_KEY))
        return false;
    if (value->type == GGUF_STRING)
        return copy_strings(g, key, value);
    size_t size;
    char *rest;
    if (__builtin_mul_overflow(value->n, gguf_type_size(value->type), &size))
        return false;
    struct gguf_entry *entry = gguf_entry_new(key, 0, size, &rest);
    if (!entry)
        return false;
    entry->value = *value;
    if (size)
        memcpy(rest, value->data, size);
    entry->value.data = rest;
    return name_list_add(&g->entries, entry);
}

static bool set_scalar(struct gguf *g, const char *key, enum gguf_type type, const void *data)
{
    return gguf_set_value(g, key, &(struct gguf_value){.type = type, .n = 1, .data = data});
}

bool gguf_set_u32(struct gguf *g, const char *key, uint32_t value)
{
    return set_scalar(g, key, GGUF_U32, &value);
}

bool gguf_set_f32(struct gguf *g, const char *key, float value)
{
    return set_scalar(g, key, GGUF_F32, &value);
}

bool gguf_set_bool(struct gguf *g, const char *key, bool value)
{
    return set_scalar(g, key, GGUF_BOOL, &(uint8_t){value});
}

bool gguf_set_text(struct gguf *g, const char *key, struct hone_text value)
{
    return gguf_set_value(g, key, &(struct gguf_value){.type = GGUF_STRING, .n = 1, .strings = &value});
}

bool gguf_set_string(struct gguf *g, const char *key, const char *value)
{
    return gguf_set_text(g, key, (struct hone_text){value, strlen(value)});
}

bool gguf_set_texts(struct gguf *g, const char *key, const struct hone_text *values, size_t n)
{
    return gguf_set_value(
        g, key, &(struct gguf_value){.type = GGUF_STRING, .is_array = true, .n = n, .strings = values});
}

bool gguf_set_array(struct gguf *g, const char *key, enum gguf_type type, const void *values, size_t n)
{
    struct gguf_value value = {.type = type, .is_array = true, .n = n, .data = values};
    return type != GGUF_STRING && gguf_set_value(g, key, &value);
}

bool gguf_add_tensor(struct gguf *g, const struct gguf_tensor *tensor)
{
    struct hone_text name = {tensor->name, strlen(tensor->name)};
    if (!gguf_name_ok(name, GGUF_MAX_NAME))
        return false;
    struct gguf_tensor_entry *entry = malloc(sizeof *entry + name.size + 1);
    if (!entry)
        return false;
    *entry = (struct gguf_tensor_entry){.tensor = *tensor, .i = g->tensors.n};
    memcpy(entry->name, name.data, name.size + 1);
    entry->tensor.name = entry->name;
    if (gguf_tensor_measure(&entry->tensor)) {
        free(entry);
        return false;
    }
    return name_list_add(&g->tensors, entry);
}
