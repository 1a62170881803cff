#include "runtime/load/import/safetensors.h"

#include "runtime/base/files.h"
#include "runtime/base/json.h"
#include "runtime/base/tables/name_list.h"
#include "runtime/load/import/torch_file.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The format's own bound, for an index too. */
#define MAX_HEADER ((size_t)100 << 20)
#define MAX_SHARDS 4096 /* files of a folder, each of which stays mapped; the largest models have some 200 */
#define MAX_NAME   1024 /* bytes, of a tensor */

struct shard {
    const char *name; /* of the file in the folder */
    char *data;
    size_t size;
    size_t data_start; /* where tensor offsets count from */
    char text[];
};

struct safetensors_entry {
    struct safetensor tensor;
    const struct shard *shard;
    size_t i;
    char text[]; /* name, dtype */
};

struct safetensors {
    struct name_list shards, tensors;
    char dir[];
};

#define BAD(s, shard_name, format, ...)                                                                      \
    hone_fail(err, HONE_BAD_MODEL, "%s/%s: " format, (s)->dir, shard_name, ##__VA_ARGS__)

static enum hone_status parse_json(const struct safetensors *s, const char *name, const char *data,
                                   size_t size, json_t **out, struct hone_error *err)
{
    json_error_t error;
    *out = json_read(data, size, JSON_REJECT_DUPLICATES, &error);
    if (!*out && json_had_no_memory(&error))
        return hone_no_memory(err, name, size);
    if (!*out)
        return BAD(s, name, "not valid JSON at byte %d: %s", error.position, error.text);
    if (json_is_object(*out))
        return HONE_OK;
    json_decref(*out);
    *out = NULL;
    return BAD(s, name, "not a JSON object");
}

/* ---- one tensor ---- */

static bool read_dims(struct safetensor *tensor, const json_t *shape)
{
    size_t n = json_array_size(shape);
    if (!json_is_array(shape) || n > SAFETENSORS_MAX_DIMS)
        return false;
    tensor->n_dims = (unsigned)n;
    for (size_t i = 0; i < SAFETENSORS_MAX_DIMS; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (i < n && (!json_is_integer(dim) || json_integer_value(dim) < 0))
            return false;
        tensor->dims[i] = i < n ? (uint64_t)json_integer_value(dim) : 1;
    }
    return true;
}

/* Where in the shard's data section the tensor lies. */
static bool read_offsets(struct safetensor *tensor, const json_t *offsets, const struct shard *shard)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return false;
    json_int_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || (uint64_t)to > shard->size - shard->data_start)
        return false;
    tensor->data = shard->data + shard->data_start + from;
    tensor->size = (uint64_t)(to - from);
    return true;
}

static const struct quant_type *type_of_dtype(const char *dtype)
{
    static const struct {
        const char *dtype;
        uint32_t id;
    } types[] = {{"F32", QUANT_F32}, {"F16", QUANT_F16}, {"BF16", QUANT_BF16}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].dtype, dtype))
            return quant_type_by_id(types[i].id);
    return NULL;
}

static bool size_matches(const struct safetensor *tensor)
{
    uint64_t size = tensor->type->block_size;
    for (unsigned i = 0; i < tensor->n_dims; i++)
        if (__builtin_mul_overflow(size, tensor->dims[i], &size))
            return false;
    return size == tensor->size;
}

/* What wrappers of a model in training put before its tensors' names. */
static const char *bare_name(const char *name)
{
    static const char *const wrappers[] = {"_orig_mod.", "module."};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers;)
        if (strncmp(name, wrappers[i], strlen(wrappers[i])) == 0) {
            name += strlen(wrappers[i]);
            i = 0;
        } else {
            i++;
        }
    return name;
}

/* An entry without a shape yet; NULL: no memory. */
static struct safetensors_entry *new_entry(const struct safetensors *s, const struct shard *shard,
                                           const char *name, const char *dtype)
{
    size_t name_size = strlen(name) + 1, dtype_size = strlen(dtype) + 1;
    struct safetensors_entry *entry = calloc(1, sizeof *entry + name_size + dtype_size);
    if (!entry)
        return NULL;
    memcpy(entry->text, name, name_size);
    memcpy(entry->text + name_size, dtype, dtype_size);
    entry->shard = shard;
    entry->i = s->tensors.n;
    entry->tensor.name = entry->text;
    entry->tensor.dtype = entry->text + name_size;
    entry->tensor.type = type_of_dtype(dtype);
    return entry;
}

