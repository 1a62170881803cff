#include "runtime/generate/grammar/schema_impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 20000 }; /* schemas visited: what never ends is refused */

/* Rules that need no schema. A character is one of Unicode, however it is written. */
static const char common_rules[] =
    "ws ::= (\" \" | \"\\n\" [ \\t]{0,20})?\n"
    "hex ::= [0-9a-fA-F]\n"
    "escaped ::= \"\\\\\" ([\"\\\\/bfnrt] | \"u\" ([0-9a-cA-CeEfF] hex{3} | [dD] ([0-7] hex{2}"
    " | [89abAB] hex{2} \"\\\\u\" [dD] [c-fC-F] hex{2})))\n"
    "char ::= [^\"\\\\\\x00-\\x1f\\x7f] | escaped\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "key-char ::= [^\"\\\\\\x00-\\x1f\\x7f]\n"
    "integer ::= \"0\" | \"-\"? [1-9] [0-9]{0,15}\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15}) (\".\" [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?\n"
    "boolean ::= \"true\" | \"false\"\n"
    "object ::= \"{\" ws (string \":\" ws value (\",\" ws string \":\" ws value)* ws)? \"}\"\n"
    "array ::= \"[\" ws (value (\",\" ws value)* ws)? \"]\"\n"
    "value ::= object | array | string | number | boolean | \"null\"\n";

static const char *const annotations[] = {
    "title",    "description",      "default",         "examples",   "$schema", "$id",
    "$comment", "deprecated",       "readOnly",        "writeOnly",  "$defs",   "definitions",
    "example",  "contentMediaType", "contentEncoding", "$vocabulary"};
static const char *const keywords[] = {"type",
                                       "enum",
                                       "const",
                                       "properties",
                                       "required",
                                       "additionalProperties",
                                       "items",
                                       "prefixItems",
                                       "additionalItems",
                                       "minItems",
                                       "maxItems",
                                       "uniqueItems",
                                       "minLength",
                                       "maxLength",
                                       "pattern",
                                       "format",
                                       "minimum",
                                       "maximum",
                                       "exclusiveMinimum",
                                       "exclusiveMaximum",
                                       "anyOf",
                                       "allOf",
                                       "oneOf",
                                       "$ref"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_among(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool schema_is_annotation(const char *key)
{
    return is_among(annotations, COUNT(annotations), key);
}

bool schema_fail(struct schema *s, const char *format, ...)
{
    char what[512];
    va_list args;
    if (s->failed)
        return false;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    s->failed = true;
    hone_fail(s->err, HONE_USAGE, "JSON schema: %s", what);
    return false;
}

/* ---- rules ---- */

bool rule_open(struct schema *s, struct rule_text *r)
{
    *r = (struct rule_text){.number = s->n_rules++};
    r->f = open_memstream(&r->text, &r->size);
    return r->f || schema_fail(s, "out of memory");
}

bool rule_close(struct schema *s, struct rule_text *r)
{
    bool ok = fclose(r->f) == 0;
    if (!ok)
        schema_fail(s, "out of memory");
    if (!s->failed)
        fprintf(s->out, "r%zu ::= %s\n", r->number, r->text);
    free(r->text);
    if (!s->failed && (size_t)ftell(s->out) > GRAMMAR_MAX_SIZE)
        schema_fail(s, "it becomes a grammar of more than %zu bytes", GRAMMAR_MAX_SIZE);
    return !s->failed;
}

void schema_put_literal(FILE *f, const char *text, size_t size)
{
    fputc('"', f);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(f, "\\x%02x", c);
        else
            fputc(c, f);
    }
    fputc('"', f);
}

bool schema_get_count(struct schema *s, const json_t *schema, const char *key, uint32_t otherwise,
                      uint32_t *count)
{
    const json_t *value = json_object_get(schema, key);
    *count = otherwise;
    if (!value)
        return true;
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0) || number > GRAMMAR_MAX_REPEAT || number != (uint32_t)number)
        return schema_fail(s, "%s is no whole number up to %u", key, GRAMMAR_MAX_REPEAT);
    *count = (uint32_t)number;
    return true;
}

