/* JSON Schemas as grammars: values that jsonschema accepts and refuses (tests/fixtures/make_schemas.py), texts made by
 * walking, what is refused. With HONE_WALKS=FILE the walks are written there, for that script to check. */
#include "runtime/generate/compiled.h"
#include "runtime/generate/grammar/schema.h"
#include "tests/guard.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct grammar *compile(const json_t *schema)
{
    struct hone_error err;
    struct grammar *g;
    char *text = json_dumps(schema, JSON_ENCODE_ANY);
    enum hone_status status =
        grammar_from_schema(&g, (struct hone_text){text, strlen(text)}, NULL, NULL, &err);
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

/* At the edge of what a keyword says. */
static void test_edges(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *accepted, *refused;
    } cases[] = {
        {"{\"type\":\"string\",\"not\":{\"minLength\":3}}", "\"ab\"", "\"abc\""},
        {"{\"type\":\"string\",\"not\":{\"maxLength\":2}}", "\"abc\"", "\"ab\""},
        {"{\"type\":\"array\",\"items\":{\"const\":1},\"not\":{\"minItems\":2}}", "[1]", "[1,1]"},
        {"{\"type\":\"integer\",\"minimum\":3,\"exclusiveMinimum\":true}", "4", "3"}, /* draft 4 */
        {"{\"type\":\"integer\",\"minimum\":3,\"exclusiveMinimum\":false}", "3", "2"},
        {"{\"type\":\"integer\",\"exclusiveMaximum\":3}", "2", "3"},
        {"{\"type\":\"object\",\"propertyNames\":{\"maxLength\":2},\"additionalProperties\":{\"const\":1}}",
         "{\"ab\":1}", "{\"abc\":1}"},
        {"{\"type\":\"object\",\"propertyNames\":{\"enum\":[\"a\",\"b\"]},\"additionalProperties\":{"
         "\"const\":1}}",
         "{\"b\":1}", "{\"c\":1}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *schema = json_loads(cases[i].schema, 0, NULL), *accepted = json_string(cases[i].accepted),
               *refused = json_string(cases[i].refused);
        struct grammar *g = compile(schema);
        if (!accepts(g, accepted) || accepts(g, refused))
            fail_msg("%s: accepts %s: %d, %s: %d", cases[i].schema, cases[i].accepted, accepts(g, accepted),
                     cases[i].refused, accepts(g, refused));
        grammar_free(g);
        json_decref(schema);
        json_decref(accepted);
        json_decref(refused);
    }
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
        {"{\"a\":1,\"a\":2}", "twice"},
        {"[1,", "line 1"},
        {"{\"type\":\"string\"} x", "behind"},
        {"{\"const\":\"\\ud800\"}", "UTF-16"},
        {"{\"minimum\":1e9999999}", "exponent"},
        {"7", "neither"},
        {"false", "no value"},
        {"{\"type\":\"strin\"}", "at /type: the type strin"},
        {"{\"properties\":{\"a\":{\"type\":7}}}", "at /properties/a/type"},
        {"{\"properties\":{\"a~b/c\":{\"required\":[1]}}}", "at /properties/a~0b~1c/required"},
        {"{\"$dynamicRef\":\"#x\"}", "$dynamicRef"},
        {"{\"unevaluatedProperties\":false,\"allOf\":[{}]}", "unevaluatedProperties beside allOf"},
        {"{\"type\":\"array\",\"uniqueItems\":true}", "at /uniqueItems"},
        {"{\"type\":\"array\",\"prefixItems\":[{}],\"uniqueItems\":true}", "prefixItems"},
        {"{\"not\":{\"uniqueItems\":true},\"type\":\"array\"}", "at /not/uniqueItems"},
        {"{\"not\":{\"const\":[1]},\"type\":\"array\"}", "at /not/const"},
        {"{\"not\":{\"propertyNames\":{\"maxLength\":2}},\"type\":\"object\"}", "at /not/propertyNames"},
        {"{\"minProperties\":2}", "minProperties"},
        {"{\"type\":\"number\",\"multipleOf\":0.0000000001234567}", "at /multipleOf"},
        {"{\"multipleOf\":0,\"const\":1}", "at /multipleOf"},
        {"{\"pattern\":\"(?=a)\"}", "look-ahead"},
        {"{\"pattern\":\"(?<!a)\"}", "look-behind"},
        {"{\"pattern\":\"a\\\\1\"}", "back-references"},
        {"{\"pattern\":\"\\\\bx\"}", "\\b"},
        {"{\"pattern\":\"\\\\p{L}\"}", "\\p"},
        {"{\"pattern\":\"[a\"}", "bracket"},
        {"{\"pattern\":\"(a\"}", ")"},
        {"{\"pattern\":\"a)\"}", ")"},
        {"{\"pattern\":\"*\"}", "no meaning"},
        {"{\"pattern\":\"^(a|b)*a(a|b){20}$\"}", "states"},
        {"{\"pattern\":\"(((a{99}){99}){99}){99}\"}", "MB"},
        {"{\"pattern\":\"^[]$\"}", "no value can satisfy"},
        {"{\"$ref\":\"#\"}", "circle"},
        {"{\"$ref\":\"#/$defs/x\"}", "at /$ref: $ref #/$defs/x"},
        {"{\"$ref\":\"http://example.com\"}", "http://example.com"},
        {"{\"allOf\":[{\"$ref\":\"#\"}],\"type\":\"string\"}", "circle"},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}",
         "no value can satisfy"},
        {"{\"type\":\"integer\",\"minimum\":5,\"maximum\":4}", "no value"},
        {"{\"type\":\"integer\",\"minimum\":0.2,\"maximum\":0.8}", "no value"},
        {"{\"minimum\":\"x\"}", "at /minimum: minimum is not a number"},
        {"{\"minItems\":-1}", "minItems"},
        {"{\"minItems\":1e9}", "minItems"},
        {"{\"minItems\":3,\"maxItems\":2}", "no value"},
        {"{\"minLength\":3,\"maxLength\":2}", "no value"},
        {"{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false}", "no value"},
        {"{\"enum\":[]}", "no value"},
        {"{\"enum\":[1],\"minimum\":2}", "no value"},
        {"{\"anyOf\":[]}", "anyOf"},
        {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"integer\"}]}", "no value"},
        {"{\"allOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "no value"},
        {"{\"allOf\":[{\"pattern\":\"^a\"},{\"pattern\":\"^b\"}]}", "no value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hone_error err = {0};
        struct grammar *g;
        struct hone_text text = {rows[i].schema, strlen(rows[i].schema)};
        if (grammar_from_schema(&g, text, NULL, NULL, &err) != HONE_USAGE)
            fail_msg("%s: status %d", rows[i].schema, err.status);
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
    assert_int_equal(grammar_from_schema(&g, (struct hone_text){text, size}, NULL, NULL, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "nested more than"));
    size = (size_t)sprintf(text, "{\"$defs\":{\"d0\":{\"const\":1}");
    for (int i = 1; i < 40; i++) /* each twice the one before */
        size += (size_t)sprintf(
            text + size,
            ",\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"items\":{\"$ref\":\"#/$defs/d%d\"}}]}", i,
            i - 1, i - 1);
    size += (size_t)sprintf(text + size, "},\"$ref\":\"#/$defs/d39\"}");
    assert_ok(grammar_from_schema(&g, (struct hone_text){text, size}, NULL, NULL, &err), &err);
    grammar_free(g);
    size = (size_t)sprintf(text, "{\"additionalProperties\":{\"const\":1},\"properties\":{\"p\":{}");
    for (int i = 0; i < 2000; i++)
        size += (size_t)sprintf(text + size, ",\"property %d\":{\"type\":\"string\"}", i);
    size += (size_t)sprintf(text + size, "}}");
    assert_ok(grammar_from_schema(&g, (struct hone_text){text, size}, NULL, NULL, &err), &err);
    json_t *value =
        json_pack("s", "{\"p\": 1, \"property 7\": \"x\", \"property 1999\": \"\", \"property 20000\": 1}");
    assert_true(accepts(g, value));
    json_decref(value);
    grammar_free(g);
}

/* How large the grammar of a schema becomes in which a text of 209,000 quotes is written five times, and a name of `pad` letters
 * once; 0: it is refused. */
static size_t size_of_grammar(size_t pad, struct hone_error *err)
{
    enum { N_QUOTES = 209000, MORE = 1000 };
    static const char begin[] = "{\"$defs\":{\"q\":{\"const\":\"", middle[] = "\"}},\"properties\":{\"";
    static const char *const end =
        "\":{\"$ref\":\"#/$defs/q\"},\"b\":{\"$ref\":\"#/$defs/q\",\"type\":\"string\"},"
        "\"c\":{\"$ref\":\"#/$defs/q\",\"minLength\":1},\"d\":{\"$ref\":\"#/$defs/q\",\"minLength\":2},"
        "\"e\":{\"$ref\":\"#/$defs/q\",\"minLength\":3}}}";
    char *text = malloc(2 * N_QUOTES + pad + MORE), *at = text, *gbnf = NULL;
    at += sprintf(at, "%s", begin);
    for (size_t i = 0; i < N_QUOTES; i++, at += 2)
        memcpy(at, "\\\"", 2);
    at += sprintf(at, "%s", middle);
    memset(at, 'a', pad);
    at += pad;
    at += sprintf(at, "%s", end);
    enum hone_status status =
        schema_to_gbnf((struct hone_text){text, (size_t)(at - text)}, NULL, &gbnf, NULL, err);
    size_t size = status == HONE_OK ? strlen(gbnf) : 0;
    free(gbnf);
    free(text);
    return size;
}

static void test_largest(void **state)
{
    (void)state;
    struct hone_error err;
    const size_t least = size_of_grammar(1, &err);
    assert_in_range(least, 1, GRAMMAR_MAX_SIZE - 1);
    const size_t pad = 1 + GRAMMAR_MAX_SIZE - least;
    assert_int_equal(size_of_grammar(pad, &err), GRAMMAR_MAX_SIZE);
    assert_int_equal(size_of_grammar(pad + 1, &err), 0);
    assert_non_null(strstr(err.message, "more than 4194304 bytes"));
}

/* ---- who waits, and what is kept ---- */

static bool is_over(void *left)
{
    return --*(int *)left < 0;
}

static enum hone_status translate(const char *text, const struct schema_waiting *waiting,
                                  struct hone_error *err)
{
    struct grammar *g;
    enum hone_status status =
        grammar_from_schema(&g, (struct hone_text){text, strlen(text)}, waiting, NULL, err);
    grammar_free(g);
    return status;
}

/* A translation that takes long ends where nobody waits for it any more, at every moment. */
static void test_waiting(void **state)
{
    (void)state;
    static const char costly[] = "{\"pattern\":\"(x|y)*x(x|y){9}$\"}";
    struct hone_error err = {0};
    int n_asked = 0;
    for (int left = 0;; left++, n_asked++) {
        int asked = left;
        const struct schema_waiting waiting = {is_over, &asked};
        enum hone_status status = translate(costly, &waiting, &err);
        if (status == HONE_OK)
            break;
        assert_int_equal(status, HONE_CANCELLED);
        assert_non_null(strstr(err.message, "nobody waits"));
    }
    print_message("asked %d times\n", n_asked);
    assert_true(n_asked > 5);
}

/* What constrains nothing is let alone, and told where it might have been meant to. */
static void test_notes(void **state)
{
    (void)state;
    static const char text[] =
        "{\"properties\":{\"a\":{\"type\":\"integer\",\"format\":\"int32\"},\"b\":{"
        "\"format\":\"date\"},\"c\":{\"format\":\"colour\"}},\"x-order\":1,\"$anchor\":\"r\","
        "\"discriminator\":{\"propertyName\":\"a\"}}";
    struct hone_error err;
    struct grammar *g;
    char *notes;
    assert_ok(grammar_from_schema(&g, (struct hone_text){text, strlen(text)}, NULL, &notes, &err), &err);
    assert_string_equal(notes, "/properties/a/format: format int32; /properties/c/format: format colour");
    free(notes);
    grammar_free(g);
}

static void test_kept(void **state)
{
    (void)state;
    struct hone_error err;
    struct compiled *first, *again, *other, *many[COMPILED_MOST + 1];
    struct hone_generation schema = {.json_schema = "{\"const\":1}"}, grammar = {.grammar = "root ::= \"x\""},
                           both = {.json_schema = "{}", .grammar = "root ::= \"x\""}, none = {0};
    assert_ok(compiled_of(&first, &schema, NULL, &err), &err);
    assert_ok(compiled_of(&again, &schema, NULL, &err), &err);
    assert_ptr_equal(first, again);
    compiled_release(again);
    assert_ok(compiled_of(&other, &grammar, NULL, &err), &err);
    assert_ptr_not_equal(first, other);
    compiled_release(other);
    assert_int_equal(compiled_of(&other, &both, NULL, &err), HONE_USAGE);
    assert_ok(compiled_of(&other, &none, NULL, &err), &err);
    assert_null(other);
    for (size_t i = 0; i <= COMPILED_MOST; i++) { /* what is held outlives its place */
        char text[64];
        snprintf(text, sizeof text, "{\"const\":\"%zu\"}", i);
        struct hone_generation g = {.json_schema = text};
        assert_ok(compiled_of(&many[i], &g, NULL, &err), &err);
    }
    assert_true(grammar_memory(first->grammar) > 0);
    assert_ok(compiled_of(&again, &schema, NULL, &err), &err);
    assert_ptr_not_equal(first, again);
    compiled_release(again);
    compiled_release(first);
    for (size_t i = 0; i <= COMPILED_MOST; i++)
        compiled_release(many[i]);
}

static struct token_trie *make_trie(void)
{
    static const struct hone_text pieces[] = {{"\"", 1}, {"a", 1}, {"b\",", 3}, {"[", 1}, {"]", 1}, {"", 0}};
    static const int32_t end = 5;
    struct hone_error err;
    struct token_trie *t;
    assert_ok(token_trie_new(&t, pieces, sizeof pieces / sizeof *pieces, &end, 1, &err), &err);
    return t;
}

static struct matcher *take(struct compiled *c, const struct token_trie *t)
{
    struct hone_error err;
    struct matcher *m;
    const uint64_t *mask;
    assert_ok(compiled_take_matcher(c, t, &m, &err), &err);
    assert_ok(matcher_mask(m, t, &mask, &err), &err);
    assert_int_equal(mask[0], 1 << 3); /* at the beginning of a text */
    assert_ok(matcher_accept(m, (struct hone_text){"[", 1}, &err), &err);
    return m;
}

/* Matchers that are given back come again, in any text of the same vocabulary, at its beginning. */
static void test_matchers_kept(void **state)
{
    (void)state;
    struct hone_error err;
    struct compiled *c;
    struct hone_generation schema = {.json_schema =
                                         "{\"type\":\"array\",\"items\":{\"pattern\":\"^[ab]*$\"}}"};
    struct token_trie *t = make_trie(), *other = make_trie();
    struct matcher *list[COMPILED_MATCHERS + 1];
    assert_ok(compiled_of(&c, &schema, NULL, &err), &err);
    struct matcher *first = take(c, t), *second = take(c, t);
    assert_ptr_not_equal(first, second);
    compiled_give_matcher(c, first);
    struct matcher *elsewhere = take(c, other);
    assert_ptr_not_equal(elsewhere, first);
    assert_ptr_equal(take(c, t), first);
    compiled_give_matcher(c, first);
    compiled_give_matcher(c, second);
    compiled_give_matcher(c, elsewhere);
    compiled_give_matcher(c, NULL);
    for (size_t i = 0; i <= COMPILED_MATCHERS; i++)
        list[i] = take(c, t);
    for (size_t i = 0; i <= COMPILED_MATCHERS; i++) /* one finds no place */
        compiled_give_matcher(c, list[i]);
    compiled_release(c);
    token_trie_free(t);
    token_trie_free(other);
}

/* ---- for scripts ---- */

static json_t *walks_of(const struct grammar *g, size_t n)
{
    json_t *walks = json_array();
    for (size_t i = 0; i < n; i++) {
        static char text[4000];
        size_t size = walk(g, text, sizeof text);
        if (size > 0)
            json_array_append_new(walks, json_stringn(text, size));
    }
    return walks;
}

/* Lines of {"schema": text, "texts": [...], "walks": n} become lines of {"status", "message", "notes", "accepted": [...],
 * "walks": [texts], "seconds"}: tests/cli/test_schemas.py compares them with what others say. */
static int drive(void)
{
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        json_t *task = json_loads(line, 0, NULL), *texts = json_object_get(task, "texts"), *text;
        json_t *accepted = json_array();
        struct hone_error err = {0};
        struct grammar *g;
        char *notes;
        size_t i;
        clock_t start = clock();
        enum hone_status status =
            grammar_from_schema(&g, text_of(json_object_get(task, "schema")), NULL, &notes, &err);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        json_array_foreach (texts, i, text)
            if (g)
                json_array_append_new(accepted, json_boolean(accepts(g, text)));
        size_t n_walks = (size_t)json_integer_value(json_object_get(task, "walks"));
        json_t *out = json_pack("{s:i,s:s,s:s?,s:o,s:o,s:f}", "status", status, "message", err.message,
                                "notes", notes, "accepted", accepted, "walks",
                                g ? walks_of(g, n_walks) : json_array(), "seconds", seconds);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(out);
        json_decref(task);
        free(notes);
        grammar_free(g);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--drive") == 0)
        return drive();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),  cmocka_unit_test(test_edges),
                                       cmocka_unit_test(test_walks),   cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_costly),  cmocka_unit_test(test_largest),
                                       cmocka_unit_test(test_waiting), cmocka_unit_test(test_notes),
                                       cmocka_unit_test(test_kept),    cmocka_unit_test(test_matchers_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
