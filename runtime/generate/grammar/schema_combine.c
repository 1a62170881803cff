/* References, and schemas of several: anyOf, oneOf, allOf. */
#include "runtime/generate/grammar/schema_impl.h"

#include <stdlib.h>
#include <string.h>

/* ---- references ---- */

/* One step of a JSON pointer (RFC 6901), without the escapes. */
static bool read_step(const char **at, char *step, size_t size)
{
    size_t n = 0;
    for (; **at && **at != '/'; (*at)++) {
        char c = **at;
        if (c == '~' && ((*at)[1] == '0' || (*at)[1] == '1'))
            c = *++*at == '0' ? '~' : '/';
        if (n + 1 == size)
            return false;
        step[n++] = c;
    }
    step[n] = 0;
    return true;
}

json_t *schema_target(struct schema *s, const json_t *ref)
{
    const char *name = json_string_value(ref);
    json_t *found = s->root;
    if (!name || name[0] != '#' || (name[1] && name[1] != '/')) {
        schema_fail(s, "$ref %s does not point into the schema (#/...)", name ? name : "");
        return NULL;
    }
    for (const char *at = name + 1; *at && found;) {
        char step[256];
        at++;
        if (!read_step(&at, step, sizeof step))
            found = NULL;
        else if (json_is_array(found))
            found = json_array_get(found, strtoul(step, NULL, 10));
        else
            found = json_object_get(found, step);
    }
    if (!found)
        schema_fail(s, "$ref %s points to nothing", name);
    return found;
}

/* The rule of a reference, written when it is first met. */
static bool put_target(struct schema *s, FILE *f, const json_t *ref)
{
    struct rule_text r;
    json_t *target = schema_target(s, ref);
    if (!target)
        return false;
    const json_t *known = json_object_get(s->refs, json_string_value(ref));
    if (known) {
        fprintf(f, "r%lld", (long long)json_integer_value(known));
        return true;
    }
    if (!rule_open(s, &r))
        return false;
    if (json_object_set_new(s->refs, json_string_value(ref), json_integer((json_int_t)r.number)) < 0)
        schema_fail(s, "out of memory");
    fprintf(f, "r%zu", r.number);
    schema_put_value(s, r.f, target);
    return rule_close(s, &r);
}

/* ---- combinations ---- */

/* The schema without one keyword. */
static json_t *without(struct schema *s, const json_t *schema, const char *key)
{
    json_t *rest = schema_own(s, json_copy((json_t *)schema));
    if (rest)
        json_object_del(rest, key);
    return rest;
}

static bool is_silent(const json_t *schema)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)schema, key, value)
        if (!schema_is_annotation(key))
            return false;
    return true;
}

/* The branches of anyOf or oneOf, each with what stands beside it; NULL: failed. */
static json_t *branches_of(struct schema *s, const json_t *schema, const char *key)
{
    const json_t *given = json_object_get(schema, key);
    json_t *rest = without(s, schema, key), *branches = schema_own(s, json_array());
    if (!json_is_array(given) || json_array_size(given) == 0)
        schema_fail(s, "%s is no list of schemas", key);
    for (size_t i = 0; !s->failed && i < json_array_size(given); i++) {
        json_t *branch = json_array_get(given, i);
        if (json_is_false(branch))
            continue;
        if (json_is_true(branch))
            branch = rest;
        else if (!is_silent(rest))
            branch = schema_merge(s, rest, branch);
        if (!s->failed && json_array_append(branches, branch) < 0)
            schema_fail(s, "out of memory");
    }
    if (!s->failed && json_array_size(branches) == 0)
        schema_fail(s, "no branch of %s can be satisfied", key);
    return s->failed ? NULL : branches;
}

bool schema_put_branches(struct schema *s, FILE *f, const json_t *schema, const char *key)
{
    struct rule_text r;
    const json_t *branches = branches_of(s, schema, key);
    if (!branches)
        return false;
    size_t n = json_array_size(branches);
    for (size_t i = 0; strcmp(key, "oneOf") == 0 && i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (!schema_disjoint(s, json_array_get(branches, i), json_array_get(branches, j), 0))
                return schema_fail(
                    s, "oneOf: branches %zu and %zu cannot be told apart; anyOf may be what is meant", j, i);
    if (!rule_open(s, &r))
        return false;
    fprintf(f, "r%zu", r.number);
    for (size_t i = 0; i < n && !s->failed; i++) {
        fputs(i > 0 ? " | " : "", r.f);
        schema_put_value(s, r.f, json_array_get(branches, i));
    }
    return rule_close(s, &r);
}

bool schema_put_all_of(struct schema *s, FILE *f, const json_t *schema)
{
    const json_t *list = json_object_get(schema, "allOf");
    json_t *merged = without(s, schema, "allOf");
    if (!json_is_array(list))
        return schema_fail(s, "allOf is no list of schemas");
    for (size_t i = 0; merged && i < json_array_size(list); i++) {
        json_t *part = json_array_get(list, i);
        if (json_is_false(part))
            return schema_fail(s, "false cannot be satisfied");
        if (!json_is_true(part))
            merged = schema_merge(s, merged, part);
    }
    return merged && schema_put_value(s, f, merged);
}

bool schema_put_reference(struct schema *s, FILE *f, const json_t *schema)
{
    const json_t *ref = json_object_get(schema, "$ref"), *rest = without(s, schema, "$ref");
    if (!rest)
        return false;
    if (is_silent(rest))
        return put_target(s, f, ref);
    json_t *target = schema_target(s, ref);
    json_t *merged = target ? schema_merge(s, rest, target) : NULL;
    return merged && schema_put_value(s, f, merged);
}
