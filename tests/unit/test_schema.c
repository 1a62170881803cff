/* JSON Schemas as grammars: values that jsonschema accepts and refuses (tests/fixtures/make_schemas.py), texts made by
 * walking, what is refused. With HONE_WALKS=FILE the walks are written there, for that script to check. */
#include "runtime/generate/grammar/schema.h"
#include "tests/guard.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct grammar *compile(const json_t *schema)
{
    struct hone_error err;
    struct grammar *g;
    char *text = json_dumps(schema, JSON_ENCODE_ANY);
    enum hone_status status = grammar_from_schema(&g, (struct hone_text){text, strlen(text)}, &err);
    if (status)
        fail_msg("%s: %s", text, err.message);
    free(text);
    return g;
}

static bool accepts(const struct grammar *g, const json_t *text)
{
    struct hone_error err;
    struct matcher *m;
    assert_ok(matcher_new(&m, g, &err), &err);
    bool ok = matcher_accept(m, text_of(text), NULL) == HONE_OK && matcher_may_end(m);
    matcher_free(m);
    return ok;
}

static void test_values(void **state)
{
    (void)state;
    json_t *file = read_json(fixture("schemas.json")), *cases = json_object_get(file, "schemas"), *item;
    size_t i, j, n_accepted = 0, n_refused = 0;
    json_array_foreach (cases, i, item) {
        struct grammar *g = compile(json_object_get(item, "schema"));
        json_t *text;
        json_array_foreach (json_object_get(item, "accepted"), j, text) {
            n_accepted++;
            if (!accepts(g, text))
                fail_msg("schema %zu does not accept %s", i, json_string_value(text));
        }
        json_array_foreach (json_object_get(item, "refused"), j, text) {
            n_refused++;
            if (accepts(g, text))
                fail_msg("schema %zu accepts %s", i, json_string_value(text));
        }
        grammar_free(g);
    }
    print_message("%zu texts accepted, %zu refused\n", n_accepted, n_refused);
    json_decref(file);
}

/* ---- walks ---- */

/* Random bytes that the grammar allows, most often those that make texts end. Returns the size; 0: none in time. */
static size_t walk(const struct grammar *g, char *text, size_t capacity)
{
    static const char soon[] = "\"\"\"}]}]019:,etn-";
    struct hone_error err;
    struct matcher *m;
    size_t size = 0;
    assert_ok(matcher_new(&m, g, &err), &err);
    for (; size < capacity && !(matcher_may_end(m) && random_below(3) == 0) && !matcher_must_end(m); size++) {
        enum hone_status status = HONE_REFUSED;
        for (size_t tries = 0; status; tries++) {
            text[size] = (char)(tries < 40 && random_below(4) ? (size_t)soon[random_below(sizeof soon - 1)]
                                                              : random_below(256));
            status = matcher_accept(m, (struct hone_text){text + size, 1}, NULL);
            if (tries > 20000)
                fail_msg("nothing goes on after %.*s", (int)size, text);
        }
    }
    bool is_whole = matcher_may_end(m);
    matcher_free(m);
    return is_whole ? size : 0;
}

static void test_walks(void **state)
{
    (void)state;
    const char *path = getenv("HONE_WALKS");
    FILE *out = path ? fopen(path, "w") : NULL;
    json_t *file = read_json(fixture("schemas.json")), *item;
    size_t i, n_walks = 0;
    json_array_foreach (json_object_get(file, "schemas"), i, item) {
        struct grammar *g = compile(json_object_get(item, "schema"));
        for (int round = 0; round < (out ? 300 : 60); round++) {
            char text[3000];
            json_error_t why;
            size_t size = walk(g, text, sizeof text);
            if (size == 0)
                continue;
            n_walks++;
            /* Python reads \u0000, which jansson does not by itself, and any depth. */
            json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
            if (!value)
                fail_msg("schema %zu: %s: %.*s", i, why.text, (int)size, text);
            json_decref(value);
            if (out) {
                json_t *line = json_pack("{s:i,s:s%}", "schema", (int)i, "text", text, size);
                json_dumpf(line, out, JSON_COMPACT);
                fputc('\n', out);
                json_decref(line);
            }
        }
        grammar_free(g);
    }
    print_message("%zu walks\n", n_walks);
    assert_true(n_walks > 1000);
    if (out)
        fclose(out);
    json_decref(file);
}

