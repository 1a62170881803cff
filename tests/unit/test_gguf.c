/* Reading GGUF files: what the Python package `gguf` wrote (tests/fixtures/make_gguf.py), then damage of every kind. */
#include "runtime/gguf/impl.h"
#include "tests/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char fixture[] = "tests/fixtures/python.gguf";

/* ---- files made by hand ---- */

struct bytes {
    unsigned char data[8192];
    size_t n;
};

static void put(struct bytes *b, const void *data, size_t size)
{
    assert_true(size <= sizeof b->data - b->n);
    memcpy(b->data + b->n, data, size);
    b->n += size;
}

static void put_u32(struct bytes *b, uint32_t x)
{
    put(b, &x, sizeof x);
}

static void put_u64(struct bytes *b, uint64_t x)
{
    put(b, &x, sizeof x);
}

static void put_string(struct bytes *b, const char *s)
{
    put_u64(b, strlen(s));
    put(b, s, strlen(s));
}

static void put_header(struct bytes *b, uint64_t n_tensors, uint64_t n_keys)
{
    put_u32(b, GGUF_MAGIC);
    put_u32(b, GGUF_VERSION);
    put_u64(b, n_tensors);
    put_u64(b, n_keys);
}

static void put_key(struct bytes *b, const char *key, uint32_t type)
{
    put_string(b, key);
    put_u32(b, type);
}

static void put_tensor(struct bytes *b, const char *name, uint32_t type, uint64_t n_cols, uint64_t n_rows,
                       uint64_t offset)
{
    put_string(b, name);
    put_u32(b, 2);
    put_u64(b, n_cols);
    put_u64(b, n_rows);
    put_u32(b, type);
    put_u64(b, offset);
}

static void put_data(struct bytes *b, size_t size)
{
    b->n = (b->n + 31) / 32 * 32;
    assert_true(size <= sizeof b->data - b->n);
    b->n += size;
}

static struct gguf *open_bytes(const void *data, size_t size, struct hone_error *err)
{
    struct gguf *g = NULL;
    const char *path = temp_path("bytes.gguf");
    store_file(path, data, size);
    enum hone_status status = gguf_open(&g, path, err);
    assert_true(status == HONE_OK || status == HONE_BAD_MODEL);
    assert_int_equal(status == HONE_OK, g != NULL);
    return g;
}

static void expect_good(const struct bytes *b)
{
    struct hone_error err;
    struct gguf *g = open_bytes(b->data, b->n, &err);
    if (!g)
        fail_msg("refused: %s", err.message);
    gguf_close(&g);
}

static void expect_bad(const struct bytes *b, const char *sentence_part)
{
    struct hone_error err;
    struct gguf *g = open_bytes(b->data, b->n, &err);
    assert_null(g);
    if (!strstr(err.message, sentence_part))
        fail_msg("\"%s\" does not say \"%s\"", err.message, sentence_part);
}

/* Everything that an opened file points to lies in the file. */
static void check_spans(const struct gguf *g)
{
    const char *start = g->owned[0].p, *end = start + g->owned[0].map_size;
    for (size_t i = 0; i < gguf_n_keys(g); i++) {
        const struct gguf_value *value = gguf_value_at(g, i);
        const char *data = value->data;
        if (value->type != GGUF_STRING)
            assert_true(data >= start && value->n <= (size_t)(end - data) / gguf_type_size(value->type));
        for (size_t j = 0; value->type == GGUF_STRING && j < value->n; j++) {
            data = value->strings[j].data;
            assert_true(data >= start && value->strings[j].size <= (size_t)(end - data));
        }
    }
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(g, i);
        const char *data = tensor->data;
        uint64_t n = tensor->dims[0] * tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
        assert_true(data >= start && tensor->size <= (size_t)(end - data));
        assert_int_equal(tensor->size, n / tensor->type->block_len * tensor->type->block_size);
    }
}

/* ---- what is right ---- */

static int open_fixture(void **state)
{
    return gguf_open((struct gguf **)state, fixture, NULL);
}

static int close_fixture(void **state)
{
    gguf_close((struct gguf **)state);
    return 0;
}

