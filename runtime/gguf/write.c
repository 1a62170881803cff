#include "runtime/base/files.h"
#include "runtime/gguf/impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The functions below return false where the file cannot take more, and errno says why, or where `status` is set. */
struct gguf_writer {
    FILE *file;
    uint64_t pos;
    size_t alignment;
    const struct gguf *g;
    const struct gguf_encoder *encoder; /* or NULL */
    struct gguf_tensor *targets; /* the tensors as the file shall have them: of other types and sizes */
    enum hone_status status;
    struct hone_error *err;
};

static bool put(struct gguf_writer *w, const void *data, size_t size)
{
    w->pos += size;
    return size == 0 || fwrite(data, 1, size, w->file) == size;
}

static bool put_u32(struct gguf_writer *w, uint32_t x)
{
    return put(w, &x, sizeof x);
}

static bool put_u64(struct gguf_writer *w, uint64_t x)
{
    return put(w, &x, sizeof x);
}

static bool put_text(struct gguf_writer *w, struct hone_text text)
{
    return put_u64(w, text.size) && put(w, text.data, text.size);
}

static bool put_string(struct gguf_writer *w, const char *s)
{
    return put_text(w, (struct hone_text){s, strlen(s)});
}

static uint64_t align_up(const struct gguf_writer *w, uint64_t pos)
{
    return (pos + w->alignment - 1) & ~(uint64_t)(w->alignment - 1);
}

static bool put_padding(struct gguf_writer *w)
{
    static const char zeros[4096];
    uint64_t n = align_up(w, w->pos) - w->pos;
    for (; n > sizeof zeros; n -= sizeof zeros)
        if (!put(w, zeros, sizeof zeros))
            return false;
    return put(w, zeros, n);
}

static bool put_entry(struct gguf_writer *w, const char *key, const struct gguf_value *value)
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

static bool put_tensor_info(struct gguf_writer *w, const struct gguf_tensor *tensor, uint64_t offset)
{
    return put_string(w, tensor->name) && put_u32(w, tensor->n_dims) &&
           put(w, tensor->dims, tensor->n_dims * sizeof *tensor->dims) && put_u32(w, tensor->type->id) &&
           put_u64(w, offset);
}

static bool put_encoded(void *file, const void *data, size_t size)
{
    return put(file, data, size);
}

static bool put_data(struct gguf_writer *w)
{
    for (size_t i = 0; i < w->g->tensors.n; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(w->g, i), *target = &w->targets[i];
        const uint64_t end = w->pos + target->size;
        if (w->encoder)
            w->status = w->encoder->encode(t, target, put_encoded, w, w->encoder->arg, w->err);
        else
            put(w, t->data, t->size);
        if (w->status || w->pos != end || ferror(w->file) || !put_padding(w))
            return false;
    }
    return true;
}

static bool put_all(struct gguf_writer *w)
{
    const struct gguf *g = w->g;
    if (!put_u32(w, GGUF_MAGIC) || !put_u32(w, GGUF_VERSION) || !put_u64(w, g->tensors.n) ||
        !put_u64(w, g->entries.n))
        return false;
    for (size_t i = 0; i < g->entries.n; i++)
        if (!put_entry(w, gguf_key(g, i), gguf_value_at(g, i)))
            return false;
    uint64_t offset = 0;
    for (size_t i = 0; i < g->tensors.n; i++) {
        if (!put_tensor_info(w, &w->targets[i], offset))
            return false;
        offset = align_up(w, offset + w->targets[i].size);
    }
    return put_padding(w) && put_data(w);
}

static enum hone_status choose_types(struct gguf_writer *w)
{
    const struct gguf_encoder *e = w->encoder;
    for (size_t i = 0; i < w->g->tensors.n; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(w->g, i);
        struct gguf_tensor *target = &w->targets[i];
        const struct quant_type *to = e ? e->type_of(t, e->arg) : NULL;
        *target = *t;
        target->type = to ? to : t->type;
        const char *problem = gguf_tensor_measure(target);
        if (problem)
            return hone_fail(w->err, HONE_USAGE, "%s: tensor %s cannot be written as %s: it has %s",
                             w->g->path, t->name, target->type->name, problem);
    }
    return HONE_OK;
}

static enum hone_status write_file(struct gguf_writer *w, const char *path)
{
    struct new_file file;
    enum hone_status status = new_file_open(&file, path, w->err);
    if (status)
        return status;
    w->file = file.stream;
    int error = put_all(w) ? 0 : errno ? errno : EIO;
    if (!w->status)
        w->status = gguf_check_whole(w->g, w->err);
    if (!w->status && error == EFAULT) /* a write of tensor data that the mapped file has no more */
        w->status =
            hone_fail(w->err, HONE_FAILED, "%s: the file was shortened while it was read", w->g->path);
    status = new_file_close(&file, w->status ? ECANCELED : error, w->status ? NULL : w->err);
    return w->status ? w->status : status;
}

enum hone_status gguf_write(const struct gguf *g, const char *path, const struct gguf_encoder *encoder,
                            struct hone_error *err)
{
    struct gguf_writer w = {.g = g, .encoder = encoder, .err = err};
    enum hone_status status = gguf_alignment(g, &w.alignment, err);
    if (!status && !(w.targets = calloc(g->tensors.n + 1, sizeof *w.targets)))
        status = hone_no_memory(err, "writing a model", g->tensors.n * sizeof *w.targets);
    if (!status)
        status = choose_types(&w);
    if (!status)
        status = write_file(&w, path);
    free(w.targets);
    return status;
}
