/* What is in a value: attributes, items, slices. */
#include "runtime/base/text.h"
#include "runtime/base/utf8.h"
#include "tokenizer/template/run.h"
#include "tokenizer/template/text.h"

#include <string.h>

static struct jinja_value missing(struct jinja_value object, struct hone_text name)
{
    struct jinja_value v = value_undefined(UNDEFINED_ATTRIBUTE, name.data, name.size);
    v.owner_kind = object.kind;
    return v;
}

/* Methods that would change a list or a dict: the sandbox has them undefined. */
static bool is_mutator(struct jinja_value object, struct hone_text name)
{
    static const char *const of_dicts[] = {"clear", "pop", "popitem", "setdefault", "update"};
    static const char *const of_lists[] = {"append", "clear",  "extend",  "insert",
                                           "pop",    "remove", "reverse", "sort"};
    bool is_dict = object.kind == VALUE_DICT;
    const char *const *names = is_dict ? of_dicts : of_lists;
    size_t n = is_dict ? sizeof of_dicts / sizeof *of_dicts : sizeof of_lists / sizeof *of_lists;
    for (size_t i = 0; i < n && (is_dict || object.kind == VALUE_LIST); i++)
        if (text_is(name, names[i]))
            return true;
    return false;
}

/* What Jinja's sandbox keeps from templates is not known here either. */
static bool is_internal(struct hone_text name)
{
    return name.size > 4 && text_begins(name, "__") && text_ends(name, "__");
}

static struct jinja_value loop_attribute(struct jinja_loop *loop, struct jinja_value object,
                                         struct hone_text name)
{
    static const char no_item[] = "there is no such item in the loop";
    const struct {
        const char *name;
        struct jinja_value value;
    } rows[] = {
        {"index", value_int((int64_t)loop->index + 1)},
        {"index0", value_int((int64_t)loop->index)},
        {"revindex", value_int((int64_t)(loop->n - loop->index))},
        {"revindex0", value_int((int64_t)(loop->n - loop->index) - 1)},
        {"first", value_bool(loop->index == 0)},
        {"last", value_bool(loop->index + 1 >= loop->n)},
        {"length", value_int((int64_t)loop->n)},
        {"depth", value_int(1)},
        {"depth0", value_int(0)},
    };
    struct jinja_value none = value_undefined(UNDEFINED_HINT, no_item, sizeof no_item - 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_is(name, rows[i].name))
            return rows[i].value;
    if (text_is(name, "previtem"))
        return loop->index > 0 && loop->index <= loop->n ? loop->items[loop->index - 1] : none;
    if (text_is(name, "nextitem"))
        return loop->index + 1 < loop->n ? loop->items[loop->index + 1] : none;
    return missing(object, name);
}

static struct jinja_value bind(struct jinja_run *r, struct jinja_value object, const struct builtin *builtin)
{
    struct bound_method *method = jinja_arena_alloc(&r->arena, 1, sizeof *method);
    if (!method)
        return jinja_run_fail(r, "it takes too much memory");
    *method = (struct bound_method){object, builtin};
    return (struct jinja_value){.kind = VALUE_METHOD, .method = method};
}

/* What Python's getattr finds; VALUE_MISSING: nothing. */
static struct jinja_value find_attribute(struct jinja_run *r, struct jinja_value object,
                                         struct hone_text name)
{
    static const char unsafe[] = "a method that changes its object cannot be used in a template";
    bool python = false;
    if (is_mutator(object, name))
        return value_undefined(UNDEFINED_HINT, unsafe, sizeof unsafe - 1);
    const struct builtin *builtin = jinja_builtin_method((enum value_kind)object.kind, name, &python);
    if (builtin)
        return bind(r, object, builtin);
    if (python || (is_internal(name) && object.kind != VALUE_NAMESPACE))
        return jinja_run_fail(r, "'%.*s' of a value of type %s is not supported", run_shown(name.size),
                              name.data, jinja_value_type_name(object));
    if (object.kind == VALUE_LOOP)
        return loop_attribute(object.loop, object, name);
    if (object.kind == VALUE_NAMESPACE) {
        const struct jinja_entry *entry = jinja_find(r, object.dict, value_text(name.data, name.size));
        return entry ? entry->value : missing(object, name);
    }
    return value_missing();
}

struct jinja_value jinja_get_attribute(struct jinja_run *r, struct jinja_value object, struct hone_text name)
{
    if (r->failed)
        return value_none();
    if (object.kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, object);
    struct jinja_value v = find_attribute(r, object, name);
    if (v.kind != VALUE_MISSING)
        return v;
    const struct jinja_entry *entry =
        object.kind == VALUE_DICT ? jinja_find(r, object.dict, value_text(name.data, name.size)) : NULL;
    return entry ? entry->value : missing(object, name);
}

static struct jinja_value character(struct jinja_run *r, struct jinja_value text, int64_t i)
{
    int64_t n = jinja_run_work(r, text.size) ? (int64_t)jinja_text_length(value_string(text)) : 0;
    i += i < 0 ? n : 0;
    if (i < 0 || i >= n)
        return value_missing();
    const char *p = text.text + jinja_text_offset(value_string(text), (size_t)i);
    struct jinja_value v = value_text(p, utf8_size(*p));
    v.safe = text.safe;
    return v;
}

