#include "runtime/nn/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* cblas.h's, with its enumerations as the integers that they are. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void (*sgemm_function)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                               const float *a, int lda, const float *b, int ldb, float beta, float *c,
                               int ldc);

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_loaded;
static sgemm_function sgemm;
static void (*omp_set_num_threads)(int); /* of the OpenMP that it brought, if it did */
static char description[512];

#ifdef HONE_STATIC
static enum hone_status load(struct hone_error *err)
{
    return hone_fail(err, HONE_FAILED,
                     "this program is linked statically and can load no OpenBLAS; use another --compute");
}
#else
/* Debian's folders, which are there whatever its alternatives point to; then the names that others give the library: with
 * threads of OpenMP (o) or of its own (p). */
#if defined(__x86_64__)
#define FOLDER "/usr/lib/x86_64-linux-gnu/"
#elif defined(__aarch64__)
#define FOLDER "/usr/lib/aarch64-linux-gnu/"
#else
#define FOLDER "/usr/lib/"
#endif
static const char *const places[] = {
    FOLDER "openblas-serial/libopenblas.so.0",
    FOLDER "openblas-openmp/libopenblas.so.0",
    FOLDER "openblas-pthread/libopenblas.so.0",
    "libopenblas.so.0",
    "libopenblaso.so.0",
    "libopenblasp.so.0",
    "libopenblas.so.3",
    "libopenblas.so",
};

/* A pointer to a function from dlsym, which gives one to an object. */
static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void describe(void *library, const char *config)
{
    char path[400] = "";
    Dl_info info;
    void *symbol = dlsym(library, "openblas_get_config");
    if (symbol && dladdr(symbol, &info) != 0 && info.dli_fname)
        snprintf(path, sizeof path, "%s", info.dli_fname);
    const char *version = strncmp(config, "OpenBLAS ", 9) == 0 ? config + 9 : config;
    snprintf(description, sizeof description, "%.*s, %s", (int)strcspn(version, " "), version, path);
}

enum { PARALLEL_THREADS = 1, PARALLEL_OPENMP = 2 }; /* openblas_get_parallel */

/* Whether it is one that can be used: all functions there, integers of 32 bits. */
static bool use(void *library)
{
    char *(*get_config)(void) = NULL;
    int (*get_parallel)(void) = NULL;
    void (*set_num_threads)(int) = NULL;
    if (!find(library, "cblas_sgemm", &sgemm) || !find(library, "openblas_get_config", &get_config) ||
        !find(library, "openblas_get_parallel", &get_parallel) ||
        !find(library, "openblas_set_num_threads", &set_num_threads) || strstr(get_config(), "USE64BITINT"))
        return false;
    omp_set_num_threads = NULL;
    if (get_parallel() == PARALLEL_THREADS)
        set_num_threads(1);
    else if (get_parallel() == PARALLEL_OPENMP && !find(library, "omp_set_num_threads", &omp_set_num_threads))
        return false;
    describe(library, get_config());
    return true;
}

static enum hone_status load(struct hone_error *err)
{
    const char *named = getenv("HONE_OPENBLAS");
    for (size_t i = 0; i < (named ? 1 : sizeof places / sizeof *places); i++) {
        void *library = dlopen(named ? named : places[i], RTLD_NOW | RTLD_LOCAL);
        if (library && use(library))
            return HONE_OK;
        if (library)
            dlclose(library);
    }
    return hone_fail(
        err, HONE_FAILED,
        named ? "HONE_OPENBLAS: '%s' is no OpenBLAS that can be loaded (with integers of 32 bits)"
              : "OpenBLAS is not there%s: install it (Debian: libopenblas0), or use another --compute",
        named ? named : "");
}
#endif

/* Where the process may not have what it wants, OpenBLAS tries for ever. */
static enum hone_status check_room(int n_threads, struct hone_error *err)
{
    struct rlimit limit;
    unsigned long n_used = 0;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return HONE_OK;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%lu", &n_used) != 1)
            n_used = 0;
        fclose(f);
    }
    /* A build with threads of its own starts them all as it is loaded. */
    long n = n_threads + sysconf(_SC_NPROCESSORS_CONF) + 1;
    unsigned long long used = (unsigned long long)n_used * (unsigned long)sysconf(_SC_PAGESIZE) >> 20;
    unsigned long long needed = 128ULL * (unsigned long)n + 64, most = limit.rlim_cur >> 20;
    if (used + needed <= most)
        return HONE_OK;
    return hone_fail(
        err, HONE_FAILED,
        "OpenBLAS wants %llu MB of address space, and the process may have %llu MB, of which %llu are in use "
        "(ulimit -v); use another --compute",
        needed, most, used);
}

enum hone_status blas_load(int n_threads, struct hone_error *err)
{
    pthread_mutex_lock(&loading);
    enum hone_status status = check_room(n_threads, err);
    if (status == HONE_OK && !is_loaded)
        status = load(err);
    if (status == HONE_OK)
        is_loaded = true;
    pthread_mutex_unlock(&loading);
    return status;
}

const char *blas_describe(void)
{
    return is_loaded ? description : NULL;
}

void blas_product(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, int add,
                  float *out, size_t ld_out)
{
    /* OpenMP keeps this number for each thread; a thread that was not told would start others. */
    static _Thread_local bool is_alone;
    if (omp_set_num_threads && !is_alone)
        omp_set_num_threads(1);
    is_alone = true;
    sgemm(ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)k, add ? 1 : 0,
          out, (int)ld_out);
}
