/* What a text must look like, compiled: kept, so that the next text that must look the same finds it.
 *
 * The last ones are kept for the whole process, at most COMPILED_MOST of them and COMPILED_MEMORY; they are found by all of
 * their source, compared and not only hashed. Matchers that texts are done with are kept beside their grammars: what they
 * worked out, masks above all, costs the next text nothing. Thread-safe. */
#ifndef RUNTIME_GENERATE_COMPILED_H
#define RUNTIME_GENERATE_COMPILED_H

#include "runtime/base/tables/lru.h"
#include "runtime/generate/grammar/schema.h"

#include <hone/generate.h>

/* As many sources as applications that share a server; what else comes is compiled anew. Most take some KB, a large schema
 * many MB, which is why their bytes are bounded, too. Masks of 300 tokens of a large vocabulary take 5 MB. */
#define COMPILED_MOST        64
#define COMPILED_MEMORY      ((size_t)128 << 20)
#define COMPILED_MATCHERS    4 /* of one grammar that wait: for texts that are written at once */
#define COMPILED_PER_MATCHER ((size_t)16 << 20) /* one that takes more is not kept */

struct compiled {
    struct lru_entry lru; /* first; the cache's own, as are those below */
    char *source;
    bool is_schema;
    size_t n_holders;
    bool is_kept; /* in the cache */
    struct matcher
        *matchers[COMPILED_MATCHERS]; /* that nobody uses; NULL: none. At the beginning of a text each */

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

/* A matcher for c->grammar and this vocabulary, at the beginning of a text: one that was given back, or a new one. c must be
 * held until it is given back, wherever the text has come to then (NULL is allowed). */
enum hone_status compiled_take_matcher(struct compiled *c, const struct token_trie *t, struct matcher **out,
                                       struct hone_error *err);
void compiled_give_matcher(struct compiled *c, struct matcher *m);

#endif
