/* Building and writing GGUF files, also where the disk is full. */
#include "runtime/gguf/gguf.h"
#include "runtime/tools/requantise.h"
#include "tests/files.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char fixture[] = "tests/fixtures/python.gguf";

/* What Python wrote and what hone writes after reading it are the same bytes. */
static void test_same_bytes(void **state)
{
    (void)state;
    struct gguf *g;
    size_t size, expected_size;
    const char *path = temp_path("same.gguf");
    assert_int_equal(gguf_open(&g, fixture, NULL), HONE_OK);
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    gguf_close(&g);
    char *expected = load_file(fixture, &expected_size), *got = load_file(path, &size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(got, expected, size);
    free(expected);
    free(got);
}

static void add_vector(struct gguf *g, const char *name, const float *x, uint64_t n_cols, uint64_t n_rows)
{
    assert_true(gguf_add_tensor(g, &(struct gguf_tensor){.name = name,
                                                         .type = quant_type_by_id(QUANT_F32),
                                                         .n_dims = n_rows ? 2 : 1,
                                                         .dims = {n_cols, n_rows},
                                                         .data = x}));
}

static void test_build(void **state)
{
    (void)state;
    struct gguf *g = gguf_new("built");
    char key[] = "test.key";
    static const struct hone_text texts[] = {{"a\0b", 3}, {"", 0}, {"end", 3}};
    static const int32_t ints[] = {5, -6};
    assert_true(gguf_set_u32(g, key, 1));
    key[0] = 'b'; /* the key was copied */
    assert_true(gguf_set_f32(g, key, 0.5f));
    assert_true(gguf_set_bool(g, "bool", true));
    assert_true(gguf_set_text(g, "text", texts[0]));
    assert_true(gguf_set_string(g, "string", "s"));
    assert_true(gguf_set_texts(g, "texts", texts, 3));
    assert_true(gguf_set_texts(g, "no texts", NULL, 0));
    assert_true(gguf_set_array(g, "ints", GGUF_I32, ints, 2));
    assert_true(gguf_set_array(g, "no ints", GGUF_I32, NULL, 0));
    assert_false(gguf_set_u32(g, "test.key", 2));
    assert_false(gguf_set_texts(g, "test.key", texts, 3));
    assert_false(gguf_set_u32(g, "", 2));
    assert_false(gguf_set_u32(g, "a\nb", 2));
    const float *x = calloc(8, sizeof *x);
    assert_true(gguf_own_memory(g, (void *)x));
    add_vector(g, "x", x, 4, 2);
    struct gguf_tensor bad = *gguf_tensor_at(g, 0);
    assert_false(gguf_add_tensor(g, &bad));
    bad.name = "y";
    bad.dims[0] = 0;
    assert_false(gguf_add_tensor(g, &bad));
    bad.dims[0] = 31;
    bad.type = quant_type_by_id(QUANT_Q8_0);
    assert_false(gguf_add_tensor(g, &bad));

    const char *path = temp_path("built.gguf");
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    struct gguf *read;
    assert_int_equal(gguf_open(&read, path, NULL), HONE_OK);
    for (int i = 0; i < 2; i++) { /* built and read are the same to look at */
        const struct gguf *h = i ? read : g;
        assert_int_equal(gguf_n_keys(h), 9);
        assert_int_equal(gguf_n_tensors(h), 1);
        assert_string_equal(gguf_key(h, 1), "best.key");
        assert_int_equal(gguf_int_at(gguf_find(h, "test.key"), 0), 1);
        assert_int_equal(gguf_find(h, "text")->strings[0].size, 3);
        const struct gguf_value *value = gguf_find(h, "texts");
        assert_true(value->is_array && value->n == 3);
        assert_memory_equal(value->strings[2].data, "end", 3);
        assert_true(gguf_find(h, "no texts")->is_array && gguf_find(h, "no texts")->n == 0);
        assert_true(gguf_int_at(gguf_find(h, "ints"), 1) == -6);
        assert_int_equal(gguf_tensor_at(h, 0)->size, 32);
    }
    gguf_close(&read);
    gguf_close(&g);
    assert_null(g);
    gguf_close(&g);
}

static const struct quant_type *matrices_as(const struct gguf_tensor *tensor, void *arg)
{
    return tensor->n_dims == 2 ? quant_type_by_name(arg) : tensor->type;
}

/* Longer than the converter's buffer, and not a multiple of it. */
enum { N_COLS = 256, N_ROWS = 333 };

static float *make_matrix(void)
{
    float *x = malloc(N_COLS * N_ROWS * sizeof *x);
    for (int i = 0; i < N_COLS * N_ROWS; i++)
        x[i] = (float)((i * 7919) % 2003 - 1001) / 1024.0f;
    return x;
}

static void test_convert(void **state)
{
    (void)state;
    static char names[][8] = {"f32", "f16", "bf16", "q8_0", "q4_0", "q5_1", "q4_k", "q6_k", "iq4_nl"};
    float *x = make_matrix();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct gguf *g = gguf_new("matrix"), *read;
        const struct quant_type *type = quant_type_by_name(names[i]);
        const char *path = temp_path("converted.gguf");
        add_vector(g, "bias", x, N_COLS, 0);
        add_vector(g, "weight", x, N_COLS, N_ROWS);
        add_vector(g, "after", x, 1, 0);
        assert_int_equal(requantise(g, path,
                                    &(struct requantisation){.type_of = matrices_as, .arg = (void *)names[i]},
                                    NULL),
                         HONE_OK);
        gguf_close(&g);
        assert_int_equal(gguf_open(&read, path, NULL), HONE_OK);
        const struct gguf_tensor *weight = gguf_find_tensor(read, "weight");
        assert_ptr_equal(weight->type, type);
        void *expected = malloc(weight->size);
        type->quantize(expected, x, N_COLS * N_ROWS, NULL);
        assert_memory_equal(weight->data, expected, weight->size);
        assert_memory_equal(gguf_find_tensor(read, "bias")->data, x, N_COLS * sizeof *x);
        assert_memory_equal(gguf_find_tensor(read, "after")->data, x, sizeof *x);
        free(expected);
        gguf_close(&read);
    }
    free(x);
}

