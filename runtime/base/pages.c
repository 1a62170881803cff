#include "runtime/base/pages.h"
#include "runtime/base/sizes.h"

#include "runtime/base/poison.h"

#include <stdint.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

/* A block of large pages starts at a multiple of their size; a small block would waste one. */
static size_t mapped_size(size_t size)
{
    return round_up(size, size < LARGE_PAGE ? 4096 : LARGE_PAGE);
}

void *pages_alloc(size_t size)
{
    if (size == 0 || size > SIZE_MAX / 4)
        return NULL;
    size_t want = mapped_size(size), extra = size < LARGE_PAGE ? 0 : LARGE_PAGE;
    char *block = mmap(NULL, want + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return NULL;
    if (extra == 0) {
        poison(block + size, want - size);
        return block;
    }
    size_t before = (LARGE_PAGE - (uintptr_t)block % LARGE_PAGE) % LARGE_PAGE;
    if (before > 0)
        munmap(block, before);
    if (extra > before)
        munmap(block + before + want, extra - before);
    block += before;
    madvise(block, want, MADV_HUGEPAGE);
    poison(block + size, want - size);
    return block;
}

void pages_free(void *pages, size_t size)
{
    if (!pages)
        return;
    unpoison(pages, mapped_size(size)); /* whoever gets this address next knows of nothing */
    munmap(pages, mapped_size(size));
}
