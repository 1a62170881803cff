/* Damaged safetensors folders: each is refused with a sentence, or opens, and then every tensor lies in its file. */
#include "runtime/load/import/safetensors.h"
#include "tests/files.h"
#include "tests/mutate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { CAPACITY = 1 << 13, N_FILES = 3 };

/* The bytes are read, so that one outside of the mapping would be noticed. */
static void use(const char *folder)
{
    struct safetensors *s;
    struct gguf *g = gguf_new(folder);
    assert_int_equal(safetensors_open(&s, folder, NULL), HONE_OK);
    for (size_t i = 0; i < safetensors_n(s); i++) {
        const struct safetensor *tensor = safetensors_at(s, i);
        size_t n = tensor->type ? tensor->size / tensor->type->block_size : 0;
        float *x = malloc((n + 1) * sizeof *x);
        assert_non_null(x);
        if (n)
            tensor->type->dequantize(x, tensor->data, n);
        free(x);
        assert_ptr_equal(safetensors_find(s, tensor->name), tensor);
    }
    assert_true(safetensors_give_mappings(s, g));
    safetensors_close(&s);
    gguf_close(&g);
}

/* Damages one file of the folder at a time. */
static void damage(const char *folder, const char *const names[], size_t n_names, size_t runs)
{
    unsigned char *whole[N_FILES], data[CAPACITY];
    size_t sizes[N_FILES], n_open = 0;
    char path[256];
    const char *copy = temp_path("folder");
    mkdir(copy, 0777);
    for (size_t f = 0; f < n_names; f++) {
        snprintf(path, sizeof path, "tests/fixtures/safetensors/%s/%s", folder, names[f]);
        whole[f] = load_file(path, &sizes[f]);
    }
    for (size_t i = 0; i < runs; i++) {
        struct safetensors *s;
        struct hone_error err = {0};
        copy = temp_path("folder");
        for (size_t f = 0; f < n_names; f++) {
            bool hit = i % n_names == f;
            memcpy(data, whole[f], sizes[f]);
            snprintf(path, sizeof path, "%s/%s", copy, names[f]);
            store_file(path, data, hit ? mutate(data, sizes[f], CAPACITY) : sizes[f]);
        }
        enum hone_status status = safetensors_open(&s, copy, &err);
        assert_int_equal(status == HONE_OK, s != NULL);
        assert_int_equal(status == HONE_OK, strlen(err.message) == 0);
        safetensors_close(&s);
        if (status == HONE_OK)
            use(copy);
        n_open += status == HONE_OK;
    }
    for (size_t f = 0; f < n_names; f++) {
        snprintf(path, sizeof path, "%s/%s", copy, names[f]);
        remove(path);
        free(whole[f]);
    }
    print_message("%zu of %zu folders opened\n", n_open, runs);
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const single[] = {"model.safetensors"};
    static const char *const sharded[] = {"model.safetensors.index.json", "model-00001-of-00002.safetensors",
                                          "model-00002-of-00002.safetensors"};
    size_t runs = fuzz_runs(20000);
    damage("single", single, 1, runs / 2);
    damage("sharded", sharded, N_FILES, runs / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
