/* What templates find built in: filters, tests, functions and methods, each one row of a table. */
#ifndef TOKENIZER_TEMPLATE_BUILTIN_H
#define TOKENIZER_TEMPLATE_BUILTIN_H

#include "tokenizer/template/value.h"

struct run;

struct keyword {
    struct tok_text name;
    struct value value;
};

/* The arguments of a call. */
struct call {
    struct value *args;
    size_t n_args;
    struct keyword *keywords;
    size_t n_keywords;
};

enum { BUILTIN_MAX_PARAMETERS = 6 };

struct builtin {
    const char *name;
    /* One of the two. v[0]: what a filter, test or method is applied to (none for functions); v[1 + i]: parameter i,
     * VALUE_MISSING where it was not given. */
    struct value (*run)(struct run *r, const struct value *v);
    struct value (*call)(struct run *r, struct value self, const struct call *call);
    int n_required;
    const char *parameters; /* of `run`: their names, with a space between; "-" can't be given by name */
};

struct bound_method {
    struct value self;
    const struct builtin *builtin;
};

/* NULL: not known. */
const struct builtin *builtin_filter(struct tok_text name);
const struct builtin *builtin_test(struct tok_text name);
const struct builtin *builtin_function(struct tok_text name);

/* The methods of a kind of values. *python: Python has an attribute of that name there, whether or not it is
 * supported here. */
const struct builtin *builtin_method(enum value_kind kind, struct tok_text name, bool *python);

/* Each table ends with a row without a name. */
extern const struct builtin text_filters[], list_filters[], pick_filters[], value_tests[], functions[],
    text_methods[], dict_methods[], list_methods[], loop_methods[];

#endif
