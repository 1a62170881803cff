/* A model file's metadata as JSON; and a model in several files, as the Python package `gguf` writes them
 * (tests/fixtures/make_split.py). */
#include "runtime/gguf/gguf.h"
#include "tests/files.h"

#include <hone.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static void expect(const struct hone_file *file, const char *key, const char *expected)
{
    for (size_t i = 0; i < hone_file_n_keys(file); i++) {
        char *value;
        if (strcmp(hone_file_key(file, i, NULL), key) != 0)
            continue;
        assert_string_equal(hone_file_key(file, i, &value), key);
        assert_string_equal(value, expected);
        hone_free(value);
        return;
    }
    fail_msg("no key %s", key);
}

static void test_values(void **state)
{
    (void)state;
    struct hone_file *file;
    assert_int_equal(hone_file_open(&file, "tests/fixtures/python.gguf", NULL), HONE_OK);
    expect(file, "general.architecture", "\"bert\"");
    expect(file, "test.u8", "200");
    expect(file, "test.i64", "-9000000000000000000");
    expect(file, "test.u64", "1.8e19");
    expect(file, "test.f32", "0.1");
    expect(file, "test.bool", "true");
    expect(file, "test.string", "\"Grüße\"");
    expect(file, "test.strings", "[\"[PAD]\", \"\", \"Grüße\", \"a\\tb\"]");
    expect(file, "test.floats", "[0.5, -0.25]");
    expect(file, "test.bools", "[true, false, true]");
    expect(file, "test.bytes", "{\"length\": 40, \"first\": [0, 1, 2, 3, 4, 5, 6, 7]}");
    struct hone_file_tensor tensor = hone_file_tensor(file, 0);
    assert_int_equal(hone_file_n_tensors(file), 7);
    assert_string_equal(tensor.name, "vector");
    assert_string_equal(tensor.type, "f32");
    assert_true(tensor.n_dims == 1 && tensor.dims[0] == 5 && tensor.dims[1] == 1 && tensor.size == 20);
    hone_file_close(&file);
    assert_null(file);
    hone_file_close(&file);
}

static struct hone_file *reopen(struct gguf *g)
{
    struct hone_file *file;
    const char *path = temp_path("values.gguf");
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    gguf_close(&g);
    assert_int_equal(hone_file_open(&file, path, NULL), HONE_OK);
    return file;
}

static void test_strange_values(void **state)
{
    (void)state;
    struct gguf *g = gguf_new("strange");
    static const float floats[] = {1e-12f, 3.4028235e38f, 1e-45f, -0.0f};
    const uint32_t nan = 0x7fc00000, infinity = 0x7f800000;
    assert_true(gguf_set_text(g, "bytes", (struct hone_text){"a\xff\xe2\x82z\0\x1b\"", 8}));
    assert_true(gguf_set_array(g, "floats", GGUF_F32, floats, 4));
    assert_true(gguf_set_array(g, "nan", GGUF_F32, &nan, 1));
    assert_true(gguf_set_array(g, "infinity", GGUF_F32, &infinity, 1));
    assert_true(gguf_set_array(g, "none", GGUF_U32, NULL, 0));
    struct hone_file *file = reopen(g);
    expect(file, "bytes", "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\\u0000\\u001B\\\"\"");
    expect(file, "floats", "[1e-12, 3.4028235e38, 1e-45, -0.0]");
    expect(file, "nan", "[null]");
    expect(file, "infinity", "[null]");
    expect(file, "none", "[]");
    hone_file_close(&file);
}

static void test_long_values(void **state)
{
    (void)state;
    enum { SIZE = 3 << 20 };
    char *text = malloc(SIZE), *value;
    memset(text, 'x', SIZE);
    struct gguf *g = gguf_new("long");
    assert_true(gguf_set_text(g, "text", (struct hone_text){text, SIZE}));
    struct hone_file *file = reopen(g);
    hone_file_key(file, 0, &value);
    json_t *json = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_int_equal(json_string_length(json), (1 << 20) + 3);
    json_decref(json);
    hone_free(value);
    hone_file_close(&file);
    free(text);
}

static void test_failures(void **state)
{
    (void)state;
    struct hone_file *file = (struct hone_file *)&file;
    struct hone_error err;
    assert_int_equal(hone_file_open(&file, "tests/files.c", &err), HONE_BAD_MODEL);
    assert_null(file);
    assert_int_equal(hone_file_open(&file, temp_path("absent"), &err), HONE_FAILED);
    assert_int_equal(hone_file_open(&file, "tests/unit", &err),
                     HONE_BAD_MODEL); /* a folder without config.json */
}

/* ---- in several files ---- */

static const char *const parts[] = {"model-00001-of-00003.gguf", "model-00002-of-00003.gguf",
                                    "model-00003-of-00003.gguf"};

/* A copy of a fixture in the temporary folder. */
static const char *put(const char *from, const char *to)
{
    char path[128];
    size_t size;
    snprintf(path, sizeof path, "tests/fixtures/split/%s", from);
    void *data = load_file(path, &size);
    store_file(temp_path(to), data, size);
    free(data);
    return temp_path(to);
}

static void put_all(void)
{
    for (size_t i = 0; i < 3; i++)
        put(parts[i], parts[i]);
}

