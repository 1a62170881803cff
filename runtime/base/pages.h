/* Large blocks of memory in large pages where the system gives them: fewer faults at start, fewer misses later. */
#ifndef RUNTIME_BASE_PAGES_H
#define RUNTIME_BASE_PAGES_H

#include <stddef.h>

/* Zeroed, at least 64-byte aligned. NULL: out of memory, or size is 0. */
void *pages_alloc(size_t size);
/* size as it was given to pages_alloc. NULL is allowed. */
void pages_free(void *pages, size_t size);

#endif
