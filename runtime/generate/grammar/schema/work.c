#include "runtime/generate/grammar/schema/work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE  ((size_t)64 << 10)
#define LOOK_EVERY  20000u /* steps between two looks at who waits: some tenths of a millisecond */
#define NO_ONE_LEFT "the schema's grammar was given up: nobody waits for it"

struct schema_chunk {
    struct schema_chunk *next;
    size_t used, size;
    max_align_t data[];
};

void schema_work_init(struct schema_work *w, const struct schema_waiting *waiting, struct hone_error *err)
{
    *w = (struct schema_work){.max_memory = SCHEMA_MAX_MEMORY,
                              .max_steps = SCHEMA_MAX_STEPS,
                              .next_look = LOOK_EVERY,
                              .waiting = waiting,
                              .err = err};
}

void schema_work_release(struct schema_work *w)
{
    while (w->chunks) {
        struct schema_chunk *next = w->chunks->next;
        free(w->chunks);
        w->chunks = next;
    }
}

bool schema_fail(struct schema_work *w, const char *format, ...)
{
    char what[512];
    va_list args;
    if (w->failed)
        return false;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    w->failed = true;
    w->status = hone_fail(w->err, HONE_USAGE, "JSON schema%s", what);
    return false;
}

/* ---- memory ---- */

static struct schema_chunk *add_chunk(struct schema_work *w, size_t size)
{
    size_t wanted = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;
    if (size > w->max_memory || w->memory + wanted > w->max_memory) {
        schema_fail(w, ": its grammar takes more than %zu MB to be worked out", w->max_memory >> 20);
        return NULL;
    }
    struct schema_chunk *c = calloc(1, sizeof *c + wanted);
    if (!c) {
        if (!w->failed)
            w->status = hone_no_memory(w->err, "a schema's grammar", wanted);
        w->failed = true;
        return NULL;
    }
    c->size = wanted;
    w->memory += wanted;
    if (w->chunks && wanted > CHUNK_SIZE) { /* full already: the one that has room stays the first */
        c->next = w->chunks->next;
        w->chunks->next = c;
    } else {
        c->next = w->chunks;
        w->chunks = c;
    }
    return c;
}

void *schema_alloc(struct schema_work *w, size_t n, size_t size)
{
    size_t wanted;
    if (w->failed)
        return NULL;
    if (__builtin_mul_overflow(n, size, &wanted) || wanted > w->max_memory)
        wanted = w->max_memory + 1;
    wanted = (wanted + sizeof(max_align_t)) / sizeof(max_align_t) * sizeof(max_align_t);
    struct schema_chunk *c = w->chunks;
    if (!c || c->size - c->used < wanted)
        c = add_chunk(w, wanted);
    if (!c)
        return NULL;
    void *data = (char *)c->data + c->used;
    c->used += wanted;
    return data;
}

bool schema_room(struct schema_work *w, void *array, size_t *capacity, size_t n, size_t item_size)
{
    void **items = array;
    if (n < *capacity)
        return !w->failed;
    size_t wanted = 2 * n + 16;
    void *grown = schema_alloc(w, wanted, item_size);
    if (!grown)
        return false;
    if (*capacity > 0)
        memcpy(grown, *items, *capacity * item_size);
    *items = grown;
    *capacity = wanted;
    return true;
}

char *schema_copy_text(struct schema_work *w, const char *text, size_t size)
{
    char *copy = schema_alloc(w, size + 1, 1);
    if (copy && size > 0)
        memcpy(copy, text, size);
    return copy;
}

/* ---- steps ---- */

bool schema_pay(struct schema_work *w, uint64_t n)
{
    if (w->failed)
        return false;
    w->steps += n;
    if (w->steps > w->max_steps)
        return schema_fail(w, ": its grammar takes more than %llu steps to be worked out",
                           (unsigned long long)w->max_steps);
    if (w->steps < w->next_look)
        return true;
    w->next_look = w->steps + LOOK_EVERY;
    if (!w->waiting || !w->waiting->is_over(w->waiting->arg))
        return true;
    w->failed = true;
    w->status = hone_fail(w->err, HONE_CANCELLED, NO_ONE_LEFT);
    return false;
}
