/* Objects and arrays of a JSON Schema. */
#include "runtime/generate/grammar/schema_impl.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- names that are not among some ---- */

struct names {
    const char **list; /* sorted */
    size_t n;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those that can be written without escapes; others cannot be met. false: out of memory. */
static bool names_init(struct names *names, const json_t *properties)
{
    const char *name;
    json_t *value;
    *names = (struct names){.list = malloc((json_object_size(properties) + 1) * sizeof *names->list)};
    if (!names->list)
        return false;
    json_object_foreach ((json_t *)properties, name, value) {
        bool is_plain = true;
        for (const char *c = name; *c; c++)
            is_plain &= (unsigned char)*c >= 0x20 && *c != '"' && *c != '\\' && *c != 0x7f;
        if (is_plain)
            names->list[names->n++] = name;
    }
    qsort(names->list, names->n, sizeof *names->list, compare_names);
    return true;
}

/* The size of the character that text begins with; jansson's strings are UTF-8. */
static size_t char_size(const char *text)
{
    utf8proc_int32_t point;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &point);
    return n > 0 ? (size_t)n : 1;
}

static void put_class_char(FILE *f, const char *c, size_t size)
{
    if (size == 1 && strchr("]^-[\\", *c))
        fputc('\\', f);
    fwrite(c, 1, size, f);
}

/* What may follow the first `at` bytes, which all the names share: a rule, of which f gets the name. */
static bool put_other_rest(struct schema *s, FILE *f, const char **names, size_t n, size_t at)
{
    struct rule_text r;
    if (++s->depth > 1000)
        return schema_fail(s, "the name of a property is too long");
    if (!rule_open(s, &r))
        return false;
    fprintf(f, "r%zu", r.number);
    bool is_name = n > 0 && names[0][at] == 0; /* the shortest comes first */
    size_t first = is_name ? 1 : 0;
    for (size_t i = first, end; i < n && !s->failed; i = end) {
        size_t size = char_size(names[i] + at);
        for (end = i + 1; end < n && strncmp(names[end] + at, names[i] + at, size) == 0; end++)
            ;
        schema_put_literal(r.f, names[i] + at, size);
        fputc(' ', r.f);
        put_other_rest(s, r.f, names + i, end - i, at + size);
        fputs(" | ", r.f);
    }
    fputs("[^\"\\\\\\x00-\\x1f\\x7f", r.f);
    for (size_t i = first; i < n; i++)
        put_class_char(r.f, names[i] + at, char_size(names[i] + at));
    fputs("] key-char*", r.f);
    if (!is_name)
        fputs(" | \"\"", r.f);
    s->depth--;
    return rule_close(s, &r);
}

/* ---- objects ---- */

/* "name": value */
static bool put_pair(struct schema *s, FILE *f, const char *name, json_t *schema)
{
    json_t *string = schema_own(s, json_string(name));
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (!quoted)
        return schema_fail(s, "out of memory");
    schema_put_literal(f, quoted, strlen(quoted));
    free(quoted);
    fputs(" \":\" ws ", f);
    return schema_put_value(s, f, schema);
}

/* A pair of another name; f gets the symbol. */
static bool put_other_pair(struct schema *s, FILE *f, const json_t *properties, json_t *schema)
{
    struct rule_text r;
    struct names names;
    if (!names_init(&names, properties))
        return schema_fail(s, "out of memory");
    bool ok = rule_open(s, &r);
    if (ok) {
        fprintf(f, "r%zu", r.number);
        fputs("\"\\\"\" ", r.f);
        put_other_rest(s, r.f, names.list, names.n, 0);
        fputs(" \"\\\":\" ws ", r.f);
        schema_put_value(s, r.f, schema);
        ok = rule_close(s, &r);
    }
    free(names.list);
    return ok;
}

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *item = json_string_value(json_array_get(required, i));
        if (item && strcmp(item, name) == 0)
            return true;
    }
    return false;
}

/* The properties, and after them those that are required and not described. NULL: failed. */
static json_t *all_properties(struct schema *s, const json_t *schema)
{
    const json_t *given = json_object_get(schema, "properties"),
                 *required = json_object_get(schema, "required");
    json_t *other = json_object_get(schema, "additionalProperties");
    json_t *all = schema_own(s, given ? json_copy((json_t *)given) : json_object());
    if ((given && !json_is_object(given)) || (required && !json_is_array(required))) {
        schema_fail(s, "properties is no object, or required no list");
        return NULL;
    }
    for (size_t i = 0; all && i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (!name || json_object_get(all, name))
            continue;
        if (json_is_false(other) && !schema_fail(s, "the property %s is required and not allowed", name))
            return NULL;
        if (json_object_set(all, name, other ? other : schema_own(s, json_true())) < 0)
            return NULL;
    }
    return s->failed ? NULL : all;
}

/* Two rules for each property i, from the last: what may come from it on when something came before (tail), and when
 * nothing did (head). */