/* ---- what is refused ---- */

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *words;
    } rows[] = {
        {"{", "line 1"},
        {"7", "neither"},
        {"false", "cannot be satisfied"},
        {"{\"type\":\"strin\"}", "strin"},
        {"{\"type\":\"object\",\"patternProperties\":{}}", "patternProperties"},
        {"{\"properties\":{\"a\":{\"not\":{}}}}", "not"},
        {"{\"multipleOf\":2}", "multipleOf"},
        {"{\"if\":{},\"then\":{}}", "if"},
        {"{\"type\":\"array\",\"uniqueItems\":true}", "uniqueItems"},
        {"{\"format\":\"email\"}", "email"},
        {"{\"pattern\":\"(?=a)\"}", "look-around"},
        {"{\"pattern\":\"a\\\\1\"}", "escape"},
        {"{\"pattern\":\"[a\"}", "bracket"},
        {"{\"pattern\":\"(a\"}", ")"},
        {"{\"pattern\":\"a)\"}", ")"},
        {"{\"pattern\":\"*\"}", "no meaning"},
        {"{\"pattern\":\"^a$\",\"maxLength\":3}", "together"},
        {"{\"pattern\":\"^[]$\"}", "no text can satisfy"},
        {"{\"$ref\":\"#\"}", "no text can satisfy"},
        {"{\"$ref\":\"#/$defs/x\"}", "#/$defs/x"},
        {"{\"$ref\":\"http://example.com\"}", "http://example.com"},
        {"{\"allOf\":[{\"$ref\":\"#\"}],\"type\":\"string\"}", "nested"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}",
         "no text can satisfy"},
        {"{\"type\":\"integer\",\"minimum\":5,\"maximum\":4}", "between the bounds"},
        {"{\"type\":\"number\",\"minimum\":0.2,\"maximum\":0.8}", "between the bounds"},
        {"{\"minimum\":\"x\"}", "minimum"},
        {"{\"minimum\":1e300}", "minimum"},
        {"{\"minItems\":-1}", "minItems"},
        {"{\"minItems\":1e9}", "minItems"},
        {"{\"minItems\":3,\"maxItems\":2}", "3 items"},
        {"{\"minLength\":3,\"maxLength\":2}", "minLength"},
        {"{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false}",
         "required and not allowed"},
        {"{\"enum\":[]}", "no value"},
        {"{\"enum\":[1],\"minimum\":0}", "minimum beside enum"},
        {"{\"anyOf\":[]}", "anyOf"},
        {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "told apart"},
        {"{\"allOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "exclude each other"},
        {"{\"allOf\":[{\"pattern\":\"a\"},{\"pattern\":\"b\"}]}", "pattern"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hone_error err = {0};
        struct grammar *g;
        struct hone_text text = {rows[i].schema, strlen(rows[i].schema)};
        assert_int_equal(grammar_from_schema(&g, text, &err), HONE_USAGE);
        assert_null(g);
        if (!strstr(err.message, rows[i].words))
            fail_msg("%s: \"%s\" says nothing of %s", rows[i].schema, err.message, rows[i].words);
    }
}

/* Deep and wide schemas end soon, one way or the other. */
static void test_costly(void **state)
{
    (void)state;
    static char text[200000];
    struct hone_error err;
    struct grammar *g;
    size_t size = 0;
    for (int i = 0; i < 1500; i++)
        size += (size_t)sprintf(text + size, "{\"items\":");
    size += (size_t)sprintf(text + size, "true");
    for (int i = 0; i < 1500; i++)
        text[size++] = '}';
    assert_int_equal(grammar_from_schema(&g, (struct hone_text){text, size}, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "nested"));
    size = (size_t)sprintf(text, "{\"$defs\":{\"d0\":{\"const\":1}");
    for (int i = 1; i < 40; i++) /* each twice the one before */
        size += (size_t)sprintf(
            text + size,
            ",\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"items\":{\"$ref\":\"#/$defs/d%d\"}}]}", i,
            i - 1, i - 1);
    size += (size_t)sprintf(text + size, "},\"$ref\":\"#/$defs/d39\"}");
    assert_ok(grammar_from_schema(&g, (struct hone_text){text, size}, &err), &err);
    grammar_free(g);
    size = (size_t)sprintf(text, "{\"additionalProperties\":{\"const\":1},\"properties\":{\"p\":{}");
    for (int i = 0; i < 2000; i++)
        size += (size_t)sprintf(text + size, ",\"property %d\":{\"type\":\"string\"}", i);
    size += (size_t)sprintf(text + size, "}}");
    assert_ok(grammar_from_schema(&g, (struct hone_text){text, size}, &err), &err);
    json_t *value =
        json_pack("s", "{\"p\": 1, \"property 7\": \"x\", \"property 1999\": \"\", \"property 20000\": 1}");
    assert_true(accepts(g, value));
    json_decref(value);
    grammar_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_walks),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_costly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
