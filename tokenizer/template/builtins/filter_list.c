/* Filters of lists and dicts. */
#include "runtime/base/text.h"
#include "tokenizer/template/builtins/pick.h"
#include "tokenizer/template/builtins/strings.h"
#include "tokenizer/template/text.h"

#include <string.h>

static struct jinja_value filter_length(struct jinja_run *r, const struct jinja_value *v)
{
    size_t n = jinja_value_length(r, v[0]);
    return value_int((int64_t)n);
}

static struct jinja_value filter_default(struct jinja_run *r, const struct jinja_value *v)
{
    bool replace = v[0].kind == VALUE_UNDEFINED || (jinja_value_is_true(v[2]) && !jinja_value_is_true(v[0]));
    (void)r;
    if (!replace)
        return v[0];
    return v[1].kind == VALUE_MISSING ? value_literal("") : v[1];
}

/* The first item of what can be walked through; an iterator goes on behind it. */
static struct jinja_value filter_first(struct jinja_run *r, const struct jinja_value *v)
{
    static const char hint[] = "there is no first item, the sequence is empty";
    bool once = v[0].kind == VALUE_ITERATOR;
    size_t at = once ? v[0].list->next : 0;
    struct list *list = once ? v[0].list : jinja_iterate(r, v[0]);
    if (at >= list->n)
        return value_undefined(UNDEFINED_HINT, hint, sizeof hint - 1);
    list->next += once;
    return list->items[at];
}

static struct jinja_value filter_last(struct jinja_run *r, const struct jinja_value *v)
{
    static const char hint[] = "there is no last item, the sequence is empty";
    if (v[0].kind == VALUE_ITERATOR)
        return jinja_run_fail(r, "'last' of a value of type %s", jinja_value_type_name(v[0]));
    struct list *list = jinja_iterate(r, v[0]);
    return list->n ? list->items[list->n - 1] : value_undefined(UNDEFINED_HINT, hint, sizeof hint - 1);
}

static struct jinja_value copied(struct jinja_run *r, enum value_kind kind, const struct list *list,
                                 bool backward)
{
    struct list *copy = jinja_run_list(r, list->n);
    for (size_t i = 0; i < copy->n; i++)
        copy->items[i] = list->items[backward ? list->n - 1 - i : i];
    return jinja_make_list(r, kind, copy);
}

static struct jinja_value filter_list(struct jinja_run *r, const struct jinja_value *v)
{
    return copied(r, VALUE_LIST, jinja_iterate(r, v[0]), false);
}

static struct jinja_value filter_reverse(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value bounds[3] = {value_none(), value_none(), value_int(-1)};
    if (v[0].kind == VALUE_STRING)
        return jinja_get_slice(r, v[0], bounds);
    return copied(r, v[0].kind == VALUE_ITERATOR ? VALUE_LIST : VALUE_ITERATOR, jinja_iterate(r, v[0]), true);
}

static struct jinja_value filter_join(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value glue = v[1].kind == VALUE_MISSING ? value_literal("") : jinja_to_string(r, v[1]);
    struct list *list = jinja_iterate(r, v[0]);
    if (v[2].kind != VALUE_MISSING && v[2].kind != VALUE_NONE)
        list = jinja_pick_all(r, list, v[2], false);
    return jinja_string_join(r, glue, list, true);
}

