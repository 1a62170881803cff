#include "runtime/base/name_list.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void *name_list_find(const struct name_list *list, const char *name)
{
    void *const *node = tfind(&name, &list->tree, compare_names);
    return node ? *node : NULL;
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
    void **node = tsearch(item, &list->tree, compare_names);
    if (!node || *node != item)
        goto error;
    list->items[list->n++] = item;
    return true;
error:
    free(item);
    return false;
}

static void leave_item(void *item)
{
    (void)item; /* the items array owns it */
}

void name_list_clear(struct name_list *list)
{
    tdestroy(list->tree, leave_item);
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct name_list){0};
}
