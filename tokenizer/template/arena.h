/* Memory that is given back all at once, with a bound.
 *
 * A request that does not fit the bound, or that the system cannot serve, marks the arena as failed and gives NULL, as
 * do all later ones. Zero-initialise but for `limit`; not thread-safe. */
#ifndef TOKENIZER_TEMPLATE_ARENA_H
#define TOKENIZER_TEMPLATE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t total, limit; /* bytes asked of the system */
    bool failed;
    bool no_memory; /* the system had none: another time it may go well */
};

/* Uninitialised, aligned for any type; n * size bytes. NULL on failure. */
void *jinja_arena_alloc(struct arena *a, size_t n, size_t size);
/* A copy of size bytes and a NUL. */
char *jinja_arena_copy(struct arena *a, const char *data, size_t size);
void jinja_arena_release(struct arena *a);

#endif
