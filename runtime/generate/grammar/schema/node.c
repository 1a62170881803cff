/* What a schema says, keyword by keyword. */
#include "runtime/base/text.h"
#include "runtime/generate/grammar/schema/formats.h"
#include "runtime/generate/grammar/schema/translate.h"

#include <string.h>

struct schema_node *schema_node_of(struct schema *s, const struct schema_value *v)
{
    if (v->id >= s->n_values) {
        schema_fail_at(&s->w, v, "it has no number");
        return NULL;
    }
    if (!s->nodes[v->id]) {
        s->nodes[v->id] = schema_alloc(&s->w, 1, sizeof *s->nodes[v->id]);
        s->values[v->id] = v;
    }
    return s->nodes[v->id];
}

const struct schema_value *schema_adopt(struct schema *s, struct schema_value *made)
{
    if (!made || !schema_room(&s->w, &s->values, &s->values_capacity, s->n_values, sizeof *s->values) ||
        !schema_room(&s->w, &s->nodes, &s->nodes_capacity, s->n_values, sizeof *s->nodes))
        return NULL;
    s->values[s->n_values] = NULL;
    s->nodes[s->n_values] = NULL;
    made->id = (uint32_t)s->n_values++;
    return made;
}

/* ---- sets of values ---- */

static bool set_grow(struct schema_work *w, struct value_set *set)
{
    size_t n_slots = set->n_slots ? 2 * set->n_slots : 16;
    uint32_t *slots = schema_alloc(w, n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < set->n; i++) {
        size_t slot = set->list[i]->hash & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    set->slots = slots;
    set->n_slots = n_slots;
    return true;
}

/* The slot of an equal value, or an empty one. */
static size_t set_slot(struct schema_work *w, const struct value_set *set, const struct schema_value *v)
{
    size_t slot = v->hash & (set->n_slots - 1);
    while (set->slots[slot] && schema_pay(w, 1) && !schema_value_equal(w, set->list[set->slots[slot] - 1], v))
        slot = (slot + 1) & (set->n_slots - 1);
    return slot;
}

bool schema_set_add(struct schema_work *w, struct value_set *set, const struct schema_value *v)
{
    if (2 * (set->n + 1) > set->n_slots && !set_grow(w, set))
        return false;
    size_t slot = set_slot(w, set, v);
    if (set->slots[slot]) {
        set->times[set->slots[slot] - 1]++;
        return !w->failed;
    }
    if (!schema_room(w, &set->list, &set->list_capacity, set->n, sizeof *set->list) ||
        !schema_room(w, &set->times, &set->times_capacity, set->n, sizeof *set->times))
        return false;
    set->list[set->n] = v;
    set->times[set->n] = 1;
    set->slots[slot] = (uint32_t)++set->n;
    return true;
}

uint32_t schema_set_times(struct schema_work *w, const struct value_set *set, const struct schema_value *v)
{
    if (!set || set->n == 0)
        return 0;
    size_t slot = set_slot(w, set, v);
    return set->slots[slot] ? set->times[set->slots[slot] - 1] : 0;
}

struct value_set *schema_enum_set(struct schema *s, const struct schema_value *list)
{
    struct schema_node *node = schema_node_of(s, list);
    if (!node || node->values)
        return node ? node->values : NULL;
    struct value_set *set = schema_alloc(&s->w, 1, sizeof *set);
    for (uint32_t i = 0; set && i < list->n; i++)
        if (!schema_set_add(&s->w, set, list->items[i]))
            return NULL;
    return node->values = set;
}

/* ---- values that are named ---- */

const struct schema_value *schema_constant(struct schema *s, const struct schema_value *schema)
{
    return schema_keyword(s, schema, "const");
}

const struct schema_value *const *schema_enum(struct schema *s, const struct schema_value *schema, size_t *n)
{
    static const struct schema_value *const none[1];
    const struct schema_value *list = schema_keyword(s, schema, "enum");
    *n = list ? list->n : 0;
    return list && list->n == 0 ? none : list ? list->items : NULL;
}

bool schema_sort_branches(struct schema *s, const struct schema_value *list)
{
    struct schema_node *node = schema_node_of(s, list);
    if (!node || node->others)
        return node != NULL;
    node->values = schema_alloc(&s->w, 1, sizeof *node->values);
    node->others = schema_alloc(&s->w, list->n + 1, sizeof *node->others);
    for (uint32_t i = 0; node->others && i < list->n; i++) {
        const struct schema_value *branch = list->items[i], *constant = schema_keyword(s, branch, "const");
        const struct schema_value *values = schema_keyword(s, branch, "enum");
        bool names_all = true; /* but for types, nothing beside them forbids one */
        for (uint32_t k = 0; branch->kind == VALUE_OBJECT && k < branch->n; k++)
            names_all &= text_is(branch->names[k], "const") || text_is(branch->names[k], "enum") ||
                         text_is(branch->names[k], "title") || text_is(branch->names[k], "description") ||
                         text_is(branch->names[k], "type");
        if (!names_all || !(constant || (values && values->kind == VALUE_ARRAY)) || (constant && values)) {
            node->others[node->n_others++] = branch;
            continue;
        }
        struct value_set own = {0}; /* a value that an enum has twice is one */
        for (uint32_t k = 0; values && k < values->n; k++)
            if (!schema_set_add(&s->w, &own, values->items[k]))
                return false;
        if (constant && !schema_set_add(&s->w, &own, constant))
            return false;
        bool whole = false;
        unsigned types = schema_check(s, branch) ? schema_types(s, branch, &whole) : 0;
        for (size_t k = 0; k < own.n; k++)
            if ((types >> schema_type_of(own.list[k]) & 1) &&
                !(whole && own.list[k]->kind == VALUE_NUMBER && !decimal_is_whole(own.list[k]->number)) &&
                !schema_set_add(&s->w, node->values, own.list[k]))
                return false;
    }
    return !s->w.failed;
}

/* ---- types ---- */

static const char *const type_names[N_TYPES] = {"null", "boolean", "number", "string", "array", "object"};

enum schema_type schema_type_of(const struct schema_value *v)
{
    static const enum schema_type types[] = {
        [VALUE_NULL] = TYPE_NULL,     [VALUE_FALSE] = TYPE_BOOLEAN, [VALUE_TRUE] = TYPE_BOOLEAN,
        [VALUE_NUMBER] = TYPE_NUMBER, [VALUE_STRING] = TYPE_STRING, [VALUE_ARRAY] = TYPE_ARRAY,
        [VALUE_OBJECT] = TYPE_OBJECT};
    return types[v->kind];
}

unsigned schema_types(struct schema *s, const struct schema_value *schema, bool *whole)
{
    const struct schema_value *type = schema_keyword(s, schema, "type"),
                              *nullable = schema_keyword(s, schema, "nullable");
    bool is_list = type && type->kind == VALUE_ARRAY;
    unsigned types = 0;
    bool any_number = false;
    *whole = false;
    if (!type)
        return ALL_TYPES;
    for (uint32_t i = 0; i < (is_list ? type->n : 1); i++) {
        const struct schema_value *name = is_list ? type->items[i] : type;
        if (is_string(name, "integer")) {
            types |= 1u << TYPE_NUMBER;
            *whole = true;
        }
        for (unsigned t = 0; t < N_TYPES; t++)
            if (is_string(name, type_names[t]))
                types |= 1u << t;
        any_number |= is_string(name, "number");
    }
    *whole &= !any_number;
    if (nullable && nullable->kind == VALUE_TRUE) /* OpenAPI 3.0 */
        types |= 1u << TYPE_NULL;
    return types;
}

static unsigned types_of_values(const struct schema_value *const *list, size_t n)
{
    unsigned types = 0;
    for (size_t i = 0; i < n; i++)
        types |= 1u << schema_type_of(list[i]);
    return types;
}

static unsigned types_of_branches(struct schema *s, const struct schema_value *list, bool all, unsigned depth)
{
    unsigned types = all ? ALL_TYPES : 0;
    for (uint32_t i = 0; list->kind == VALUE_ARRAY && i < list->n && schema_pay(&s->w, 1); i++) {
        unsigned one = schema_most_types(s, list->items[i], depth + 1);
        types = all ? types & one : types | one;
    }
    return types;
}

unsigned schema_most_types(struct schema *s, const struct schema_value *schema, unsigned depth)
{
    bool whole;
    size_t n;
    if (schema->kind == VALUE_FALSE)
        return 0;
    struct schema_node *node = schema->kind == VALUE_OBJECT && depth < 16 ? schema_node_of(s, schema) : NULL;
    if (!node)
        return ALL_TYPES;
    if (node->types)
        return node->types - 1u;
    node->types = ALL_TYPES + 1; /* where it leads back here */
    const struct schema_value *constant = schema_constant(s, schema),
                              *all = schema_keyword(s, schema, "allOf"),
                              *any = schema_keyword(s, schema, "anyOf"),
                              *one = schema_keyword(s, schema, "oneOf"),
                              *target = schema_keyword(s, schema, "$ref") ? schema_target(s, schema) : NULL;
    const struct schema_value *const *values = schema_enum(s, schema, &n);
    unsigned types = schema_types(s, schema, &whole);
    if (constant)
        types &= types_of_values(&constant, 1);
    if (values)
        types &= types_of_values(values, n);
    if (target)
        types &= schema_most_types(s, target, depth + 1);
    if (all)
        types &= types_of_branches(s, all, true, depth);
    if (any)
        types &= types_of_branches(s, any, false, depth);
    if (one)
        types &= types_of_branches(s, one, false, depth);
    node->types = (uint8_t)(types + 1);
    return types;
}

/* ---- patterns ---- */

const struct expression *schema_pattern(struct schema *s, const struct schema_value *where,
                                        struct hone_text pattern, bool holds)
{
    struct schema_node *node = schema_node_of(s, where);
    if (node && !node->expression[holds])
        node->expression[holds] = expression_read(&s->w, where, pattern, !holds);
    return node ? node->expression[holds] : NULL;
}

const struct expression *schema_format(struct schema *s, const struct schema_value *format, uint32_t *max)
{
    struct schema_node *node = schema_node_of(s, format);
    unsigned most;
    const char *text = format_expression(format->text.data, format->text.size, &most);
    if (!text || !node)
        return NULL;
    *max = most ? most : REPEAT_UNLIMITED;
    if (!node->expression[1]) {
        const struct expression *read =
            expression_read(&s->w, format, (struct hone_text){text, strlen(text)}, false);
        struct expression *whole = read ? schema_alloc(&s->w, 1, sizeof *whole) : NULL;
        if (whole) {
            *whole = *read;
            whole->is_whole = true;
        }
        node->expression[1] = whole;
    }
    return node->expression[1];
}

bool schema_matches(struct schema *s, const struct schema_value *where, struct hone_text pattern,
                    struct hone_text text)
{
    struct schema_node *node = schema_node_of(s, where);
    if (!node)
        return false;
    if (!node->automaton) {
        const struct expression *e =
            node->expression[1] ? node->expression[1] : schema_pattern(s, where, pattern, true);
        struct automaton *a =
            e ? automaton_make(&s->w, where, &e, 1, (struct automaton_wanted){.match = true}) : NULL;
        for (size_t i = 0; a && i < a->n_states; i++)
            a->accept[i] = a->match[i] & 1;
        node->automaton = a;
    }
    return node->automaton && schema_pay(&s->w, text.size) && automaton_accepts(node->automaton, text);
}

/* ---- whether the keywords are what they must be ---- */

bool schema_count(struct schema *s, const struct schema_value *schema, const char *key, uint32_t otherwise,
                  uint32_t *count)
{
    const struct schema_value *v = schema_keyword(s, schema, key);
    *count = otherwise;
    if (!v)
        return !s->w.failed;
    if (v->kind != VALUE_NUMBER || v->number->is_negative || !decimal_is_whole(v->number) ||
        v->number->point > 7)
        return schema_fail_at(&s->w, v, "%s is no whole number up to %u", key, GRAMMAR_MAX_REPEAT);
    *count = 0;
    for (int64_t i = 0; i < v->number->point; i++)
        *count = 10 * *count + (uint32_t)((size_t)i < v->number->n ? v->number->digits[i] - '0' : 0);
    return *count <= GRAMMAR_MAX_REPEAT ||
           schema_fail_at(&s->w, v, "%s is no whole number up to %u", key, GRAMMAR_MAX_REPEAT);
}

enum shape {
    SHAPE_SCHEMA,
    SHAPE_SCHEMAS,
    SHAPE_NAMED,
    SHAPE_LIST,
    SHAPE_NAMES,
    SHAPE_TEXT,
    SHAPE_NUMBER,
    SHAPE_COUNT,
    SHAPE_FLAG,
    SHAPE_ITEMS,
    SHAPE_BOUND,
    SHAPE_TYPE,
    SHAPE_NEEDS,
    SHAPE_OBJECT
};

static const struct {
    const char *name;
    enum shape shape;
    const char *expected;
} keywords[] = {
    {"type", SHAPE_TYPE, "the name of a type or a list of them"},
    {"enum", SHAPE_LIST, "a list"},
    {"properties", SHAPE_NAMED, "an object of schemas"},
    {"patternProperties", SHAPE_NAMED, "an object of schemas"},
    {"dependentSchemas", SHAPE_NAMED, "an object of schemas"},
    {"required", SHAPE_NAMES, "a list of names"},
    {"dependentRequired", SHAPE_NEEDS, "an object of lists of names"},
    {"dependencies", SHAPE_OBJECT, "an object"},
    {"additionalProperties", SHAPE_SCHEMA, "a schema"},
    {"propertyNames", SHAPE_SCHEMA, "a schema"},
    {"items", SHAPE_ITEMS, "a schema or a list of schemas"},
    {"prefixItems", SHAPE_SCHEMAS, "a list of schemas"},
    {"additionalItems", SHAPE_SCHEMA, "a schema"},
    {"contains", SHAPE_SCHEMA, "a schema"},
    {"uniqueItems", SHAPE_FLAG, "true or false"},
    {"pattern", SHAPE_TEXT, "a string"},
    {"format", SHAPE_TEXT, "a string"},
    {"minimum", SHAPE_NUMBER, "a number"},
    {"maximum", SHAPE_NUMBER, "a number"},
    {"exclusiveMinimum", SHAPE_BOUND, "a number"},
    {"exclusiveMaximum", SHAPE_BOUND, "a number"},
    {"multipleOf", SHAPE_NUMBER, "a number"},
    {"allOf", SHAPE_SCHEMAS, "a list of schemas"},
    {"anyOf", SHAPE_SCHEMAS, "a list of schemas"},
    {"oneOf", SHAPE_SCHEMAS, "a list of schemas"},
    {"not", SHAPE_SCHEMA, "a schema"},
    {"if", SHAPE_SCHEMA, "a schema"},
    {"then", SHAPE_SCHEMA, "a schema"},
    {"else", SHAPE_SCHEMA, "a schema"},
    {"$ref", SHAPE_TEXT, "a string"},
    {"nullable", SHAPE_FLAG, "true or false"},
};

static bool is_schema(const struct schema_value *v)
{
    return v->kind == VALUE_OBJECT || v->kind == VALUE_TRUE || v->kind == VALUE_FALSE;
}

static bool are_all(const struct schema_value *v, bool (*is)(const struct schema_value *v))
{
    for (uint32_t i = 0; i < v->n; i++)
        if (!is(v->items[i]))
            return false;
    return true;
}

static bool is_name(const struct schema_value *v)
{
    return v->kind == VALUE_STRING;
}

static bool is_names(const struct schema_value *v)
{
    return v->kind == VALUE_ARRAY && are_all(v, is_name);
}

static bool is_type(const struct schema_value *v)
{
    for (unsigned t = 0; t < N_TYPES; t++)
        if (is_string(v, type_names[t]))
            return true;
    return is_string(v, "integer");
}

static bool has_shape(const struct schema_value *v, enum shape shape)
{
    switch (shape) {
    case SHAPE_SCHEMA:
        return is_schema(v);
    case SHAPE_SCHEMAS:
        return v->kind == VALUE_ARRAY && v->n > 0 && are_all(v, is_schema);
    case SHAPE_ITEMS:
        return is_schema(v) || (v->kind == VALUE_ARRAY && are_all(v, is_schema));
    case SHAPE_NAMED:
        return v->kind == VALUE_OBJECT && are_all(v, is_schema);
    case SHAPE_NEEDS:
        return v->kind == VALUE_OBJECT && are_all(v, is_names);
    case SHAPE_OBJECT:
        return v->kind == VALUE_OBJECT;
    case SHAPE_LIST:
        return v->kind == VALUE_ARRAY;
    case SHAPE_NAMES:
        return is_names(v);
    case SHAPE_TEXT:
        return v->kind == VALUE_STRING;
    case SHAPE_FLAG:
        return v->kind == VALUE_TRUE || v->kind == VALUE_FALSE;
    case SHAPE_BOUND: /* true and false: draft 4 */
        return v->kind == VALUE_NUMBER || v->kind == VALUE_TRUE || v->kind == VALUE_FALSE;
    case SHAPE_TYPE:
        return is_type(v) || (v->kind == VALUE_ARRAY && v->n > 0 && are_all(v, is_type));
    default:
        return v->kind == VALUE_NUMBER;
    }
}

/* What depends on which other schemas have looked at a value. */
static bool check_unevaluated(struct schema *s, const struct schema_value *schema)
{
    static const char *const others[] = {
        "allOf",        "anyOf",   "oneOf", "not", "if", "then", "else", "$ref", "dependentSchemas",
        "dependencies", "contains"};
    static const char *const names[] = {"unevaluatedProperties", "unevaluatedItems"};
    for (int k = 0; k < 2; k++) {
        const struct schema_value *v = schema_keyword(s, schema, names[k]);
        if (!v || v->kind == VALUE_TRUE)
            continue;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            if (schema_keyword(s, schema, others[i]))
                return schema_fail_at(&s->w, v, "%s beside %s is not supported", names[k], others[i]);
        if (!is_schema(v))
            return schema_fail_at(&s->w, v, "%s is no schema", names[k]);
    }
    return true;
}

static bool note_format(struct schema *s, const struct schema_value *schema)
{
    const struct schema_value *format = schema_keyword(s, schema, "format");
    unsigned max;
    char pointer[120];
    if (!format || format_expression(format->text.data, format->text.size, &max))
        return true;
    schema_value_pointer(format, pointer, sizeof pointer);
    if (s->notes.size > 600)
        return true;
    schema_text_put(&s->notes, "%s%s: format ", s->notes.size ? "; " : "", pointer);
    schema_text_add(&s->notes, format->text.data, format->text.size < 60 ? format->text.size : 60);
    return !s->w.failed;
}

bool schema_check(struct schema *s, const struct schema_value *schema)
{
    static const char *const refused[] = {"$dynamicRef", "$recursiveRef", "extends", "disallow",
                                          "divisibleBy"};
    struct schema_node *node = schema_node_of(s, schema);
    if (!node || node->is_checked)
        return node != NULL;
    node->is_checked = true;
    if (!is_schema(schema))
        return schema_fail_at(&s->w, schema, "a schema is neither an object nor a boolean");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (schema_keyword(s, schema, refused[i]))
            return schema_fail_at(&s->w, schema, "the keyword %s is not supported", refused[i]);
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        const struct schema_value *v = schema_keyword(s, schema, keywords[i].name);
        if (v && !has_shape(v, keywords[i].shape)) {
            if (keywords[i].shape == SHAPE_TYPE && v->kind == VALUE_STRING)
                return schema_fail_at(&s->w, v, "the type %.*s is unknown",
                                      (int)(v->text.size < 40 ? v->text.size : 40), v->text.data);
            return schema_fail_at(&s->w, v, "%s is not %s", keywords[i].name, keywords[i].expected);
        }
    }
    return check_unevaluated(s, schema) && note_format(s, schema);
}
