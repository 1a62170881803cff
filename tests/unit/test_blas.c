/* OpenBLAS in whatever build it comes: loaded when asked for, and with the caller's thread alone. */
#include "runtime/nn/blas.h"
#include "tests/support.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { M = 150, N = 190, K = 210 }; /* large enough for OpenBLAS to want several threads */

struct product {
    float a[M][K], b[N][K], out[M][N];
};

static float number(size_t i)
{
    return (float)(i * 2654435761U % 1024) / 512 - 1;
}

static void fill(struct product *p)
{
    for (size_t i = 0; i < M * K; i++)
        p->a[i / K][i % K] = number(i);
    for (size_t i = 0; i < N * K; i++)
        p->b[i / K][i % K] = number(i + 7777);
    for (size_t i = 0; i < M * N; i++)
        p->out[i / N][i % N] = number(i + 5);
}

/* Whether `out` is what it was plus the product, as far as float32 can tell. */
static bool is_right(const struct product *p)
{
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = (double)number(i * N + j + 5);
            for (size_t k = 0; k < K; k++)
                sum += (double)p->a[i][k] * (double)p->b[j][k];
            if (!(sum - (double)p->out[i][j] < 1e-3 && (double)p->out[i][j] - sum < 1e-3))
                return false;
        }
    return true;
}

static void *multiply(void *wrong)
{
    struct product *p = malloc(sizeof *p);
    for (int i = 0; i < 5 && p; i++) {
        fill(p);
        blas_product(M, N, K, &p->a[0][0], K, &p->b[0][0], 1, &p->out[0][0], N);
        if (!is_right(p))
            *(bool *)wrong = true;
    }
    free(p);
    return p ? NULL : wrong;
}

static int count_threads(void)
{
    int n = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        n += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return n;
}

/* In a process of its own, since a library that is loaded stays. 0: all is well; otherwise the number of what is not. */
static int try_build(const char *path)
{
    struct hone_error err;
    bool wrong[2] = {false, false};
    pthread_t other;
    void *failed = NULL;
    setenv("HONE_OPENBLAS", path, 1);
    if (blas_describe() || blas_load(2, &err) != HONE_OK || blas_load(2, &err) != HONE_OK || !blas_describe())
        return 1;
    int n_threads = count_threads();
    if (pthread_create(&other, NULL, multiply, &wrong[0]) != 0)
        return 2;
    void *own = multiply(&wrong[1]);
    pthread_join(other, &failed);
    if (own || failed || wrong[0] || wrong[1])
        return 3;
    return count_threads() == n_threads ? 0 : 4;
}

static int in_child(int (*work)(const char *), const char *argument)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(work(argument));
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_build(const char *name)
{
    char path[256];
#if defined(__aarch64__)
    const char *machine = "aarch64";
#else
    const char *machine = "x86_64";
#endif
    snprintf(path, sizeof path, "/usr/lib/%s-linux-gnu/openblas-%s/libopenblas.so.0", machine, name);
    if (getenv("EMULATOR") || access(path, R_OK) != 0)
        skip();
    assert_int_equal(in_child(try_build, path), 0);
}

static void test_serial(void **state)
{
    (void)state;
    test_build("serial");
}

static void test_openmp(void **state)
{
    (void)state;
    test_build("openmp");
}

static void test_pthread(void **state)
{
    (void)state;
    test_build("pthread");
}

static int try_no_library(const char *path)
{
    struct hone_error err;
    setenv("HONE_OPENBLAS", path, 1);
    return blas_load(1, &err) != HONE_FAILED || !strstr(err.message, path) || blas_describe();
}

/* One that is not there, and one that is none. */
static void test_no_library(void **state)
{
    (void)state;
    if (getenv("EMULATOR"))
        skip();
    assert_int_equal(in_child(try_no_library, "/nowhere/libopenblas.so"), 0);
    assert_int_equal(in_child(try_no_library, "libm.so.6"), 0);
}

/* It would wait for ever for what it cannot have. */
static int try_little_room(const char *unused)
{
    (void)unused;
    struct hone_error err;
    struct rlimit limit = {(rlim_t)200 << 20, (rlim_t)200 << 20};
    return setrlimit(RLIMIT_AS, &limit) != 0 || blas_load(1, &err) != HONE_FAILED ||
           !strstr(err.message, "address space");
}

static void test_little_room(void **state)
{
    (void)state;
    if (getenv("EMULATOR"))
        skip();
#ifdef __SANITIZE_ADDRESS__
    skip(); /* whose shadow is larger than any limit */
#endif
    assert_int_equal(in_child(try_little_room, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serial),     cmocka_unit_test(test_openmp),      cmocka_unit_test(test_pthread),
        cmocka_unit_test(test_no_library), cmocka_unit_test(test_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
