/* JSON text to and from jansson's values. Without memory, jansson's own reader (2.14) overruns its buffer at a long string
 * and calls it a mistake of the text, and its writer leaves names out and says nothing. */
#ifndef RUNTIME_BASE_JSON_H
#define RUNTIME_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#define JSON_MAX_NESTING 1024 /* of arrays and objects in each other */

/* A flag of json_read: whole numbers that do not fit in 64 bits, which jansson has no value for, are texts of a mark and
 * their digits. The mark is a secret of the process, so that no text from outside is taken for such a number. json_write
 * writes them as they were. */
#define JSON_LONG_INTEGERS ((size_t)1 << 30)

/* The digits, with their sign, of such a text; NULL: it is none. Thread-safe. */
const char *json_long_digits(const json_t *json);

/* As json_loadb does it. flags: JSON_DECODE_ANY, JSON_ALLOW_NUL, JSON_REJECT_DUPLICATES, JSON_DECODE_INT_AS_REAL,
 * JSON_LONG_INTEGERS.
 * NULL: *error (may be NULL) says what is wrong, and where. */
json_t *json_read(const char *text, size_t size, size_t flags, json_error_t *error);

/* As json_dumps does it: to be freed. NULL: out of memory, or what JSON cannot write. */
char *json_write(const json_t *json, size_t flags);

/* Adds to a list, which becomes NULL where there is no memory, and stays so: who makes one looks once, at the end. Takes the
 * item over. */
static inline void json_list_add(json_t **list, json_t *item)
{
    if (json_array_append_new(*list, item) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

/* Of a value with all that is in it, or of an object with the same values; NULL: out of memory (jansson's own then gives a
 * copy that lacks some). */
json_t *json_copy_all(const json_t *json);
json_t *json_copy_object(const json_t *object);

/* Whether it was not the text's fault. */
static inline bool json_had_no_memory(const json_error_t *error)
{
    return json_error_code(error) == json_error_out_of_memory;
}

#endif