/* Takes the entry over, in any case. */
static enum hone_status keep_entry(struct safetensors *s, struct safetensors_entry *entry,
                                   struct hone_error *err)
{
    const struct safetensor *tensor = &entry->tensor;
    enum hone_status status = HONE_OK;
    if (tensor->type && !size_matches(tensor))
        status = BAD(s, entry->shard->name, "tensor %s: %llu bytes are not what its shape needs as %s",
                     tensor->name, (unsigned long long)tensor->size, tensor->dtype);
    else if (safetensors_find(s, tensor->name))
        status = BAD(s, entry->shard->name, "tensor %s is in two files, or twice in one", tensor->name);
    if (status) {
        free(entry);
        return status;
    }
    return name_list_add(&s->tensors, entry) ? HONE_OK
                                             : hone_no_memory(err, "the list of tensors", s->tensors.n);
}

static enum hone_status add_tensor(struct safetensors *s, const struct shard *shard, const char *name,
                                   const json_t *info, struct hone_error *err)
{
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    if (!dtype)
        return BAD(s, shard->name, "tensor %s has no dtype", name);
    struct safetensors_entry *entry = new_entry(s, shard, bare_name(name), dtype);
    if (!entry)
        return hone_no_memory(err, "a tensor's name", strlen(name));
    enum hone_status status = HONE_OK;
    if (!read_dims(&entry->tensor, json_object_get(info, "shape")))
        status = BAD(s, shard->name, "tensor %s: the shape is not a list of at most %d sizes", name,
                     SAFETENSORS_MAX_DIMS);
    else if (!read_offsets(&entry->tensor, json_object_get(info, "data_offsets"), shard))
        status =
            BAD(s, shard->name, "tensor %s: the data_offsets do not lie in the file, which has %zu bytes",
                name, shard->size);
    if (status) {
        free(entry);
        return status;
    }
    return keep_entry(s, entry, err);
}

/* ---- what torch.save wrote ---- */

struct torch_shard {
    struct safetensors *s;
    const struct shard *shard;
};

static enum hone_status add_torch(void *arg, const struct pickle_tensor *t, const void *data, uint64_t size,
                                  struct hone_error *err)
{
    const struct torch_shard *from = arg;
    char name[MAX_NAME];
    if (t->name.size == 0 || t->name.size >= sizeof name || memchr(t->name.data, 0, t->name.size))
        return BAD(from->s, from->shard->name, "a tensor's name has %zu bytes, or a NUL", t->name.size);
    memcpy(name, t->name.data, t->name.size);
    name[t->name.size] = 0;
    struct safetensors_entry *entry = new_entry(from->s, from->shard, bare_name(name), t->dtype);
    if (!entry)
        return hone_no_memory(err, "a tensor's name", t->name.size);
    entry->tensor.n_dims = t->n_dims;
    for (unsigned i = 0; i < SAFETENSORS_MAX_DIMS; i++)
        entry->tensor.dims[i] = i < t->n_dims ? t->dims[i] : 1;
    entry->tensor.size = size;
    entry->tensor.data = data;
    return keep_entry(from->s, entry, err);
}

static enum hone_status read_torch(struct safetensors *s, const struct shard *shard, struct hone_error *err)
{
    char *path;
    if (asprintf(&path, "%s/%s", s->dir, shard->name) < 0)
        return hone_no_memory(err, "a file's name", strlen(shard->name));
    struct torch_shard to = {s, shard};
    enum hone_status status = torch_file_read(shard->data, shard->size, path, add_torch, &to, err);
    free(path);
    return status;
}

/* ---- one file ---- */

static int compare_data(const void *a, const void *b)
{
    const struct safetensor *x = *(void *const *)a, *y = *(void *const *)b;
    return (x->data > y->data) - (x->data < y->data);
}

/* Of the tensors from number `first` on, which are one file's. */
static enum hone_status check_overlap(const struct safetensors *s, const char *shard_name, size_t first,
                                      struct hone_error *err)
{
    size_t n = s->tensors.n - first;
    const struct safetensor **sorted = malloc((n + 1) * sizeof *sorted);
    if (!sorted)
        return hone_no_memory(err, "the list of tensors", n * sizeof *sorted);
    size_t n_sorted = 0;
    for (size_t i = 0; i < n; i++) {
        const struct safetensor *tensor = safetensors_at(s, first + i);
        if (tensor->size)
            sorted[n_sorted++] = tensor;
    }
    qsort(sorted, n_sorted, sizeof *sorted, compare_data);
    enum hone_status status = HONE_OK;
    for (size_t i = 1; i < n_sorted && !status; i++)
        if ((const char *)sorted[i]->data < (const char *)sorted[i - 1]->data + sorted[i - 1]->size)
            status = BAD(s, shard_name, "the data of tensors %s and %s overlap", sorted[i - 1]->name,
                         sorted[i]->name);
    free(sorted);
    return status;
}

