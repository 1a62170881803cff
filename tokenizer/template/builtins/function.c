/* Functions of templates, and how everything built in is found. */
#include "runtime/base/text.h"
#include "tokenizer/template/builtins/strings.h"
#include "tokenizer/template/text.h"

#include <string.h>
#include <time.h>

static struct jinja_value function_range(struct jinja_run *r, const struct jinja_value *v)
{
    bool one = v[2].kind == VALUE_MISSING;
    int64_t start = one ? 0 : jinja_integer_or(r, v[1], 0), stop = jinja_integer_or(r, v[one ? 1 : 2], 0);
    int64_t step = jinja_integer_or(r, v[3], 1);
    if (step == 0)
        return jinja_run_fail(r, "a range with a step of zero");
    return r->failed ? value_none() : jinja_make_range(r, start, stop, step);
}

static struct jinja_value function_raise_exception(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_run_raise(r, value_string(jinja_to_string(r, v[1])));
}

static struct jinja_value function_strftime_now(struct jinja_run *r, const struct jinja_value *v)
{
    struct tm parts;
    time_t now = (time_t)r->now;
    char text[1024];
    if (!jinja_is_text(r, v[1], "strftime_now"))
        return v[1];
    const char *format = jinja_arena_copy(&r->arena, v[1].text, v[1].size);
    if (!format || !localtime_r(&now, &parts))
        return jinja_run_fail(r, "the date is not known");
    size_t size = *format ? strftime(text, sizeof text, format, &parts) : 0;
    return jinja_run_string(r, text, size);
}

/* The pairs of a mapping or of a list, then the keywords. */
static struct dict *make_dict(struct jinja_run *r, const struct jinja_call *call)
{
    struct dict *d = jinja_dict_new(&r->arena, call->n_keywords);
    if (call->n_args > 1)
        jinja_run_fail(r, "'dict' takes at most one value");
    if (call->n_args == 1 && call->args[0].kind == VALUE_DICT) {
        for (size_t i = 0; i < call->args[0].dict->n && !r->failed; i++)
            jinja_put(r, d, call->args[0].dict->entries[i].key, call->args[0].dict->entries[i].value);
    } else if (call->n_args == 1) {
        struct list *list = jinja_iterate(r, call->args[0]);
        for (size_t i = 0; i < list->n && !r->failed; i++) {
            struct list *pair = jinja_iterate(r, list->items[i]);
            if (pair->n == 2)
                jinja_put(r, d, pair->items[0], pair->items[1]);
            else
                jinja_run_fail(r, "'dict' needs pairs");
        }
    }
    for (size_t i = 0; i < call->n_keywords && !r->failed; i++)
        jinja_put(r, d, value_text(call->keywords[i].name.data, call->keywords[i].name.size),
                  call->keywords[i].value);
    return d;
}

static struct jinja_value function_dict(struct jinja_run *r, struct jinja_value self,
                                        const struct jinja_call *call)
{
    (void)self;
    return jinja_value_dict(make_dict(r, call));
}

static struct jinja_value function_namespace(struct jinja_run *r, struct jinja_value self,
                                             const struct jinja_call *call)
{
    (void)self;
    struct dict *d = make_dict(r, call);
    for (size_t i = 0; d && i < d->n; i++)
        if (d->entries[i].key.kind == VALUE_STRING && d->entries[i].key.size &&
            *d->entries[i].key.text == '_')
            return jinja_run_fail(r, "names in a namespace must not start with '_'");
    if (!d)
        return jinja_run_fail(r, "it takes too much memory");
    return (struct jinja_value){.kind = VALUE_NAMESPACE, .dict = d};
}

const struct builtin jinja_functions[] = {
    {"range", function_range, NULL, 1, "- - -"},
    {"raise_exception", function_raise_exception, NULL, 1, "message"},
    {"strftime_now", function_strftime_now, NULL, 1, "format"},
    {"dict", NULL, function_dict, 0, NULL},
    {"namespace", NULL, function_namespace, 0, NULL},
    {0},
};

/* ---- finding ------------------------------------------------------------------------------------------- */

static const struct builtin *search(const struct builtin *row, struct hone_text name)
{
    for (; row->name; row++)
        if (text_is(name, row->name))
            return row;
    return NULL;
}

const struct builtin *jinja_builtin_filter(struct hone_text name)
{
    const struct builtin *found = search(jinja_text_filters, name);
    found = found ? found : search(jinja_list_filters, name);
    return found ? found : search(jinja_pick_filters, name);
}

const struct builtin *jinja_builtin_test(struct hone_text name)
{
    return search(jinja_value_tests, name);
}

const struct builtin *jinja_builtin_function(struct hone_text name)
{
    return search(jinja_functions, name);
}

/* What Python's types have besides what is supported here: a template that names these does not get a dictionary's
 * item of that name. */
static const char *python_attributes(enum value_kind kind)
{
    switch (kind) {
    case VALUE_STRING:
        return " casefold center encode expandtabs format_map isascii isdecimal isidentifier isnumeric "
               "isprintable"
               " istitle ljust maketrans rjust swapcase translate zfill ";
    case VALUE_DICT:
        return " fromkeys ";
    case VALUE_LIST:
        return " copy ";
    case VALUE_BOOL:
    case VALUE_INT:
        return " as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag numerator real "
               "to_bytes ";
    case VALUE_FLOAT:
        return " as_integer_ratio conjugate fromhex hex imag is_integer real ";
    case VALUE_RANGE:
        return " start stop step ";
    case VALUE_VIEW:
        return " isdisjoint mapping ";
    case VALUE_ITERATOR:
        return " close gi_code gi_frame gi_running gi_suspended gi_yieldfrom send throw ";
    case VALUE_MACRO:
        return " arguments caller catch_kwargs catch_varargs explicit_caller name ";
    default:
        return "";
    }
}

static const struct builtin *methods_of(enum value_kind kind)
{
    static const struct builtin none[] = {{0}};
    switch (kind) {
    case VALUE_STRING:
        return jinja_text_methods;
    case VALUE_DICT:
        return jinja_dict_methods;
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_RANGE:
        return jinja_list_methods;
    case VALUE_LOOP:
        return jinja_loop_methods;
    default:
        return none;
    }
}

const struct builtin *jinja_builtin_method(enum value_kind kind, struct hone_text name, bool *python)
{
    char spaced[40];
    *python = false;
    if (kind == VALUE_FUNCTION) {
        *python = true;
        return NULL;
    }
    if (name.size + 3 <= sizeof spaced && name.size && !memchr(name.data, ' ', name.size)) {
        spaced[0] = ' ';
        memcpy(spaced + 1, name.data, name.size);
        memcpy(spaced + 1 + name.size, " ", 2);
        *python = strstr(python_attributes(kind), spaced) != NULL;
    }
    return search(methods_of(kind), name);
}
