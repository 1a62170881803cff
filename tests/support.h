/* What the tests share. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hone/hone.h>

#include <jansson.h>

/* The path of a folder of the repository's own fixtures, valid until the next call. */
const char *fixture(const char *name);

/* The path of something in the folder that HONE_SHARED names (../shared by default), or NULL where it is absent:
 * `skip()` then. Valid until the next call. */
const char *shared(const char *name);

/* A fresh name in a temporary folder that is removed at exit. To be freed. */
char *temporary(const char *name);

/* A temporary folder that is like `folder`, but with the config.json that a repository on the hub has: NULL where there
 * is no config.hub.json. To be freed. */
char *hub_folder(const char *folder);

/* Reads a JSON file; fails the test where it cannot. */
json_t *read_json(const char *path);

/* Row `row` of an array of arrays of numbers. */
double number_at(const json_t *rows, size_t row, size_t col);

struct hone_text text_of(const json_t *string);

/* Fails the test with the error's sentence. */
void assert_ok(enum hone_status status, const struct hone_error *err);

/* For the list of a group's tests: one that gets `name` as its *state, and is called by it, too. */
#define NAMED_TEST(kind, function, name)                                                                     \
    {                                                                                                        \
        kind " " name, function, NULL, NULL, name                                                            \
    }

#endif
