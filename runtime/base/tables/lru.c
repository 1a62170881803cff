#include "runtime/base/tables/lru.h"

static void leave_order(struct lru *lru, struct lru_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &lru->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &lru->oldest) = entry->newer;
}

static void enter_order(struct lru *lru, struct lru_entry *entry)
{
    entry->newer = NULL;
    entry->older = lru->newest;
    *(lru->newest ? &lru->newest->newer : &lru->oldest) = entry;
    lru->newest = entry;
}

struct lru_entry *lru_find(const struct lru *lru, uint64_t hash, const void *key)
{
    return (struct lru_entry *)hash_table_find(&lru->table, hash, lru->same, key);
}

void lru_use(struct lru *lru, struct lru_entry *entry)
{
    leave_order(lru, entry);
    enter_order(lru, entry);
}

static bool is_full(const struct lru *lru)
{
    return lru->n_bytes > lru->max_bytes || (lru->max_entries > 0 && lru_count(lru) > lru->max_entries);
}

bool lru_add(struct lru *lru, struct lru_entry *entry, uint64_t hash, size_t bytes)
{
    if (bytes > lru->max_bytes || !hash_table_add(&lru->table, &entry->node, hash))
        return false;
    entry->bytes = bytes;
    enter_order(lru, entry);
    lru->n_bytes += bytes;
    for (; is_full(lru); lru->n_evicted++) /* never the new one: it fits alone */
        lru_remove(lru, lru->oldest);
    return true;
}

bool lru_resize(struct lru *lru, struct lru_entry *entry, size_t bytes)
{
    if (bytes > lru->max_bytes)
        return false;
    lru->n_bytes += bytes - entry->bytes;
    entry->bytes = bytes;
    lru_use(lru, entry);
    for (; is_full(lru); lru->n_evicted++) /* never this one: it fits alone */
        lru_remove(lru, lru->oldest);
    return true;
}

void lru_remove(struct lru *lru, struct lru_entry *entry)
{
    hash_table_remove(&lru->table, &entry->node);
    leave_order(lru, entry);
    lru->n_bytes -= entry->bytes;
    lru->release(entry);
}

void lru_clear(struct lru *lru)
{
    while (lru->oldest)
        lru_remove(lru, lru->oldest);
    hash_table_clear(&lru->table);
}
