/* The methods of dicts, lists and loops. */
#include "tokenizer/template/builtins/strings.h"

#include <string.h>

/* ---- dicts --------------------------------------------------------------------------------------------- */

static struct value get(struct run *r, const struct value *v)
{
    uint64_t hash;
    if (!value_hash(v[1], &hash))
        return run_fail(r, "a value of type %s cannot be a key", value_type_name(v[1]));
    const struct entry *entry = dict_find(v[0].dict, v[1]);
    if (entry)
        return entry->value;
    return v[2].kind == VALUE_MISSING ? value_none() : v[2];
}

static struct value view(struct run *r, struct list *list, const char *name)
{
    if (!r->failed)
        list->name = name;
    return make_list(r, VALUE_VIEW, list);
}

static struct value keys(struct run *r, const struct value *v)
{
    return view(r, iterate(r, v[0]), "dict_keys");
}

static struct value values(struct run *r, const struct value *v)
{
    struct list *list = run_list(r, v[0].dict->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = v[0].dict->entries[i].value;
    return view(r, list, "dict_values");
}

static struct value items(struct run *r, const struct value *v)
{
    struct list *list = run_list(r, v[0].dict->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = make_pair(r, v[0].dict->entries[i].key, v[0].dict->entries[i].value);
    return view(r, list, "dict_items");
}

static struct value copy_dict(struct run *r, const struct value *v)
{
    struct dict *d = dict_new(&r->arena, v[0].dict->n);
    for (size_t i = 0; i < v[0].dict->n && !r->failed; i++)
        put(r, d, v[0].dict->entries[i].key, v[0].dict->entries[i].value);
    return value_dict(d);
}

/* ---- lists --------------------------------------------------------------------------------------------- */

static struct value index_of(struct run *r, const struct value *v)
{
    for (size_t i = 0; i < v[0].list->n && !r->failed; i++)
        if (values_equal(r, v[0].list->items[i], v[1]))
            return value_int((int64_t)i);
    return run_fail(r, "'index' does not find the item");
}

static struct value count(struct run *r, const struct value *v)
{
    int64_t n = 0;
    for (size_t i = 0; i < v[0].list->n && !r->failed; i++)
        n += values_equal(r, v[0].list->items[i], v[1]);
    return value_int(n);
}

/* ---- loops --------------------------------------------------------------------------------------------- */

static struct value cycle(struct run *r, struct value self, const struct call *call)
{
    if (!call->n_args || call->n_keywords)
        return run_fail(r, "'cycle' needs items");
    return call->args[self.loop->index % call->n_args];
}

static struct value changed(struct run *r, struct value self, const struct call *call)
{
    struct list *now = run_list(r, call->n_args), *before = self.loop->changed;
    bool same = before && before->n == now->n;
    for (size_t i = 0; i < now->n; i++) {
        now->items[i] = call->args[i];
        same = same && values_equal(r, before->items[i], now->items[i]);
    }
    if (!same)
        self.loop->changed = now;
    return value_bool(!same);
}

const struct builtin dict_methods[] = {
    {"get", get, NULL, 1, "- -"},  {"keys", keys, NULL, 0, ""},      {"values", values, NULL, 0, ""},
    {"items", items, NULL, 0, ""}, {"copy", copy_dict, NULL, 0, ""}, {0},
};

const struct builtin list_methods[] = {
    {"index", index_of, NULL, 1, "-"},
    {"count", count, NULL, 1, "-"},
    {0},
};

const struct builtin loop_methods[] = {
    {"cycle", NULL, cycle, 0, NULL},
    {"changed", NULL, changed, 0, NULL},
    {0},
};
