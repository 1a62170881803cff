/* Arithmetic, and what the same signs do to texts and lists. */
#include "tokenizer/template/run.h"
#include "tokenizer/template/text.h"

#include <math.h>
#include <string.h>

static struct jinja_value fail_types(struct jinja_run *r, const char *sign, struct jinja_value a,
                                     struct jinja_value b)
{
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, a.kind == VALUE_UNDEFINED ? a : b);
    return jinja_run_fail(r, "'%s' cannot be done with values of type %s and %s", sign,
                          jinja_value_type_name(a), jinja_value_type_name(b));
}

static struct jinja_value too_large(struct jinja_run *r)
{
    return jinja_run_fail(r, "an integer of more than 64 bits");
}

/* A text that is marked safe stays so, and what it meets is escaped. */
static void append(struct buffer *out, struct jinja_value v, bool safe)
{
    if (safe && !v.safe)
        jinja_print_escaped(out, value_string(v));
    else
        buffer_append(out, v.text, v.size);
}

static struct jinja_value add_texts(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    struct buffer text = {0};
    bool safe = a.safe || b.safe;
    append(&text, a, safe);
    append(&text, b, safe);
    struct jinja_value v = jinja_run_take(r, &text);
    v.safe = safe;
    return v;
}

static struct jinja_value add_lists(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    struct list *list = jinja_run_list(r, a.list->n + b.list->n);
    if (list->n && a.list->n)
        memcpy(list->items, a.list->items, a.list->n * sizeof *list->items);
    if (list->n && b.list->n)
        memcpy(list->items + a.list->n, b.list->items, b.list->n * sizeof *list->items);
    return jinja_make_list(r, (enum value_kind)a.kind, list);
}

static struct jinja_value add(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    int64_t sum;
    if (value_is_integer(a) && value_is_integer(b))
        return __builtin_add_overflow(value_integer(a), value_integer(b), &sum) ? too_large(r)
                                                                                : value_int(sum);
    if (value_is_number(a) && value_is_number(b))
        return value_float(value_number(a) + value_number(b));
    if (a.kind == VALUE_STRING && b.kind == VALUE_STRING)
        return add_texts(r, a, b);
    if (a.kind == b.kind && (a.kind == VALUE_LIST || a.kind == VALUE_TUPLE))
        return add_lists(r, a, b);
    return fail_types(r, "+", a, b);
}

static struct jinja_value subtract(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    int64_t difference;
    if (value_is_integer(a) && value_is_integer(b))
        return __builtin_sub_overflow(value_integer(a), value_integer(b), &difference)
                   ? too_large(r)
                   : value_int(difference);
    if (value_is_number(a) && value_is_number(b))
        return value_float(value_number(a) - value_number(b));
    return fail_types(r, "-", a, b);
}

static struct jinja_value repeat_text(struct jinja_run *r, struct jinja_value text, int64_t times)
{
    struct buffer out = {0};
    size_t size;
    if (times <= 0 || !text.size)
        return value_literal("");
    if (__builtin_mul_overflow(text.size, (size_t)times, &size) || size > RUN_MAX_OUTPUT)
        return jinja_run_fail(r, "it makes a text that is too long");
    for (int64_t i = 0; i < times; i++)
        buffer_append(&out, text.text, text.size);
    struct jinja_value v = jinja_run_take(r, &out);
    v.safe = text.safe;
    return v;
}

