/* Tuning profiles: written and read back; whatever is wrong with one, it is refused with a sentence. */
#include "runtime/base/machine.h"
#include "runtime/nn/tuning.h"
#include "tests/files.h"
#include "tests/support.h"

#include <hone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct tuning sample = {
    .f32 = {{4096, 64}, {64 << 20, 65536}},
    .int8 = {{1 << 20, 1024}, {12345, 128}},
    .task_tokens = 777,
};

static void refused(const char *path, enum hone_status expected, const char *says)
{
    struct hone_error err;
    struct tuning t = sample;
    enum hone_status status = tuning_load(&t, path, &err);
    assert_int_equal(status, expected);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
    assert_memory_equal(&t, &sample, sizeof t); /* untouched */
}

static void test_round_trip(void **state)
{
    (void)state;
    struct hone_error err;
    struct tuning t;
    memset(&t, 0, sizeof t);
    const char *path = temp_path("a/b/c.json");
    assert_ok(tuning_save(&sample, path, &err), &err);
    assert_ok(tuning_load(&t, path, &err), &err);
    assert_memory_equal(&t, &sample, sizeof t);
    assert_ok(tuning_save(tuning_default(), path, &err), &err); /* over what is there */
    assert_ok(tuning_load(&t, path, &err), &err);
    assert_memory_equal(&t, tuning_default(), sizeof t);
}

/* The file with the first `from` in it replaced. */
static void store_changed(const char *path, const char *text, const char *from, const char *to)
{
    char changed[4096];
    const char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    store_file(path, changed, strlen(changed));
}

static void test_damaged(void **state)
{
    (void)state;
    struct hone_error err;
    struct tuning t;
    size_t size;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("damaged.json"));
    assert_ok(tuning_save(&sample, path, &err), &err);
    char *text = load_file(path, &size);
    for (size_t n = 0; n + 2 < size; n++) { /* the last bytes are "}\n" */
        store_file(path, text, n);
        refused(path, HONE_BAD_MODEL, "damaged");
    }
    const struct {
        const char *from, *to, *says;
    } changes[] = {
        {"hone tuning 1", "hone tuning 2", "this version"},
        {"\"cpu\": \"", "\"cpu\": \"x", "another machine"},
        {"\"level\": \"", "\"level\": \"x", "another machine"},
        {": 777", ": 0", "out of its bounds"},
        {": 777", ": -5", "out of its bounds"},
        {": 777", ": 1e3", "out of its bounds"},
        {": 777", ": \"777\"", "out of its bounds"},
        {": 777", ": 99999999999999999999", "damaged"},
        {": 777", ": 65537", "out of its bounds"},
        {"task_tokens", "tasks", "missing"},
        {": 65536", ": 65600", "out of its bounds"},
        {": 65536", ": 100", "out of its bounds"}, /* not whole panels */
        {": 4096", ": 4095", "out of its bounds"},
        {": 67108864", ": 67108865", "out of its bounds"},
        {"\"int8\": [", "\"int8\": [1, ", "out of its bounds"},
        {"\"int8\": [", "\"int9\": [", "missing"},
        {"{", "{\"cpu\": \"\", ", "damaged"}, /* twice */
        {"{", "[{", "damaged"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        store_changed(path, text, changes[i].from, changes[i].to);
        refused(path, HONE_BAD_MODEL, changes[i].says);
    }
    store_changed(path, text, "{", "{\"more\": 1, "); /* what is not known says nothing */
    assert_ok(tuning_load(&t, path, &err), &err);
    free(text);
}

static void test_no_file(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("none.json"));
    refused(path, HONE_FAILED, "cannot be read");
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(path, HONE_FAILED, "cannot be read");
    refused("tests/unit", HONE_FAILED, "cannot be read");
    char *large = calloc(1, 100000);
    assert_non_null(large);
    memset(large, ' ', 100000);
    snprintf(path, sizeof path, "%s", temp_path("large.json"));
    store_file(path, large, 100000);
    refused(path, HONE_BAD_MODEL, "damaged");
    free(large);
}

static void test_path(void **state)
{
    (void)state;
    struct hone_error err;
    char path[TUNING_PATH];
    setenv("XDG_CACHE_HOME", "/some/cache", 1);
    setenv("HOME", "/some/home", 1);
    assert_ok(tuning_path(path, &err), &err);
    assert_memory_equal(path, "/some/cache/hone/tuning-", 24);
    assert_null(strchr(path + 12, ' '));
    assert_non_null(strstr(path, hone_machine()->level));
    setenv("XDG_CACHE_HOME", "relative", 1);
    assert_ok(tuning_path(path, &err), &err);
    assert_memory_equal(path, "/some/home/.cache/hone/tuning-", 30);
    unsetenv("HOME");
    assert_int_equal(tuning_path(path, &err), HONE_FAILED);
    char long_home[5000];
    memset(long_home, 'x', sizeof long_home);
    long_home[0] = '/';
    long_home[sizeof long_home - 1] = 0;
    setenv("HOME", long_home, 1);
    assert_int_equal(tuning_path(path, &err), HONE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
