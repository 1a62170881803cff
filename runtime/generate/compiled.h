/* What a text must look like, compiled: kept, so that the next text that must look the same finds it.
 *
 * The last ones are kept for the whole process, at most COMPILED_MOST of them and COMPILED_MEMORY; they are found by all of
 * their source, compared and not only hashed. Thread-safe. */
#ifndef RUNTIME_GENERATE_COMPILED_H
#define RUNTIME_GENERATE_COMPILED_H

#include "runtime/base/tables/lru.h"
#include "runtime/generate/grammar/schema.h"

#include <hone/generate.h>

/* As many sources as applications that share a server; what else comes is compiled anew. Most take some KB, a large schema
 * many MB, which is why their bytes are bounded, too. */
#define COMPILED_MOST   64
#define COMPILED_MEMORY ((size_t)64 << 20)

struct compiled {
    struct lru_entry lru; /* first; the cache's own, as are those below */
    char *source;
    bool is_schema;
    size_t n_holders;

    struct grammar *grammar;
    char *notes; /* what of a schema says nothing; NULL: nothing (schema.h) */
};

/* Of g->grammar or g->json_schema; *out is NULL where there is neither. HONE_USAGE: both, or it cannot be compiled;
 * HONE_CANCELLED: nobody waits (waiting may be NULL). Compiling takes up to some tenths of a second: not where others
 * wait for the thread or for a lock that it holds. To be given back with compiled_release. */
enum hone_status compiled_of(struct compiled **out, const struct hone_generation *g,
                             const struct schema_waiting *waiting, struct hone_error *err);
void compiled_hold(struct compiled *c);    /* once more */
void compiled_release(struct compiled *c); /* NULL is allowed */

#endif
