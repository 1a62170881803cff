/* Items in the order they were added, found by name. The names are hashed under a secret: hostile ones cannot make it slow. */
#ifndef RUNTIME_BASE_TABLES_NAME_LIST_H
#define RUNTIME_BASE_TABLES_NAME_LIST_H

#include "runtime/base/tables/hash_table.h"

/* All zero: empty. Each item is one block from malloc whose first member is its `const char *` name. */
struct name_list {
    void **items;
    size_t n, capacity;
    struct hash_table by_name;
};

/* Takes item over. false: out of memory, or there is one of its name; the item is freed then. */
bool name_list_add(struct name_list *list, void *item);
/* NULL: not there. */
void *name_list_find(const struct name_list *list, const char *name);
/* Frees the items too and leaves an empty list. */
void name_list_clear(struct name_list *list);

#endif
