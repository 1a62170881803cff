#include "runtime/base/tables/name_list.h"
#include "runtime/base/hash.h"

#include <stdlib.h>
#include <string.h>

/* Items are of many types, whose first member is their name and not a node: so each gets one. */
struct named {
    struct hash_node node;
    void *item;
};

static bool same_name(const struct hash_node *node, const void *name)
{
    return strcmp(*(const char *const *)((const struct named *)node)->item, name) == 0;
}

void *name_list_find(const struct name_list *list, const char *name)
{
    const struct named *found = (const struct named *)hash_table_find(
        &list->by_name, hash_bytes(name, strlen(name)), same_name, name);
    return found ? found->item : NULL;
}

static bool add_name(struct name_list *list, void *item)
{
    const char *name = *(const char *const *)item;
    uint64_t hash = hash_bytes(name, strlen(name));
    if (hash_table_find(&list->by_name, hash, same_name, name))
        return false;
    struct named *named = malloc(sizeof *named);
    if (!named)
        return false;
    named->item = item;
    if (!hash_table_add(&list->by_name, &named->node, hash)) {
        free(named);
        return false;
    }
    return true;
}

bool name_list_add(struct name_list *list, void *item)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        void **items = reallocarray(list->items, capacity, sizeof *items);
        if (!items)
            goto error;
        list->items = items;
        list->capacity = capacity;
    }
    if (!add_name(list, item))
        goto error;
    list->items[list->n++] = item;
    return true;
error:
    free(item);
    return false;
}

void name_list_clear(struct name_list *list)
{
    for (size_t i = 0; i < list->by_name.n_slots; i++)
        for (struct hash_node *node = list->by_name.slots[i], *next; node; node = next) {
            next = node->next;
            free(node);
        }
    hash_table_clear(&list->by_name);
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct name_list){0};
}