static struct jinja_value filter_items(struct jinja_run *r, const struct jinja_value *v)
{
    if (v[0].kind != VALUE_DICT && v[0].kind != VALUE_UNDEFINED)
        return jinja_run_fail(r, "'items' needs a mapping, not a value of type %s",
                              jinja_value_type_name(v[0]));
    size_t n = v[0].kind == VALUE_DICT ? v[0].dict->n : 0;
    struct list *list = jinja_run_list(r, n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = jinja_make_pair(r, v[0].dict->entries[i].key, v[0].dict->entries[i].value);
    return jinja_make_list(r, VALUE_ITERATOR, list);
}

static struct jinja_value filter_sum(struct jinja_run *r, const struct jinja_value *v)
{
    struct list *list = jinja_iterate(r, v[0]);
    struct jinja_value sum = v[2].kind == VALUE_MISSING ? value_int(0) : v[2];
    if (v[1].kind != VALUE_MISSING && v[1].kind != VALUE_NONE)
        list = jinja_pick_all(r, list, v[1], false);
    if (sum.kind == VALUE_STRING)
        return jinja_run_fail(r, "'sum' of texts");
    for (size_t i = 0; i < list->n && jinja_run_work(r, RUN_NODE_WORK); i++)
        sum = jinja_operate(r, OP_ADD, sum, list->items[i]);
    return sum;
}

static struct jinja_value filter_batch(struct jinja_run *r, const struct jinja_value *v)
{
    struct list *list = jinja_iterate(r, v[0]);
    int64_t size = jinja_integer_or(r, v[1], 0);
    bool fill = v[2].kind != VALUE_MISSING && v[2].kind != VALUE_NONE;
    if (size <= 0 && !r->failed)
        return jinja_run_fail(r, "'batch' of fewer than one item is not supported");
    size_t n = r->failed ? 0 : list->n / (size_t)size + (list->n % (size_t)size != 0);
    struct list *batches = jinja_run_list(r, n);
    for (size_t i = 0; i < batches->n; i++) {
        size_t start = i * (size_t)size, left = list->n - start,
               here = left < (size_t)size && !fill ? left : (size_t)size;
        struct list *batch = jinja_run_list(r, here);
        for (size_t k = 0; k < batch->n; k++)
            batch->items[k] = k < left ? list->items[start + k] : v[2];
        batches->items[i] = jinja_make_list(r, VALUE_LIST, batch);
    }
    return jinja_make_list(r, VALUE_ITERATOR, batches);
}

/* ---- order --------------------------------------------------------------------------------------------- */

struct keyed {
    struct jinja_value key, item;
};

/* Stable, from the bottom up: runs of `width` are merged in pairs. spare: n. */
static void merge_sort(struct jinja_run *r, struct keyed *items, struct keyed *spare, size_t n,
                       bool descending)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t start = 0; start < n && !r->failed; start += 2 * width) {
            size_t middle = start + width < n ? start + width : n,
                   end = start + 2 * width < n ? start + 2 * width : n;
            size_t a = start, b = middle;
            for (size_t to = start; to < end; to++) {
                bool second = a >= middle;
                if (!second && b < end)
                    second = descending ? jinja_value_less(r, items[a].key, items[b].key)
                                        : jinja_value_less(r, items[b].key, items[a].key);
                spare[to] = second ? items[b++] : items[a++];
            }
        }
        if (r->failed)
            return;
        memcpy(items, spare, n * sizeof *items);
    }
}

/* The items in the order of their keys. */
static struct jinja_value sorted(struct jinja_run *r, const struct list *items, const struct list *keys,
                                 bool descending)
{
    size_t n = items->n;
    struct list *list = jinja_run_list(r, n);
    struct keyed *pairs = jinja_arena_alloc(&r->arena, n, 2 * sizeof *pairs);
    if (r->failed || !pairs || keys->n != n)
        return jinja_make_list(r, VALUE_LIST, NULL);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct keyed){keys->items[i], items->items[i]};
    merge_sort(r, pairs, pairs + n, n, descending);
    for (size_t i = 0; i < n; i++)
        list->items[i] = pairs[i].item;
    return jinja_make_list(r, VALUE_LIST, list);
}

static struct jinja_value filter_sort(struct jinja_run *r, const struct jinja_value *v)
{
    struct list *list = jinja_iterate(r, v[0]);
    if (v[3].kind == VALUE_STRING && memchr(v[3].text, ',', v[3].size))
        return jinja_run_fail(r, "'sort' by several attributes is not supported");
    /* Each key is a list, which is where Jinja has one item an attribute: so two undefined values are equal. */
    struct list *keys = jinja_pick_all(r, list, v[3], !jinja_value_is_true(v[2]));
    for (size_t i = 0; i < keys->n; i++) {
        struct list *key = jinja_run_list(r, 1);
        if (key->n)
            key->items[0] = keys->items[i];
        keys->items[i] = jinja_make_list(r, VALUE_LIST, key);
    }
    return sorted(r, list, keys, jinja_value_is_true(v[1]));
}

