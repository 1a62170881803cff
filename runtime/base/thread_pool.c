#include "runtime/base/thread_pool.h"

#include "runtime/base/clock.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_SLOTS         16     /* calls that can have helpers at once; more do without */
#define MOST_THREADS    256    /* of a call */
#define SHARE_PIECES    4      /* of a thread's share */
#define PATIENCE        100e-6 /* seconds of looking before sleeping: what waking costs, and more */
#define BARE_LOOKS      256    /* of them, before others are let run in between */
#define LOOKS_PER_CLOCK 32

/* ---- one call's work ---- */

/* Items are cut into shares, and those into pieces: all of them in turn, or each thread first those of its own share,
 * whose memory lies together, and is in its own cache, perhaps, from the last time. */
struct pool_job {
    thread_pool_work work;
    const void *arg;
    size_t n; /* items */
    uint32_t n_threads, n_shares, share_pieces;
};

/* A call's place. Counts have the call's number above them. Who comes reads the job while n_came is open, and may rely on
 * it if that is still of the same call when he is counted. */
struct pool_slot {
    _Alignas(128) atomic_bool is_taken;
    atomic_bool is_awaited;
    _Atomic uint64_t n_came; /* threads */
    _Atomic(thread_pool_work) work;
    _Atomic(const void *) arg;
    atomic_size_t n;
    atomic_uint n_threads, n_shares, share_pieces;
    _Alignas(128) atomic_uint n_done;       /* pieces */
    _Atomic uint64_t n_begun[MOST_THREADS]; /* pieces of each share */
};

#define CLOSED UINT32_MAX /* n_came while the job is changed */

static struct pool_slot slots[N_SLOTS];
static atomic_uint n_calls;    /* that asked for helpers; they wait for a change of it */
static atomic_uint n_sleeping; /* helpers */

static struct pool_job read_job(struct pool_slot *s)
{
    return (struct pool_job){.work = atomic_load_explicit(&s->work, memory_order_acquire),
                             .arg = atomic_load_explicit(&s->arg, memory_order_acquire),
                             .n = atomic_load_explicit(&s->n, memory_order_acquire),
                             .n_threads = atomic_load_explicit(&s->n_threads, memory_order_acquire),
                             .n_shares = atomic_load_explicit(&s->n_shares, memory_order_acquire),
                             .share_pieces = atomic_load_explicit(&s->share_pieces, memory_order_acquire)};
}

/* Gives the call's number. */
static uint32_t write_job(struct pool_slot *s, const struct pool_job *job)
{
    uint64_t call = (atomic_load_explicit(&s->n_came, memory_order_relaxed) >> 32) + 1;
    atomic_store_explicit(&s->n_came, call << 32 | CLOSED, memory_order_relaxed);
    atomic_store_explicit(&s->n_done, 0, memory_order_release);
    atomic_store_explicit(&s->work, job->work, memory_order_release);
    atomic_store_explicit(&s->arg, job->arg, memory_order_release);
    atomic_store_explicit(&s->n, job->n, memory_order_release);
    atomic_store_explicit(&s->n_threads, job->n_threads, memory_order_release);
    atomic_store_explicit(&s->n_shares, job->n_shares, memory_order_release);
    atomic_store_explicit(&s->share_pieces, job->share_pieces, memory_order_release);
    for (uint32_t i = 0; i < job->n_shares; i++)
        atomic_store_explicit(&s->n_begun[i], call << 32, memory_order_release);
    atomic_store_explicit(&s->n_came, call << 32 | 1, memory_order_release);
    return (uint32_t)call;
}

/* Where part i of n_parts of a run of n begins. */
static size_t part_start(size_t n, size_t i, size_t n_parts)
{
    size_t rest = n % n_parts;
    return i * (n / n_parts) + (i < rest ? i : rest);
}

static void do_piece(const struct pool_job *job, uint32_t share, uint32_t i, size_t thread)
{
    size_t start = part_start(job->n, share, job->n_shares);
    size_t len = part_start(job->n, share + 1, job->n_shares) - start;
    size_t first = start + part_start(len, i, job->share_pieces);
    size_t end = start + part_start(len, i + 1, job->share_pieces);
    if (first < end)
        job->work(job->arg, (struct work_range){first, end, thread});
}

/* Counts one more if the count is of that call and below the limit; *before is what it was. */
static bool count_up(_Atomic uint64_t *count, uint32_t call, uint32_t limit, uint32_t *before)
{
    uint64_t now = *count;
    while (now >> 32 == call && (uint32_t)now < limit)
        if (atomic_compare_exchange_weak(count, &now, now + 1)) {
            *before = (uint32_t)now;
            return true;
        }
    return false;
}

/* ---- waiting ---- */

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Until *p is no more `value`; false: patience is at its end. */
static bool look_for_change(atomic_uint *p, unsigned value)
{
    double end = 0;
    for (unsigned i = 1; *p == value; i++) {
        if (i < BARE_LOOKS)
            relax();
        else
            sched_yield();
        if (i % LOOKS_PER_CLOCK != 0)
            continue;
        double now = clock_seconds(&clock_monotonic);
        end = end == 0 ? now + PATIENCE : end;
        if (now > end)
            return false;
    }
    return true;
}

