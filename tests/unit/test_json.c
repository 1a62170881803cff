/* The JSON reader beside jansson's own: the same values, the same refusals. */
#include "runtime/base/json.h"
#include "tests/guard.h"
#include "tests/mutate.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static const char *const samples[] = {
    "{}",
    "[]",
    " [ 1 , 2.5 , -0 , 1e5 , -1.25E-3 , true , false , null ] ",
    "{\"a\":{\"b\":[[],{}]},\"\":\"\",\"a b\":\"\\u00e9\\ud83d\\ude00\\n\\t\\\\\\/\\\"\"}",
    "[9223372036854775807,-9223372036854775808,0.1,1.7976931348623157e308,5e-324,1e-400]",
    "[\"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80\"]",
    "{\"a\":1,\"a\":2}",
    "[\"\\u0000\"]",
    "\"any\"",
    "3",
    "null"};

static const size_t all_flags[] = {0,
                                   JSON_ALLOW_NUL,
                                   JSON_DECODE_ANY,
                                   JSON_REJECT_DUPLICATES,
                                   JSON_DECODE_INT_AS_REAL,
                                   JSON_DECODE_ANY | JSON_ALLOW_NUL};

static void compare(const char *text, size_t size, size_t flags)
{
    json_error_t error = {0}, mine = {0};
    json_t *want = json_loadb(text, size, flags, &error), *got = json_read(text, size, flags, &mine);
    bool same = want ? got && json_equal(want, got) : !got && strlen(mine.text) > 0;
    if (want && !got && memchr(text, 0, size)) /* it passes over a NUL behind a number */
        same = true;
    if (!same)
        fail_msg("'%.*s' with flags %zx: %s '%s', jansson: '%s'", (int)size, text, flags,
                 got ? "read" : "refused", got ? "" : mine.text, want ? "read" : error.text);
    if (want && got) { /* and the order of names */
        char *a = json_dumps(want, JSON_ENCODE_ANY), *b = json_write(got, JSON_ENCODE_ANY);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    json_decref(want);
    json_decref(got);
}

static void as_jansson(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        for (size_t k = 0; k < sizeof all_flags / sizeof *all_flags; k++)
            compare(samples[i], strlen(samples[i]), all_flags[k]);
}

static void as_jansson_of_damaged_text(void **state)
{
    (void)state;
    size_t runs = fuzz_runs(200000);
    for (size_t i = 0; i < runs; i++) {
        unsigned char data[512];
        const char *sample = samples[random_below(sizeof samples / sizeof *samples)];
        size_t size = strlen(sample);
        memcpy(data, sample, size);
        size = mutate(data, size, sizeof data);
        compare((const char *)data, size, all_flags[random_below(sizeof all_flags / sizeof *all_flags)]);
    }
}

static void nesting(void **state)
{
    (void)state;
    enum { N = JSON_MAX_NESTING };
    static char text[4 * N];
    json_error_t error;
    for (size_t n = N - 1; n <= N + 1; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        json_t *json = json_read(text, 2 * n, 0, &error);
        assert_int_equal(json != NULL, n <= N);
        json_decref(json);
    }
    memset(text, '[', sizeof text);
    assert_null(json_read(text, sizeof text, 0, &error));
}

static void where_it_is(void **state)
{
    (void)state;
    json_error_t error;
    static const char early[] = "{\n \"a\": x,\n\n\n}";
    assert_null(json_read(early, strlen(early), 0, &error));
    assert_int_equal(error.line, 2);
    assert_int_equal(error.position, 8);
    assert_non_null(strstr(error.text, "'x'"));
    assert_false(json_had_no_memory(&error));
    static const char *const large[] = {"[9223372036854775808]", "[1e999]", "[-1e999]"};
    for (size_t i = 0; i < 3; i++) {
        assert_null(json_read(large[i], strlen(large[i]), 0, &error));
        assert_int_equal(json_error_code(&error), json_error_numeric_overflow);
    }
}

/* Whole numbers beyond 64 bits are written as they were read; no text is taken for one, whatever it begins with. */
static void long_numbers(void **state)
{
    (void)state;
    static const char text[] = "{\"a\": [-12345678901234567890123, 18446744073709551616, 7], \"b\": "
                               "\"\xef\xb7\x90"
                               "12\", \"\xef\xb7\x90"
                               "9\": \"\xef\xb7\x90\"}";
    json_t *json = json_read(text, strlen(text), JSON_LONG_INTEGERS, NULL);
    assert_non_null(json);
    assert_string_equal(json_long_digits(json_array_get(json_object_get(json, "a"), 0)),
                        "-12345678901234567890123");
    assert_null(json_long_digits(json_array_get(json_object_get(json, "a"), 2)));
    assert_null(json_long_digits(json_object_get(json, "b")));
    char *written = json_write(json, 0);
    assert_string_equal(written, text);
    free(written);
    json_decref(json);
    assert_null(json_read(text, strlen(text), 0, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_jansson), cmocka_unit_test(as_jansson_of_damaged_text), cmocka_unit_test(nesting),
        cmocka_unit_test(where_it_is), cmocka_unit_test(long_numbers)};
    return cmocka_run_group_tests_name("JSON", tests, NULL, NULL);
}