static enum hone_status read_header(struct safetensors *s, struct shard *shard, struct hone_error *err)
{
    uint64_t header_size;
    if (shard->size < sizeof header_size)
        return BAD(s, shard->name, "cut short: %zu bytes", shard->size);
    memcpy(&header_size, shard->data, sizeof header_size);
    if (header_size > MAX_HEADER || header_size > shard->size - sizeof header_size)
        return BAD(s, shard->name,
                   "damaged or cut short: the header claims %llu of %zu bytes (at most %zu are read)",
                   (unsigned long long)header_size, shard->size, MAX_HEADER);
    shard->data_start = sizeof header_size + (size_t)header_size;
    json_t *header, *info;
    enum hone_status status =
        parse_json(s, shard->name, shard->data + sizeof header_size, (size_t)header_size, &header, err);
    if (status)
        return status;
    size_t first = s->tensors.n;
    const char *name;
    json_object_foreach (header, name, info) {
        if (strcmp(name, "__metadata__") != 0 && !status)
            status = add_tensor(s, shard, name, info, err);
    }
    json_decref(header);
    return status ? status : check_overlap(s, shard->name, first, err);
}

/* Maps dir/name. */
static enum hone_status map_in(const struct safetensors *s, const char *name, char **data, size_t *size,
                               struct hone_error *err)
{
    char *path;
    void *map = NULL;
    if (asprintf(&path, "%s/%s", s->dir, name) < 0)
        return hone_no_memory(err, "a file's name", strlen(name));
    enum hone_status status = map_file(path, &map, size, err);
    free(path);
    *data = map;
    return status;
}

static enum hone_status add_shard(struct safetensors *s, const char *name, struct hone_error *err)
{
    /* A name, and no path: the index must not lead out of the folder. */
    if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the index names the file '%s', expected a name without a folder", s->dir, name);
    if (s->shards.n == MAX_SHARDS)
        return hone_fail(err, HONE_BAD_MODEL, "%s: more than %d files", s->dir, MAX_SHARDS);
    size_t name_size = strlen(name) + 1;
    struct shard *shard = calloc(1, sizeof *shard + name_size);
    if (!shard)
        return hone_no_memory(err, "a file's name", name_size);
    memcpy(shard->text, name, name_size);
    shard->name = shard->text;
    enum hone_status status = map_in(s, name, &shard->data, &shard->size, err);
    if (status) {
        free(shard);
        return status;
    }
    char *data = shard->data;
    size_t size = shard->size;
    if (!name_list_add(&s->shards, shard)) { /* which frees it */
        unmap_file(data, size);
        return hone_no_memory(err, "the list of files", sizeof *shard);
    }
    size_t n = strlen(name);
    bool torch = n > 4 && (strcmp(name + n - 4, ".bin") == 0 || strcmp(name + n - 3, ".pt") == 0);
    return torch ? read_torch(s, shard, err) : read_header(s, shard, err);
}

/* ---- the index ---- */

static enum hone_status check_placed(const struct safetensors *s, const char *name, const char *shard_name,
                                     struct hone_error *err)
{
    const struct safetensors_entry *entry = name_list_find(&s->tensors, bare_name(name));
    if (entry && !strcmp(entry->shard->name, shard_name))
        return HONE_OK;
    return BAD(s, shard_name, "tensor %s is not in this file, as the index says it is", name);
}

static enum hone_status add_shards(struct safetensors *s, const json_t *index, const char *index_name,
                                   struct hone_error *err)
{
    json_t *map = json_object_get(index, "weight_map"), *file;
    const char *name;
    if (json_object_size(map) == 0)
        return BAD(s, index_name, "no weight_map");
    json_object_foreach (map, name, file) {
        const char *shard_name = json_string_value(file);
        if (!shard_name)
            return BAD(s, index_name, "the file of tensor %s is not a string", name);
        if (name_list_find(&s->shards, shard_name))
            continue;
        enum hone_status status = add_shard(s, shard_name, err);
        if (status)
            return status;
    }
    json_object_foreach (map, name, file) {
        enum hone_status status = check_placed(s, name, json_string_value(file), err);
        if (status)
            return status;
    }
    return HONE_OK;
}

static enum hone_status read_index(struct safetensors *s, const char *name, struct hone_error *err)
{
    char *data = NULL;
    size_t size = 0;
    json_t *index = NULL;
    enum hone_status status = map_in(s, name, &data, &size, err);
    if (status)
        return status;
    if (size > MAX_HEADER)
        status = BAD(s, name, "%zu bytes, at most %zu are read", size, MAX_HEADER);
    else
        status = parse_json(s, name, data ? data : "", size, &index, err);
    if (!status)
        status = add_shards(s, index, name, err);
    json_decref(index);
    unmap_file(data, size);
    return status;
}

