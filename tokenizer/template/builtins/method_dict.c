/* The methods of dicts, lists and loops. */
#include "tokenizer/template/builtins/strings.h"

#include <string.h>

/* ---- dicts --------------------------------------------------------------------------------------------- */

static struct jinja_value get(struct jinja_run *r, const struct jinja_value *v)
{
    const struct jinja_entry *entry = jinja_check_key(r, v[1]) ? jinja_dict_find(v[0].dict, v[1]) : NULL;
    if (entry)
        return entry->value;
    return v[2].kind == VALUE_MISSING ? value_none() : v[2];
}

static struct jinja_value view(struct jinja_run *r, struct list *list, const char *name)
{
    if (!r->failed)
        list->name = name;
    return jinja_make_list(r, VALUE_VIEW, list);
}

static struct jinja_value keys(struct jinja_run *r, const struct jinja_value *v)
{
    return view(r, jinja_iterate(r, v[0]), "dict_keys");
}

static struct jinja_value values(struct jinja_run *r, const struct jinja_value *v)
{
    struct list *list = jinja_run_list(r, v[0].dict->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = v[0].dict->entries[i].value;
    return view(r, list, "dict_values");
}

static struct jinja_value items(struct jinja_run *r, const struct jinja_value *v)
{
    struct list *list = jinja_run_list(r, v[0].dict->n);
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = jinja_make_pair(r, v[0].dict->entries[i].key, v[0].dict->entries[i].value);
    return view(r, list, "dict_items");
}

static struct jinja_value copy_dict(struct jinja_run *r, const struct jinja_value *v)
{
    struct dict *d = jinja_dict_new(&r->arena, v[0].dict->n);
    for (size_t i = 0; i < v[0].dict->n && !r->failed; i++)
        jinja_put(r, d, v[0].dict->entries[i].key, v[0].dict->entries[i].value);
    return jinja_value_dict(d);
}

/* ---- lists --------------------------------------------------------------------------------------------- */

static struct jinja_value index_of(struct jinja_run *r, const struct jinja_value *v)
{
    for (size_t i = 0; i < v[0].list->n && !r->failed; i++)
        if (jinja_values_equal(r, v[0].list->items[i], v[1]))
            return value_int((int64_t)i);
    return jinja_run_fail(r, "'index' does not find the item");
}

static struct jinja_value count(struct jinja_run *r, const struct jinja_value *v)
{
    int64_t n = 0;
    for (size_t i = 0; i < v[0].list->n && !r->failed; i++)
        n += jinja_values_equal(r, v[0].list->items[i], v[1]);
    return value_int(n);
}

/* ---- loops --------------------------------------------------------------------------------------------- */

static struct jinja_value cycle(struct jinja_run *r, struct jinja_value self, const struct jinja_call *call)
{
    if (!call->n_args || call->n_keywords)
        return jinja_run_fail(r, "'cycle' needs items");
    return call->args[self.loop->index % call->n_args];
}

static struct jinja_value changed(struct jinja_run *r, struct jinja_value self, const struct jinja_call *call)
{
    struct list *now = jinja_run_list(r, call->n_args), *before = self.loop->changed;
    bool same = before && before->n == now->n;
    for (size_t i = 0; i < now->n; i++) {
        now->items[i] = call->args[i];
        same = same && jinja_values_equal(r, before->items[i], now->items[i]);
    }
    if (!same)
        self.loop->changed = now;
    return value_bool(!same);
}

const struct builtin jinja_dict_methods[] = {
    {"get", get, NULL, 1, "- -"},  {"keys", keys, NULL, 0, ""},      {"values", values, NULL, 0, ""},
    {"items", items, NULL, 0, ""}, {"copy", copy_dict, NULL, 0, ""}, {0},
};

const struct builtin jinja_list_methods[] = {
    {"index", index_of, NULL, 1, "-"},
    {"count", count, NULL, 1, "-"},
    {0},
};

const struct builtin jinja_loop_methods[] = {
    {"cycle", NULL, cycle, 0, NULL},
    {"changed", NULL, changed, 0, NULL},
    {0},
};
