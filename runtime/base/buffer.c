#include "runtime/base/buffer.h"

#include "runtime/base/utf8.h"

#include <stdlib.h>

bool buffer_grow(struct buffer *b, size_t more)
{
    size_t need, capacity = b->capacity < 256 ? 256 : b->capacity;
    if (b->failed)
        goto error;
    b->full = __builtin_add_overflow(b->size, more, &need) || need > (b->most ? b->most : BUFFER_MAX);
    if (b->full)
        goto error;
    while (capacity < need)
        capacity += capacity / 2;
    char *data = realloc(b->data, capacity);
    if (!data)
        goto error;
    b->data = data;
    b->capacity = capacity;
    return true;
error:
    b->failed = true;
    return false;
}

void buffer_release(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}

void buffer_point(struct buffer *b, uint32_t point)
{
    if (buffer_reserve(b, 4))
        b->size += utf8_encode(point, b->data + b->size);
}