json_t *schema_own(struct schema *s, json_t *made)
{
    if (made && json_array_append_new(s->owned, made) == 0)
        return made;
    schema_fail(s, "out of memory");
    return NULL;
}

/* ---- values ---- */

static bool has_type(const json_t *schema, const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null"};
    const json_t *types = json_object_get(schema, "type");
    size_t n = json_is_array(types) ? json_array_size(types) : types != NULL;
    for (size_t i = 0; i < n; i++) {
        const char *type = json_string_value(json_is_array(types) ? json_array_get(types, i) : types);
        if (type && (strcmp(type, names[json_typeof(value)]) == 0 ||
                     (json_is_number(value) && strcmp(type, "number") == 0)))
            return true;
    }
    return !types;
}

static bool is_in(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

/* enum and const: their values as they are. */
static bool put_constants(struct schema *s, FILE *f, const json_t *schema)
{
    const json_t *list = json_object_get(schema, "enum"), *constant = json_object_get(schema, "const");
    size_t n = constant ? 1 : json_array_size(list), n_put = 0;
    const char *key;
    json_t *other;
    json_object_foreach ((json_t *)schema, key, other)
        if (!schema_is_annotation(key) && strcmp(key, "enum") != 0 && strcmp(key, "const") != 0 &&
            strcmp(key, "type") != 0)
            return schema_fail(s, "%s beside enum or const is not supported", key);
    if (list && !json_is_array(list))
        return schema_fail(s, "enum is no list");
    fputs("(", f);
    for (size_t i = 0; i < n; i++) {
        const json_t *value = constant ? constant : json_array_get(list, i);
        if (!has_type(schema, value) || (constant && list && !is_in(list, constant)))
            continue;
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (!text)
            return schema_fail(s, "out of memory");
        fputs(n_put++ > 0 ? " | " : "", f);
        schema_put_literal(f, text, strlen(text));
        free(text);
    }
    fputs(")", f);
    return n_put > 0 || schema_fail(s, "enum or const leaves no value");
}

static bool put_type(struct schema *s, FILE *f, const json_t *schema, const char *type)
{
    if (type && strcmp(type, "object") == 0)
        return schema_put_object(s, f, schema);
    if (type && strcmp(type, "array") == 0)
        return schema_put_array(s, f, schema);
    if (type && strcmp(type, "string") == 0)
        return schema_put_string(s, f, schema);
    if (type && (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0))
        return schema_put_number(s, f, schema, *type == 'i');
    if (type && strcmp(type, "boolean") == 0)
        fputs("boolean", f);
    else if (type && strcmp(type, "null") == 0)
        fputs("\"null\"", f);
    else
        return schema_fail(s, "the type %s is unknown", type ? type : "");
    return true;
}

/* Without a type: the one that the keywords are about; NULL: they are about none. */
static const char *implied_type(const json_t *schema)
{
    static const struct {
        const char *key, *type;
    } rows[] = {{"properties", "object"}, {"required", "object"},         {"additionalProperties", "object"},
                {"items", "array"},       {"prefixItems", "array"},       {"minItems", "array"},
                {"maxItems", "array"},    {"pattern", "string"},          {"format", "string"},
                {"minLength", "string"},  {"maxLength", "string"},        {"minimum", "number"},
                {"maximum", "number"},    {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"}};
    for (size_t i = 0; i < COUNT(rows); i++)
        if (json_object_get(schema, rows[i].key))
            return rows[i].type;
    return NULL;
}

static bool put_types(struct schema *s, FILE *f, const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    if (!type) {
        const char *implied = implied_type(schema);
        return implied ? put_type(s, f, schema, implied) : fputs("value", f) >= 0;
    }
    if (!json_is_array(type))
        return put_type(s, f, schema, json_string_value(type));
    if (json_array_size(type) == 0)
        return schema_fail(s, "type is an empty list");
    fputs("(", f);
    for (size_t i = 0; i < json_array_size(type); i++) {
        fputs(i > 0 ? " | " : "", f);
        if (!put_type(s, f, schema, json_string_value(json_array_get(type, i))))
            return false;
    }
    fputs(")", f);
    return true;
}

static bool check_keywords(struct schema *s, const json_t *schema)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)schema, key, value)
        if (!schema_is_annotation(key) && !is_among(keywords, COUNT(keywords), key))
            return schema_fail(s, "the keyword %s is not supported", key);
    return true;
}

