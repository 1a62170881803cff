#include "runtime/gguf/impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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
        if (text.size)
            memcpy(rest, text.data, text.size);
        entry->strings[i] = (struct hone_text){rest, text.size};
        rest += text.size;
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

static bool own(struct gguf *g, struct gguf_owned block)
{
    struct gguf_owned *owned = reallocarray(g->owned, g->n_owned + 1, sizeof *owned);
    if (!owned)
        return false;
    g->owned = owned;
    g->owned[g->n_owned++] = block;
    return true;
}

bool gguf_own_memory(struct gguf *g, void *p)
{
    return own(g, (struct gguf_owned){.p = p});
}

bool gguf_own_mapping(struct gguf *g, void *p, size_t size)
{
    return own(g, (struct gguf_owned){.p = size ? p : NULL, .map_size = size});
}

void gguf_forget(const struct gguf *g, const struct gguf_tensor *tensor)
{
    const uintptr_t page = 4096, data = (uintptr_t)tensor->data;
    const uintptr_t first = (data + page - 1) / page * page, end = (data + tensor->size) / page * page;
    for (size_t i = 0; i < g->n_owned; i++) {
        const uintptr_t map = (uintptr_t)g->owned[i].p;
        if (g->owned[i].map_size > 0 && first >= map && end <= map + g->owned[i].map_size && first < end)
            madvise((char *)g->owned[i].p + (first - map), end - first, MADV_DONTNEED);
    }
}
