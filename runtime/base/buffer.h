/* Growable memory for text and numbers.
 *
 * An append that cannot get memory marks the buffer as failed and does nothing, as do all later ones: whoever fills a
 * buffer checks `failed` once, at the end. Zero-initialise; not thread-safe. */
#ifndef RUNTIME_BASE_BUFFER_H
#define RUNTIME_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes: text, however it grows on its way, stays below. */
#define BUFFER_MAX ((size_t)1 << 31)

struct buffer {
    char *data;
    size_t size, capacity;   /* bytes */
    size_t most;             /* that it may grow to; 0: BUFFER_MAX */
    bool failed, full;       /* full: it failed since it would have grown beyond `most` */
    struct origins *origins; /* of what is in it (origins.h), which are not its own; or NULL */
};

/* Room for `more` bytes behind size; false: no memory. */
bool buffer_grow(struct buffer *b, size_t more);
void buffer_release(struct buffer *b);

static inline bool buffer_reserve(struct buffer *b, size_t more)
{
    return (b->data && more <= b->capacity - b->size && !b->failed) || buffer_grow(b, more);
}

static inline void buffer_append(struct buffer *b, const void *data, size_t size)
{
    if (!buffer_reserve(b, size))
        return;
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void buffer_byte(struct buffer *b, char c)
{
    if (buffer_reserve(b, 1))
        b->data[b->size++] = c;
}

/* One code point in UTF-8. */
void buffer_point(struct buffer *b, uint32_t point);

static inline void buffer_clear(struct buffer *b)
{
    b->size = 0;
    b->failed = b->full = false;
}

#endif
