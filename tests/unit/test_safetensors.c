/* Reading safetensors folders: what the Python package wrote (tests/fixtures/make_safetensors.py), then damage. */
#include "runtime/load/import/safetensors.h"
#include "tests/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char single[] = "tests/fixtures/safetensors/single";
static const char sharded[] = "tests/fixtures/safetensors/sharded";

/* ---- what is right ---- */

static void test_single(void **state)
{
    (void)state;
    struct safetensors *s;
    assert_int_equal(safetensors_open(&s, single, NULL), HONE_OK);
    assert_int_equal(safetensors_n(s), 6);
    static const char *const names[] = {"f32", "f16", "bf16"};
    for (size_t i = 0; i < 3; i++) {
        const struct safetensor *tensor = safetensors_find(s, names[i]);
        assert_ptr_equal(tensor->type, quant_type_by_name(names[i]));
        assert_true(tensor->n_dims == 2 && tensor->dims[0] == 2 && tensor->dims[1] == 3 &&
                    tensor->dims[2] == 1);
        assert_int_equal(tensor->size, 6 * tensor->type->block_size);
        float x[6];
        tensor->type->dequantize(x, tensor->data, 6);
        for (int j = 0; j < 6; j++)
            assert_true(x[j] == (float)j / 4);
    }
    const struct safetensor *ids = safetensors_find(s, "position_ids"),
                            *scalar = safetensors_find(s, "scalar"), *empty = safetensors_find(s, "empty");
    assert_null(ids->type);
    assert_string_equal(ids->dtype, "I64");
    assert_int_equal(ids->size, 32);
    assert_true(scalar->n_dims == 0 && scalar->size == 4);
    assert_true(empty->n_dims == 2 && empty->dims[0] == 0 && empty->size == 0);
    assert_null(safetensors_find(s, "__metadata__"));
    for (size_t i = 0; i < safetensors_n(s); i++)
        assert_int_equal(safetensors_index(s, safetensors_at(s, i)), i);
    safetensors_close(&s);
    assert_null(s);
    safetensors_close(&s);
}

/* The tensors outlive what they were read with. */
static void test_sharded(void **state)
{
    (void)state;
    struct safetensors *s;
    struct gguf *g = gguf_new("given");
    const float *data[3];
    assert_int_equal(safetensors_open(&s, sharded, NULL), HONE_OK);
    assert_int_equal(safetensors_n(s), 3);
    for (int i = 0; i < 3; i++)
        data[i] = safetensors_find(s, (char[]){(char)('a' + i), '\0'})->data;
    assert_true(safetensors_give_mappings(s, g));
    safetensors_close(&s);
    for (int i = 0; i < 3; i++)
        assert_true(data[i][5] == (float)i + 1.25f);
    gguf_close(&g);
}

static void test_missing(void **state)
{
    (void)state;
    struct safetensors *s = (struct safetensors *)&s;
    struct hone_error err;
    assert_int_equal(safetensors_open(&s, "tests/fixtures", &err), HONE_BAD_MODEL);
    assert_null(s);
    assert_non_null(strstr(err.message, "none of model.safetensors, model.safetensors.index.json"));
    assert_int_equal(safetensors_open(&s, "tests/no-such-folder", NULL), HONE_BAD_MODEL);
}

/* ---- damage ---- */

static struct safetensors *open_bytes(const void *data, size_t size, struct hone_error *err)
{
    struct safetensors *s;
    mkdir(temp_path("st"), 0777);
    store_file(temp_path("st/model.safetensors"), data, size);
    enum hone_status status = safetensors_open(&s, temp_path("st"), err);
    assert_true(status == HONE_OK || status == HONE_BAD_MODEL);
    assert_int_equal(status == HONE_OK, s != NULL);
    return s;
}

/* A file with this header and n bytes of data. */
static struct safetensors *open_header(const char *header, size_t n, struct hone_error *err)
{
    char file[2048] = {0};
    uint64_t size = strlen(header);
    assert_true(8 + size + n <= sizeof file);
    memcpy(file, &size, sizeof size);
    memcpy(file + 8, header, size);
    return open_bytes(file, 8 + size + n, err);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    size_t size;
    char path[128];
    snprintf(path, sizeof path, "%s/model.safetensors", single);
    unsigned char *data = load_file(path, &size);
    for (size_t n = 0; n <= size; n++) {
        struct safetensors *s = open_bytes(data, n, NULL);
        assert_int_equal(s != NULL, n == size);
        safetensors_close(&s);
    }
    free(data);
}

