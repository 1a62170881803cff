/* Names in a row, for sentences. */
#ifndef RUNTIME_TOOLS_BENCH_NAMES_H
#define RUNTIME_TOOLS_BENCH_NAMES_H

#include <stdio.h>
#include <string.h>

/* "a, b, c"; what does not fit is cut. */
static inline void names_append(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

#endif
