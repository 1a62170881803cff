/* Damaged chat templates: each is refused with a sentence, or renders within its bounds, or fails with a sentence. */
#include "tests/guard.h"
#include "tests/mutate.h"
#include "tests/support.h"
#include "tokenizer/template/template.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 1 << 16 };

struct counts {
    size_t n_read, n_rendered;
};

static void try(const char *source, size_t size, const json_t *variables, struct counts *n)
{
    struct hone_error why = {0};
    char *text;
    size_t text_size;
    uint64_t work = JINJA_WORK;
    struct jinja *t = jinja_new((struct hone_text){source, size}, &why);
    if (!t) {
        assert_true(strlen(why.message) > 0);
        return;
    }
    n->n_read++;
    if (jinja_render(t, variables, 0, &work, &text, &text_size, &why)) {
        n->n_rendered++;
        assert_int_equal(strlen(text) <= text_size, 1);
        free(text);
    } else {
        assert_true(strlen(why.message) > 0);
    }
    jinja_free(t);
}

static const json_t *source_of(const json_t *file, const json_t *c)
{
    const json_t *source = json_object_get(c, "template");
    const json_t *named = json_object_get(json_object_get(file, "templates"), json_string_value(source));
    return named ? named : source;
}

/* Damaged bytes, or the start of one template with the end of another. */
static size_t damage(char *data, const json_t *a, const json_t *b)
{
    size_t size = json_string_length(a), from = random_below(json_string_length(b) + 1);
    assert_true(size < CAPACITY && json_string_length(b) < CAPACITY);
    memcpy(data, json_string_value(a), size);
    if (size && random_below(4) == 0) {
        size = random_below(size);
        size_t more = json_string_length(b) - from;
        more = more > CAPACITY - size ? CAPACITY - size : more;
        memcpy(data + size, json_string_value(b) + from, more);
        return size + more;
    }
    return mutate((unsigned char *)data, size, CAPACITY);
}

static json_t *random_member(const json_t *object)
{
    void *member = json_object_iter((json_t *)object);
    for (size_t i = random_below(json_object_size(object)); i > 0; i--)
        member = json_object_iter_next((json_t *)object, member);
    return json_object_iter_value(member);
}

static void run_file(const char *name, size_t runs)
{
    json_t *file = read_json(fixture(name)), *cases = json_object_get(file, "cases");
    char *data = malloc(CAPACITY);
    struct counts n = {0};
    for (size_t i = 0; i < runs; i++) {
        const json_t *c = json_array_get(cases, random_below(json_array_size(cases)));
        const json_t *other = json_array_get(cases, random_below(json_array_size(cases)));
        const json_t *conversations = json_object_get(file, "conversations");
        json_t *variables = json_object_get(file, "variables");
        size_t size = damage(data, source_of(file, c), source_of(file, other));
        /* In memory of its own size, so that a byte too far is seen. */
        char *exact = malloc(size + !size);
        memcpy(exact, data, size);
        if (conversations)
            json_object_set(variables, "messages", random_member(conversations));
        try(exact, size, variables, &n);
        free(exact);
    }
    print_message("%s: of %zu templates %zu were read, %zu rendered\n", name, runs, n.n_read, n.n_rendered);
    free(data);
    json_decref(file);
}

static void test_expressions(void **state)
{
    (void)state;
    run_file("jinja/expressions.json", fuzz_runs(10000));
}

static void test_chats(void **state)
{
    (void)state;
    run_file("jinja/chats.json", fuzz_runs(3000));
}

/* Templates that would take for ever, or all memory. */
static void test_hostile(void **state)
{
    static const char *const sources[] = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for a in range(1000) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ "
        "ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for a in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 'ab' * 30000000 }}{{ 'ab' * 30000000 }}",
        "{{ [0] * 1000000000 }}",
        "{% set s = 'a' * 1000000 %}{% for a in range(100000) %}{% if 'b' in s %}{% endif %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for a in range(100000) %}{% if s == s ~ '' %}{% endif %}{% endfor %}",
        "{% set s = 'a' * 5000 %}{% for a in range(100000) %}{% set x = s|replace('a', 'bb') %}{% endfor "
        "%}",
        "{{ 2 ** 2 ** 62 }}",
        "{{ (-1) ** 9223372036854775807 }}",
        "{% set x = range(100000)|list %}{% for a in range(100000) %}{% set y = x|sort %}{% endfor %}",
        "{% set d = {'l': range(1000)|list} %}{% for a in range(100000) %}{{ d|tojson(indent=1000) }}{% "
        "endfor %}",
        "{{ ''.join(range(100000)|map('string'))|list|join('x' * 1000) }}",
        "{% set s = ' ' * 1000000 %}{% for a in range(100000) %}{{ s|trim }}{{ s.rsplit() }}{% endfor %}",
    };
    (void)state;
    struct counts n = {0};
    json_t *variables = json_object();
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        try(sources[i], strlen(sources[i]), variables, &n);
        assert_int_equal(n.n_read, i + 1);
        if (n.n_rendered)
            print_error("rendered: %s\n", sources[i]);
        assert_int_equal(n.n_rendered, 0);
    }
    json_decref(variables);
}

/* The same sign many times. */
static void test_deep(void **state)
{
    static const char *const signs[] = {"(",  "[",  "{1:",   "-",    "not ", "a.",         "a|",
                                        "a(", "a[", "a if ", "a ~ ", "1 +",  "{% if 1 %}", "{{"};
    (void)state;
    struct counts n = {0};
    json_t *variables = json_object();
    char *data = malloc(CAPACITY);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t size = 0, step = strlen(signs[i]);
        memcpy(data, "{{", size = *signs[i] == '{' && signs[i][1] != '1' ? 0 : 2);
        for (; size + step < CAPACITY; size += step)
            memcpy(data + size, signs[i], step);
        try(data, size, variables, &n);
    }
    assert_int_equal(n.n_read, 0);
    free(data);
    json_decref(variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expressions), cmocka_unit_test(test_chats),
                                       cmocka_unit_test(test_hostile), cmocka_unit_test(test_deep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
