/* Memory that nobody may touch now, in builds with AddressSanitizer (MODE=asan); elsewhere nothing. The compiler's own
 * checks end at the borders of allocations, and here one allocation holds the buffers of a forward pass, the blocks of a
 * KV cache or all matrices of a model. */
#ifndef RUNTIME_BASE_POISON_H
#define RUNTIME_BASE_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

#define POISON_ZONE ((size_t)64) /* bytes between two buffers that lie side by side */

static inline void poison(const void *data, size_t size)
{
    ASAN_POISON_MEMORY_REGION(data, size);
}
static inline void unpoison(const void *data, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(data, size);
}
#else
#define POISON_ZONE ((size_t)0)

static inline void poison(const void *data, size_t size)
{
    (void)data, (void)size;
}
static inline void unpoison(const void *data, size_t size)
{
    (void)data, (void)size;
}
#endif

#endif
