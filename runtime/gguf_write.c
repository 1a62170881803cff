#include "runtime/gguf_impl.h"
#include "runtime/new_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Elements converted at a time: whole blocks of every type. */
enum { CHUNK_LEN = 1 << 15 };

/* The functions below return false where the file cannot take more; errno says why. */
struct writer {
    FILE *file;
    uint64_t pos;
    size_t alignment;
};

static bool put(struct writer *w, const void *data, size_t size)
{
    w->pos += size;
    return size == 0 || fwrite(data, 1, size, w->file) == size;
}

static bool put_u32(struct writer *w, uint32_t x)
{
    return put(w, &x, sizeof x);
}

static bool put_u64(struct writer *w, uint64_t x)
{
    return put(w, &x, sizeof x);
}

static bool put_text(struct writer *w, struct hone_text text)
{
    return put_u64(w, text.size) && put(w, text.data, text.size);
}

static bool put_string(struct writer *w, const char *s)
{
    return put_text(w, (struct hone_text){s, strlen(s)});
}

static uint64_t align_up(const struct writer *w, uint64_t pos)
{
    return (pos + w->alignment - 1) & ~(uint64_t)(w->alignment - 1);
}

static bool put_padding(struct writer *w)
{
    static const char zeros[4096];
    uint64_t n = align_up(w, w->pos) - w->pos;
    for (; n > sizeof zeros; n -= sizeof zeros)
        if (!put(w, zeros, sizeof zeros))
            return false;
    return put(w, zeros, n);
}

static bool put_entry(struct writer *w, const char *key, const struct gguf_value *value)
{
    if (!put_string(w, key))
        return false;
    if (value->is_array && !put_u32(w, GGUF_ARRAY))
        return false;
    if (!put_u32(w, value->type))
        return false;
    if (value->is_array && !put_u64(w, value->n))
        return false;
    if (value->type != GGUF_STRING)
        return put(w, value->data, value->n * gguf_type_size(value->type));
    for (size_t i = 0; i < value->n; i++)
        if (!put_text(w, value->strings[i]))
            return false;
    return true;
}

static bool put_tensor_info(struct writer *w, const struct gguf_tensor *tensor, uint64_t offset)
{
    return put_string(w, tensor->name) && put_u32(w, tensor->n_dims) &&
           put(w, tensor->dims, tensor->n_dims * sizeof *tensor->dims) && put_u32(w, tensor->type->id) &&
           put_u64(w, offset);
}

/* `target` is tensor as the file shall have it. */
static bool put_converted(struct writer *w, const struct gguf_tensor *tensor,
                          const struct gguf_tensor *target, float *floats, void *blocks)
{
    const struct quant_type *from = tensor->type, *to = target->type;
    const char *src = tensor->data;
    uint64_t n = tensor->size / from->block_size * from->block_len;
    while (n) {
        size_t len = n < CHUNK_LEN ? n : CHUNK_LEN;
        from->dequantize(floats, src, len);
        to->quantize(blocks, floats, len);
        if (!put(w, blocks, len / to->block_len * to->block_size))
            return false;
        src += len / from->block_len * from->block_size;
        n -= len;
    }
    return true;
}

static bool put_data(struct writer *w, const struct gguf *g, const struct gguf_tensor *targets, float *floats,
                     void *blocks)
{
    for (size_t i = 0; i < g->tensors.n; i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(g, i);
        bool ok = targets[i].type == tensor->type ? put(w, tensor->data, tensor->size)
                                                  : put_converted(w, tensor, &targets[i], floats, blocks);
        if (!ok || !put_padding(w))
            return false;
    }
    return true;
}

static bool put_all(struct writer *w, const struct gguf *g, const struct gguf_tensor *targets, float *floats,
                    void *blocks)
{
    if (!put_u32(w, GGUF_MAGIC) || !put_u32(w, GGUF_VERSION) || !put_u64(w, g->tensors.n) ||
        !put_u64(w, g->entries.n))
        return false;
    for (size_t i = 0; i < g->entries.n; i++)
        if (!put_entry(w, gguf_key(g, i), gguf_value_at(g, i)))
            return false;
    uint64_t offset = 0;
    for (size_t i = 0; i < g->tensors.n; i++) {
        if (!put_tensor_info(w, &targets[i], offset))
            return false;
        offset = align_up(w, offset + targets[i].size);
    }
    return put_padding(w) && put_data(w, g, targets, floats, blocks);
}

/* What the file's tensors shall be: targets[i] is tensor i with another type and size. */
static enum hone_status choose_types(const struct gguf *g, struct gguf_tensor *targets, gguf_type_of type_of,
                                     void *arg, struct hone_error *err)
{
    for (size_t i = 0; i < g->tensors.n; i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(g, i);
        targets[i] = *tensor;
        const struct quant_type *from = tensor->type, *to = type_of ? type_of(tensor, arg) : from;
        if (to)
            targets[i].type = to;
        if (to && to != from && (!to->quantize || !from->dequantize))
            return hone_fail(err, HONE_USAGE, "%s: tensor %s cannot be converted from %s to %s", g->path,
                             tensor->name, from->name, to->name);
        const char *problem = gguf_tensor_measure(&targets[i]);
        if (problem)
            return hone_fail(err, HONE_USAGE, "%s: tensor %s cannot be written as %s: it has %s", g->path,
                             tensor->name, targets[i].type->name, problem);
    }
    return HONE_OK;
}

static enum hone_status write_file(struct writer *w, const struct gguf *g, const char *path,
                                   const struct gguf_tensor *targets, float *floats, void *blocks,
                                   struct hone_error *err)
{
    struct new_file file;
    enum hone_status status = new_file_open(&file, path, err);
    if (status)
        return status;
    w->file = file.stream;
    return new_file_close(&file, put_all(w, g, targets, floats, blocks) ? 0 : errno, err);
}

enum hone_status gguf_write(const struct gguf *g, const char *path, gguf_type_of type_of, void *arg,
                            struct hone_error *err)
{
    struct writer w = {0};
    enum hone_status status = gguf_alignment(g, &w.alignment, err);
    if (status)
        return status;
    struct gguf_tensor *targets = calloc(g->tensors.n + 1, sizeof *targets);
    float *floats = malloc(CHUNK_LEN * sizeof *floats), *blocks = malloc(CHUNK_LEN * sizeof *blocks);
    if (!targets || !floats || !blocks) {
        status = hone_no_memory(err, "writing a model", CHUNK_LEN * sizeof *floats);
        goto done;
    }
    status = choose_types(g, targets, type_of, arg, err);
    if (!status)
        status = write_file(&w, g, path, targets, floats, blocks, err);
done:
    free(blocks);
    free(floats);
    free(targets);
    return status;
}