static void expect_bad(const char *path, enum hone_status expected, const char *part_of_sentence)
{
    struct gguf *g;
    struct hone_error err;
    assert_int_equal(gguf_open(&g, path, &err), expected);
    assert_null(g);
    if (!strstr(err.message, part_of_sentence))
        fail_msg("\"%s\" does not say \"%s\"", err.message, part_of_sentence);
}

static void check(const struct gguf *g)
{
    assert_int_equal(gguf_n_tensors(g), 5);
    assert_null(gguf_find(g, "split.no"));
    assert_null(gguf_find(g, "split.count"));
    assert_null(gguf_find(g, "split.tensors.count"));
    assert_memory_equal(gguf_find(g, "general.architecture")->strings[0].data, "bert", 4);
    for (size_t i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "model.gguf.%zu", i);
        const struct gguf_tensor *t = gguf_find_tensor(g, name);
        assert_int_equal(gguf_tensor_index(g, t), i);
        assert_int_equal(t->dims[0], 3 + i);
        for (size_t j = 0; j < 3 + i; j++)
            assert_true(((const float *)t->data)[j] == (float)j);
    }
}

/* Whichever part is named; and what is written of them is one file. */
static void test_whole(void **state)
{
    (void)state;
    struct gguf *g;
    put_all();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gguf_open(&g, temp_path(parts[i]), NULL), HONE_OK);
        check(g);
        assert_int_equal(gguf_n_files(g), 3);
        assert_non_null(strstr(gguf_file_at(g, 2)->path, parts[2]));
        assert_int_equal(gguf_write(g, temp_path("one.gguf"), NULL, NULL), HONE_OK);
        gguf_close(&g);
    }
    assert_int_equal(gguf_open(&g, temp_path("one.gguf"), NULL), HONE_OK);
    check(g);
    assert_int_equal(gguf_n_files(g), 1);
    gguf_close(&g);
}

static void test_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        put_all();
        unlink(temp_path(parts[i]));
        expect_bad(temp_path(parts[(i + 1) % 3]), HONE_FAILED, parts[i]);
    }
}

static void test_foreign(void **state)
{
    (void)state;
    put_all();
    put("other-00002-of-00003.gguf", parts[1]); /* nothing in it tells but its tensors */
    struct gguf *g;
    assert_int_equal(gguf_open(&g, temp_path(parts[0]), NULL), HONE_OK);
    assert_null(gguf_find_tensor(g, "model.gguf.2"));
    gguf_close(&g);
    put(parts[2], parts[1]);
    expect_bad(temp_path(parts[0]), HONE_BAD_MODEL,
               "00002-of-00003.gguf: the file says that it is part 3 of 3");
    put("../python.gguf", parts[1]);
    expect_bad(temp_path(parts[0]), HONE_BAD_MODEL, "says that it is part");
    size_t size;
    put_all();
    char *data = load_file(temp_path(parts[1]), &size), *name = memmem(data, size, "model.gguf.2", 12);
    name[11] = '0';
    store_file(temp_path(parts[1]), data, size);
    expect_bad(temp_path(parts[0]), HONE_BAD_MODEL, "the tensor model.gguf.0 is in an earlier part");
    name[11] = '2';
    char *count = memmem(data, size, "split.tensors.count", 19);
    count[19 + 4] = 6;
    store_file(temp_path(parts[1]), data, size);
    expect_bad(temp_path(parts[0]), HONE_BAD_MODEL, "is of a model of 6 tensors, the first part of one of 5");
    free(data);
}

/* A part that is called otherwise does not tell where the others are. */
static void test_names(void **state)
{
    (void)state;
    put_all();
    static const char *const names[] = {"model.gguf", "model-00001-of-00004.gguf", "model-00001-of-00003.bin",
                                        "-0001-of-00003.gguf"};
    for (size_t i = 0; i < 4; i++)
        expect_bad(put(parts[0], names[i]), HONE_BAD_MODEL, "should be called NAME-00001-of-00003.gguf");
}

/* At each length a file that was cut shows what came before, and says what is wrong; the whole one says nothing. */
static void cut_files(void **state)
{
    (void)state;
    size_t size, most = 0;
    char *data = load_file("tests/fixtures/python.gguf", &size);
    const char *path = temp_path("cut.gguf");
    for (size_t n = 0; n <= size; n += n + 7 < size ? 7 : size - n > 0 ? size - n : 1) {
        struct hone_file *file;
        struct hone_error err;
        store_file(path, data, n);
        enum hone_status status = hone_file_open(&file, path, &err);
        if (status != HONE_OK) {
            assert_int_equal(status, HONE_BAD_MODEL);
            assert_true(most == 0); /* once there is a key, it is shown */
            continue;
        }
        assert_true(hone_file_n_keys(file) >= most);
        most = hone_file_n_keys(file);
        assert_true(hone_file_damage(file) == NULL ? n + 64 > size : n < size); /* it may end with padding */
        for (size_t i = 0; i < most; i++) {
            char *value;
            hone_file_key(file, i, &value);
            hone_free(value);
        }
        for (size_t i = 0; i < hone_file_n_tensors(file); i++)
            assert_non_null(hone_file_tensor(file, i).name);
        hone_file_close(&file);
    }
    assert_true(most > 3);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_files),           cmocka_unit_test(test_values),
        cmocka_unit_test(test_strange_values), cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_failures),       cmocka_unit_test(test_whole),
        cmocka_unit_test(test_missing),        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