static void test_scalars(void **state)
{
    const struct gguf *g = *state;
    static const struct {
        const char *key;
        int64_t value;
    } ints[] = {
        {"test.u8", 200},         {"test.i8", -100},
        {"test.u16", 60000},      {"test.i16", -30000},
        {"test.u32", 4000000000}, {"test.i32", -2000000000},
        {"test.u64", INT64_MAX},  {"test.i64", -9000000000000000000},
        {"test.bool", 1},         {"test.f32", 0},
        {"test.f64", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        const struct gguf_value *value = gguf_find(g, ints[i].key);
        assert_non_null(value);
        assert_false(value->is_array);
        assert_int_equal(value->n, 1);
        assert_true(gguf_int_at(value, 0) == ints[i].value);
    }
    assert_true(gguf_float_at(gguf_find(g, "test.u64"), 0) == 18000000000000000000.0);
    assert_true(gguf_float_at(gguf_find(g, "test.f32"), 0) == (double)0.1f);
    assert_true(gguf_float_at(gguf_find(g, "test.f64"), 0) == 1e300);
    assert_null(gguf_find(g, "test.none"));
    assert_string_equal(gguf_key(g, 0), "general.architecture");
    assert_string_equal(gguf_path(g), fixture);
}

static void test_arrays(void **state)
{
    const struct gguf *g = *state;
    const struct gguf_value *strings = gguf_find(g, "test.strings"), *ints = gguf_find(g, "test.ints");
    static const char *const expected[] = {"[PAD]", "", "Grüße", "a\tb"};
    assert_true(strings->is_array && strings->type == GGUF_STRING && strings->n == 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(strings->strings[i].size, strlen(expected[i]));
        assert_memory_equal(strings->strings[i].data, expected[i], strlen(expected[i]));
    }
    assert_true(ints->is_array && ints->n == 3);
    assert_true(gguf_int_at(ints, 0) == 1 && gguf_int_at(ints, 1) == -2 && gguf_int_at(ints, 2) == 3);
    assert_true(gguf_float_at(gguf_find(g, "test.floats"), 1) == -0.25);
    assert_true(gguf_int_at(gguf_find(g, "test.bools"), 2) == 1);
    assert_true(gguf_int_at(gguf_find(g, "test.bytes"), 39) == 39);
}

static void test_getters(void **state)
{
    const struct gguf *g = *state;
    struct hone_error err;
    size_t size = 7;
    float x = 7;
    bool flag = false;
    struct hone_text text = {"7", 1};
    /* A missing key leaves the default. */
    assert_int_equal(gguf_get_size(g, "test.none", 10, &size, &err), HONE_OK);
    assert_int_equal(gguf_get_float(g, "test.none", &x, &err), HONE_OK);
    assert_int_equal(gguf_get_bool(g, "test.none", &flag, &err), HONE_OK);
    assert_int_equal(gguf_get_text(g, "test.none", &text, &err), HONE_OK);
    assert_true(size == 7 && x == 7 && !flag && text.size == 1);

    assert_int_equal(gguf_get_size(g, "test.u16", 60000, &size, &err), HONE_OK);
    assert_int_equal(size, 60000);
    assert_int_equal(gguf_get_float(g, "test.i8", &x, &err), HONE_OK);
    assert_true(x == -100);
    assert_int_equal(gguf_get_bool(g, "test.bool", &flag, &err), HONE_OK);
    assert_true(flag);
    assert_int_equal(gguf_get_text(g, "general.architecture", &text, &err), HONE_OK);
    assert_int_equal(text.size, 4);

    /* Another kind, or out of range: refused and named, the output untouched. */
    static const char *const not_sizes[] = {"test.i8", "test.u64", "test.f32", "test.string", "test.ints"};
    for (size_t i = 0; i < sizeof not_sizes / sizeof *not_sizes; i++) {
        assert_int_equal(gguf_get_size(g, not_sizes[i], SIZE_MAX, &size, &err), HONE_BAD_MODEL);
        assert_non_null(strstr(err.message, not_sizes[i]));
    }
    assert_int_equal(gguf_get_size(g, "test.u16", 59999, &size, &err), HONE_BAD_MODEL);
    assert_int_equal(gguf_get_float(g, "test.f64", &x, &err), HONE_BAD_MODEL);
    assert_int_equal(gguf_get_float(g, "test.floats", &x, &err), HONE_BAD_MODEL);
    assert_int_equal(gguf_get_bool(g, "test.u8", &flag, &err), HONE_BAD_MODEL);
    assert_int_equal(gguf_get_bool(g, "test.f32", &flag, &err), HONE_BAD_MODEL);
    assert_int_equal(gguf_get_text(g, "test.strings", &text, &err), HONE_BAD_MODEL);
    assert_int_equal(gguf_get_text(g, "test.u8", &text, NULL), HONE_BAD_MODEL);
    assert_true(size == 60000 && x == -100 && flag && text.size == 4);
}

static void test_tensors(void **state)
{
    const struct gguf *g = *state;
    assert_int_equal(gguf_n_tensors(g), 7);
    const struct gguf_tensor *vector = gguf_find_tensor(g, "vector"),
                             *q8 = gguf_find_tensor(g, "matrix.q8_0"),
                             *cube = gguf_find_tensor(g, "cube.f32");
    assert_ptr_equal(gguf_tensor_at(g, 0), vector);
    assert_true(vector->n_dims == 1 && vector->dims[0] == 5 && vector->dims[1] == 1);
    assert_true(((const float *)vector->data)[4] == 4);
    assert_true(q8->n_dims == 2 && q8->dims[0] == 64 && q8->dims[1] == 3 && q8->size == 3 * 2 * 34);
    assert_string_equal(q8->type->name, "q8_0");
    assert_true(cube->n_dims == 3 && cube->dims[0] == 4 && cube->dims[1] == 3 && cube->dims[2] == 2);
    assert_true(((const float *)cube->data)[23] == 23);
    assert_null(gguf_find_tensor(g, "Vector"));
}

static void test_versions(void **state)
{
    (void)state;
    size_t size;
    unsigned char *data = load_file(fixture, &size);
    struct hone_error err;
    data[4] = 2;
    struct gguf *g = open_bytes(data, size, &err);
    assert_non_null(g);
    gguf_close(&g);
    for (int version = 0; version < 6; version++) {
        data[4] = (unsigned char)version;
        g = open_bytes(data, size, &err);
        assert_int_equal(g != NULL, version == 2 || version == 3);
        gguf_close(&g);
    }
    memcpy(data + 4, "\0\0\0\3", 4);
    assert_null(open_bytes(data, size, &err));
    assert_non_null(strstr(err.message, "big-endian"));
    free(data);
}

static void test_small_files(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_header(&b, 0, 0);
    expect_good(&b);
    expect_bad(&(struct bytes){.n = 0}, "not a GGUF file");
    expect_bad(&(struct bytes){.n = 100}, "not a GGUF file");
    put(&b, "trailing bytes", 14);
    expect_good(&b);

    struct hone_error err;
    struct gguf *g = (struct gguf *)&b;
    assert_int_equal(gguf_open(&g, temp_path("none.gguf"), &err), HONE_FAILED);
    assert_null(g);
    assert_non_null(strstr(err.message, "none.gguf: No such file"));
    assert_int_equal(gguf_open(&g, "/dev/zero", &err), HONE_FAILED);
    assert_int_equal(gguf_open(&g, "tests", &err), HONE_FAILED);
    gguf_close(&g);
}

/* ---- damage ---- */

static void test_cut_anywhere(void **state)
{
    (void)state;
    size_t size, end = 0;
    unsigned char *data = load_file(fixture, &size);
    struct gguf *g = open_bytes(data, size, NULL);
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(g, i);
        size_t tensor_end = (size_t)((const char *)tensor->data - (const char *)g->owned[0].p) + tensor->size;
        end = tensor_end > end ? tensor_end : end;
    }
    gguf_close(&g);
    for (size_t n = 0; n < size; n++) {
        g = open_bytes(data, n, NULL);
        assert_int_equal(g != NULL, n >= end); /* what is lost is padding then */
        gguf_close(&g);
    }
    free(data);
}

