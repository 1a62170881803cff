/* Models in several files: NAME-00001-of-00003.gguf has the metadata, each has some of the tensors. They become one. */
#include "runtime/base/files.h"
#include "runtime/base/text.h"
#include "runtime/gguf/impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARTS 9999 /* "-00001-of-09999.gguf"; as many files are open at once */

static const char key_no[] = "split.no", key_count[] = "split.count", key_tensors[] = "split.tensors.count";

struct gguf_parts {
    const char *path;    /* of any of them */
    size_t name_size;    /* of it, what all have in common before the number */
    size_t n, n_tensors; /* of all */
    struct hone_error *err;
};

static char *part_path(const struct gguf_parts *p, size_t i)
{
    char *path;
    return asprintf(&path, "%.*s-%05zu-of-%05zu.gguf", (int)p->name_size, p->path, i + 1, p->n) < 0 ? NULL
                                                                                                    : path;
}

/* Whether the path is what files of a model in n parts are called; then *i is its number. */
static bool find_name(struct gguf_parts *p, size_t *i)
{
    char end[32];
    size_t size = strlen(p->path), end_size = strlen("-00001-of-00001.gguf");
    if (size <= end_size)
        return false;
    p->name_size = size - end_size;
    *i = strtoul(p->path + p->name_size + 1, NULL, 10) - 1;
    snprintf(end, sizeof end, "-%05zu-of-%05zu.gguf", *i + 1, p->n);
    return *i < p->n && strcmp(end, p->path + p->name_size) == 0;
}

/* Whether it says of itself that it is part i of them. */
static enum hone_status check_part(const struct gguf_parts *p, const struct gguf *g, size_t i)
{
    size_t no = SIZE_MAX, n = 0, n_tensors = 0;
    enum hone_status status = gguf_get_size(g, key_no, MAX_PARTS, &no, p->err);
    if (status == HONE_OK)
        status = gguf_get_size(g, key_count, MAX_PARTS, &n, p->err);
    if (status == HONE_OK)
        status = gguf_get_size(g, key_tensors, INT32_MAX, &n_tensors, p->err);
    if (status != HONE_OK)
        return status;
    if (no != i || n != p->n)
        return hone_fail(p->err, HONE_BAD_MODEL,
                         "%s: the file says that it is part %zu of %zu, expected part %zu of %zu", g->path,
                         no + 1, n, i + 1, p->n);
    return n_tensors == p->n_tensors
               ? HONE_OK
               : hone_fail(p->err, HONE_BAD_MODEL,
                           "%s: the file is of a model of %zu tensors, the first part of one of %zu: they do "
                           "not belong together",
                           g->path, n_tensors, p->n_tensors);
}

/* What the parts say of the model is what the first does. */
static enum hone_status check_same(const struct gguf_parts *p, const struct gguf *first, const struct gguf *g)
{
    static const char *const keys[] = {"general.architecture", "general.name", "general.uuid"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct gguf_value *a = gguf_find(first, keys[i]), *b = gguf_find(g, keys[i]);
        bool texts = a && b && a->type == GGUF_STRING && b->type == GGUF_STRING && a->n == 1 && b->n == 1;
        if (texts && !text_equal(a->strings[0], b->strings[0]))
            return hone_fail(p->err, HONE_BAD_MODEL,
                             "%s: '%s' is not that of %s: they do not belong together", g->path, keys[i],
                             first->path);
    }
    return HONE_OK;
}

/* ---- taking over ---- */

static enum hone_status take_entries(const struct gguf_parts *p, struct gguf *to, struct gguf *from)
{
    for (size_t i = 0; i < from->entries.n; i++) {
        void *entry = from->entries.items[i];
        const char *key = gguf_key(from, i);
        if (strcmp(key, key_no) == 0 || strcmp(key, key_count) == 0 || strcmp(key, key_tensors) == 0)
            continue;
        from->entries.items[i] = NULL;
        if (!name_list_add(&to->entries, entry))
            return hone_no_memory(p->err, "the list of keys", i);
    }
    return HONE_OK;
}

