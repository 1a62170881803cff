/* Entries found by key, of which those used longest ago go when there is no room: what every cache in memory is made of.
 * An entry is a struct lru_entry as the first member of the caller's own struct. Not thread-safe: the caller has a lock,
 * as it must hold it for longer than one call (to copy what it found, or to count a holder). */
#ifndef RUNTIME_BASE_TABLES_LRU_H
#define RUNTIME_BASE_TABLES_LRU_H

#include "runtime/base/tables/hash_table.h"

struct lru_entry {
    struct hash_node node; /* first, so that a node is its entry */
    struct lru_entry *newer, *older;
    size_t bytes;
};

struct lru {
    /* By the caller, before the first call; all others are zero then. */
    size_t max_bytes, max_entries; /* max_entries 0: any number */
    hash_same_key *same;
    void (*release)(struct lru_entry *entry); /* one that left; not in the list any more */

    struct hash_table table;
    struct lru_entry *newest, *oldest;
    size_t n_bytes;
    uint64_t n_evicted; /* for want of room, since the start */
};

/* NULL: not there. What is found counts as used only by lru_use, so that one which is too old can be removed instead. */
struct lru_entry *lru_find(const struct lru *lru, uint64_t hash, const void *key);
void lru_use(struct lru *lru, struct lru_entry *entry);

/* As the one used last; `bytes` is what it counts for. Others are released to make room. False: it would not fit an empty
 * list, or there is no memory: then it is still the caller's. Its key must not be there yet. */
bool lru_add(struct lru *lru, struct lru_entry *entry, uint64_t hash, size_t bytes);
/* It counts for so many bytes now, and as used last; others are released to make room. False: these would not fit an empty
 * list, and all is as it was. */
bool lru_resize(struct lru *lru, struct lru_entry *entry, size_t bytes);
void lru_remove(struct lru *lru, struct lru_entry *entry); /* and releases it */
void lru_clear(struct lru *lru);                           /* releases all */

static inline size_t lru_count(const struct lru *lru)
{
    return lru->table.n;
}

#endif
