/* Whether schemas exclude each other, as far as that is plain: by their types, by values that they name, or by a member
 * that both need and that cannot be both. Asked of each two branches of a oneOf, of which one may hold and the others
 * must not: where they exclude each other anyway, nothing need be said of the others. */
#include "runtime/generate/grammar/schema/translate.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"

#include <string.h>

/* Two schemas that cannot both hold mostly differ near their top; what is deeper, or behind more references, is not looked for,
 * and they count as able to hold together. */
enum { MAX_DEPTH = 8, MAX_REFS = 16 };

struct apart_pair {
    uint32_t a, b; /* ids, + 1 */
    bool is_apart;
};

/* ---- pairs that were looked at ---- */

static struct apart_pair *pair_slot(struct apart_pair *pairs, size_t n_slots, uint32_t a, uint32_t b)
{
    uint32_t key[2] = {a, b};
    size_t slot = hash_bytes(key, sizeof key) & (n_slots - 1);
    while (pairs[slot].a && (pairs[slot].a != a || pairs[slot].b != b))
        slot = (slot + 1) & (n_slots - 1);
    return &pairs[slot];
}

/* NULL: failed. A new one says that they are not apart, which is what may be believed on the way. */
static struct apart_pair *find_pair(struct schema *s, uint32_t a, uint32_t b, bool *is_new)
{
    if (2 * (s->n_pairs + 1) > s->n_pair_slots) {
        size_t n_slots = s->n_pair_slots ? 2 * s->n_pair_slots : 64;
        struct apart_pair *pairs = schema_alloc(&s->w, n_slots, sizeof *pairs);
        if (!pairs)
            return NULL;
        for (size_t i = 0; i < s->n_pair_slots; i++)
            if (s->pairs[i].a)
                *pair_slot(pairs, n_slots, s->pairs[i].a, s->pairs[i].b) = s->pairs[i];
        s->pairs = pairs;
        s->n_pair_slots = n_slots;
    }
    struct apart_pair *pair = pair_slot(s->pairs, s->n_pair_slots, a + 1, b + 1);
    *is_new = pair->a == 0;
    if (*is_new) {
        *pair = (struct apart_pair){a + 1, b + 1, false};
        s->n_pairs++;
    }
    return pair;
}

/* ---- two schemas ---- */

/* References that stand alone are followed. */
static const struct schema_value *follow(struct schema *s, const struct schema_value *v)
{
    for (int i = 0; i < MAX_REFS && v && v->kind == VALUE_OBJECT && schema_keyword(s, v, "$ref"); i++) {
        for (uint32_t k = 0; k < v->n; k++)
            if (!text_is(v->names[k], "$ref") && !text_is(v->names[k], "description") &&
                !text_is(v->names[k], "title"))
                return v;
        v = schema_target(s, v);
    }
    return v;
}

static const struct schema_value *const *values_of(struct schema *s, const struct schema_value *v, size_t *n)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (text_is(v->names[i], "const")) {
            *n = 1;
            return &v->items[i];
        }
    return schema_enum(s, v, n);
}

/* Whether each value that a names is refused by b. */
static bool values_apart(struct schema *s, const struct schema_value *a, const struct schema_value *b)
{
    size_t n;
    const struct schema_value *const *values = values_of(s, a, &n);
    if (!values)
        return false;
    for (size_t i = 0; i < n; i++)
        if (schema_holds(s, b, values[i], 0))
            return false;
    return !s->w.failed;
}

static bool is_object(struct schema *s, const struct schema_value *v)
{
    return schema_most_types(s, v, 0) == 1u << TYPE_OBJECT;
}

/* Objects, of which a needs a member that b does not allow, or not so. */
static bool members_apart(struct schema *s, const struct schema_value *a, const struct schema_value *b,
                          unsigned depth)
{
    const struct schema_value *required = schema_keyword(s, a, "required"),
                              *of_a = schema_keyword(s, a, "properties"),
                              *of_b = schema_keyword(s, b, "properties"),
                              *other = schema_keyword(s, b, "additionalProperties");
    for (uint32_t i = 0; required && required->kind == VALUE_ARRAY && i < required->n; i++) {
        if (required->items[i]->kind != VALUE_STRING || !schema_pay(&s->w, 1))
            return false;
        struct hone_text name = required->items[i]->text;
        const struct schema_value *mine = schema_value_find(&s->w, of_a, name),
                                  *yours = schema_value_find(&s->w, of_b, name);
        if (!yours && other && other->kind == VALUE_FALSE && !schema_keyword(s, b, "patternProperties"))
            return true;
        if (mine && yours && schema_apart(s, mine, yours, depth + 1))
            return true;
    }
    return false;
}