static struct jinja_value repeat_list(struct jinja_run *r, struct jinja_value v, int64_t times)
{
    size_t n;
    if (__builtin_mul_overflow(v.list->n, (size_t)(times < 0 ? 0 : times), &n))
        return jinja_run_fail(r, "it makes a list that is too long");
    struct list *list = jinja_run_list(r, n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = v.list->items[i % v.list->n];
    return jinja_make_list(r, (enum value_kind)v.kind, list);
}

static bool can_repeat(struct jinja_value v)
{
    return v.kind == VALUE_STRING || v.kind == VALUE_LIST || v.kind == VALUE_TUPLE;
}

static struct jinja_value multiply(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    int64_t product;
    if (value_is_integer(a) && value_is_integer(b))
        return __builtin_mul_overflow(value_integer(a), value_integer(b), &product) ? too_large(r)
                                                                                    : value_int(product);
    if (value_is_number(a) && value_is_number(b))
        return value_float(value_number(a) * value_number(b));
    struct jinja_value many = can_repeat(a) ? a : b, times = can_repeat(a) ? b : a;
    if (!can_repeat(many) || !value_is_integer(times))
        return fail_types(r, "*", a, b);
    return many.kind == VALUE_STRING ? repeat_text(r, many, value_integer(times))
                                     : repeat_list(r, many, value_integer(times));
}

static struct jinja_value divide_integers(struct jinja_run *r, enum operation op, int64_t a, int64_t b)
{
    if (b == -1 && op == OP_FLOOR_DIVIDE)
        return a == INT64_MIN ? too_large(r) : value_int(-a);
    if (b == -1)
        return value_int(0);
    int64_t quotient = a / b, rest = a % b;
    bool down = rest && (rest < 0) != (b < 0);
    return value_int(op == OP_FLOOR_DIVIDE ? quotient - down : rest + (down ? b : 0));
}

/* As Python's float does: the rest has the divisor's sign, and the quotient goes with it. */
static struct jinja_value divide_floats(enum operation op, double a, double b)
{
    double rest = fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) {
        rest += b;
        quotient -= 1;
    } else if (rest == 0) {
        rest = copysign(0, b);
    }
    if (op == OP_MODULO)
        return value_float(rest);
    if (quotient == 0)
        return value_float(copysign(0, a / b));
    double whole = floor(quotient);
    return value_float(quotient - whole > 0.5 ? whole + 1 : whole);
}

static struct jinja_value divide(struct jinja_run *r, enum operation op, struct jinja_value a,
                                 struct jinja_value b)
{
    const char *sign = op == OP_DIVIDE ? "/" : op == OP_MODULO ? "%" : "//";
    if (op == OP_MODULO && a.kind == VALUE_STRING)
        return jinja_run_fail(r, "'%%' with a text is not supported");
    if (!value_is_number(a) || !value_is_number(b))
        return fail_types(r, sign, a, b);
    if (value_number(b) == 0)
        return jinja_run_fail(r, "a division by zero");
    if (op == OP_DIVIDE)
        return value_float(value_number(a) / value_number(b));
    if (value_is_integer(a) && value_is_integer(b))
        return divide_integers(r, op, value_integer(a), value_integer(b));
    return divide_floats(op, value_number(a), value_number(b));
}

static struct jinja_value power(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    if (!value_is_number(a) || !value_is_number(b))
        return fail_types(r, "**", a, b);
    if (value_number(a) == 0 && value_number(b) < 0)
        return jinja_run_fail(r, "a division by zero");
    if (value_is_integer(a) && value_is_integer(b) && value_integer(b) >= 0) {
        int64_t product = 1, base = value_integer(a);
        bool done = base == 1;
        for (int64_t n = value_integer(b); n > 0 && !done && jinja_run_work(r, 8); n--) {
            if (__builtin_mul_overflow(product, base, &product))
                return too_large(r);
            done = product == 0;
        }
        return value_int(product);
    }
    double result = pow(value_number(a), value_number(b));
    if (!isfinite(result) && isfinite(value_number(a)) && isfinite(value_number(b)))
        return jinja_run_fail(r, "a power that is too large, or no real number");
    return value_float(result);
}

struct jinja_value jinja_operate(struct jinja_run *r, enum operation op, struct jinja_value a,
                                 struct jinja_value b)
{
    if (r->failed)
        return value_none();
    switch (op) {
    case OP_ADD:
        return add(r, a, b);
    case OP_SUBTRACT:
        return subtract(r, a, b);
    case OP_MULTIPLY:
        return multiply(r, a, b);
    case OP_POWER:
        return power(r, a, b);
    default:
        return divide(r, op, a, b);
    }
}

struct jinja_value jinja_negate(struct jinja_run *r, struct jinja_value v)
{
    if (r->failed || v.kind == VALUE_FLOAT)
        return value_float(-v.number);
    return value_is_number(v) ? subtract(r, value_int(0), v) : fail_types(r, "-", v, v);
}
