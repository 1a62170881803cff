/* Damaged GGUF files: each is refused with a sentence, or shown as far as it can be read; or it opens, and then
 * can be written and read again. */
#include "runtime/gguf/gguf.h"
#include "runtime/tools/requantise.h"
#include "tests/files.h"
#include "tests/mutate.h"

#include <hone.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CAPACITY = 1 << 14 };

static const struct quant_type *as_f32(const struct gguf_tensor *tensor, void *arg)
{
    (void)tensor, (void)arg;
    return quant_type_by_id(QUANT_F32);
}

static void use(const char *path)
{
    struct gguf *g, *again;
    const char *copy = temp_path("copy.gguf");
    assert_int_equal(gguf_open(&g, path, NULL), HONE_OK);
    for (int convert = 0; convert < 2; convert++) {
        assert_int_equal((convert ? requantise(g, copy, &(struct requantisation){.type_of = as_f32}, NULL)
                                  : gguf_write(g, copy, NULL, NULL)),
                         HONE_OK);
        assert_int_equal(gguf_open(&again, copy, NULL), HONE_OK);
        assert_int_equal(gguf_n_keys(again), gguf_n_keys(g));
        assert_int_equal(gguf_n_tensors(again), gguf_n_tensors(g));
        gguf_close(&again);
    }
    gguf_close(&g);
}

static void show(struct hone_file *file)
{
    for (size_t i = 0; i < hone_file_n_keys(file); i++) {
        char *value;
        assert_non_null(hone_file_key(file, i, &value));
        assert_non_null(value);
        hone_free(value);
    }
    for (size_t i = 0; i < hone_file_n_tensors(file); i++)
        assert_true(hone_file_tensor(file, i).size > 0);
}

static void test_damaged(void **state)
{
    (void)state;
    size_t size, n_open = 0;
    unsigned char *whole = load_file("tests/fixtures/python.gguf", &size), data[CAPACITY];
    size_t runs = fuzz_runs(20000);
    for (size_t i = 0; i < runs; i++) {
        struct hone_error err = {0};
        struct hone_file *file;
        const char *path = temp_path("damaged.gguf");
        memcpy(data, whole, size);
        store_file(path, data, mutate(data, size, CAPACITY));
        enum hone_status status = hone_file_open(&file, path, &err);
        if (status) {
            assert_int_equal(status, HONE_BAD_MODEL);
            assert_true(strlen(err.message) > 0);
            continue;
        }
        const char *damage = hone_file_damage(file);
        bool whole_file = damage == NULL;
        assert_true(whole_file || strlen(damage) > 0);
        n_open += whole_file;
        show(file);
        hone_file_close(&file);
        if (whole_file)
            use(path);
    }
    print_message("%zu of %zu files opened\n", n_open, runs);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
