/* Lists, and what can be walked through like one. */
#include "runtime/base/utf8.h"
#include "tokenizer/template/run.h"
#include "tokenizer/template/text.h"

static struct list nothing;

struct list *run_list(struct run *r, size_t n)
{
    bool enough = n < RUN_MAX_MEMORY && run_work(r, n * sizeof(struct value));
    struct list *list = enough ? list_new(&r->arena, n) : NULL;
    if (list)
        return list;
    run_fail(r, "it takes too much memory");
    return &nothing;
}

static struct value check_depth(struct run *r, struct value v)
{
    return value_depth(v) > VALUE_MAX_DEPTH ? run_fail(r, "lists are nested too deeply") : v;
}

struct value make_list(struct run *r, enum value_kind kind, struct list *list)
{
    return check_depth(r, value_list(kind, r->failed ? NULL : list));
}

struct value make_pair(struct run *r, struct value a, struct value b)
{
    struct list *list = run_list(r, 2);
    if (list->n) {
        list->items[0] = a;
        list->items[1] = b;
    }
    return make_list(r, VALUE_TUPLE, list);
}

/* The range has at most RUN_MAX_RANGE items. */
struct value make_range(struct run *r, int64_t start, int64_t stop, int64_t step)
{
    __int128 span = step > 0 ? (__int128)stop - start : (__int128)start - stop;
    __int128 stride = step > 0 ? step : -(__int128)step;
    __int128 n = span > 0 ? (span + stride - 1) / stride : 0;
    if (n > RUN_MAX_RANGE)
        return run_fail(r, "a range of more than %d numbers", RUN_MAX_RANGE);
    struct list *list = run_list(r, (size_t)n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = value_int((int64_t)(start + (__int128)step * (__int128)i));
    if (list != &nothing) {
        list->start = start;
        list->stop = stop;
        list->step = step;
    }
    return make_list(r, VALUE_RANGE, list);
}

void put(struct run *r, struct dict *d, struct value key, struct value value)
{
    uint64_t hash;
    if (!value_hash(key, &hash))
        run_fail(r, "a value of type %s cannot be a key", value_type_name(key));
    if (run_work(r, sizeof(struct entry)))
        dict_set(&r->arena, d, key, value);
    if (d)
        check_depth(r, value_dict(d));
}

static struct list *characters(struct run *r, struct value v)
{
    struct list *list = run_list(r, text_length(value_string(v)));
    const char *p = v.text;
    for (size_t i = 0; i < list->n; i++) {
        list->items[i] = value_text(p, utf8_size(*p));
        p += utf8_size(*p);
    }
    return list;
}

static struct list *keys(struct run *r, const struct dict *d)
{
    struct list *list = run_list(r, d->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = d->entries[i].key;
    return list;
}

/* What was not taken yet. */
static struct list *rest(struct run *r, struct list *list)
{
    struct list *left = run_list(r, list->n - list->next);
    for (size_t i = 0; i < left->n; i++)
        left->items[i] = list->items[list->next + i];
    if (list->n)
        list->next = list->n;
    return left;
}

struct list *iterate(struct run *r, struct value v)
{
    if (r->failed || v.kind == VALUE_UNDEFINED)
        return &nothing;
    if (v.kind == VALUE_ITERATOR)
        return rest(r, v.list);
    if (value_is_list(v))
        return v.list;
    if (v.kind == VALUE_STRING)
        return characters(r, v);
    if (v.kind == VALUE_DICT)
        return keys(r, v.dict);
    run_fail(r, "a value of type %s cannot be walked through", value_type_name(v));
    return &nothing;
}

size_t value_length(struct run *r, struct value v)
{
    if (v.kind == VALUE_UNDEFINED)
        return 0;
    if (v.kind == VALUE_STRING)
        return run_work(r, v.size) ? text_length(value_string(v)) : 0;
    if (v.kind == VALUE_DICT)
        return v.dict->n;
    if (v.kind == VALUE_LOOP)
        return v.loop->n;
    if (value_is_list(v) && v.kind != VALUE_ITERATOR)
        return v.list->n;
    run_fail(r, "a value of type %s has no length", value_type_name(v));
    return 0;
}
