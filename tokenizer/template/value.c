#include "tokenizer/template/value.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"

#include <math.h>
#include <string.h>

#define MAX_INTEGER 9223372036854775808.0 /* floats beyond have no int64_t */

enum { FEW_ENTRIES = 8 }; /* up to here a dictionary is searched from end to end */

const char *jinja_value_type_name(struct jinja_value v)
{
    static const char *const names[] = {
        [VALUE_MISSING] = "missing",
        [VALUE_UNDEFINED] = "Undefined",
        [VALUE_NONE] = "NoneType",
        [VALUE_BOOL] = "bool",
        [VALUE_INT] = "int",
        [VALUE_FLOAT] = "float",
        [VALUE_LONG] = "long int",
        [VALUE_STRING] = "str",
        [VALUE_LIST] = "list",
        [VALUE_TUPLE] = "tuple",
        [VALUE_RANGE] = "range",
        [VALUE_VIEW] = "dict view",
        [VALUE_ITERATOR] = "generator",
        [VALUE_DICT] = "dict",
        [VALUE_NAMESPACE] = "namespace",
        [VALUE_LOOP] = "loop",
        [VALUE_MACRO] = "macro",
        [VALUE_METHOD] = "method",
        [VALUE_FUNCTION] = "function",
    };
    return names[v.kind];
}

unsigned jinja_value_depth(struct jinja_value v)
{
    if (value_is_list(v))
        return v.list->depth;
    return v.kind == VALUE_DICT ? v.dict->depth : 0;
}

bool jinja_value_is_true(struct jinja_value v)
{
    switch ((enum value_kind)v.kind) {
    case VALUE_MISSING:
    case VALUE_UNDEFINED:
    case VALUE_NONE:
        return false;
    case VALUE_BOOL:
        return v.truth;
    case VALUE_INT:
        return v.integer != 0;
    case VALUE_FLOAT:
        return v.number != 0;
    case VALUE_STRING:
        return v.size > 0;
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_RANGE:
    case VALUE_VIEW:
        return v.list->n > 0;
    case VALUE_DICT:
        return v.dict->n > 0;
    default:
        return true;
    }
}

struct list *jinja_list_new(struct arena *a, size_t n)
{
    struct list *list = jinja_arena_alloc(a, 1, sizeof *list);
    struct jinja_value *items = jinja_arena_alloc(a, n, sizeof *items);
    if (!list || !items)
        return NULL;
    *list = (struct list){.n = n, .items = items};
    return list;
}

struct jinja_value jinja_value_list(enum value_kind kind, struct list *list)
{
    static struct list empty;
    if (!list)
        return (struct jinja_value){.kind = (uint8_t)kind, .list = &empty};
    for (size_t i = 0; i < list->n; i++) {
        unsigned depth = jinja_value_depth(list->items[i]) + 1;
        list->depth = depth > list->depth ? depth : list->depth;
    }
    return (struct jinja_value){.kind = (uint8_t)kind, .list = list};
}

/* Equal numbers hash alike, whatever their type. */
static uint64_t hash_of_number(struct jinja_value v)
{
    double number = value_number(v);
    if (v.kind != VALUE_FLOAT || (fabs(number) < MAX_INTEGER && number == (double)(int64_t)number)) {
        int64_t integer = v.kind == VALUE_FLOAT ? (int64_t)number : value_integer(v);
        return hash_bytes(&integer, sizeof integer);
    }
    return hash_bytes(&number, sizeof number);
}

bool jinja_value_hash(struct jinja_value v, uint64_t *hash)
{
    uint64_t item;
    if (v.kind == VALUE_STRING) {
        *hash = hash_bytes(v.text, v.size);
    } else if (value_is_number(v)) {
        *hash = hash_of_number(v);
    } else if (v.kind == VALUE_TUPLE) {
        *hash = v.list->n;
        for (size_t i = 0; i < v.list->n; i++) {
            if (!jinja_value_hash(v.list->items[i], &item))
                return false;
            *hash = hash_mix(*hash, item);
        }
    } else if (v.kind == VALUE_NONE || v.kind == VALUE_UNDEFINED) {
        *hash = v.kind;
    } else if (v.kind >= VALUE_ITERATOR && v.kind != VALUE_DICT && v.kind != VALUE_METHOD) {
        *hash = hash_mix((uintptr_t)v.list, v.kind);
    } else {
        return false;
    }
    return true;
}

