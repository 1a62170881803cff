#include "tests/faults/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static struct faults own;
struct faults *faults = &own;

/* For a debugger: `break fault_now` shows who is refused. */
__attribute__((noinline)) int fault_now(void);
__attribute__((noinline)) int fault_now(void)
{
    __asm__ volatile("");
    return 1;
}

/* Whether the call that is counted down to is this one. */
static int is_now(atomic_long *at, atomic_long *more)
{
    for (long left = atomic_load(at); left > 0;) {
        long next = left == 1 && atomic_load(more) ? 1 : left - 1;
        if (atomic_compare_exchange_weak(at, &left, next))
            return left == 1 && fault_now();
    }
    return 0;
}

/* ---- memory ---- */

static int no_memory(void)
{
    atomic_fetch_add(&faults->n_memory, 1);
    if (!is_now(&faults->memory_at, &faults->memory_more))
        return 0;
    errno = ENOMEM;
    return 1;
}

/* The real ones by their own names: dlsym allocates and frees, and sanitizers call it before they are ready. */
#ifdef FAULTS_ASAN
#define REAL_MEMORY(name) __interceptor_##name
#else
#define REAL_MEMORY(name) __libc_##name
#endif
extern void *REAL_MEMORY(malloc)(size_t size);
extern void *REAL_MEMORY(calloc)(size_t n, size_t size);
extern void *REAL_MEMORY(realloc)(void *p, size_t size);
extern void *REAL_MEMORY(memalign)(size_t unit, size_t size);

SHOWN void *malloc(size_t size)
{
    return no_memory() ? NULL : REAL_MEMORY(malloc)(size);
}

SHOWN void *calloc(size_t n, size_t size)
{
    return no_memory() ? NULL : REAL_MEMORY(calloc)(n, size);
}

SHOWN void *realloc(void *p, size_t size)
{
    return no_memory() ? NULL : REAL_MEMORY(realloc)(p, size);
}

SHOWN void *reallocarray(void *p, size_t n, size_t size)
{
    size_t all;
    if (!__builtin_mul_overflow(n, size, &all))
        return realloc(p, all);
    errno = ENOMEM;
    return NULL;
}

SHOWN int posix_memalign(void **p, size_t unit, size_t size)
{
    void *block = no_memory() ? NULL : REAL_MEMORY(memalign)(unit, size);
    if (!block)
        return ENOMEM;
    *p = block;
    return 0;
}

SHOWN void *aligned_alloc(size_t unit, size_t size)
{
    return no_memory() ? NULL : REAL_MEMORY(memalign)(unit, size);
}

/* ---- the operating system ---- */

/* -1: it fails now, with errno; 0: it does what it is for; 1: less. */
static int fate(enum fault_call which)
{
    atomic_fetch_add(&faults->calls[which].n, 1);
    if (!is_now(&faults->calls[which].at, &faults->calls[which].more))
        return 0;
    int error = (int)atomic_load(&faults->calls[which].error);
    errno = error ? error : errno;
    return error ? -1 : 1;
}

SHOWN void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if ((flags & MAP_ANONYMOUS) ? no_memory() : fate(FAULT_MMAP) < 0)
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

SHOWN ssize_t read(int fd, void *data, size_t size)
{
    int how = fate(FAULT_READ);
    return how < 0 ? -1 : syscall(SYS_read, fd, data, how > 0 && size > 1 ? (size + 1) / 2 : size);
}

SHOWN ssize_t write(int fd, const void *data, size_t size)
{
    int how = fd == STDERR_FILENO ? 0 : fate(FAULT_WRITE);
    return how < 0 ? -1 : syscall(SYS_write, fd, data, how > 0 && size > 1 ? (size + 1) / 2 : size);
}

static int open_as(int folder, const char *path, int flags, va_list more)
{
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    return fate(FAULT_OPEN) < 0 ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

SHOWN int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int fd = open_as(AT_FDCWD, path, flags, more);
    va_end(more);
    return fd;
}

SHOWN int openat(int folder, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int fd = open_as(folder, path, flags, more);
    va_end(more);
    return fd;
}

#define REAL(name, type)                                                                                     \
    static __typeof__(type) real;                                                                            \
    if (!real)                                                                                               \
        *(void **)&real = dlsym(RTLD_NEXT, name);

/* stdio's own calls do not come by here. */
SHOWN size_t fwrite(const void *data, size_t size, size_t n, FILE *stream)
{
    REAL("fwrite", size_t(*)(const void *, size_t, size_t, FILE *))
    int how = stream == stderr || stream == stdout ? 0 : fate(FAULT_WRITE);
    return how < 0 ? 0 : real(data, size, n, stream);
}

SHOWN FILE *fopen(const char *path, const char *mode)
{
    REAL("fopen", FILE * (*)(const char *, const char *))
    return fate(FAULT_OPEN) < 0 ? NULL : real(path, mode);
}

SHOWN int fsync(int fd)
{
    return fate(FAULT_FSYNC) < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

SHOWN int rename(const char *from, const char *to)
{
    return fate(FAULT_RENAME) < 0 ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- controls ---- */

__attribute__((constructor)) static void map_controls(void)
{
    const char *path = getenv("FAULTS");
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0
                    ? MAP_FAILED
                    : (void *)syscall(SYS_mmap, NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        faults = map;
    if (fd >= 0)
        close(fd);
}