static void test_cannot_convert(void **state)
{
    (void)state;
    static float x[48];
    struct gguf *g = gguf_new("g");
    struct hone_error err;
    add_vector(g, "w", x, 48, 1);
    const char *path = temp_path("never.gguf");
    assert_int_equal(
        requantise(g, path, &(struct requantisation){.type_of = matrices_as, .arg = (void *)"q8_0"}, &err),
        HONE_USAGE);
    assert_non_null(strstr(err.message, "tensor w cannot be written as q8_0"));
    assert_int_equal(
        requantise(g, path, &(struct requantisation){.type_of = matrices_as, .arg = (void *)"q6_k"}, &err),
        HONE_USAGE);
    assert_non_null(strstr(err.message, "tensor w cannot be written as q6_k"));
    assert_true(gguf_set_u32(g, "general.alignment", 24));
    assert_int_equal(gguf_write(g, path, NULL, &err), HONE_BAD_MODEL);
    assert_int_not_equal(access(path, F_OK), 0);
    gguf_close(&g);
}

/* A number that a block's scale cannot hold spoils 32 or 256 of them: never without a word. */
static void test_not_finite(void **state)
{
    (void)state;
    static float x[2 * 256];
    static const struct {
        char type[8];
        float value;
        const char *sentence;
    } cases[] = {{"q8_0", NAN, "infinities or NaN"},
                 {"q6_k", -INFINITY, "infinities or NaN"},
                 {"q4_0", 1e9f, "too large numbers"},
                 {"q4_k", 3e38f, "too large numbers"},
                 {"f16", 70000, "too large numbers"},
                 {"f16", INFINITY, NULL},
                 {"bf16", 3e38f, NULL},
                 {"f32", NAN, NULL}};
    const char *path = temp_path("finite.gguf");
    size_t n_files = count_temp_files();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf *g = gguf_new("g");
        struct hone_error err;
        char type[8];
        memcpy(type, cases[i].type, sizeof type);
        add_vector(g, "w", x, 256, 2);
        x[300] = cases[i].value;
        enum hone_status status =
            requantise(g, path, &(struct requantisation){.type_of = matrices_as, .arg = (void *)type}, &err);
        assert_int_equal(status, cases[i].sentence ? HONE_BAD_MODEL : HONE_OK);
        if (cases[i].sentence) {
            assert_non_null(strstr(err.message, "tensor w has "));
            assert_non_null(strstr(err.message, cases[i].sentence));
            assert_int_equal(count_temp_files(), n_files);
        } else {
            unlink(path);
        }
        gguf_close(&g);
    }
}

