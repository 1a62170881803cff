/* Damaged importance matrices of both forms: each is refused with a sentence, or is finite and not negative. */
#include "runtime/tools/imatrix.h"
#include "tests/files.h"
#include "tests/mutate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 32, CAPACITY = 1 << 12 };

static const struct gguf_tensor matrix = {.name = "m", .n_dims = 2, .dims = {N, 4, 1, 1}};

static void make_gguf(const char *path)
{
    static float sums[N], count = 3;
    const struct quant_type *f32 = quant_type_by_id(QUANT_F32);
    const struct gguf_tensor a = {
        .name = "m.in_sum2", .type = f32, .n_dims = 2, .dims = {N, 1}, .data = sums};
    const struct gguf_tensor b = {
        .name = "m.counts", .type = f32, .n_dims = 2, .dims = {1, 1}, .data = &count};
    struct gguf *g = gguf_new("imatrix");
    assert_true(gguf_add_tensor(g, &a) && gguf_add_tensor(g, &b));
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    gguf_close(&g);
}

static void make_old(const char *path)
{
    static struct {
        int32_t n, length;
        char name[4];
        int32_t n_calls, n_values;
        float sums[N];
    } file = {1, 1, "m", 2, N, {1}};
    char data[sizeof file];
    size_t head = 2 * sizeof(int32_t);
    memcpy(data, &file, head + 1);
    memcpy(data + head + 1, &file.n_calls, sizeof file - head - sizeof file.name);
    store_file(path, data, sizeof file - sizeof file.name + 1);
}

static void check(const char *path, const unsigned char *data, size_t size)
{
    struct imatrix *im;
    struct hone_error err = {0};
    const float *values = NULL;
    store_file(path, data, size);
    enum hone_status status = imatrix_open(&im, path, &err);
    assert_true((status == HONE_OK) == (im != NULL));
    assert_true(status == HONE_OK || *err.message);
    if (!im)
        return;
    status = imatrix_find(im, &matrix, &values, &err);
    assert_true(status == HONE_OK || status == HONE_BAD_MODEL);
    for (int i = 0; values && i < N; i++)
        assert_true(isfinite(values[i]) && values[i] >= 0);
    imatrix_close(&im);
}

static void test_damaged(void **state)
{
    (void)state;
    static unsigned char data[CAPACITY];
    void (*const make[])(const char *path) = {make_gguf, make_old};
    for (size_t form = 0; form < 2; form++) {
        size_t size, runs = fuzz_runs(3000);
        char path[256];
        snprintf(path, sizeof path, "%s", temp_path("imatrix"));
        make[form](path);
        unsigned char *whole = load_file(path, &size);
        check(path, whole, size);
        for (size_t i = 0; i < size; i++)
            check(path, whole, i);
        for (size_t i = 0; i < runs; i++) {
            memcpy(data, whole, size);
            check(path, data, mutate(data, size, CAPACITY));
        }
        free(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
