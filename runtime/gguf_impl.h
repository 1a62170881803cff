/* Inside struct gguf, for gguf.c, gguf_read.c, gguf_build.c and gguf_write.c alone. */
#ifndef RUNTIME_GGUF_IMPL_H
#define RUNTIME_GGUF_IMPL_H

#include "runtime/gguf.h"

#define GGUF_MAGIC   0x46554747u /* "GGUF" */
#define GGUF_VERSION 3u

/* Items in the order they were added, and a balanced tree of them by name: hostile names cannot make it slow. Each
 * item is one block from malloc whose first member is a `const char *` name. */
struct gguf_list {
    void **items;
    size_t n, capacity;
    void *tree;
};

struct gguf_entry {
    const char *key;
    struct gguf_value value;
    struct hone_text strings[]; /* then the key, then what value.data points to where it was copied */
};

struct gguf_tensor_entry {
    struct gguf_tensor tensor;
    uint64_t offset; /* in a file's data section, while it is read */
    char name[];
};

struct gguf_owned {
    void *p;
    size_t map_size; /* 0: from malloc */
};

struct gguf {
    char *path;
    struct gguf_list entries, tensors;
    struct gguf_owned *owned;
    size_t n_owned;
};

/* Takes item over. false: out of memory, or there is one of its name; the item is freed then. */
bool gguf_list_add(struct gguf_list *list, void *item);
void *gguf_list_find(const struct gguf_list *list, const char *name);

/* An entry with room for n_strings strings and `extra` bytes, which *rest points to (may be NULL). value is zero but
 * for its strings. NULL: out of memory. */
struct gguf_entry *gguf_entry_new(struct hone_text key, size_t n_strings, size_t extra, char **rest);

/* Bytes of one element; 0 for strings, arrays and unknown types. */
size_t gguf_type_size(enum gguf_type type);

/* Whether a key or tensor name has 1 to max bytes and no control characters. */
bool gguf_name_ok(struct hone_text name, size_t max);

/* Fills tensor->size from type and dims. NULL, or what is wrong with them. */
const char *gguf_tensor_measure(struct gguf_tensor *tensor);

/* general.alignment, or 32. */
enum hone_status gguf_alignment(const struct gguf *g, size_t *out, struct hone_error *err);

#endif
