/* Mappings whose pages may vanish, and what is read there then: zeros, and a mark. For files.c alone. */
#ifndef RUNTIME_BASE_LOST_PAGES_H
#define RUNTIME_BASE_LOST_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Watches a mapping of the whole file from now on; the first call installs the handler of SIGBUS. fd becomes its own.
 * False: out of memory, and fd stays the caller's. */
bool lost_pages_watch(const void *map, size_t size, int fd);

/* Before it is unmapped, by whoever is the last that reads it. */
void lost_pages_forget(const void *map);

/* Whether a page of the mapping that begins there was lost, or the file is shorter now. Thread-safe. */
bool lost_pages_in(const void *map);

/* The mapping that begins there is as if a page of it were lost. Thread-safe. */
void lost_pages_mark(const void *map);

/* Whether a page was lost in any mapping since the process began. */
bool lost_pages_any(void);

#endif
