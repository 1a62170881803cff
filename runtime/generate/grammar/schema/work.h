/* What one translation of a schema may use, and what it has used: memory, steps, and the time of who waits for it.
 *
 * All that a translation makes lives here and goes at once, at its end. Schemas are hostile: sizes multiply in them
 * (combinations of branches, states of patterns), so every loop over what a schema can multiply pays for its turns. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_WORK_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_WORK_H

#include "runtime/generate/grammar/schema.h"

struct schema_chunk;

struct schema_work {
    struct schema_chunk *chunks; /* the first is the one that is being filled */
    size_t memory;               /* of all chunks */
    size_t max_memory;
    uint64_t steps, max_steps, next_look;
    const struct schema_waiting *waiting; /* or NULL */
    bool failed;                          /* err has a sentence, and everything fails from now on */
    enum hone_status status;
    struct hone_error *err;
};

void schema_work_init(struct schema_work *w, const struct schema_waiting *waiting, struct hone_error *err);
void schema_work_release(struct schema_work *w);

/* Zeroed, aligned for anything; NULL: it is too much, and w has failed. */
void *schema_alloc(struct schema_work *w, size_t n, size_t size);
/* Room for the item n of an array of *capacity items: *array may move. */
bool schema_room(struct schema_work *w, void *array, size_t *capacity, size_t n, size_t item_size);
/* A copy with a NUL behind it. */
char *schema_copy_text(struct schema_work *w, const char *text, size_t size);

/* Pays for n steps. false: they are too many, or nobody waits any more. */
bool schema_pay(struct schema_work *w, uint64_t n);

/* Leaves the first sentence; false. */
bool schema_fail(struct schema_work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