static void test_flip_any_byte(void **state)
{
    (void)state;
    size_t size;
    char path[128];
    snprintf(path, sizeof path, "%s/model.safetensors", single);
    unsigned char *data = load_file(path, &size);
    for (size_t i = 0; i < size; i++) {
        const unsigned char old = data[i], values[] = {0, '"', ',', '9', '-', 0x80, 0xff, old ^ 1};
        for (size_t j = 0; j < sizeof values; j++) {
            data[i] = values[j];
            struct safetensors *s = open_bytes(data, size, NULL);
            unsigned char sum = 0;
            for (size_t t = 0; s && t < safetensors_n(s); t++) {
                const struct safetensor *tensor = safetensors_at(s, t);
                for (size_t k = 0; k < tensor->size; k++)
                    sum ^= ((const unsigned char *)tensor->data)[k];
            }
            (void)sum;
            safetensors_close(&s);
        }
        data[i] = old;
    }
    free(data);
}

static void test_headers(void **state)
{
    (void)state;
#define T                 "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define U(shape, offsets) "{\"t\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    static const struct {
        const char *header, *part; /* of the sentence; NULL: good */
    } cases[] = {
        {"{}", NULL},
        {"{\"t\":" T "}      ", NULL},
        {"{\"__metadata__\":{\"format\":\"pt\"},\"t\":" T "}", NULL},
        {"", "not valid JSON"},
        {"[]", "not a JSON object"},
        {"{\"t\":" T "}x", "not valid JSON"},
        {"{\"t\":" T ",\"t\":" T "}", "not valid JSON"}, /* "duplicate object key" */
        {"{\"t\":" T ",\"u\":" T "}", "overlap"},
        {"{\"t\":7}", "tensor t has no dtype"},
        {"{\"t\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", "tensor t has no dtype"},
        {U("[2]", "[8,16]"), NULL},
        {U("[1,2,1]", "[8,16]"), NULL},
        {U("[2]", "[9,17]"), "do not lie in the file"},
        {U("[2]", "[8,0]"), "do not lie in the file"},
        {U("[2]", "[-8,0]"), "do not lie in the file"},
        {U("[2]", "[0,9223372036854775807]"), "do not lie in the file"},
        {U("[2]", "[0,9223372036854775808]"), "not valid JSON"},
        {U("[2]", "[0,8.0]"), "do not lie in the file"},
        {U("[2]", "[8]"), "do not lie in the file"},
        {U("[2]", "[0,8,16]"), "do not lie in the file"},
        {U("[2]", "7"), "do not lie in the file"},
        {U("[3]", "[0,8]"), "are not what its shape needs"},
        {U("[1]", "[0,8]"), "are not what its shape needs"},
        {U("[4611686018427387904]", "[0,0]"), "are not what its shape needs"},
        {U("[4294967296,4294967296]", "[0,0]"), "are not what its shape needs"},
        {U("[-2]", "[0,8]"), "the shape is not"},
        {U("[\"2\"]", "[0,8]"), "the shape is not"},
        {U("[2.0]", "[0,8]"), "the shape is not"},
        {U("2", "[0,8]"), "the shape is not"},
        {U("[2,1,1,1,1,1,1,1]", "[0,8]"), NULL},
        {U("[2,1,1,1,1,1,1,1,1]", "[0,8]"), "the shape is not"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hone_error err;
        struct safetensors *s = open_header(cases[i].header, 16, &err);
        if (cases[i].part && s)
            fail_msg("accepted: %s", cases[i].header);
        if (cases[i].part && !strstr(err.message, cases[i].part))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].header, err.message, cases[i].part);
        if (!cases[i].part && !s)
            fail_msg("%s refused: %s", cases[i].header, err.message);
        safetensors_close(&s);
    }
}

static void test_header_size(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {3, 1u << 20, 200u << 20, 1ull << 60, UINT64_MAX - 7, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char file[10] = "        {}";
        struct hone_error err;
        memcpy(file, &sizes[i], sizeof sizes[i]);
        assert_null(open_bytes(file, sizeof file, &err));
        assert_non_null(strstr(err.message, "the header claims"));
    }
    struct hone_error err;
    assert_null(open_bytes("", 0, &err));
    assert_non_null(strstr(err.message, "st/model.safetensors: cut short"));
}