static bool put_members(struct schema *s, FILE *f, const json_t *schema, const json_t *properties,
                        json_t *other)
{
    struct rule_text tail, head, pair;
    json_t *keys = schema_own(s, json_array()), *value;
    const char *name;
    json_object_foreach ((json_t *)properties, name, value)
        if (!keys || json_array_append_new(keys, json_string(name)) < 0)
            return schema_fail(s, "out of memory");
    bool has_other = other && !json_is_false(other);
    size_t next_tail, next_head;
    if (!rule_open(s, &pair))
        return false;
    if (has_other)
        put_other_pair(s, pair.f, properties, other);
    else
        fputs("\"\"", pair.f);
    if (!rule_close(s, &pair) || !rule_open(s, &tail))
        return false;
    fputs("\"\"", tail.f);
    if (has_other)
        fprintf(tail.f, " (\",\" ws r%zu)*", pair.number);
    if (!rule_close(s, &tail) || !rule_open(s, &head))
        return false;
    fputs("\"\"", head.f);
    if (has_other)
        fprintf(head.f, " | r%zu r%zu ws", pair.number, tail.number);
    next_tail = tail.number;
    next_head = head.number;
    if (!rule_close(s, &head))
        return false;
    for (size_t i = json_array_size(keys); i-- > 0;) {
        name = json_string_value(json_array_get(keys, i));
        bool needed = is_required(schema, name);
        if (!rule_open(s, &pair))
            return false;
        put_pair(s, pair.f, name, json_object_get(properties, name));
        if (!rule_close(s, &pair) || !rule_open(s, &head))
            return false;
        fprintf(head.f, "r%zu r%zu ws", pair.number, next_tail);
        if (!needed)
            fprintf(head.f, " | r%zu", next_head);
        next_head = head.number;
        if (!rule_close(s, &head) || !rule_open(s, &tail))
            return false;
        fprintf(tail.f, "(\",\" ws r%zu)%s r%zu", pair.number, needed ? "" : "?", next_tail);
        next_tail = tail.number;
        if (!rule_close(s, &tail))
            return false;
    }
    fprintf(f, "(\"{\" ws r%zu \"}\")", next_head);
    return true;
}

bool schema_put_object(struct schema *s, FILE *f, const json_t *schema)
{
    json_t *other = json_object_get(schema, "additionalProperties");
    const json_t *properties = all_properties(s, schema);
    if (!properties)
        return false;
    if (json_object_size(properties) == 0 && (!other || json_is_true(other)))
        return fputs("object", f) >= 0;
    return put_members(s, f, schema, properties, other);
}

/* ---- arrays ---- */

/* {min,max} */
static void put_counts(FILE *f, uint32_t min, uint32_t max)
{
    if (max == REPEAT_UNLIMITED)
        fprintf(f, "{%u,}", min);
    else
        fprintf(f, "{%u,%u}", min, max);
}

static uint32_t less(uint32_t count, size_t by)
{
    return count == REPEAT_UNLIMITED ? count : count > by ? count - (uint32_t)by : 0;
}

/* item: name of the rule of each; from the first on where nothing stands before. */
static void put_list(FILE *f, size_t item, uint32_t min, uint32_t max)
{
    if (min == 0)
        fputc('(', f);
    fprintf(f, "r%zu (\",\" ws r%zu)", item, item);
    put_counts(f, less(min, 1), less(max, 1));
    fputs(" ws", f);
    if (min == 0)
        fputs(")?", f);
}

/* What the items are: those of `prefix` one by one, then `rest` (NULL: no more). */
static bool read_items(struct schema *s, const json_t *schema, const json_t **prefix, json_t **rest)
{
    json_t *items = json_object_get(schema, "items");
    *prefix = json_object_get(schema, "prefixItems");
    *rest = items;
    if (json_is_array(items)) { /* before 2020-12 */
        *prefix = items;
        *rest = json_object_get(schema, "additionalItems");
    }
    if (*prefix && !json_is_array(*prefix))
        return schema_fail(s, "prefixItems is no list");
    if (json_is_true(json_object_get(schema, "uniqueItems")))
        return schema_fail(s, "the keyword uniqueItems is not supported");
    if (json_is_false(*rest))
        *rest = NULL;
    else if (!*rest && !*prefix)
        *rest = schema_own(s, json_true());
    return !s->failed;
}

bool schema_put_array(struct schema *s, FILE *f, const json_t *schema)
{
    const json_t *prefix;
    json_t *rest;
    uint32_t min, max;
    struct rule_text item;
    if (!read_items(s, schema, &prefix, &rest) || !schema_get_count(s, schema, "minItems", 0, &min) ||
        !schema_get_count(s, schema, "maxItems", REPEAT_UNLIMITED, &max))
        return false;
    size_t n_prefix = json_array_size(prefix) < max ? json_array_size(prefix) : max;
    if (!rest && !json_object_get(schema, "items") && min > n_prefix)
        rest = schema_own(s, json_true());
    if (min > max || (!rest && min > n_prefix))
        return schema_fail(s, "an array cannot have %u items at least here", min);
    bool has_rest = rest && max > n_prefix;
    if (!rule_open(s, &item))
        return false;
    if (has_rest)
        schema_put_value(s, item.f, rest);
    else
        fputs("\"\"", item.f);
    if (!rule_close(s, &item))
        return false;
    fputs("(\"[\" ws ", f);
    for (size_t i = 0; i < n_prefix; i++) {
        fputs(i > 0 ? " \",\" ws " : "", f);
        if (!schema_put_value(s, f, json_array_get(prefix, i)))
            return false;
    }
    if (has_rest && n_prefix == 0) {
        put_list(f, item.number, min, max);
    } else if (has_rest) {
        fprintf(f, " (\",\" ws r%zu)", item.number);
        put_counts(f, less(min, n_prefix), less(max, n_prefix));
    }
    fputs(n_prefix > 0 ? " ws \"]\")" : " \"]\")", f);
    return true;
}