/* What Python's object[key] gives; VALUE_MISSING: it raises an error that Jinja takes for "undefined". */
static struct jinja_value find_item(struct jinja_run *r, struct jinja_value object, struct jinja_value key)
{
    bool indexed = object.kind == VALUE_LIST || object.kind == VALUE_TUPLE || object.kind == VALUE_RANGE;
    if (object.kind == VALUE_DICT) {
        const struct jinja_entry *entry = jinja_find(r, object.dict, key);
        return entry ? entry->value : value_missing();
    }
    if (!value_is_integer(key))
        return value_missing();
    int64_t i = value_integer(key);
    if (object.kind == VALUE_STRING)
        return character(r, object, i);
    if (!indexed)
        return value_missing();
    i += i < 0 ? (int64_t)object.list->n : 0;
    return i < 0 || i >= (int64_t)object.list->n ? value_missing() : object.list->items[i];
}

struct jinja_value jinja_get_item(struct jinja_run *r, struct jinja_value object, struct jinja_value key)
{
    if (object.kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, object);
    struct jinja_value v = find_item(r, object, key);
    if (v.kind == VALUE_MISSING && key.kind == VALUE_STRING && !is_internal(value_string(key)))
        v = find_attribute(r, object, value_string(key));
    if (v.kind != VALUE_MISSING)
        return v;
    if (key.kind == VALUE_STRING)
        return missing(object, value_string(key));
    return missing(object, (struct hone_text){"such item", 9});
}

/* ---- slices -------------------------------------------------------------------------------------------- */

struct jinja_slice {
    int64_t start, stop, step;
    size_t n;
};

/* A bound in 0..n, or -1..n - 1 for a negative step. */
static int64_t clamp(int64_t bound, int64_t n, bool backward)
{
    bound += bound < 0 ? n : 0;
    if (bound < 0)
        return backward ? -1 : 0;
    return bound >= n ? n - backward : bound;
}

static bool resolve(struct jinja_run *r, const struct jinja_value bounds[3], size_t length,
                    struct jinja_slice *s)
{
    int64_t n = (int64_t)length;
    for (int i = 0; i < 3; i++)
        if (bounds[i].kind != VALUE_NONE && !value_is_integer(bounds[i])) {
            jinja_run_fail(r, "a bound of a slice is a value of type %s", jinja_value_type_name(bounds[i]));
            return false;
        }
    s->step = bounds[2].kind == VALUE_NONE ? 1 : value_integer(bounds[2]);
    if (s->step == 0 || s->step == INT64_MIN) {
        jinja_run_fail(r, "a slice with that step");
        return false;
    }
    bool backward = s->step < 0;
    s->start =
        bounds[0].kind == VALUE_NONE ? (backward ? n - 1 : 0) : clamp(value_integer(bounds[0]), n, backward);
    s->stop =
        bounds[1].kind == VALUE_NONE ? (backward ? -1 : n) : clamp(value_integer(bounds[1]), n, backward);
    int64_t span = backward ? s->start - s->stop : s->stop - s->start, stride = backward ? -s->step : s->step;
    s->n = span > 0 ? (size_t)((span - 1) / stride + 1) : 0;
    return true;
}

static struct jinja_value slice_text(struct jinja_run *r, struct jinja_value text,
                                     const struct jinja_slice *s)
{
    struct hone_text whole = value_string(text);
    struct jinja_value v;
    if (s->step == 1) {
        size_t start = jinja_text_offset(whole, (size_t)s->start);
        struct hone_text tail = {whole.data + start, whole.size - start};
        v = value_text(tail.data, jinja_text_offset(tail, s->n));
    } else {
        struct list *characters = jinja_iterate(r, text);
        struct buffer out = {0};
        int64_t at = s->start;
        for (size_t i = 0; i < s->n && !r->failed; i++, at += i < s->n ? s->step : 0)
            buffer_append(&out, characters->items[at].text, characters->items[at].size);
        v = jinja_run_take(r, &out);
    }
    v.safe = text.safe;
    return v;
}

static struct jinja_value slice_list(struct jinja_run *r, struct jinja_value v, const struct jinja_slice *s)
{
    struct list *list = jinja_run_list(r, s->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = v.list->items[s->start + (int64_t)i * s->step];
    return jinja_make_list(r, (enum value_kind)v.kind, list);
}

static struct jinja_value slice_range(struct jinja_run *r, const struct list *range,
                                      const struct jinja_slice *s)
{
    int64_t start = range->start + s->start * range->step, step;
    if (__builtin_mul_overflow(s->step, range->step, &step) || step > RUN_MAX_RANGE || step < -RUN_MAX_RANGE)
        return jinja_run_fail(r, "a slice of a range with so large a step is not supported");
    return jinja_make_range(r, start, range->start + s->stop * range->step, step);
}

struct jinja_value jinja_get_slice(struct jinja_run *r, struct jinja_value object,
                                   const struct jinja_value bounds[3])
{
    struct jinja_slice s;
    bool is_list = object.kind == VALUE_LIST || object.kind == VALUE_TUPLE || object.kind == VALUE_RANGE;
    if (object.kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, object);
    if (!is_list && object.kind != VALUE_STRING)
        return jinja_run_fail(r, "a slice of a value of type %s", jinja_value_type_name(object));
    if (!resolve(r, bounds, jinja_value_length(r, object), &s))
        return value_none();
    if (object.kind == VALUE_STRING)
        return slice_text(r, object, &s);
    return object.kind == VALUE_RANGE ? slice_range(r, object.list, &s) : slice_list(r, object, &s);
}
