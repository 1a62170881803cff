/* Templates as Python's jinja2 renders them for transformers (tests/fixtures/jinja, made by make_cases.py).
 * HONE_JINJA_CASES names another file of the same form. */
#include "tests/support.h"
#include "tokenizer/template/template.h"

#include <stdlib.h>
#include <string.h>

static struct hone_text bytes_of(const json_t *string)
{
    return (struct hone_text){json_string_value(string), json_string_length(string)};
}

/* Whether what came out is what the case expects: a text, or a failure, with its sentence where it was raised. */
static bool is_right(const json_t *c, bool ok, const char *text, size_t size, const char *why)
{
    const json_t *expected = json_object_get(c, "text"), *raised = json_object_get(c, "raised");
    if (expected)
        return ok && size == json_string_length(expected) &&
               memcmp(text, json_string_value(expected), size) == 0;
    return !ok && *why && (!raised || strcmp(why, json_string_value(raised)) == 0);
}

static const char *word(const json_t *c, const char *key)
{
    const char *text = json_string_value(json_object_get(c, key));
    return text ? text : "";
}

static void show(const json_t *c, bool ok, const char *text, const char *why)
{
    print_error("%s %s %s\n  expected %s\n  but got  %s\n", word(c, "template"), word(c, "conversation"),
                word(c, "setting"), json_object_get(c, "text") ? word(c, "text") : "a failure",
                ok ? text : why);
}

/* Those of the file, of the case's setting, and the messages of its conversation; a new reference. */
static json_t *variables_of(const json_t *file, const json_t *c)
{
    json_t *all = json_copy(json_object_get(file, "variables"));
    json_object_update(all, json_object_get(json_object_get(file, "settings"), word(c, "setting")));
    json_object_set(all, "messages",
                    json_object_get(json_object_get(file, "conversations"), word(c, "conversation")));
    return all;
}

static bool check_case(const json_t *file, const json_t *c)
{
    struct hone_error why = {0};
    char *text = NULL;
    size_t size = 0;
    uint64_t work = JINJA_WORK;
    json_t *named = json_object_get(json_object_get(file, "templates"), word(c, "template"));
    json_t *variables = variables_of(file, c);
    struct jinja *t = jinja_new(bytes_of(named ? named : json_object_get(c, "template")), &why);
    bool ok = t && jinja_render(t, variables, 1753488000, &work, &text, &size, &why);
    bool right = is_right(c, ok, text, size, why.message);
    if (!right)
        show(c, ok, text, why.message);
    free(text);
    jinja_free(t);
    json_decref(variables);
    return right;
}

static void check_file(const char *path)
{
    json_t *file = read_json(path), *c;
    size_t i, n_wrong = 0;
    json_array_foreach (json_object_get(file, "cases"), i, c) {
        n_wrong += !check_case(file, c);
    }
    print_message("%zu cases\n", i);
    json_decref(file);
    assert_int_equal(n_wrong, 0);
}

static void test_expressions(void **state)
{
    (void)state;
    const char *other = getenv("HONE_JINJA_CASES");
    check_file(other ? other : fixture("jinja/expressions.json"));
}

static void test_chats(void **state)
{
    (void)state;
    check_file(fixture("jinja/chats.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expressions), cmocka_unit_test(test_chats)};
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
