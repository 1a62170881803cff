/* A model file's metadata as JSON. */
#include "runtime/gguf/gguf.h"
#include "tests/files.h"

#include <hone.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_strange_values),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