static struct jinja_value filter_dictsort(struct jinja_run *r, const struct jinja_value *v)
{
    struct hone_text by = v[2].kind == VALUE_STRING ? value_string(v[2]) : (struct hone_text){"key", 3};
    bool by_value = text_is(by, "value");
    if (v[0].kind != VALUE_DICT || (!by_value && !text_is(by, "key")))
        return jinja_run_fail(r, "'dictsort' needs a mapping, and 'key' or 'value' to sort by");
    struct jinja_value all[] = {v[0]}, items = filter_items(r, all);
    struct list *keys = jinja_pick_all(r, items.list, value_int(by_value), !jinja_value_is_true(v[1]));
    return sorted(r, items.list, keys, jinja_value_is_true(v[3]));
}

static struct jinja_value filter_unique(struct jinja_run *r, const struct jinja_value *v)
{
    struct list *list = jinja_iterate(r, v[0]),
                *keys = jinja_pick_all(r, list, v[2], !jinja_value_is_true(v[1]));
    struct list *unique = jinja_run_list(r, list->n);
    struct dict *seen = jinja_dict_new(&r->arena, list->n);
    size_t n = 0;
    for (size_t i = 0; i < unique->n && seen && !r->failed; i++) {
        size_t before = seen->n;
        jinja_put(r, seen, keys->items[i], value_none());
        if (seen->n > before)
            unique->items[n++] = list->items[i];
    }
    if (unique->n)
        unique->n = n;
    return jinja_make_list(r, VALUE_ITERATOR, unique);
}

static struct jinja_value extreme(struct jinja_run *r, const struct jinja_value *v, bool largest)
{
    static const char hint[] = "there is no least or greatest item, the sequence is empty";
    struct list *list = jinja_iterate(r, v[0]),
                *keys = jinja_pick_all(r, list, v[2], !jinja_value_is_true(v[1]));
    size_t best = 0;
    for (size_t i = 1; i < keys->n && !r->failed; i++)
        if (largest ? jinja_value_less(r, keys->items[best], keys->items[i])
                    : jinja_value_less(r, keys->items[i], keys->items[best]))
            best = i;
    return list->n ? list->items[best] : value_undefined(UNDEFINED_HINT, hint, sizeof hint - 1);
}

static struct jinja_value filter_min(struct jinja_run *r, const struct jinja_value *v)
{
    return extreme(r, v, false);
}

static struct jinja_value filter_max(struct jinja_run *r, const struct jinja_value *v)
{
    return extreme(r, v, true);
}

const struct builtin jinja_list_filters[] = {
    {"length", filter_length, NULL, 0, ""},
    {"count", filter_length, NULL, 0, ""},
    {"default", filter_default, NULL, 0, "default_value boolean"},
    {"d", filter_default, NULL, 0, "default_value boolean"},
    {"first", filter_first, NULL, 0, ""},
    {"last", filter_last, NULL, 0, ""},
    {"list", filter_list, NULL, 0, ""},
    {"reverse", filter_reverse, NULL, 0, ""},
    {"join", filter_join, NULL, 0, "d attribute"},
    {"items", filter_items, NULL, 0, ""},
    {"sum", filter_sum, NULL, 0, "attribute start"},
    {"batch", filter_batch, NULL, 1, "linecount fill_with"},
    {"sort", filter_sort, NULL, 0, "reverse case_sensitive attribute"},
    {"dictsort", filter_dictsort, NULL, 0, "case_sensitive by reverse"},
    {"unique", filter_unique, NULL, 0, "case_sensitive attribute"},
    {"min", filter_min, NULL, 0, "case_sensitive attribute"},
    {"max", filter_max, NULL, 0, "case_sensitive attribute"},
    {0},
};
