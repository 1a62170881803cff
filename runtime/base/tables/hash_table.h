/* A hash table of things that hold their own node (no memory but the slots): chained, twice as large whenever it is full.
 * Not thread-safe. Where strangers choose the keys, the hash must be one under a secret (hash.h): the table cannot
 * know that all of them were made to fall into one slot. */
#ifndef RUNTIME_BASE_TABLES_HASH_TABLE_H
#define RUNTIME_BASE_TABLES_HASH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Inside of what is kept; the table writes it. */
struct hash_node {
    struct hash_node *next; /* of the same slot */
    uint64_t hash;
};

/* All zero: empty. */
struct hash_table {
    struct hash_node **slots; /* a power of two of them */
    size_t n_slots, n;
};

/* Whether the key is that of the node; asked only where the hashes are the same. */
typedef bool hash_same_key(const struct hash_node *node, const void *key);

/* NULL: not there. */
struct hash_node *hash_table_find(const struct hash_table *table, uint64_t hash, hash_same_key *same,
                                  const void *key);
/* What was added before under an equal key stays, too: ask first. False: out of memory, and nothing was added. */
bool hash_table_add(struct hash_table *table, struct hash_node *node, uint64_t hash);
/* The node must be in the table. */
void hash_table_remove(struct hash_table *table, struct hash_node *node);
/* Leaves an empty table; what the nodes are in is the caller's. */
void hash_table_clear(struct hash_table *table);

#endif
