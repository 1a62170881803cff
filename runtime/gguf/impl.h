/* Inside struct gguf, for gguf.c, read.c and write.c alone. */
#ifndef RUNTIME_GGUF_IMPL_H
#define RUNTIME_GGUF_IMPL_H

#include "runtime/base/files.h"
#include "runtime/base/tables/name_list.h"
#include "runtime/gguf/gguf.h"

#define GGUF_MAGIC   0x46554747u /* "GGUF" */
#define GGUF_VERSION 3u

/* Items of name lists, each one block. */
struct gguf_entry {
    const char *key;
    struct gguf_value value;
    struct hone_text strings[]; /* then the key, then what value.data points to where it was copied */
};

struct gguf_tensor_entry {
    struct gguf_tensor tensor;
    size_t i;        /* in the list */
    uint64_t offset; /* in a file's data section, while it is read */
    char name[];
};

struct gguf_owned {
    void *p;
    size_t map_size; /* 0: from malloc */
};

struct gguf {
    char *path;
    struct name_list entries, tensors;
    struct gguf_owned *owned;
    size_t n_owned;
    struct gguf_file *files;
    size_t n_files;
    const struct gguf *within; /* which tensors' data lies in the mappings of; NULL: its own */
    bool borrowed;             /* keys, tensors and files are those of `within`, too */
};

/* An entry with room for n_strings strings and `extra` bytes, which *rest points to (may be NULL). value is zero but
 * for its strings. NULL: out of memory. */
struct gguf_entry *gguf_entry_new(struct hone_text key, size_t n_strings, size_t extra, char **rest);

/* read.c: one file alone. */
enum hone_status gguf_read(struct gguf **out, const char *path, struct hone_error *err);

/* Whether a key or tensor name has 1 to max bytes and no control characters. */
bool gguf_name_ok(struct hone_text name, size_t max);

/* Fills tensor->size from type and dims. NULL, or what is wrong with them. */
const char *gguf_tensor_measure(struct gguf_tensor *tensor);

/* general.alignment, or 32. */
enum hone_status gguf_alignment(const struct gguf *g, size_t *out, struct hone_error *err);

#endif
