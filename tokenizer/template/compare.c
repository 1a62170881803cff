/* Comparisons. */
#include "runtime/base/text.h"
#include "tokenizer/template/run.h"
#include "tokenizer/template/text.h"

#include <string.h>

/* The two numbers as -1, 0, 1; 2: one is no number (NaN). 64 bits of mantissa hold every integer. */
static int order_numbers(struct jinja_value a, struct jinja_value b)
{
    if (a.kind != VALUE_FLOAT && b.kind != VALUE_FLOAT) {
        int64_t x = value_integer(a), y = value_integer(b);
        return (x > y) - (x < y);
    }
    long double x = a.kind == VALUE_FLOAT ? a.number : (long double)value_integer(a);
    long double y = b.kind == VALUE_FLOAT ? b.number : (long double)value_integer(b);
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
}

static bool lists_equal(struct jinja_run *r, const struct list *a, const struct list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n && !r->failed; i++)
        if (!jinja_values_equal(r, a->items[i], b->items[i]))
            return false;
    return true;
}

static bool dicts_equal(struct jinja_run *r, const struct dict *a, const struct dict *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n && !r->failed; i++) {
        const struct jinja_entry *other = jinja_find(r, b, a->entries[i].key);
        if (!other || !jinja_values_equal(r, a->entries[i].value, other->value))
            return false;
    }
    return true;
}

bool jinja_values_equal(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    if (!jinja_run_work(r, 8))
        return false;
    if (value_is_number(a) && value_is_number(b))
        return order_numbers(a, b) == 0;
    if (a.kind != b.kind)
        return false;
    switch ((enum value_kind)a.kind) {
    case VALUE_LONG:
    case VALUE_STRING:
        return jinja_run_work(r, a.size) && text_equal(value_string(a), value_string(b));
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_RANGE:
        return lists_equal(r, a.list, b.list);
    case VALUE_VIEW:
        jinja_run_fail(r, "views of a dict cannot be compared");
        return false;
    case VALUE_DICT:
        return dicts_equal(r, a.dict, b.dict);
    case VALUE_ITERATOR:
        return a.list == b.list;
    case VALUE_NAMESPACE:
        return a.dict == b.dict;
    case VALUE_LOOP:
        return a.loop == b.loop;
    case VALUE_MACRO:
        return a.macro == b.macro;
    case VALUE_METHOD:
        return a.method->builtin == b.method->builtin &&
               jinja_values_equal(r, a.method->self, b.method->self);
    case VALUE_FUNCTION:
        return a.function == b.function;
    default:
        return true;
    }
}

static bool list_less(struct jinja_run *r, const struct list *a, const struct list *b)
{
    for (size_t i = 0; i < a->n && i < b->n && !r->failed; i++)
        if (!jinja_values_equal(r, a->items[i], b->items[i]))
            return jinja_value_less(r, a->items[i], b->items[i]);
    return a->n < b->n;
}

bool jinja_value_less(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    if (value_is_number(a) && value_is_number(b))
        return order_numbers(a, b) == -1;
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
        jinja_run_fail_undefined(r, a.kind == VALUE_UNDEFINED ? a : b);
    else if (a.kind == VALUE_STRING && b.kind == VALUE_STRING)
        return jinja_run_work(r, a.size) && text_compare(value_string(a), value_string(b)) < 0;
    else if (a.kind == b.kind && (a.kind == VALUE_LIST || a.kind == VALUE_TUPLE))
        return list_less(r, a.list, b.list);
    else
        jinja_run_fail(r, "values of type %s and %s have no order", jinja_value_type_name(a),
                       jinja_value_type_name(b));
    return false;
}

bool jinja_value_contains(struct jinja_run *r, struct jinja_value container, struct jinja_value item)
{
    if (container.kind == VALUE_STRING) {
        if (item.kind != VALUE_STRING)
            jinja_run_fail(r, "a value of type %s cannot be in a text", jinja_value_type_name(item));
        return jinja_run_work(r, container.size) && item.kind == VALUE_STRING &&
               (!item.size ||
                (container.size && memmem(container.text, container.size, item.text, item.size)));
    }
    if (container.kind == VALUE_DICT)
        return jinja_check_key(r, item) && jinja_dict_find(container.dict, item);
    struct list *list = jinja_iterate(r, container);
    for (size_t i = 0; i < list->n && !r->failed; i++)
        if (jinja_values_equal(r, list->items[i], item))
            return true;
    return false;
}

bool jinja_compare(struct jinja_run *r, enum operation op, struct jinja_value a, struct jinja_value b)
{
    switch (op) {
    case OP_EQUAL:
        return jinja_values_equal(r, a, b);
    case OP_NOT_EQUAL:
        return !jinja_values_equal(r, a, b);
    case OP_LESS:
        return jinja_value_less(r, a, b);
    case OP_GREATER:
        return jinja_value_less(r, b, a);
    case OP_LESS_EQUAL:
        return jinja_value_less(r, a, b) || jinja_values_equal(r, a, b);
    case OP_GREATER_EQUAL:
        return jinja_value_less(r, b, a) || jinja_values_equal(r, a, b);
    case OP_IN:
        return jinja_value_contains(r, b, a);
    default:
        return !jinja_value_contains(r, b, a);
    }
}
