/* What a square of AMX's products is made of: the kernels with tile instructions that only count themselves, one machine
 * instruction each, run one instruction at a time. A tile product takes sixteen cycles, in which a core can do some sixty
 * other instructions at most: where these become many, tiles wait for them. */
#include "tests/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_CHANGED 1 /* by the compiler: there is more to count than was written */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_CHANGED 1
#endif
#endif
#if !defined(__OPTIMIZE__)
#undef IS_CHANGED
#define IS_CHANGED 1
#endif

#if defined(__x86_64__) && !defined(IS_CHANGED)

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct counts {
    size_t configures, zeros, loads, stores, products, releases;
} counts;

#define tile_configure(config) (counts.configures++, (void)(config))
#define tile_release()         ((void)counts.releases++)
#define tile_zero(t)           ((void)counts.zeros++)
#define tile_load(t, p, stride)                                                                              \
    (__extension__({                                                                                         \
        __asm__ volatile("" : : "r"(p), "r"((size_t)(stride)) : "memory");                                   \
        counts.loads++;                                                                                      \
    }))
#define tile_store(t, p, stride)                                                                             \
    (__extension__({                                                                                         \
        __asm__ volatile("" : : "r"(p), "r"((size_t)(stride)) : "memory");                                   \
        counts.stores++;                                                                                     \
    }))
#define tile_dot_u8i8(c, a, b) ((void)counts.products++)
#define tile_dot_i8i8(c, a, b) ((void)counts.products++)
#define tile_dot_bf16(c, a, b) ((void)counts.products++)

#define AMX_ISA "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma,f16c"
#include "kernels/x86/amx.h"

static volatile size_t n_steps;

static void count_step(int signal)
{
    (void)signal;
    n_steps++;
}

/* The processor traps after each instruction while this flag is set. */
#define TRAP_FLAG     "0x100"
#define STEPS_BEGIN() __asm__ volatile("pushfq\n\torq $" TRAP_FLAG ", (%%rsp)\n\tpopfq" : : : "memory", "cc")
#define STEPS_END()   __asm__ volatile("pushfq\n\tandq $~" TRAP_FLAG ", (%%rsp)\n\tpopfq" : : : "memory", "cc")

enum kind { BYTES, HALVES, K4, K5, K6, KL, I4, L4 };

struct shape {
    size_t m, n, k;
    enum kind kind;
};

static void multiply_shape(const struct kernels *k, const struct shape *s, float *out, const void *zeros)
{
    switch (s->kind) {
    case BYTES:
        k->gemm_u8i8(out, s->n, zeros, i8_row_size(s->k), zeros, zeros, NULL, s->m, s->n, s->k);
        break;
    case HALVES:
        k->gemm_bf16(out, s->n, zeros, s->k, zeros, NULL, s->m, s->n, s->k);
        break;
    case K4:
        k->gemm_s8k4(out, s->n, zeros, s->k, zeros, zeros, NULL, s->m, s->n, s->k);
        break;
    case K5:
        k->gemm_s8k5(out, s->n, zeros, s->k, zeros, zeros, NULL, s->m, s->n, s->k);
        break;
    case K6:
        k->gemm_s8k6(out, s->n, zeros, s->k, zeros, zeros, NULL, s->m, s->n, s->k);
        break;
    case KL:
        k->gemm_s8kl(out, s->n, zeros, s->k, zeros, zeros, zeros, NULL, s->m, s->n, s->k);
        break;
    case L4:
        k->gemm_s8l4(out, s->n, zeros, s->k, zeros, zeros, zeros, NULL, s->m, s->n, s->k);
        break;
    case I4:
        k->gemm_s8i4(out, s->n, zeros, s->k, zeros, zeros, NULL, s->m, s->n, s->k);
        break;
    }
}

/* For each tile of sums and step: weights of codes have two columns. */
static size_t n_products(const struct shape *s)
{
    const size_t step = s->kind == HALVES ? 32 : 64, columns = s->kind > HALVES ? 2 : 1;
    return (s->m + 15) / 16 * (s->n / 16) * (s->k / step) * columns;
}

/* All that is needed to make a product is there; `others` is what it may take beside it. */
static void check_shape(struct shape s, double most_loads, double most_others)
{
    const size_t size = s.m * (s.k + 64) * 2;
    struct kernels k = *kernels_of(CPU_AVX512BF16);
    add_amx(&k);
    void *zeros = NULL;
    assert_int_equal(posix_memalign(&zeros, 64, size), 0);
    memset(zeros, 0, size);
    float *out = calloc(s.m * s.n, sizeof *out);
    multiply_shape(&k, &s, out, zeros); /* pages and places of functions are known then */
    memset(&counts, 0, sizeof counts);
    n_steps = 0;
    STEPS_BEGIN();
    multiply_shape(&k, &s, out, zeros);
    STEPS_END();
    free(zeros);
    free(out);
    const size_t tiles =
        counts.configures + counts.zeros + counts.loads + counts.stores + counts.products + counts.releases;
    if (n_steps == 0) {
        print_message("             no traps here: nothing is counted\n");
        skip();
    }
    const double loads = (double)counts.loads / (double)counts.products,
                 others = (double)(n_steps - tiles) / (double)counts.products;
    print_message(
        "             %s, %zu x %zu x %zu: %zu products, for each %.2f loads, %.2f stores, %.1f others\n",
        ((const char *[]){"int8", "bf16", "k4", "k5", "k6", "k levels", "int4", "levels"})[s.kind], s.m, s.k,
        s.n, counts.products, loads, (double)counts.stores / (double)counts.products, others);
    assert_int_equal(counts.products, n_products(&s));
    assert_int_equal(counts.configures, 1);
    assert_int_equal(counts.releases, 1);
    assert_true(loads <= most_loads);
    assert_true(others <= most_others);
}

static void test_squares(void **state)
{
    (void)state;
    if (!kernels_of(CPU_AVX512BF16))
        skip();
    struct sigaction count = {.sa_handler = count_step}, kept;
    assert_int_equal(sigaction(SIGTRAP, &count, &kept), 0);
    check_shape((struct shape){512, 32, 384, BYTES}, 1, 66);
    check_shape((struct shape){512, 32, 768, BYTES}, 1, 40);
    check_shape((struct shape){512, 32, 3072, BYTES}, 1, 35);
    check_shape((struct shape){512, 32, 768, HALVES}, 1, 20);
    check_shape((struct shape){64, 64, 768, BYTES}, 1, 52);
    check_shape((struct shape){32, 64, 1024, BYTES}, 1, 58);
    check_shape((struct shape){512, 16, 1024, K4}, 1, 85);
    check_shape((struct shape){512, 16, 1024, K5}, 1, 86);
    check_shape((struct shape){512, 16, 1024, K6}, 1, 58);
    check_shape((struct shape){512, 16, 1024, KL}, 1, 58);
    check_shape((struct shape){512, 16, 1024, I4}, 1, 190);
    check_shape((struct shape){512, 16, 1024, L4}, 1, 175);
    check_shape((struct shape){32, 32, 1024, K4}, 1, 175);
    assert_int_equal(sigaction(SIGTRAP, &kept, NULL), 0);
}

#else

static void test_squares(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_squares)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