/* ---- the folder ---- */

static bool is_there(const struct safetensors *s, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", s->dir, name);
    return n > 0 && n < (int)sizeof path && access(path, F_OK) == 0;
}

enum hone_status safetensors_open_file(struct safetensors **out, const char *dir, const char *name,
                                       struct hone_error *err)
{
    const size_t dir_size = strlen(dir) + 1;
    struct safetensors *s = *out = calloc(1, sizeof *s + dir_size);
    if (!s)
        return hone_no_memory(err, dir, sizeof *s);
    memcpy(s->dir, dir, dir_size);
    enum hone_status status = name ? add_shard(s, name, err) : HONE_OK;
    if (status != HONE_OK)
        safetensors_close(out);
    return status;
}

enum hone_status safetensors_open(struct safetensors **out, const char *dir, struct hone_error *err)
{
    static const char single[] = "model.safetensors", index[] = "model.safetensors.index.json",
                      torch[] = "pytorch_model.bin", torch_index[] = "pytorch_model.bin.index.json";
    *out = NULL;
    size_t dir_size = strlen(dir) + 1;
    struct safetensors *s = calloc(1, sizeof *s + dir_size);
    if (!s)
        return hone_no_memory(err, dir, sizeof *s);
    memcpy(s->dir, dir, dir_size);
    enum hone_status status;
    if (is_there(s, single))
        status = add_shard(s, single, err);
    else if (is_there(s, index))
        status = read_index(s, index, err);
    else if (is_there(s, torch))
        status = add_shard(s, torch, err);
    else if (is_there(s, torch_index))
        status = read_index(s, torch_index, err);
    else
        status = hone_fail(err, HONE_BAD_MODEL, "%s: there is none of %s, %s, %s and %s", dir, single, index,
                           torch, torch_index);
    if (status)
        safetensors_close(&s);
    *out = s;
    return status;
}

void safetensors_close(struct safetensors **s_ptr)
{
    struct safetensors *s = s_ptr ? *s_ptr : NULL;
    if (!s)
        return;
    *s_ptr = NULL;
    for (size_t i = 0; i < s->shards.n; i++) {
        struct shard *shard = s->shards.items[i];
        unmap_file(shard->data, shard->size);
    }
    name_list_clear(&s->tensors);
    name_list_clear(&s->shards);
    free(s);
}

size_t safetensors_n(const struct safetensors *s)
{
    return s->tensors.n;
}

const struct safetensor *safetensors_at(const struct safetensors *s, size_t i)
{
    return s->tensors.items[i];
}

size_t safetensors_index(const struct safetensors *s, const struct safetensor *tensor)
{
    const struct safetensors_entry *entry = name_list_find(&s->tensors, tensor->name);
    return entry->i;
}

const struct safetensor *safetensors_find(const struct safetensors *s, const char *name)
{
    return name_list_find(&s->tensors, name);
}

uint64_t safetensor_n_elements(const struct safetensor *t)
{
    uint64_t n = 1;
    for (unsigned i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(n, t->dims[i], &n))
            return UINT64_MAX;
    return n;
}

const struct safetensor *safetensors_take_part(struct safetensors *s, const char *name)
{
    struct safetensors_entry *entry = name_list_find(&s->tensors, name);
    if (entry)
        entry->tensor.is_part = true;
    return entry ? &entry->tensor : NULL;
}

enum hone_status safetensors_put(struct safetensors *s, const struct safetensor *made, struct hone_error *err)
{
    struct safetensors_entry *entry = name_list_find(&s->tensors, made->name);
    const bool is_new = !entry;
    if (is_new)
        entry = new_entry(s, NULL, made->name, made->dtype);
    if (!entry)
        return hone_no_memory(err, "a tensor's name", strlen(made->name));
    const char *name = entry->tensor.name;
    entry->tensor = *made;
    entry->tensor.name = name;
    if (is_new && !name_list_add(&s->tensors, entry))
        return hone_no_memory(err, "the list of tensors", s->tensors.n);
    return HONE_OK;
}

bool safetensors_give_mappings(struct safetensors *s, struct gguf *g)
{
    for (size_t i = 0; i < s->shards.n; i++) {
        struct shard *shard = s->shards.items[i];
        if (shard->data && !gguf_own_mapping(g, shard->data, shard->size))
            return false;
        shard->data = NULL;
    }
    return true;
}
