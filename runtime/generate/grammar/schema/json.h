/* JSON as a schema needs it: numbers as they are written, members in their order and found by name, and each value
 * knows where it stands. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_JSON_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_JSON_H

#include "runtime/base/text.h"
#include "runtime/generate/grammar/schema/decimal.h"

#include <stdarg.h>

enum schema_value_kind {
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_ARRAY,
    VALUE_OBJECT
};

struct schema_value {
    enum schema_value_kind kind;
    uint32_t id; /* of all values of the text, from 0 on; in the order in which they begin */
    const struct schema_value *parent; /* NULL: the whole */
    uint32_t place;                    /* in the parent */
    uint32_t n, n_slots;               /* members or items */
    uint64_t hash;                     /* equal for values that are equal (1 and 1.0 are) */
    struct hone_text text;             /* of a string, unescaped, or of a number, as it is written */
    union {
        const struct decimal *number;
        struct {
            const struct schema_value **items; /* [n] of an array, or of an object */
            struct hone_text *names;           /* [n] of an object */
            uint32_t *slots; /* [n_slots] of an object with many members: by hash, number + 1; 0: empty */
        };
    };
};
/* The whole text as one value; *n_values of them in all. NULL: failed. */
const struct schema_value *schema_read(struct schema_work *w, struct hone_text text, size_t *n_values);

/* A value of one's own, which stands where `at` does. */
struct schema_value *schema_value_make(struct schema_work *w, enum schema_value_kind kind,
                                       const struct schema_value *at);

/* A string of one's own; the text is not copied. */
struct schema_value *schema_value_string(struct schema_work *w, struct hone_text text,
                                         const struct schema_value *at);

/* Members and items; NULL: there is none, or `of` is NULL or of another kind. */
const struct schema_value *schema_value_get(struct schema_work *w, const struct schema_value *of,
                                            const char *name);
const struct schema_value *schema_value_find(struct schema_work *w, const struct schema_value *of,
                                             struct hone_text name);

static inline bool is_string(const struct schema_value *v, const char *text)
{
    return v && v->kind == VALUE_STRING && text_is(v->text, text);
}

/* As JSON Schema compares: numbers by their value, objects without order. */
bool schema_value_equal(struct schema_work *w, const struct schema_value *a, const struct schema_value *b);

/* schema_fail with the place of `at` (a JSON pointer) in front of the sentence. */
bool schema_fail_at(struct schema_work *w, const struct schema_value *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The JSON pointer of a value, cut where it is too long. */
void schema_value_pointer(const struct schema_value *at, char *out, size_t size);

/* A growing text of a translation. */
struct schema_text {
    struct schema_work *w;
    char *data;
    size_t size, capacity;
};
void schema_text_add(struct schema_text *t, const char *data, size_t size);
void schema_text_put_list(struct schema_text *t, const char *format, va_list args);
void schema_text_put(struct schema_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A value, compact; strings with the escapes that they need and no others. */
void schema_text_value(struct schema_text *t, const struct schema_value *v);

#endif
