/* Tests: what stands behind "is". */
#include "tokenizer/template/builtins/strings.h"

#define HOLDS(name, condition)                                                                               \
    static struct jinja_value name(struct jinja_run *r, const struct jinja_value *v)                         \
    {                                                                                                        \
        (void)r;                                                                                             \
        return value_bool(condition);                                                                        \
    }

HOLDS(is_defined, v[0].kind != VALUE_UNDEFINED)
HOLDS(is_undefined, v[0].kind == VALUE_UNDEFINED)
HOLDS(is_none, v[0].kind == VALUE_NONE)
HOLDS(is_boolean, v[0].kind == VALUE_BOOL)
HOLDS(is_true, v[0].kind == VALUE_BOOL && v[0].truth)
HOLDS(is_false, v[0].kind == VALUE_BOOL && !v[0].truth)
HOLDS(is_integer, v[0].kind == VALUE_INT || v[0].kind == VALUE_LONG)
HOLDS(is_float, v[0].kind == VALUE_FLOAT)
HOLDS(is_number, value_is_number(v[0]) || v[0].kind == VALUE_LONG)
HOLDS(is_string, v[0].kind == VALUE_STRING)
HOLDS(is_mapping, v[0].kind == VALUE_DICT)

/* What has a length and items: an undefined value too, as Jinja sees it. */
HOLDS(is_sequence, v[0].kind == VALUE_UNDEFINED || v[0].kind == VALUE_STRING || v[0].kind == VALUE_LIST ||
                       v[0].kind == VALUE_TUPLE || v[0].kind == VALUE_RANGE || v[0].kind == VALUE_DICT)
HOLDS(is_iterable, v[0].kind == VALUE_UNDEFINED || v[0].kind == VALUE_STRING || value_is_list(v[0]) ||
                       v[0].kind == VALUE_DICT || v[0].kind == VALUE_LOOP)
HOLDS(is_callable, v[0].kind == VALUE_UNDEFINED || v[0].kind == VALUE_MACRO || v[0].kind == VALUE_METHOD ||
                       v[0].kind == VALUE_FUNCTION || v[0].kind == VALUE_LOOP)
HOLDS(is_escaped, v[0].kind == VALUE_STRING && v[0].safe)

static struct jinja_value is_odd(struct jinja_run *r, const struct jinja_value *v)
{
    return value_bool(jinja_values_equal(r, jinja_operate(r, OP_MODULO, v[0], value_int(2)), value_int(1)));
}

static struct jinja_value is_even(struct jinja_run *r, const struct jinja_value *v)
{
    return value_bool(jinja_values_equal(r, jinja_operate(r, OP_MODULO, v[0], value_int(2)), value_int(0)));
}

static struct jinja_value is_divisible(struct jinja_run *r, const struct jinja_value *v)
{
    return value_bool(jinja_values_equal(r, jinja_operate(r, OP_MODULO, v[0], v[1]), value_int(0)));
}

static struct jinja_value is_lower(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_has_case(r, v[0], -1);
}

static struct jinja_value is_upper(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_has_case(r, v[0], 1);
}

static struct jinja_value is_in(struct jinja_run *r, const struct jinja_value *v)
{
    return value_bool(jinja_value_contains(r, v[1], v[0]));
}

/* Python's `is` can be told for what there is only one of. */
static struct jinja_value is_same(struct jinja_run *r, const struct jinja_value *v)
{
    if (v[0].kind != v[1].kind)
        return value_bool(false);
    if (v[0].kind == VALUE_NONE || v[0].kind == VALUE_BOOL)
        return value_bool(jinja_values_equal(r, v[0], v[1]));
    return jinja_run_fail(r, "'sameas' with values of type %s is not supported", jinja_value_type_name(v[0]));
}

#define COMPARISON(name, op)                                                                                 \
    static struct jinja_value name(struct jinja_run *r, const struct jinja_value *v)                         \
    {                                                                                                        \
        return value_bool(jinja_compare(r, op, v[0], v[1]));                                                 \
    }

COMPARISON(is_equal, OP_EQUAL)
COMPARISON(is_not_equal, OP_NOT_EQUAL)
COMPARISON(is_less, OP_LESS)
COMPARISON(is_less_equal, OP_LESS_EQUAL)
COMPARISON(is_greater, OP_GREATER)
COMPARISON(is_greater_equal, OP_GREATER_EQUAL)

const struct builtin jinja_value_tests[] = {
    {"defined", is_defined, NULL, 0, ""},   {"undefined", is_undefined, NULL, 0, ""},
    {"none", is_none, NULL, 0, ""},         {"boolean", is_boolean, NULL, 0, ""},
    {"true", is_true, NULL, 0, ""},         {"false", is_false, NULL, 0, ""},
    {"integer", is_integer, NULL, 0, ""},   {"float", is_float, NULL, 0, ""},
    {"number", is_number, NULL, 0, ""},     {"string", is_string, NULL, 0, ""},
    {"mapping", is_mapping, NULL, 0, ""},   {"sequence", is_sequence, NULL, 0, ""},
    {"iterable", is_iterable, NULL, 0, ""}, {"callable", is_callable, NULL, 0, ""},
    {"escaped", is_escaped, NULL, 0, ""},   {"odd", is_odd, NULL, 0, ""},
    {"even", is_even, NULL, 0, ""},         {"divisibleby", is_divisible, NULL, 1, "num"},
    {"lower", is_lower, NULL, 0, ""},       {"upper", is_upper, NULL, 0, ""},
    {"in", is_in, NULL, 1, "seq"},          {"sameas", is_same, NULL, 1, "other"},
    {"eq", is_equal, NULL, 1, "-"},         {"equalto", is_equal, NULL, 1, "-"},
    {"==", is_equal, NULL, 1, "-"},         {"ne", is_not_equal, NULL, 1, "-"},
    {"!=", is_not_equal, NULL, 1, "-"},     {"lt", is_less, NULL, 1, "-"},
    {"lessthan", is_less, NULL, 1, "-"},    {"<", is_less, NULL, 1, "-"},
    {"le", is_less_equal, NULL, 1, "-"},    {"<=", is_less_equal, NULL, 1, "-"},
    {"gt", is_greater, NULL, 1, "-"},       {"greaterthan", is_greater, NULL, 1, "-"},
    {">", is_greater, NULL, 1, "-"},        {"ge", is_greater_equal, NULL, 1, "-"},
    {">=", is_greater_equal, NULL, 1, "-"}, {0},
};