static void test_flip_any_byte(void **state)
{
    (void)state;
    size_t size;
    unsigned char *data = load_file(fixture, &size);
    for (size_t i = 0; i < size; i++) {
        const unsigned char old = data[i], values[] = {0, 1, 0x7f, 0x80, 0xff, old + 1, old - 1, old ^ 0x20};
        for (size_t j = 0; j < sizeof values; j++) {
            data[i] = values[j];
            struct gguf *g = open_bytes(data, size, NULL);
            if (g)
                check_spans(g);
            gguf_close(&g);
        }
        data[i] = old;
    }
    free(data);
}

/* Numbers that a small file cannot hold: refused at once, nothing allocated for them. */
static void test_huge_claims(void **state)
{
    (void)state;
    static const uint64_t claims[] = {1u << 24,   1ull << 32,     1ull << 60, 1ull << 61,
                                      1ull << 63, UINT64_MAX - 7, UINT64_MAX};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct bytes b = {0};
        put_header(&b, claims[i], 0);
        expect_bad(&b, "cut short");
        b.n = 0;
        put_header(&b, 0, claims[i]);
        expect_bad(&b, "cut short");
        put_u64(&b, claims[i]); /* a key's length */
        expect_bad(&b, "cut short");
        b.n = 24;
        put_key(&b, "s", GGUF_STRING);
        put_u64(&b, claims[i]);
        expect_bad(&b, "cut short");
        for (uint32_t type = 0; type < GGUF_N_TYPES; type++) {
            b.n = 24;
            put_key(&b, "a", GGUF_ARRAY);
            put_u32(&b, type);
            put_u64(&b, claims[i]);
            expect_bad(&b, type == GGUF_ARRAY    ? "type 9"
                           : type == GGUF_STRING ? "key a claims"
                                                 : "cut short");
        }
        b.n = 0;
        put_header(&b, 1, 0);
        put_tensor(&b, "t", QUANT_F32, claims[i], 1, 0);
        put_data(&b, 64);
        expect_bad(&b, "tensor t");
        b.n = 0;
        put_header(&b, 1, 0);
        put_tensor(&b, "t", QUANT_Q8_0, 32, claims[i], 0);
        put_data(&b, 64);
        expect_bad(&b, "tensor t");
    }
}

