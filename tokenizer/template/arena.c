#include "tokenizer/template/arena.h"

#include <stdlib.h>
#include <string.h>

/* What most templates need for a conversation; what is larger than a quarter of it gets a block of its own. */
enum { BLOCK_SIZE = 16 << 10 };

struct arena_block {
    struct arena_block *next;
    size_t used, capacity;
    max_align_t data[];
};

static struct arena_block *add_block(struct arena *a, size_t size)
{
    size_t capacity = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
    if (a->failed || capacity > a->limit - a->total)
        return NULL;
    struct arena_block *block = malloc(sizeof *block + capacity);
    a->no_memory |= !block;
    if (!block)
        return NULL;
    block->used = 0;
    block->capacity = capacity;
    a->total += capacity;
    /* A block for one large piece goes behind the one that is being filled. */
    if (a->blocks && capacity != BLOCK_SIZE) {
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block;
}

void *jinja_arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t bytes, align = _Alignof(max_align_t);
    struct arena_block *block = a->blocks;
    if (a->failed || __builtin_mul_overflow(n, size, &bytes) || bytes > a->limit)
        goto error;
    bytes = (bytes + align - 1) / align * align;
    if (!block || bytes > block->capacity - block->used)
        block = add_block(a, bytes);
    if (!block)
        goto error;
    void *data = (char *)block->data + block->used;
    block->used += bytes;
    return data;
error:
    a->failed = true;
    return NULL;
}

char *jinja_arena_copy(struct arena *a, const char *data, size_t size)
{
    char *copy = jinja_arena_alloc(a, size + 1, 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

void jinja_arena_release(struct arena *a)
{
    for (struct arena_block *block = a->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    a->blocks = NULL;
    a->total = 0;
}