/* Of values that can be hashed. */
static bool keys_equal(struct jinja_value a, struct jinja_value b)
{
    if (value_is_number(a) && value_is_number(b)) {
        if (a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT)
            return value_number(a) == value_number(b);
        return value_integer(a) == value_integer(b);
    }
    if (a.kind != b.kind)
        return false;
    if (a.kind == VALUE_STRING)
        return text_equal(value_string(a), value_string(b));
    if (a.kind == VALUE_NONE || a.kind == VALUE_UNDEFINED)
        return true;
    if (a.kind != VALUE_TUPLE)
        return a.list == b.list;
    for (size_t i = 0; i < a.list->n; i++)
        if (a.list->n != b.list->n || !keys_equal(a.list->items[i], b.list->items[i]))
            return false;
    return a.list->n == b.list->n;
}

struct dict *jinja_dict_new(struct arena *a, size_t capacity)
{
    struct dict *d = jinja_arena_alloc(a, 1, sizeof *d);
    struct jinja_entry *entries = jinja_arena_alloc(a, capacity, sizeof *entries);
    if (!d || !entries)
        return NULL;
    *d = (struct dict){.capacity = capacity, .entries = entries};
    return d;
}

static void put_slot(struct dict *d, size_t entry)
{
    size_t slot = d->entries[entry].hash & (d->n_slots - 1);
    while (d->slots[slot])
        slot = (slot + 1) & (d->n_slots - 1);
    d->slots[slot] = (uint32_t)entry + 1;
}

/* Slots for at least twice the capacity; without memory the dictionary stays one that is searched. */
static void make_slots(struct arena *a, struct dict *d)
{
    size_t n = 32;
    while (n < 2 * d->capacity)
        n *= 2;
    d->slots = jinja_arena_alloc(a, n, sizeof *d->slots);
    if (!d->slots)
        return;
    memset(d->slots, 0, n * sizeof *d->slots);
    d->n_slots = n;
    for (size_t i = 0; i < d->n; i++)
        put_slot(d, i);
}

static bool grow(struct arena *a, struct dict *d)
{
    size_t capacity = d->capacity ? 2 * d->capacity : 4;
    struct jinja_entry *entries = jinja_arena_alloc(a, capacity, sizeof *entries);
    if (!entries || capacity > UINT32_MAX / 4)
        return false;
    if (d->n)
        memcpy(entries, d->entries, d->n * sizeof *entries);
    d->entries = entries;
    d->capacity = capacity;
    if (d->slots)
        make_slots(a, d);
    return true;
}

static struct jinja_entry *find(const struct dict *d, struct jinja_value key, uint64_t hash)
{
    if (!d->slots) {
        for (size_t i = 0; i < d->n; i++)
            if (d->entries[i].hash == hash && keys_equal(d->entries[i].key, key))
                return &d->entries[i];
        return NULL;
    }
    for (size_t slot = hash & (d->n_slots - 1); d->slots[slot]; slot = (slot + 1) & (d->n_slots - 1)) {
        struct jinja_entry *entry = &d->entries[d->slots[slot] - 1];
        if (entry->hash == hash && keys_equal(entry->key, key))
            return entry;
    }
    return NULL;
}

void jinja_dict_set(struct arena *a, struct dict *d, struct jinja_value key, struct jinja_value value)
{
    uint64_t hash;
    if (!d || !jinja_value_hash(key, &hash))
        return;
    unsigned depth = jinja_value_depth(value) + 1;
    d->depth = depth > d->depth ? depth : d->depth;
    struct jinja_entry *entry = find(d, key, hash);
    if (entry) {
        entry->value = value;
        return;
    }
    if (d->n == d->capacity && !grow(a, d))
        return;
    d->entries[d->n++] = (struct jinja_entry){key, value, hash};
    if (d->slots)
        put_slot(d, d->n - 1);
    else if (d->n > FEW_ENTRIES)
        make_slots(a, d);
}

const struct jinja_entry *jinja_dict_find(const struct dict *d, struct jinja_value key)
{
    uint64_t hash;
    return jinja_value_hash(key, &hash) ? find(d, key, hash) : NULL;
}

const struct jinja_entry *jinja_dict_find_text(const struct dict *d, const char *text, size_t size)
{
    return jinja_dict_find(d, value_text(text, size));
}

struct jinja_value jinja_value_dict(struct dict *d)
{
    static struct dict empty;
    return (struct jinja_value){.kind = VALUE_DICT, .dict = d ? d : &empty};
}