static void test_keys(void **state)
{
    (void)state;
    struct bytes b = {0};
    put_header(&b, 0, 2);
    for (int i = 0; i < 2; i++) {
        put_key(&b, "twice", GGUF_U8);
        put(&b, "x", 1);
    }
    expect_bad(&b, "key twice is there twice");
    static const char *const names[] = {"", "a\nb", "\x7f"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        b.n = 0;
        put_header(&b, 0, 1);
        put_key(&b, names[i], GGUF_U8);
        put(&b, "x", 1);
        expect_bad(&b, "key 0 is empty");
    }
    b.n = 0;
    put_header(&b, 0, 1);
    put_key(&b, "nested", GGUF_ARRAY);
    put_u32(&b, GGUF_ARRAY);
    put_u64(&b, 0);
    expect_bad(&b, "key nested");
    b.n = 0;
    put_header(&b, 0, 1);
    put_key(&b, "kind", GGUF_N_TYPES);
    put_u64(&b, 0);
    expect_bad(&b, "key kind has a value of type 13");
    b.n = 0;
    put_header(&b, 0, 1);
    put_key(&b, "flag", GGUF_BOOL);
    put(&b, "\2", 1);
    expect_bad(&b, "key flag has a bool that is 2");
}

static void test_alignment(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, 1, 4, 12, 33, 48, 1u << 17, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad + 1; i++) {
        struct bytes b = {0};
        put_header(&b, 1, 1);
        put_key(&b, "general.alignment", GGUF_U32);
        put_u32(&b, i < sizeof bad / sizeof *bad ? bad[i] : 8);
        put_tensor(&b, "t", QUANT_F32, 1, 1, 8);
        put_data(&b, 64);
        if (i < sizeof bad / sizeof *bad)
            expect_bad(&b, "general.alignment");
        else
            expect_good(&b);
    }
}

