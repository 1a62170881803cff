#include "server/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

static _Thread_local void *aside;
static _Thread_local bool ran_out;

static void *allocate(size_t size)
{
    void *p = malloc(size);
    if (!p && aside) {
        free(aside);
        aside = NULL;
        p = malloc(size);
    }
    ran_out |= !p;
    return p;
}

void json_memory_init(void)
{
    json_set_alloc_funcs(allocate, free);
}

void json_memory_watch(void)
{
    ran_out = false;
}

bool json_memory_ran_out(void)
{
    return ran_out;
}

bool json_memory_begin(size_t bytes)
{
    ran_out = false;
    aside = malloc(bytes);
    return aside;
}

bool json_memory_end(void)
{
    free(aside);
    aside = NULL;
    return !ran_out;
}