static enum hone_status take_tensors(const struct gguf_parts *p, struct gguf *to, struct gguf *from)
{
    for (size_t i = 0; i < from->tensors.n; i++) {
        struct gguf_tensor_entry *entry = from->tensors.items[i];
        if (gguf_find_tensor(to, entry->name))
            return hone_fail(p->err, HONE_BAD_MODEL, "%s: the tensor %s is in an earlier part, too",
                             from->path, entry->name);
        from->tensors.items[i] = NULL;
        entry->i = to->tensors.n;
        if (!name_list_add(&to->tensors, entry))
            return hone_no_memory(p->err, "the list of tensors", i);
    }
    return HONE_OK;
}

/* The mapping, and which file it is of. */
static enum hone_status take_file(const struct gguf_parts *p, struct gguf *to, struct gguf *from)
{
    struct gguf_file *files = reallocarray(to->files, to->n_files + 1, sizeof *files);
    if (files)
        to->files = files;
    if (!files || !gguf_own_mapping(to, from->owned[0].p, from->owned[0].map_size))
        return hone_no_memory(p->err, from->path, sizeof *files);
    from->n_owned = 0;
    files[to->n_files++] = (struct gguf_file){from->path, from->files[0].identity};
    from->path = NULL; /* `files` has it */
    return HONE_OK;
}

/* Part i, all of which `to` takes over. */
static enum hone_status take_part(const struct gguf_parts *p, struct gguf *to, size_t i)
{
    struct gguf *from = NULL;
    char *path = part_path(p, i);
    enum hone_status status =
        path ? gguf_read(&from, path, p->err) : hone_no_memory(p->err, p->path, strlen(p->path));
    if (status == HONE_OK)
        status = check_part(p, from, i);
    if (status == HONE_OK)
        status = i == 0 ? take_entries(p, to, from) : check_same(p, to, from);
    if (status == HONE_OK)
        status = take_tensors(p, to, from);
    if (status == HONE_OK)
        status = take_file(p, to, from);
    gguf_close(&from);
    free(path);
    return status;
}

/* ---- all of them ---- */

static enum hone_status join(const struct gguf_parts *p, struct gguf **out)
{
    struct gguf *g = gguf_new(p->path);
    enum hone_status status = g ? HONE_OK : hone_no_memory(p->err, p->path, sizeof *g);
    for (size_t i = 0; i < p->n && status == HONE_OK; i++)
        status = take_part(p, g, i);
    if (status == HONE_OK && g->tensors.n != p->n_tensors)
        status =
            hone_fail(p->err, HONE_BAD_MODEL, "%s: the %zu parts have %zu tensors together, expected %zu",
                      p->path, p->n, g->tensors.n, p->n_tensors);
    if (status != HONE_OK)
        gguf_close(&g);
    *out = g;
    return status;
}

enum hone_status gguf_open(struct gguf **out, const char *path, struct hone_error *err)
{
    size_t i = 0;
    struct gguf_parts p = {.path = path, .n = 1, .err = err};
    enum hone_status status = gguf_read(out, path, err);
    if (status == HONE_OK)
        status = gguf_get_size(*out, key_count, MAX_PARTS, &p.n, err);
    if (status == HONE_OK)
        status = gguf_get_size(*out, key_tensors, INT32_MAX, &p.n_tensors, err);
    bool several = status == HONE_OK && p.n > 1;
    if (several && !find_name(&p, &i))
        status =
            hone_fail(err, HONE_BAD_MODEL,
                      "%s: one of %zu parts of a model, which should be called NAME-00001-of-%05zu.gguf and "
                      "so on, in one folder",
                      path, p.n, p.n);
    if (several || status != HONE_OK)
        gguf_close(out);
    return several && status == HONE_OK ? join(&p, out) : status;
}
