/* What JSON weighs is at least what jansson takes for it, at any moment while it reads, and not much more. */
#include "server/http/weigh.h"
#include "tests/support.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t n_bytes, n_most;

#define BESIDE 8 /* bytes that malloc keeps beside a block */

static void *count_malloc(size_t size)
{
    void *p = malloc(size);
    n_bytes += p ? malloc_usable_size(p) + BESIDE : 0;
    n_most = n_bytes > n_most ? n_bytes : n_most;
    return p;
}

static void count_free(void *p)
{
    n_bytes -= p ? malloc_usable_size(p) + BESIDE : 0;
    free(p);
}

/* `value` n times, with commas between, in brackets. */
static char *list_of(const char *open, const char *value, size_t n, const char *close)
{
    char *text = malloc((strlen(value) + 16) * n + 64), *p = text;
    p += sprintf(p, "%s", open);
    for (size_t i = 0; i < n; i++) {
        const char *number = strchr(value, '#');
        p += sprintf(p, "%s", i ? "," : "");
        if (number)
            p += sprintf(p, "%.*s%zu%s", (int)(number - value), value, i, number + 1);
        else
            p += sprintf(p, "%s", value);
    }
    sprintf(p, "%s", close);
    return text;
}

static void check(const char *open, const char *value, size_t n, const char *close)
{
    char *text = list_of(open, value, n, close);
    size_t weighed = weigh_json(text, strlen(text)).bytes;
    n_bytes = n_most = 0;
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    if (n_most > weighed || weighed > 4 * n_most + 8192)
        fail_msg("%s%s... %zu times takes %zu bytes, and was weighed as %zu", open, value, n, n_most,
                 weighed);
    json_decref(json);
    assert_int_equal(n_bytes, 0);
    free(text);
}

static void weights_are_what_it_takes(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 7, 8, 9, 1000, 1025, 65537};
    static const char *const values[] = {"[]",        "{}",
                                         "\"\"",      "\"a\"",
                                         "1",         "-1.5e3",
                                         "12345678",  "[[],[[{}]]]",
                                         "{\"a\":1}", "[1,2,3]",
                                         "true",      "\"abcdefghijklmnopqrstuvwxyz\"",
                                         "null",      "\"\\u00e9\\n\""};
    json_set_alloc_funcs(count_malloc, count_free);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            check("[", values[k], counts[i], "]");
        check("{", "\"#\":0", counts[i], "}");
        check("{\"x\":{", "\"a longer name #\":\"\"", counts[i], "}}");
        check("{", "\"#\":{\"a\":[]}", counts[i], "}");
    }
    json_set_alloc_funcs(malloc, free);
}

static void long_strings_too(void **state)
{
    (void)state;
    json_set_alloc_funcs(count_malloc, count_free);
    for (size_t n = 10; n < 3000000; n *= 7) {
        char *text = malloc(n + 64);
        memset(text, 'a', n + 16);
        memcpy(text, "[\"", 2);
        strcpy(text + n, "\"]");
        size_t weighed = weigh_json(text, strlen(text)).bytes;
        n_bytes = n_most = 0;
        json_t *json = json_loads(text, 0, NULL);
        assert_non_null(json);
        if (n_most > weighed)
            fail_msg("a string of %zu bytes takes %zu, and was weighed as %zu", n, n_most, weighed);
        json_decref(json);
        free(text);
    }
    json_set_alloc_funcs(malloc, free);
}

static void depth_is_counted(void **state)
{
    (void)state;
    assert_int_equal(weigh_json("1", 1).depth, 0);
    assert_int_equal(weigh_json("[{\"[[[\":[]},[]]", 15).depth, 3);
    assert_int_equal(weigh_json("]]][[", 5).depth, 2);
    assert_int_equal(weigh_json("\"\\\"[", 4).depth, 0); /* in a string that has no end */
    assert_int_equal(weigh_json("\"\\", 2).depth, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_what_it_takes),
        cmocka_unit_test(long_strings_too),
        cmocka_unit_test(depth_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
