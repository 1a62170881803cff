/* What templates find built in: filters, tests, jinja_functions and methods, each one row of a table. */
#ifndef TOKENIZER_TEMPLATE_BUILTIN_H
#define TOKENIZER_TEMPLATE_BUILTIN_H

#include "tokenizer/template/value.h"

struct jinja_run;

struct keyword {
    struct hone_text name;
    struct jinja_value value;
};

/* The arguments of a call. */
struct jinja_call {
    struct jinja_value *args;
    size_t n_args;
    struct keyword *keywords;
    size_t n_keywords;
};

enum { BUILTIN_MAX_PARAMETERS = 6 }; /* more than any has */

struct builtin {
    const char *name;
    /* One of the two. v[0]: what a filter, test or method is applied to (none for jinja_functions); v[1 + i]: parameter i,
     * VALUE_MISSING where it was not given. */
    struct jinja_value (*run)(struct jinja_run *r, const struct jinja_value *v);
    struct jinja_value (*call)(struct jinja_run *r, struct jinja_value self, const struct jinja_call *call);
    int n_required;
    const char *parameters; /* of `run`: their names, with a space between; "-" can't be given by name */
};

struct bound_method {
    struct jinja_value self;
    const struct builtin *builtin;
};

/* NULL: not known. */
const struct builtin *jinja_builtin_filter(struct hone_text name);
const struct builtin *jinja_builtin_test(struct hone_text name);
const struct builtin *jinja_builtin_function(struct hone_text name);

/* The methods of a kind of values. *python: Python has an attribute of that name there, whether or not it is
 * supported here. */
const struct builtin *jinja_builtin_method(enum value_kind kind, struct hone_text name, bool *python);

/* Each table ends with a row without a name. */
extern const struct builtin jinja_text_filters[], jinja_list_filters[], jinja_pick_filters[],
    jinja_value_tests[], jinja_functions[], jinja_text_methods[], jinja_dict_methods[], jinja_list_methods[],
    jinja_loop_methods[];

#endif