static bool put_keywords(struct schema *s, FILE *f, const json_t *schema)
{
    if (json_object_get(schema, "$ref"))
        return schema_put_reference(s, f, schema);
    if (json_object_get(schema, "allOf"))
        return schema_put_all_of(s, f, schema);
    if (json_object_get(schema, "anyOf"))
        return schema_put_branches(s, f, schema, "anyOf");
    if (json_object_get(schema, "oneOf"))
        return schema_put_branches(s, f, schema, "oneOf");
    if (json_object_get(schema, "enum") || json_object_get(schema, "const"))
        return put_constants(s, f, schema);
    return put_types(s, f, schema);
}

bool schema_put_value(struct schema *s, FILE *f, json_t *schema)
{
    if (s->failed)
        return false;
    if (++s->n_values > MAX_VALUES)
        return schema_fail(s, "it holds more than %d schemas, or never ends", MAX_VALUES);
    if (json_is_true(schema))
        return fputs("value", f) >= 0;
    if (json_is_false(schema))
        return schema_fail(s, "false cannot be satisfied");
    if (!json_is_object(schema))
        return schema_fail(s, "a schema is neither an object nor a boolean");
    if (++s->depth > SCHEMA_MAX_DEPTH)
        return schema_fail(s, "values are nested more than %d deep", SCHEMA_MAX_DEPTH);
    bool ok = check_keywords(s, schema) && put_keywords(s, f, schema);
    s->depth--;
    return ok;
}

/* ---- all ---- */

static enum hone_status translate(struct schema *s, char **gbnf)
{
    size_t size;
    struct rule_text r;
    s->owned = json_array();
    s->refs = json_object();
    s->out = open_memstream(gbnf, &size);
    if (!s->owned || !s->refs || !s->out || !rule_open(s, &r)) {
        schema_fail(s, "out of memory");
    } else {
        fputs(common_rules, s->out);
        schema_put_value(s, r.f, s->root);
        if (rule_close(s, &r))
            fprintf(s->out, "root ::= r%zu\n", r.number);
    }
    if (s->out && fclose(s->out) != 0)
        schema_fail(s, "out of memory");
    json_decref(s->owned);
    json_decref(s->refs);
    return s->failed ? HONE_USAGE : HONE_OK;
}

enum hone_status schema_to_gbnf(struct hone_text json, char **gbnf, struct hone_error *err)
{
    json_error_t why;
    *gbnf = NULL;
    if (json.size > SCHEMA_MAX_SIZE)
        return hone_fail(err, HONE_USAGE, "JSON schema: %zu bytes; at most %zu are possible", json.size,
                         SCHEMA_MAX_SIZE);
    struct schema s = {.err = err};
    s.root = json_loadb(json.data, json.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
    if (!s.root)
        return hone_fail(err, HONE_USAGE, "JSON schema, line %d: %s", why.line, why.text);
    enum hone_status status = translate(&s, gbnf);
    json_decref(s.root);
    if (status) {
        free(*gbnf);
        *gbnf = NULL;
    }
    return status;
}

enum hone_status grammar_from_schema(struct grammar **out, struct hone_text json, struct hone_error *err)
{
    char *gbnf;
    *out = NULL;
    enum hone_status status = schema_to_gbnf(json, &gbnf, err);
    if (!status)
        status = grammar_parse(out, (struct hone_text){gbnf, strlen(gbnf)}, err);
    free(gbnf);
    return status;
}