static void sleep_while(atomic_uint *p, unsigned value)
{
    syscall(SYS_futex, p, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(atomic_uint *p, int n)
{
    syscall(SYS_futex, p, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* ---- work ---- */

static uint32_t n_pieces(const struct pool_job *job)
{
    return job->n_shares * job->share_pieces;
}

/* After it, the slot may be of another call. */
static void finish_piece(struct pool_slot *s, const struct pool_job *job)
{
    if (atomic_fetch_add(&s->n_done, 1) + 1 == n_pieces(job) && s->is_awaited)
        wake(&s->n_done, 1);
}

/* What nobody has begun: of its own share first. */
static void do_pieces(struct pool_slot *s, const struct pool_job *job, uint32_t call, uint32_t thread)
{
    for (uint32_t n = 0; n < job->n_shares; n++) {
        uint32_t i, share = (thread + n) % job->n_shares;
        while (count_up(&s->n_begun[share], call, job->share_pieces, &i)) {
            do_piece(job, share, i, thread);
            finish_piece(s, job);
        }
    }
}

/* Whether there is a call that it could come to. */
static bool help(struct pool_slot *s)
{
    uint64_t came = s->n_came;
    uint32_t call = (uint32_t)(came >> 32), thread;
    struct pool_job job = read_job(s);
    if ((uint32_t)came == CLOSED || s->n_done >= n_pieces(&job) ||
        !count_up(&s->n_came, call, job.n_threads, &thread))
        return false;
    do_pieces(s, &job, call, thread);
    return true;
}

/* ---- helpers ---- */

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        unsigned seen = n_calls;
        bool helped = false;
        for (size_t i = 0; i < N_SLOTS; i++)
            helped |= help(&slots[i]);
        if (helped || look_for_change(&n_calls, seen))
            continue;
        n_sleeping++;
        sleep_while(&n_calls, seen);
        n_sleeping--;
    }
    return NULL;
}

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint n_helpers, most_helpers = MOST_THREADS - 1;

static void before_fork(void)
{
    pthread_mutex_lock(&starting);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&starting);
}

/* It has none of its parent's helpers. */
static void in_child(void)
{
    n_helpers = n_sleeping = 0;
    pthread_mutex_unlock(&starting);
}

/* Signals are for the program's own threads, but for those that tell a thread of its own fault: where one of them is blocked,
 * the system ends the process instead of asking who knows of files that were shortened (lost_pages.h). */
static bool start_helper(void)
{
    static const int faults[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    pthread_t thread;
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    bool is_started = pthread_create(&thread, NULL, serve, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!is_started)
        return false;
    pthread_setname_np(thread, "hone-helper");
    pthread_detach(thread);
    return true;
}

/* Where the system gives no more, that is how many there will be. */
static void start_helpers(unsigned n)
{
    static bool knows_fork;
    pthread_mutex_lock(&starting);
    knows_fork = knows_fork || pthread_atfork(before_fork, after_fork, in_child) == 0;
    while (n_helpers < n && n_helpers < most_helpers)
        if (start_helper())
            n_helpers++;
        else
            most_helpers = n_helpers;
    pthread_mutex_unlock(&starting);
}

/* ---- callers ---- */

static struct pool_slot *take_slot(void)
{
    for (size_t i = 0; i < N_SLOTS; i++)
        if (!slots[i].is_taken && !atomic_exchange(&slots[i].is_taken, true))
            return &slots[i];
    return NULL;
}

static void await(struct pool_slot *s, const struct pool_job *job)
{
    unsigned n;
    while ((n = s->n_done) < n_pieces(job)) {
        if (look_for_change(&s->n_done, n))
            continue;
        s->is_awaited = true;
        sleep_while(&s->n_done, n);
        s->is_awaited = false;
    }
}

static void share(struct pool_slot *s, const struct pool_job *job)
{
    uint32_t call = write_job(s, job);
    n_calls++;
    if (n_sleeping > 0)
        wake(&n_calls, (int)job->n_threads - 1);
    do_pieces(s, job, call, 0);
    await(s, job);
    s->is_taken = false;
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

void thread_pool_run(int n_threads, size_t n, size_t n_pieces, thread_pool_work work, const void *arg)
{
    struct pool_job job = {.work = work, .arg = arg, .n = n, .n_shares = 1};
    job.n_threads = (uint32_t)min(min((size_t)n_threads, MOST_THREADS), n);
    job.share_pieces = (uint32_t)min(min(n_pieces, n), UINT32_MAX - 1);
    if (n_pieces == 0) {
        job.n_shares = job.n_threads;
        job.share_pieces = SHARE_PIECES;
    }
    if (job.n_threads > n_helpers + 1 && n_helpers < most_helpers)
        start_helpers(job.n_threads - 1);
    struct pool_slot *s = job.n_threads > 1 ? take_slot() : NULL;
    if (s)
        share(s, &job);
    else if (n > 0)
        work(arg, (struct work_range){0, n, 0});
}