static void test_tensor_names(void **state)
{
    (void)state;
    struct bytes b = {0};
    char name[GGUF_MAX_NAME + 2];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    put_header(&b, 1, 0);
    put_tensor(&b, name, QUANT_F32, 1, 1, 0);
    put_data(&b, 64);
    expect_bad(&b, "the name of tensor 0");
    name[sizeof name - 2] = '\0';
    b.n = 0;
    put_header(&b, 1, 0);
    put_tensor(&b, name, QUANT_F32, 1, 1, 0);
    put_data(&b, 64);
    expect_good(&b);
    b.n = 0;
    put_header(&b, 2, 0);
    put_tensor(&b, "t", QUANT_F32, 1, 1, 0);
    put_tensor(&b, "t", QUANT_F32, 1, 1, 32);
    put_data(&b, 64);
    expect_bad(&b, "tensor t is there twice");
    b.n = 0;
    put_header(&b, 1, 0);
    put_u64(&b, 3);
    put(&b, "a\0b", 3);
    put_data(&b, 64);
    expect_bad(&b, "the name of tensor 0");
}

static void test_tensor_shapes(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        uint64_t n_cols, n_rows, offset;
        const char *part; /* of the sentence; NULL: good */
    } cases[] = {
        {QUANT_F32, 4, 16, 0, NULL},
        {QUANT_F32, 4, 8, 128, NULL},
        {QUANT_F32, 4, 17, 0, "cut short: tensor t"},
        {QUANT_F32, 4, 8, 160, "cut short: tensor t"},
        {QUANT_F32, 4, 8, 4, "not a multiple of 32"},
        {QUANT_F32, 4, 8, UINT64_MAX - 31, "cut short: tensor t"},
        {QUANT_F32, 0, 8, 0, "no elements"},
        {QUANT_F32, 4, 0, 0, "no elements"},
        {QUANT_F32, 1ull << 32, 1ull << 32, 0, "more elements"},
        {QUANT_F32, 1ull << 62, 4, 0, "more elements"},
        {QUANT_Q4_0, 1ull << 63, 1, 0, "more elements"},
        {QUANT_Q8_0, 33, 1, 0, "not whole blocks"},
        {QUANT_Q8_0, 16, 2, 0, "not whole blocks"},
        {QUANT_Q6_K, 32, 8, 0, "not whole blocks"},
        {4, 32, 1, 0, "tensor t is of type Q4_2,"},
        {1000, 32, 1, 0, "number 1000,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes b = {0};
        put_header(&b, 1, 0);
        put_tensor(&b, "t", cases[i].type, cases[i].n_cols, cases[i].n_rows, cases[i].offset);
        put_data(&b, 256);
        if (cases[i].part)
            expect_bad(&b, cases[i].part);
        else
            expect_good(&b);
    }
    struct bytes b = {0};
    put_header(&b, 1, 0);
    put_string(&b, "t");
    put_u32(&b, 5);
    put_data(&b, 256);
    expect_bad(&b, "tensor t has 5 dimensions");
}

static void test_overlap(void **state)
{
    (void)state;
    for (uint64_t offset = 0; offset <= 128; offset += 32) {
        struct bytes b = {0};
        put_header(&b, 3, 0);
        put_tensor(&b, "last", QUANT_F32, 1, 1, 192);
        put_tensor(&b, "first", QUANT_F32, 4, 6, 0); /* 96 bytes */
        put_tensor(&b, "second", QUANT_F32, 1, 1, offset);
        put_data(&b, 256);
        if (offset < 96)
            expect_bad(&b, "overlap");
        else
            expect_good(&b);
    }
}

/* Many keys, all of one long beginning: not a matter of the square of their number. */
static void test_many_keys(void **state)
{
    (void)state;
    enum { N = 50000 };
    struct gguf *g = gguf_new("many");
    char key[64];
    for (uint32_t i = 0; i < N; i++) {
        snprintf(key, sizeof key, "a.long.beginning.that.all.of.them.share.%u", i);
        assert_true(gguf_set_u32(g, key, i));
    }
    assert_false(gguf_set_u32(g, key, 0));
    const char *path = temp_path("many.gguf");
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    gguf_close(&g);
    assert_int_equal(gguf_open(&g, path, NULL), HONE_OK);
    assert_int_equal(gguf_n_keys(g), N);
    assert_int_equal(gguf_int_at(gguf_find(g, key), 0), N - 1);
    gguf_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scalars, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_arrays, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_getters, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_tensors, open_fixture, close_fixture),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_small_files),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_flip_any_byte),
        cmocka_unit_test(test_huge_claims),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_tensor_names),
        cmocka_unit_test(test_tensor_shapes),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
