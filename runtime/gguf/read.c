#include "runtime/base/files.h"
#include "runtime/gguf/impl.h"

#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF values are read in place, which needs a little-endian machine"
#endif

/* The functions below return false after they have said what is wrong in err and status. */
struct gguf_reader {
    struct gguf *g;
    struct hone_error *err;
    enum hone_status status;
    const char *data;
    size_t size, pos;
    const char *part; /* of the file, for error sentences */
};

static bool fail(struct gguf_reader *r, enum hone_status status)
{
    r->status = status;
    return false;
}

#define BAD(r, format, ...)                                                                                  \
    fail(r, hone_fail((r)->err, HONE_BAD_MODEL, "%s: " format, (r)->g->path, ##__VA_ARGS__))

/* For "%.*s". */
#define SHOWN(text) (int)(text.size < 100 ? text.size : 100), text.data

static bool no_memory(struct gguf_reader *r, const char *what, size_t size)
{
    return fail(r, hone_no_memory(r->err, what, size));
}

/* Every read goes through here: *p is the next n bytes. */
static bool take(struct gguf_reader *r, uint64_t n, const char **p)
{
    if (n > r->size - r->pos)
        return BAD(r, "damaged or cut short: %s needs %llu bytes at byte %zu of %zu", r->part,
                   (unsigned long long)n, r->pos, r->size);
    *p = r->data + r->pos;
    r->pos += n;
    return true;
}

static bool take_number(struct gguf_reader *r, void *number, size_t size)
{
    const char *p;
    if (!take(r, size, &p))
        return false;
    memcpy(number, p, size);
    return true;
}

static bool take_text(struct gguf_reader *r, struct hone_text *text)
{
    uint64_t size;
    if (!take_number(r, &size, sizeof size) || !take(r, size, &text->data))
        return false;
    text->size = size;
    return true;
}

/* ---- metadata ---- */

/* One string, or the n of an array. NULL: failed. */
static struct gguf_entry *read_strings(struct gguf_reader *r, struct hone_text key, uint64_t n)
{
    if (n > GGUF_MAX_STRINGS || n > (r->size - r->pos) / sizeof(uint64_t)) {
        BAD(r, "key %.*s claims %llu strings, more than the file can hold", SHOWN(key),
            (unsigned long long)n);
        return NULL;
    }
    struct gguf_entry *entry = gguf_entry_new(key, n, 0, NULL);
    if (!entry) {
        no_memory(r, "an array of strings", n * sizeof(struct hone_text));
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (!take_text(r, &entry->strings[i])) {
            free(entry);
            return NULL;
        }
    return entry;
}

static bool check_bools(struct gguf_reader *r, struct hone_text key, const char *data, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if ((unsigned char)data[i] > 1)
            return BAD(r, "key %.*s has a bool that is %d", SHOWN(key), (unsigned char)data[i]);
    return true;
}

/* One number, or the n of an array. NULL: failed. */
static struct gguf_entry *read_numbers(struct gguf_reader *r, struct hone_text key, uint32_t type, uint64_t n)
{
    size_t type_size = gguf_type_size(type);
    if (!type_size) {
        BAD(r, "key %.*s has a value of type %u, which hone does not read", SHOWN(key), type);
        return NULL;
    }
    uint64_t size;
    const char *data;
    if (__builtin_mul_overflow(n, type_size, &size))
        size = UINT64_MAX;
    if (!take(r, size, &data) || (type == GGUF_BOOL && !check_bools(r, key, data, n)))
        return NULL;
    struct gguf_entry *entry = gguf_entry_new(key, 0, 0, NULL);
    if (entry)
        entry->value.data = data;
    else
        no_memory(r, "a metadata entry", sizeof *entry + key.size);
    return entry;
}

static bool read_entry(struct gguf_reader *r)
{
    struct hone_text key;
    uint32_t type;
    uint64_t n = 1;
    if (!take_text(r, &key))
        return false;
    if (!gguf_name_ok(key, GGUF_MAX_KEY))
        return BAD(r, "key %zu is empty, too long or has control characters", r->g->entries.n);
    if (!take_number(r, &type, sizeof type))
        return false;
    bool is_array = type == GGUF_ARRAY;
    if (is_array && (!take_number(r, &type, sizeof type) || !take_number(r, &n, sizeof n)))
        return false;
    struct gguf_entry *entry = type == GGUF_STRING ? read_strings(r, key, n) : read_numbers(r, key, type, n);
    if (!entry)
        return false;
    entry->value.type = type;
    entry->value.is_array = is_array;
    entry->value.n = n;
    if (gguf_find(r->g, entry->key)) {
        free(entry);
        return BAD(r, "key %.*s is there twice", SHOWN(key));
    }
    return name_list_add(&r->g->entries, entry) || no_memory(r, "the list of keys", r->g->entries.n);
}

/* ---- tensors ---- */

static bool read_shape(struct gguf_reader *r, struct gguf_tensor_entry *entry)
{
    struct gguf_tensor *tensor = &entry->tensor;
    uint32_t n_dims, type;
    if (!take_number(r, &n_dims, sizeof n_dims))
        return false;
    if (n_dims > GGUF_MAX_DIMS)
        return BAD(r, "tensor %s has %u dimensions, more than %d", tensor->name, n_dims, GGUF_MAX_DIMS);
    if (!take_number(r, tensor->dims, n_dims * sizeof *tensor->dims) || !take_number(r, &type, sizeof type) ||
        !take_number(r, &entry->offset, sizeof entry->offset))
        return false;
    tensor->n_dims = n_dims;
    tensor->type = quant_type_by_id(type);
    const char *other = quant_other_name(type);
    if (!tensor->type && other)
        return BAD(r, "tensor %s is of type %s, which hone does not read", tensor->name, other);
    if (!tensor->type)
        return BAD(r, "tensor %s has the type of number %u, which GGUF does not have", tensor->name, type);
    const char *problem = gguf_tensor_measure(tensor);
    if (problem)
        return BAD(r, "tensor %s (%s) has %s", tensor->name, tensor->type->name, problem);
    if (gguf_find_tensor(r->g, tensor->name))
        return BAD(r, "tensor %s is there twice", tensor->name);
    return true;
}

static bool read_tensor(struct gguf_reader *r)
{
    struct hone_text name;
    if (!take_text(r, &name))
        return false;
    if (!gguf_name_ok(name, GGUF_MAX_NAME))
        return BAD(r, "the name of tensor %zu is empty, too long or has control characters", r->g->tensors.n);
    struct gguf_tensor_entry *entry = calloc(1, sizeof *entry + name.size + 1);
    if (!entry)
        return no_memory(r, "a tensor's name", sizeof *entry + name.size + 1);
    memcpy(entry->name, name.data, name.size);
    entry->tensor.name = entry->name;
    entry->i = r->g->tensors.n;
    if (!read_shape(r, entry)) {
        free(entry);
        return false;
    }
    return name_list_add(&r->g->tensors, entry) || no_memory(r, "the list of tensors", r->g->tensors.n);
}

static int compare_offsets(const void *a, const void *b)
{
    const struct gguf_tensor_entry *x = *(void *const *)a, *y = *(void *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* After every tensor was found to lie inside the file, so that offset + size cannot overflow. */
static bool check_overlap(struct gguf_reader *r)
{
    size_t n = r->g->tensors.n;
    struct gguf_tensor_entry **sorted = malloc((n + 1) * sizeof *sorted);
    if (!sorted)
        return no_memory(r, "the list of tensors", n * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = r->g->tensors.items[i];
    qsort(sorted, n, sizeof *sorted, compare_offsets);
    bool ok = true;
    for (size_t i = 1; i < n && ok; i++)
        if (sorted[i]->offset < sorted[i - 1]->offset + sorted[i - 1]->tensor.size)
            ok = BAD(r, "the data of tensors %s and %s overlap", sorted[i - 1]->name, sorted[i]->name);
    free(sorted);
    return ok;
}

static bool place_tensors(struct gguf_reader *r)
{
    size_t alignment;
    r->status = gguf_alignment(r->g, &alignment, r->err);
    if (r->status)
        return false;
    size_t padding = -r->pos & (alignment - 1), room = r->size - r->pos;
    /* A file without tensors may end with the metadata. */
    room -= padding < room ? padding : room;
    for (size_t i = 0; i < r->g->tensors.n; i++) {
        struct gguf_tensor_entry *entry = r->g->tensors.items[i];
        if (entry->offset & (alignment - 1))
            return BAD(r, "the data of tensor %s is at offset %llu, not a multiple of %zu", entry->name,
                       (unsigned long long)entry->offset, alignment);
        if (entry->offset > room || entry->tensor.size > room - entry->offset)
            return BAD(r, "damaged or cut short: tensor %s has %llu bytes at offset %llu of %zu", entry->name,
                       (unsigned long long)entry->tensor.size, (unsigned long long)entry->offset, room);
        entry->tensor.data = r->data + (r->size - room) + entry->offset;
    }
    return check_overlap(r);
}

/* ---- the file ---- */

static bool read_header(struct gguf_reader *r, uint64_t *n_tensors, uint64_t *n_keys)
{
    uint32_t magic, version;
    if (r->size < sizeof magic || !take_number(r, &magic, sizeof magic) || magic != GGUF_MAGIC)
        return BAD(r, "not a GGUF file");
    if (!take_number(r, &version, sizeof version))
        return false;
    if (version != 2 && version != GGUF_VERSION) /* version 2 has the same layout */
        return BAD(r, "GGUF version %u%s, expected 2 or 3", version, version & 0xffff ? "" : " (big-endian)");
    return take_number(r, n_tensors, sizeof *n_tensors) && take_number(r, n_keys, sizeof *n_keys);
}

static bool read_all(struct gguf_reader *r)
{
    uint64_t n_tensors, n_keys;
    r->part = "the header";
    if (!read_header(r, &n_tensors, &n_keys))
        return false;
    r->part = "the metadata";
    for (uint64_t i = 0; i < n_keys; i++)
        if (!read_entry(r))
            return false;
    r->part = "the list of tensors";
    for (uint64_t i = 0; i < n_tensors; i++)
        if (!read_tensor(r))
            return false;
    return place_tensors(r);
}

/* Reads what can be read. *out is what that is, after a failure too: NULL where nothing is. */
static enum hone_status read_file(struct gguf **out, const char *path, struct hone_error *err)
{
    *out = NULL;
    void *map;
    size_t size;
    struct file_identity identity;
    enum hone_status status = map_file_as(path, false, &map, &size, &identity, err);
    if (status)
        return status;
    struct gguf *g = gguf_new(path);
    if (!g || !gguf_own_mapping(g, map, size)) {
        unmap_file(map, size);
        gguf_close(&g);
        return hone_no_memory(err, path, sizeof *g);
    }
    struct gguf_reader r = {.g = g, .err = err, .data = map, .size = size};
    g->files = calloc(1, sizeof *g->files);
    char *name = strdup(path);
    if (!g->files || !name) {
        free(name);
        gguf_close(&g);
        return hone_no_memory(err, path, sizeof *g);
    }
    g->files[g->n_files++] = (struct gguf_file){name, identity};
    if (read_all(&r))
        r.status = gguf_check_whole(g, err);
    *out = g;
    return r.status;
}

enum hone_status gguf_read(struct gguf **out, const char *path, struct hone_error *err)
{
    enum hone_status status = read_file(out, path, err);
    if (status)
        gguf_close(out);
    return status;
}

struct gguf *gguf_read_damaged(const char *path)
{
    struct gguf *g;
    struct hone_error err;
    read_file(&g, path, &err);
    if (g && gguf_n_keys(g) == 0) /* another kind of file, or its first bytes alone */
        gguf_close(&g);
    return g;
}
