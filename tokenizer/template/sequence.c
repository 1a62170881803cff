/* Lists, and what can be walked through like one. */
#include "runtime/base/utf8.h"
#include "tokenizer/template/run.h"
#include "tokenizer/template/text.h"

static struct list nothing;

struct list *jinja_run_list(struct jinja_run *r, size_t n)
{
    bool enough = n < RUN_MAX_MEMORY && jinja_run_work(r, n * sizeof(struct jinja_value));
    struct list *list = enough ? jinja_list_new(&r->arena, n) : NULL;
    if (list)
        return list;
    jinja_run_fail(r, "it takes too much memory");
    return &nothing;
}

static struct jinja_value check_depth(struct jinja_run *r, struct jinja_value v)
{
    return jinja_value_depth(v) > VALUE_MAX_DEPTH ? jinja_run_fail(r, "lists are nested too deeply") : v;
}

struct jinja_value jinja_make_list(struct jinja_run *r, enum value_kind kind, struct list *list)
{
    return check_depth(r, jinja_value_list(kind, r->failed ? NULL : list));
}

struct jinja_value jinja_make_pair(struct jinja_run *r, struct jinja_value a, struct jinja_value b)
{
    struct list *list = jinja_run_list(r, 2);
    if (list->n) {
        list->items[0] = a;
        list->items[1] = b;
    }
    return jinja_make_list(r, VALUE_TUPLE, list);
}

/* The range has at most RUN_MAX_RANGE items. */
struct jinja_value jinja_make_range(struct jinja_run *r, int64_t start, int64_t stop, int64_t step)
{
    __int128 span = step > 0 ? (__int128)stop - start : (__int128)start - stop;
    __int128 stride = step > 0 ? step : -(__int128)step;
    __int128 n = span > 0 ? (span + stride - 1) / stride : 0;
    if (n > RUN_MAX_RANGE)
        return jinja_run_fail(r, "a range of more than %d numbers", RUN_MAX_RANGE);
    struct list *list = jinja_run_list(r, (size_t)n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = value_int((int64_t)(start + (__int128)step * (__int128)i));
    if (list != &nothing) {
        list->start = start;
        list->stop = stop;
        list->step = step;
    }
    return jinja_make_list(r, VALUE_RANGE, list);
}

/* Uses up the work of hashing and comparing a key. A tuple may hold the same one many times, and that one others: it is as
 * much work as if they were all different. */
static bool use_key(struct jinja_run *r, struct jinja_value key)
{
    if (!jinja_run_work(r, sizeof key + (key.kind == VALUE_STRING ? key.size : 0)))
        return false;
    for (size_t i = 0; key.kind == VALUE_TUPLE && i < key.list->n; i++)
        if (!use_key(r, key.list->items[i]))
            return false;
    return true;
}

const struct jinja_entry *jinja_find(struct jinja_run *r, const struct dict *d, struct jinja_value key)
{
    return use_key(r, key) ? jinja_dict_find(d, key) : NULL;
}

bool jinja_check_key(struct jinja_run *r, struct jinja_value key)
{
    uint64_t hash;
    if (use_key(r, key) && !jinja_value_hash(key, &hash))
        jinja_run_fail(r, "a value of type %s cannot be a key", jinja_value_type_name(key));
    return !r->failed;
}

void jinja_put(struct jinja_run *r, struct dict *d, struct jinja_value key, struct jinja_value value)
{
    if (jinja_check_key(r, key) && jinja_run_work(r, sizeof(struct jinja_entry)))
        jinja_dict_set(&r->arena, d, key, value);
    if (d)
        check_depth(r, jinja_value_dict(d));
}

static struct list *characters(struct jinja_run *r, struct jinja_value v)
{
    struct list *list = jinja_run_list(r, jinja_text_length(value_string(v)));
    const char *p = v.text;
    for (size_t i = 0; i < list->n; i++) {
        list->items[i] = value_text(p, utf8_size(*p));
        p += utf8_size(*p);
    }
    return list;
}

static struct list *keys(struct jinja_run *r, const struct dict *d)
{
    struct list *list = jinja_run_list(r, d->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = d->entries[i].key;
    return list;
}

/* What was not taken yet. */
static struct list *rest(struct jinja_run *r, struct list *list)
{
    struct list *left = jinja_run_list(r, list->n - list->next);
    for (size_t i = 0; i < left->n; i++)
        left->items[i] = list->items[list->next + i];
    if (list->n)
        list->next = list->n;
    return left;
}

struct list *jinja_iterate(struct jinja_run *r, struct jinja_value v)
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
    jinja_run_fail(r, "a value of type %s cannot be walked through", jinja_value_type_name(v));
    return &nothing;
}

size_t jinja_value_length(struct jinja_run *r, struct jinja_value v)
{
    if (v.kind == VALUE_UNDEFINED)
        return 0;
    if (v.kind == VALUE_STRING)
        return jinja_run_work(r, v.size) ? jinja_text_length(value_string(v)) : 0;
    if (v.kind == VALUE_DICT)
        return v.dict->n;
    if (v.kind == VALUE_LOOP)
        return v.loop->n;
    if (value_is_list(v) && v.kind != VALUE_ITERATOR)
        return v.list->n;
    jinja_run_fail(r, "a value of type %s has no length", jinja_value_type_name(v));
    return 0;
}
