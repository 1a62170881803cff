/* Filters that apply something to each item: map, select and their kin. */
#include "runtime/base/text.h"
#include "tokenizer/template/builtins/pick.h"
#include "tokenizer/template/builtins/strings.h"
#include "tokenizer/template/text.h"

#include <string.h>

/* "12": the index; VALUE_MISSING: it is a name. */
static struct jinja_value index_of(struct hone_text part)
{
    int64_t index = 0;
    for (size_t i = 0; i < part.size; i++)
        if (part.data[i] < '0' || part.data[i] > '9' || index > INT32_MAX)
            return value_missing();
        else
            index = index * 10 + (part.data[i] - '0');
    return part.size ? value_int(index) : value_missing();
}

/* Each step that finds nothing gives `otherwise`, unless that is missing. */
static struct jinja_value pick_or(struct jinja_run *r, struct jinja_value item, struct jinja_value attribute,
                                  struct jinja_value otherwise)
{
    bool has_other = otherwise.kind != VALUE_MISSING && otherwise.kind != VALUE_NONE;
    if (attribute.kind == VALUE_MISSING || attribute.kind == VALUE_NONE)
        return item;
    if (attribute.kind != VALUE_STRING) {
        item = jinja_get_item(r, item, attribute);
        return item.kind == VALUE_UNDEFINED && has_other ? otherwise : item;
    }
    for (struct hone_text left = value_string(attribute); !r->failed;) {
        const char *dot = left.size ? memchr(left.data, '.', left.size) : NULL;
        struct hone_text part = {left.data, dot ? (size_t)(dot - left.data) : left.size};
        struct jinja_value index = index_of(part);
        item =
            jinja_get_item(r, item, index.kind == VALUE_MISSING ? value_text(part.data, part.size) : index);
        if (item.kind == VALUE_UNDEFINED && has_other)
            item = otherwise;
        if (!dot)
            break;
        left = (struct hone_text){dot + 1, left.size - part.size - 1};
    }
    return item;
}

struct jinja_value jinja_pick(struct jinja_run *r, struct jinja_value item, struct jinja_value attribute)
{
    return pick_or(r, item, attribute, value_missing());
}

struct list *jinja_pick_all(struct jinja_run *r, const struct list *list, struct jinja_value attribute,
                            bool ignore_case)
{
    struct list *picked = jinja_run_list(r, list->n);
    for (size_t i = 0; i < picked->n; i++) {
        struct jinja_value v = r->failed ? value_none() : jinja_pick(r, list->items[i], attribute);
        picked->items[i] = ignore_case && v.kind == VALUE_STRING ? jinja_string_lower(r, v) : v;
    }
    return picked;
}

/* The arguments behind the first n. */
static struct jinja_call without(const struct jinja_call *call, size_t n)
{
    struct jinja_call rest = *call;
    if (n > 0) /* without arguments there is no array, from which nothing can be computed */
        rest.args += n;
    rest.n_args -= n;
    return rest;
}

static struct jinja_value map_attribute(struct jinja_run *r, const struct list *list,
                                        const struct jinja_call *call)
{
    struct jinja_value attribute = value_missing(), otherwise = value_missing();
    for (size_t i = 0; i < call->n_keywords; i++)
        if (text_is(call->keywords[i].name, "attribute"))
            attribute = call->keywords[i].value;
        else if (text_is(call->keywords[i].name, "default"))
            otherwise = call->keywords[i].value;
        else
            attribute.kind = VALUE_UNDEFINED;
    if (attribute.kind == VALUE_MISSING || attribute.kind == VALUE_UNDEFINED)
        return jinja_run_fail(r, "'map' needs the name of a filter, or an attribute");
    struct list *mapped = jinja_run_list(r, list->n);
    for (size_t i = 0; i < mapped->n; i++)
        mapped->items[i] = pick_or(r, list->items[i], attribute, otherwise);
    return jinja_make_list(r, VALUE_ITERATOR, mapped);
}

static struct jinja_value filter_map(struct jinja_run *r, struct jinja_value self,
                                     const struct jinja_call *call)
{
    struct list *list = jinja_value_is_true(self) ? jinja_iterate(r, self) : jinja_run_list(r, 0);
    if (!call->n_args)
        return map_attribute(r, list, call);
    struct jinja_value name = call->args[0];
    struct jinja_call rest = without(call, 1);
    if (!jinja_is_text(r, name, "map"))
        return value_none();
    const struct builtin *filter = jinja_builtin_filter(value_string(name));
    if (!filter)
        return jinja_run_fail(r, "the filter '%.*s' is not supported", run_shown(name.size), name.text);
    struct list *mapped = jinja_run_list(r, list->n);
    for (size_t i = 0; i < mapped->n; i++)
        mapped->items[i] = jinja_run_work(r, RUN_NODE_WORK)
                               ? jinja_call_builtin(r, filter, list->items[i], &rest)
                               : value_none();
    return jinja_make_list(r, VALUE_ITERATOR, mapped);
}

/* The items for which a test holds, or does not; by default whether they are true. */
static struct jinja_value choose(struct jinja_run *r, struct jinja_value self, const struct jinja_call *call,
                                 bool by_attribute, bool wanted)
{
    struct list *list = jinja_value_is_true(self) ? jinja_iterate(r, self) : jinja_run_list(r, 0);
    const struct builtin *test = NULL;
    if (by_attribute && !call->n_args)
        return jinja_run_fail(r, "the name of an attribute is missing");
    struct jinja_value attribute = by_attribute ? call->args[0] : value_missing();
    struct jinja_call rest = without(call, by_attribute);
    if (rest.n_args) {
        struct jinja_value name = rest.args[0];
        test = jinja_is_text(r, name, "select") ? jinja_builtin_test(value_string(name)) : NULL;
        if (!test)
            return jinja_run_fail(r, "the test '%.*s' is not supported", run_shown(name.size), name.text);
        rest = without(&rest, 1);
    }
    struct list *chosen = jinja_run_list(r, list->n);
    size_t n = 0;
    for (size_t i = 0; i < chosen->n && jinja_run_work(r, RUN_NODE_WORK); i++) {
        struct jinja_value v = jinja_pick(r, list->items[i], attribute);
        if (jinja_value_is_true(test ? jinja_call_builtin(r, test, v, &rest) : v) == wanted)
            chosen->items[n++] = list->items[i];
    }
    if (chosen->n)
        chosen->n = n;
    return jinja_make_list(r, VALUE_ITERATOR, chosen);
}

static struct jinja_value filter_select(struct jinja_run *r, struct jinja_value self,
                                        const struct jinja_call *call)
{
    return choose(r, self, call, false, true);
}

static struct jinja_value filter_reject(struct jinja_run *r, struct jinja_value self,
                                        const struct jinja_call *call)
{
    return choose(r, self, call, false, false);
}

static struct jinja_value filter_selectattr(struct jinja_run *r, struct jinja_value self,
                                            const struct jinja_call *call)
{
    return choose(r, self, call, true, true);
}

static struct jinja_value filter_rejectattr(struct jinja_run *r, struct jinja_value self,
                                            const struct jinja_call *call)
{
    return choose(r, self, call, true, false);
}

const struct builtin jinja_pick_filters[] = {
    {"map", NULL, filter_map, 0, NULL},
    {"select", NULL, filter_select, 0, NULL},
    {"reject", NULL, filter_reject, 0, NULL},
    {"selectattr", NULL, filter_selectattr, 0, NULL},
    {"rejectattr", NULL, filter_rejectattr, 0, NULL},
    {0},
};
