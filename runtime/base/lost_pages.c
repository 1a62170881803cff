#include "runtime/base/lost_pages.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A list that only grows, since the handler walks it without a lock: a place that is free again (start 0) is taken by the
 * next mapping. */
struct watched {
    atomic_uintptr_t start;
    atomic_size_t size;
    atomic_bool lost;
    int fd;
    struct watched *next;
};

static _Atomic(struct watched *) all;
static atomic_bool any_lost; /* since the process began: the usual answer without a walk */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sigaction before;

static struct watched *find(uintptr_t address)
{
    for (struct watched *w = atomic_load(&all); w; w = w->next) {
        uintptr_t start = atomic_load(&w->start);
        if (start && address >= start && address - start < atomic_load(&w->size))
            return w;
    }
    return NULL;
}

/* Zeros from this page to the mapping's end: what follows a lost page is most often lost too, and each fault costs. The
 * system call itself, since a sanitizer's mmap is not made for signal handlers. */
static bool replace(struct watched *w, uintptr_t address)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = address / page * page, end = atomic_load(&w->start) + atomic_load(&w->size);
    atomic_store(&w->lost, true);
    atomic_store(&any_lost, true);
    long at = syscall(SYS_mmap, from, end - from, PROT_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return (uintptr_t)at == from;
}

/* Who was asked before; a default action is taken when the same instruction faults again. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
    else
        sigaction(SIGBUS, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* Nothing here takes a lock or memory. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    int kept = errno;
    struct watched *w = info->si_code > 0 ? find((uintptr_t)info->si_addr) : NULL;
    if (!w || !replace(w, (uintptr_t)info->si_addr))
        pass_on(number, info, context);
    errno = kept;
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

bool lost_pages_watch(const void *map, size_t size, int fd)
{
    pthread_once(&once, install);
    pthread_mutex_lock(&lock);
    struct watched *w = atomic_load(&all);
    while (w && atomic_load(&w->start))
        w = w->next;
    if (!w && (w = calloc(1, sizeof *w))) {
        w->next = atomic_load(&all);
        atomic_store(&all, w);
    }
    if (w) {
        atomic_store(&w->size, size);
        atomic_store(&w->lost, false);
        w->fd = fd;
        atomic_store(&w->start, (uintptr_t)map);
    }
    pthread_mutex_unlock(&lock);
    return w != NULL;
}

void lost_pages_forget(const void *map)
{
    struct watched *w = find((uintptr_t)map);
    if (!w)
        return;
    close(w->fd);
    atomic_store(&w->start, 0);
}

/* A file whose end moved within its last page raises no signal: the page is there, and zero from the new end on. */
bool lost_pages_in(const void *map)
{
    struct stat st;
    const struct watched *w = map ? find((uintptr_t)map) : NULL;
    return w &&
           (atomic_load(&w->lost) || fstat(w->fd, &st) < 0 || (size_t)st.st_size < atomic_load(&w->size));
}

void lost_pages_mark(const void *map)
{
    struct watched *w = find((uintptr_t)map);
    if (!w)
        return;
    atomic_store(&w->lost, true);
    atomic_store(&any_lost, true);
}

bool lost_pages_any(void)
{
    return atomic_load_explicit(&any_lost, memory_order_relaxed);
}
