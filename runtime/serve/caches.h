/* What a scheduler keeps of earlier requests: token ids, and rows of results, which may be in Redis, too. Any thread may
 * call at any time. */
#ifndef RUNTIME_SERVE_CACHES_H
#define RUNTIME_SERVE_CACHES_H

#include "runtime/base/clock.h"
#include "runtime/infer/tasks.h"
#include "runtime/serve/cache/redis.h"
#include "runtime/serve/cache/shared_key.h"

#include <stdatomic.h>

struct caches {
    const struct clock *clock;           /* of the age of what is kept */
    struct cache *caches[HONE_N_CACHES]; /* NULL: off */
    struct redis *redis;                 /* or NULL */
    struct shared_key model;             /* what it computes; all 0 without Redis, since there is just one */
    struct remote_counts {
        _Atomic uint64_t n_hits, n_misses;
    } remote[HONE_N_CACHES];
};

/* After a failure too, caches_release. */
enum hone_status caches_init(struct caches *c, const struct hone_model *model,
                             const struct hone_scheduler_options *options, const struct clock *clock,
                             struct hone_error *err);
void caches_release(struct caches *c);

/* One text, pair or list of ids, and how its ids are made. */
struct cached_input {
    const struct inputs *in;
    struct hone_text first, second;
    bool are_ids;
    uint64_t partition; /* who may find it again */
};

/* Of what is computed of an input. */
struct row_key {
    struct cache_key here;
    struct shared_key shared; /* in Redis; all 0 without it */
};

struct cache_key caches_token_key(const struct cached_input *input);
struct row_key caches_row_key(const struct caches *c, const struct request *request,
                              const struct cached_input *input);

/* All that results depend on: everything in the model's file, and how it is computed. False: out of memory. */
bool caches_digest_model(struct shared_key *out, const struct hone_model *model);

/* The run's arrays are one block, to be freed by its ids. */
bool caches_get_tokens(struct caches *c, struct cache_key key, struct token_run *run);
void caches_put_tokens(struct caches *c, struct cache_key key, const struct token_run *run);

/* A row with what is told of its text. */
struct cached_row {
    struct row_key key;
    float *row; /* where it goes */
    size_t width;
    uint32_t n_tokens;
    bool truncated;
    bool found;
};
/* Looks for n of them. */
void caches_get_rows(struct caches *c, enum hone_cache which, struct cached_row *rows, size_t n);
/* Looks in memory alone for one that was not found before: it may have been computed meanwhile. Not counted. */
void caches_get_row_again(struct caches *c, enum hone_cache which, struct cached_row *row);
void caches_put_row(struct caches *c, enum hone_cache which, const struct cached_row *row);

bool caches_keep_rows(const struct caches *c, enum hone_cache which);
void caches_stats(struct caches *c, struct hone_cache_stats out[HONE_N_CACHES]);

#endif