bool schema_apart(struct schema *s, const struct schema_value *a, const struct schema_value *b,
                  unsigned depth)
{
    bool is_new;
    a = follow(s, a);
    b = follow(s, b);
    if (!a || !b || a == b || depth > MAX_DEPTH || !schema_pay(&s->w, 1))
        return false;
    if (a->kind == VALUE_FALSE || b->kind == VALUE_FALSE)
        return true;
    if (a->kind != VALUE_OBJECT || b->kind != VALUE_OBJECT || !schema_check(s, a) || !schema_check(s, b))
        return false;
    if (!(schema_most_types(s, a, 0) & schema_most_types(s, b, 0)))
        return true;
    struct apart_pair *pair =
        a->id < b->id ? find_pair(s, a->id, b->id, &is_new) : find_pair(s, b->id, a->id, &is_new);
    if (!pair || !is_new)
        return pair && pair->is_apart;
    bool is_apart = values_apart(s, a, b) || values_apart(s, b, a);
    if (!is_apart && is_object(s, a) && is_object(s, b))
        is_apart = members_apart(s, a, b, depth) || members_apart(s, b, a, depth);
    if (!is_apart || s->w.failed)
        return false;
    pair = a->id < b->id ? find_pair(s, a->id, b->id, &is_new) : find_pair(s, b->id, a->id, &is_new);
    return pair && (pair->is_apart = true);
}

/* ---- all branches of a oneOf ---- */

/* The member that tells the branches apart by a string that each names, such as "kind": each needs it, and no string
 * comes twice. */
static bool is_told_by(struct schema *s, struct hone_text name, const struct schema_node *branches)
{
    struct value_set seen = {0};
    size_t n_values = 0;
    for (size_t i = 0; i < branches->n_others; i++) {
        const struct schema_value *branch = follow(s, branches->others[i]);
        if (!branch || branch->kind != VALUE_OBJECT || !is_object(s, branch))
            return false;
        const struct schema_value *member =
                                      schema_value_find(&s->w, schema_keyword(s, branch, "properties"), name),
                                  *required = schema_keyword(s, branch, "required");
        member = member ? follow(s, member) : NULL;
        bool is_required = false;
        for (uint32_t k = 0;
             required && required->kind == VALUE_ARRAY && k < required->n && schema_pay(&s->w, 1); k++)
            is_required |=
                required->items[k]->kind == VALUE_STRING && text_equal(required->items[k]->text, name);
        size_t n;
        const struct schema_value *const *values =
            member && member->kind == VALUE_OBJECT && is_required ? values_of(s, member, &n) : NULL;
        if (!values)
            return false;
        struct value_set own = {0};
        for (size_t k = 0; k < n; k++)
            if (!schema_set_add(&s->w, &own, values[k]))
                return false;
        for (size_t k = 0; k < own.n; k++)
            if (!schema_set_add(&s->w, &seen, own.list[k]))
                return false;
        n_values += own.n;
    }
    return seen.n == n_values;
}

bool schema_all_apart(struct schema *s, const struct schema_value *list)
{
    struct schema_node *node = schema_node_of(s, list);
    if (!node || !schema_sort_branches(s, list))
        return false;
    if (node->apart)
        return node->apart == 1;
    const struct schema_value *first = node->n_others > 1 ? follow(s, node->others[0]) : NULL;
    const struct schema_value *members = first ? schema_keyword(s, first, "properties") : NULL;
    bool is_apart = node->n_others < 2;
    for (uint32_t i = 0; members && members->kind == VALUE_OBJECT && i < members->n && !is_apart; i++)
        is_apart = is_told_by(s, members->names[i], node);
    node->apart = is_apart ? 1 : 2;
    return is_apart && !s->w.failed;
}