static void test_bad_paths(void **state)
{
    (void)state;
    struct gguf *g = gguf_new("g");
    struct hone_error err;
    assert_int_equal(gguf_write(g, "/dev/null", NULL, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "/dev/null: not a regular file"));
    assert_int_equal(gguf_write(g, temp_path("no-folder/x.gguf"), NULL, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "No such file or directory"));
    assert_int_equal(gguf_write(g, temp_path("."), NULL, &err), HONE_FAILED);
    assert_int_equal(gguf_write(g, "/proc/x.gguf", NULL, &err), HONE_FAILED);
    gguf_close(&g);
}

/* Files may not grow past a limit, as on a full disk: whatever size it strikes at, there is a sentence, the old file
 * is as it was and nothing else is left. */
static void test_full_disk(void **state)
{
    (void)state;
    float *x = make_matrix();
    struct gguf *g = gguf_new("g");
    struct hone_error err;
    struct rlimit old_limit, limit;
    add_vector(g, "w", x, N_COLS, N_ROWS);
    const char *path = temp_path("full.gguf");
    store_file(path, "old", 3);
    size_t n_files = count_temp_files();
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit);
    static const rlim_t limits[] = {0, 1, 50, 100, 4096, 100000, N_COLS * N_ROWS * sizeof *x};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        limit = (struct rlimit){limits[i], old_limit.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
        enum hone_status status = gguf_write(g, path, NULL, &err);
        setrlimit(RLIMIT_FSIZE, &old_limit);
        assert_int_equal(status, HONE_FAILED);
        assert_non_null(strstr(err.message, "full.gguf: cannot be written: File too large"));
        assert_int_equal(count_temp_files(), n_files);
        size_t size;
        char *data = load_file(path, &size);
        assert_string_equal(data, "old");
        free(data);
    }
    assert_int_equal(gguf_write(g, path, NULL, &err), HONE_OK);
    assert_int_equal(count_temp_files(), n_files);
    gguf_close(&g);
    free(x);
}

/* A file may be written over itself while it is mapped; the new one has the permissions that the umask leaves. */
static void test_overwrite(void **state)
{
    (void)state;
    static char name[] = "f16";
    float *x = make_matrix();
    struct gguf *g = gguf_new("g");
    struct stat st;
    const char *path = temp_path("self.gguf");
    add_vector(g, "w", x, N_COLS, N_ROWS);
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    gguf_close(&g);
    assert_int_equal(gguf_open(&g, path, NULL), HONE_OK);
    mode_t mask = umask(027);
    assert_int_equal(
        requantise(g, path, &(struct requantisation){.type_of = matrices_as, .arg = (void *)name}, NULL),
        HONE_OK);
    umask(mask);
    assert_memory_equal(gguf_tensor_at(g, 0)->data, x, gguf_tensor_at(g, 0)->size);
    gguf_close(&g);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(gguf_open(&g, path, NULL), HONE_OK);
    assert_string_equal(gguf_tensor_at(g, 0)->type->name, name);
    gguf_close(&g);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_build),
        cmocka_unit_test(test_convert),    cmocka_unit_test(test_cannot_convert),
        cmocka_unit_test(test_not_finite), cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_full_disk),  cmocka_unit_test(test_overwrite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