/* {} and blanks, which go on to the largest header, and a byte further. */
static void test_largest_header(void **state)
{
    (void)state;
    const size_t most = (size_t)100 << 20;
    for (uint64_t size = most; size <= most + 1; size++) {
        char *file = malloc(8 + size);
        memcpy(file, &size, sizeof size);
        memcpy(file + 8, "{}", 2);
        memset(file + 10, ' ', size - 2);
        struct safetensors *s = open_bytes(file, 8 + size, NULL);
        assert_int_equal(s != NULL, size == most);
        safetensors_close(&s);
        free(file);
    }
    store_file(temp_path("st/model.safetensors"), "", 0);
}

/* As deep as the header can be. */
static void test_deep_header(void **state)
{
    (void)state;
    enum { DEPTH = 1 << 20 };
    char *file = malloc(8 + DEPTH);
    uint64_t size = DEPTH;
    memcpy(file, &size, sizeof size);
    memset(file + 8, '[', DEPTH);
    assert_null(open_bytes(file, 8 + DEPTH, NULL));
    free(file);
}

static void copy_shard(const char *name, const char *as)
{
    char path[128];
    size_t size;
    snprintf(path, sizeof path, "%s/%s", sharded, name);
    void *data = load_file(path, &size);
    snprintf(path, sizeof path, "shards/%s", as);
    store_file(temp_path(path), data, size);
    free(data);
}

static void test_index(void **state)
{
    (void)state;
    static const struct {
        const char *index, *part;
    } cases[] = {
        {"{\"weight_map\":{\"a\":\"1\",\"c\":\"2\"}}", NULL},
        {"{\"weight_map\":{\"a\":\"1\",\"b\":\"1\",\"c\":\"2\"}}", NULL},
        {"", "not valid JSON"},
        {"{}", "no weight_map"},
        {"{\"weight_map\":[]}", "no weight_map"},
        {"{\"weight_map\":{}}", "no weight_map"},
        {"{\"weight_map\":{\"a\":1}}", "tensor a is not a string"},
        {"{\"weight_map\":{\"a\":\"2\"}}", "tensor a is not in this file"},
        {"{\"weight_map\":{\"a\":\"1\",\"c\":\"1\"}}", "tensor c is not in this file"},
        {"{\"weight_map\":{\"a\":\"1\",\"x\":\"same\"}}", "is in two files"},
        {"{\"weight_map\":{\"a\":\"../shards/1\"}}", "expected a name without a folder"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "expected a name without a folder"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "expected a name without a folder"},
        {"{\"weight_map\":{\"a\":\".\"}}", "expected a name without a folder"},
        {"{\"weight_map\":{\"a\":\"\"}}", "expected a name without a folder"},
    };
    mkdir(temp_path("shards"), 0777);
    copy_shard("model-00001-of-00002.safetensors", "1");
    copy_shard("model-00001-of-00002.safetensors", "same");
    copy_shard("model-00002-of-00002.safetensors", "2");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct safetensors *s;
        struct hone_error err;
        store_file(temp_path("shards/model.safetensors.index.json"), cases[i].index, strlen(cases[i].index));
        enum hone_status status = safetensors_open(&s, temp_path("shards"), &err);
        assert_int_equal(status, cases[i].part ? HONE_BAD_MODEL : HONE_OK);
        if (cases[i].part && !strstr(err.message, cases[i].part))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].index, err.message, cases[i].part);
        safetensors_close(&s);
    }
    static const char absent[] = "{\"weight_map\":{\"a\":\"absent\"}}";
    struct safetensors *s;
    store_file(temp_path("shards/model.safetensors.index.json"), absent, sizeof absent - 1);
    assert_int_equal(safetensors_open(&s, temp_path("shards"), NULL), HONE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),        cmocka_unit_test(test_sharded),
        cmocka_unit_test(test_missing),       cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_flip_any_byte), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_header_size),   cmocka_unit_test(test_largest_header),
        cmocka_unit_test(test_deep_header),   cmocka_unit_test(test_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
