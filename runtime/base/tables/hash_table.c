#include "runtime/base/tables/hash_table.h"

#include <stdlib.h>

/* Half a kilobyte: small tables stay cheap, and large ones are made anew six times less. */
#define FIRST_SLOTS 64

static struct hash_node **slot_of(const struct hash_table *table, uint64_t hash)
{
    return &table->slots[hash & (table->n_slots - 1)];
}

/* Without memory the slots stay as they are, and chains get longer. */
static void grow(struct hash_table *table)
{
    struct hash_table larger = {.n_slots = table->n_slots ? 2 * table->n_slots : FIRST_SLOTS, .n = table->n};
    larger.slots = calloc(larger.n_slots, sizeof(struct hash_node *));
    if (!larger.slots)
        return;
    for (size_t i = 0; i < table->n_slots; i++)
        for (struct hash_node *node = table->slots[i], *next; node; node = next) {
            struct hash_node **slot = slot_of(&larger, node->hash);
            next = node->next;
            node->next = *slot;
            *slot = node;
        }
    free(table->slots);
    *table = larger;
}

struct hash_node *hash_table_find(const struct hash_table *table, uint64_t hash, hash_same_key *same,
                                  const void *key)
{
    struct hash_node *node = table->n_slots ? *slot_of(table, hash) : NULL;
    while (node && (node->hash != hash || !same(node, key)))
        node = node->next;
    return node;
}

bool hash_table_add(struct hash_table *table, struct hash_node *node, uint64_t hash)
{
    if (table->n >= table->n_slots)
        grow(table);
    if (!table->slots)
        return false;
    struct hash_node **slot = slot_of(table, hash);
    *node = (struct hash_node){*slot, hash};
    *slot = node;
    table->n++;
    return true;
}

void hash_table_remove(struct hash_table *table, struct hash_node *node)
{
    struct hash_node **place = slot_of(table, node->hash);
    while (*place != node)
        place = &(*place)->next;
    *place = node->next;
    table->n--;
}

void hash_table_clear(struct hash_table *table)
{
    free(table->slots);
    *table = (struct hash_table){0};
}
