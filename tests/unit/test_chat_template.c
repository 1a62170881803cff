/* What becomes of messages on their way into a template, and what is refused. */
#include "tests/support.h"
#include "tokenizer/template/chat_template.h"
#include "tokenizer/template/template.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_ONLY "{% for m in messages %}{{ m.role ~ ': ' + m.content + '\n' }}{% endfor %}"
#define PARTS_ONLY                                                                                           \
    "{% for m in messages %}{% for p in m.content %}<{{ p.type }}>{{ p['text'] }}{% endfor %}\n{% endfor %}"
#define BOTH                                                                                                 \
    "{% for m in messages %}{% if m.content is string %}text {{ m.content }}{% else %}parts "                \
    "{{ m.content | map(attribute='text') | join('|') }}{% endif %}\n{% endfor %}"

static struct hone_text text_of_string(const char *string)
{
    return (struct hone_text){string, strlen(string)};
}

/* What the template makes of the messages, or the sentence of its failure. To be freed. */
static char *render(const char *template, const char *messages, const char *tools, bool *ok)
{
    struct hone_error why = {0};
    char *out;
    size_t size;
    struct chat_template *t = chat_template_new(text_of_string(template), &why);
    assert_non_null(t);
    struct chat_request request = {.messages = json_loads(messages, JSON_DECODE_ANY, NULL),
                                   .tools = tools ? json_loads(tools, JSON_DECODE_ANY, NULL) : NULL};
    *ok = chat_template_render(t, &request, &out, &size, &why);
    if (*ok)
        assert_int_equal(strlen(out), size);
    json_decref((json_t *)request.messages);
    json_decref((json_t *)request.tools);
    chat_template_free(t);
    return *ok ? out : strdup(why.message);
}

static void assert_renders(const char *template, const char *messages, const char *expected)
{
    bool ok;
    char *out = render(template, messages, NULL, &ok);
    assert_string_equal(out, expected);
    assert_true(ok);
    free(out);
}

static void assert_refuses(const char *template, const char *messages, const char *tools,
                           const char *sentence)
{
    bool ok;
    char *out = render(template, messages, tools, &ok);
    assert_string_equal(out, sentence);
    assert_false(ok);
    free(out);
}

static void test_content(void **state)
{
    static const char text[] = "[{\"role\": \"user\", \"content\": \"a\"}]";
    static const char parts[] =
        "[{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"}, \"b\"]}]";
    (void)state;
    assert_renders(TEXT_ONLY, text, "user: a\n");
    assert_renders(TEXT_ONLY, parts, "user: a\nb\n");
    assert_renders(PARTS_ONLY, text, "<text>a");
    assert_renders(PARTS_ONLY, parts, "<text>a<text>b");
    assert_renders(BOTH, text, "text a");
    assert_renders(BOTH, parts, "parts a|b");
    /* Lists that are only printed are not read. */
    assert_renders("{% for m in messages %}{{ m.content }}{% endfor %}", parts, "a\nb");
    assert_renders("{% for m in messages %}{{ m.content | tojson }}{% endfor %}", parts, "\"a\\nb\"");
    assert_renders(TEXT_ONLY, "[{\"role\": \"user\", \"content\": []}]", "user: \n");
    assert_renders("{{ messages[0].content }}{{ messages[1].content is defined }}",
                   "[{\"content\": null}, {\"role\": \"user\"}]", "True");
}

static void test_calls(void **state)
{
    static const char calls[] =
        "{% for c in messages[0].tool_calls %}{{ c.function.arguments | tojson }};{% endfor %}";
    (void)state;
    assert_renders(
        calls,
        "[{\"tool_calls\": [{\"function\": {\"arguments\": \"{\\\"b\\\": 1, \\\"a\\\": [true]}\"}}, "
        "{\"function\": {\"arguments\": {\"x\": 1.0}}}, {\"function\": {\"arguments\": \"no json\"}}]}]",
        "{\"b\": 1, \"a\": [true]};{\"x\": 1.0};\"no json\";");
    assert_renders("{{ messages[0].thinking }} {{ messages[0].reasoning_content }}",
                   "[{\"reasoning\": \"so\"}]", "so so");
    assert_renders("{{ messages[0].thinking }} {{ messages[0].reasoning_content }}",
                   "[{\"thinking\": \"a\", \"reasoning_content\": null}]", "a a");
    assert_renders("{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}", "[]",
                   "TrueTrueFalse");
}

/* Each template reads the conversation in a form of its own. */
static void test_forms(void **state)
{
    static const char developer[] =
        "[{\"role\": \"developer\", \"content\": \"d\"}, {\"role\": \"user\", \"content\": \"u\"}]";
    static const char call[] =
        "[{\"role\": \"user\", \"content\": \"u\"}, {\"role\": \"assistant\", \"content\": null, "
        "\"tool_calls\": "
        "[{\"id\": \"call_abcdefgh\", \"function\": {\"name\": \"f\", \"arguments\": \"\"}}]}, "
        "{\"role\": \"tool\", \"tool_call_id\": \"call_abcdefgh\", \"content\": [{\"type\": \"text\", "
        "\"text\": \"r\"}]}]";
    static const char said[] = "[{\"role\": \"user\", \"content\": \"u\"}, {\"role\": \"assistant\", "
                               "\"content\": \"t\", \"tool_calls\": "
                               "[{\"function\": {\"name\": \"f\", \"arguments\": {\"a\": 1}}}]}]";
    (void)state;
    /* Any role between marks, or only some of them: neither knows this one. */
    assert_renders(TEXT_ONLY, developer, "system: d\nuser: u\n");
    assert_renders("{% for m in messages %}{% if m.role in ['system', 'user'] %}{{ m.role ~ m.content }}{% "
                   "endif %}{% endfor %}",
                   developer, "systemduseru");
    assert_renders(
        "{% for m in messages %}{% if m.role == 'developer' %}D{% endif %}{{ m.content }};{% endfor %}",
        developer, "Dd;u;");
    assert_renders(
        "{% for m in messages %}{% if m.role != 'system' or loop.first %}{{ m.content }};{% endif %}{% "
        "endfor %}",
        "[{\"role\": \"system\", \"content\": \"a\"}, {\"role\": \"developer\", \"content\": \"b\"}]",
        "a\n\nb;");
    assert_renders(TEXT_ONLY,
                   "[{\"role\": \"assistant\", \"content\": \"a\", \"tool_calls\": null, \"refusal\": null}]",
                   "assistant: a\n");
#define CALLS(content, name, arguments)                                                                      \
    "{% for m in messages %}{{ " content " }}{% for c in m.tool_calls or [] %}{{ c.function.name }}("        \
    "{{ " arguments " }}){% endfor %}" name ";{% endfor %}"
    assert_renders(CALLS("'' + m.content", "", "c.function.arguments | tojson"), call, "u;f({});r;");
    assert_renders(
        CALLS("'' if m.content is none else m.content", "{{ m.name }}", "'' + c.function.arguments"), call,
        "u;f({});rf;");
    assert_renders(CALLS("m.content if not m.tool_calls else ''", "", "c.function.arguments | tojson"), said,
                   "u;t;f({\"a\": 1});");
    assert_renders(
        "{% for m in messages %}{{ m.content if m.role != 'assistant' }}{% for c in m.tool_calls or [] %}"
        "{% if c.id | length != 9 %}{{ raise_exception('id') }}{% endif %}{{ c.function | tojson }}{% endfor "
        "%}"
        "{% if m.role == 'tool' %}{{ m.tool_call_id | length }}{% endif %}{% endfor %}",
        call, "u{\"name\": \"f\", \"arguments\": {}}r9");
}

/* What would be left out is refused. */
static void test_losses(void **state)
{
    static const char user[] = "[{\"role\": \"user\", \"content\": \"u\"}]";
    (void)state;
    assert_refuses(TEXT_ONLY, user, "[{\"type\": \"function\", \"function\": {\"name\": \"add\"}}]",
                   "tools: the model's chat template has no place for 'add'");
    assert_refuses(TEXT_ONLY,
                   "[{\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"function\": {\"name\": "
                   "\"add\"}}]}]",
                   NULL, "message 1: the model's chat template leaves out its call of 'add'");
    assert_refuses("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
                   "[{\"role\": \"critic\", \"content\": \"no\"}]", NULL,
                   "message 1: the model's chat template leaves out what the role 'critic' says there");
    /* Blanks and what is said twice are no loss. */
    assert_renders("{{ messages[0].content | trim }}", "[{\"role\": \"user\", \"content\": \" u \"}]", "u");
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refuses(TEXT_ONLY, "{}", NULL, "the messages are no list");
    assert_refuses(TEXT_ONLY, "[{\"role\": \"user\", \"content\": \"x\"}, 1]", NULL,
                   "message 2: not an object");
    assert_refuses(TEXT_ONLY, "[{\"content\": 5}]", NULL,
                   "message 1: the content is neither a text nor a list of parts");
    assert_refuses(TEXT_ONLY, "[{\"content\": [{\"type\": \"image_url\"}]}]", NULL,
                   "message 1: a part of type 'image_url' cannot be read, only text");
    assert_refuses(TEXT_ONLY, "[{\"content\": [{\"type\": \"text\"}]}]", NULL,
                   "message 1: a part of the content is no text");
    assert_refuses(TEXT_ONLY "{{ tools }}", "[]", "[1]", "the tools are no list of objects");
    assert_refuses("\n{{ raise_exception('No ' ~ messages|length) }}", "[]", NULL, "No 0");
    assert_refuses("\n{{ messages.x.y }}", "[]", NULL,
                   "chat template, line 2: a value of type list has no 'x'");
    assert_refuses("{{ 'a' | wordwrap }}", "[]", NULL,
                   "chat template, line 1: the filter 'wordwrap' is not supported");
    assert_refuses("{{ 'a'.zfill(3) }}", "[]", NULL,
                   "chat template, line 1: 'zfill' of a value of type str is not supported");
}

/* What is not understood is named when the template is read, with its line. */
static void test_templates(void **state)
{
    static const struct {
        const char *template, *sentence;
    } rows[] = {
        {"\n\n{% include 'x' %}",
         "chat template, line 3: the tag 'include' is not supported, or not expected here"},
        {"{% if x %}\n",
         "chat template, line 1: the template ends where 'endif' is expected, in what line 1 began"},
        {"{{ a b }}", "chat template, line 1: expected '}}', but there is 'b'"},
        {"{{ a ? b }}", "chat template, line 1: a character that cannot be here"},
        {"{{ 'a }}", "chat template, line 1: a string without its end"},
        {"{% for x in y recursive %}{% endfor %}",
         "chat template, line 1: recursive loops are not supported"},
        {"a\xff", "chat template: not valid UTF-8"},
        {"{{ 99999999999999999999 }}", "chat template, line 1: an integer of more than 64 bits"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hone_error why = {0};
        assert_null(chat_template_new(text_of_string(rows[i].template), &why));
        assert_string_equal(why.message, rows[i].sentence);
    }
}

/* ---- templates that would take for ever -------------------------------------------------------------------------- */

#define LOOP(what) "{% for i in range(99999) %}{% for j in range(99999) %}" what "{% endfor %}{% endfor %}"
#define LONG       "{% set s = 'a' * 9999 %}"
#define MANY       "{% set s = range(999) | list %}"
/* A container that holds the one before twice, and is made as if of 2^60. */
#define DOUBLED(first, again)                                                                                \
    "{% set n = namespace(x=" first ", y=" first ") %}{% for i in range(60) %}{% set n.x = " again           \
    " %}{% endfor %}"

/* Whatever is done again and again, or to one thing that stands for many, is counted. */
static void test_work(void **state)
{
    static const char *const templates[] = {
        LOOP(""),
        LOOP("{{ i * j }}"),
        LONG LOOP("{% set x = s.isdigit() or s.isspace() or s.isalpha() %}"),
        LONG LOOP("{% if s is lower and s is upper %}{% endif %}"),
        LONG LOOP("{% set x = s | title | lower | upper | capitalize %}"),
        LONG LOOP("{% set x = {s: 1} %}"),
        LONG "{% set d = {s: 1} %}" LOOP("{% set x = d[s] %}"),
        LONG "{% set d = {s: 1} %}" LOOP("{% set x = d.get(s) %}"),
        LONG "{% set d = {s: 1} %}" LOOP("{% if s in d %}{% endif %}"),
        LONG "{% set d = {s: 1} %}" LOOP("{% set x = d | tojson %}"),
        LONG LOOP("{% set x = s.removeprefix(s) %}"),
        LONG LOOP("{% set x = s.split('b') %}"),
        LONG LOOP("{% set x = [1, 2, 3] | tojson(separators=(s, s)) %}"),
        MANY LOOP("{% set x = s | sum %}"),
        MANY LOOP("{% set x = s | join %}"),
        "{% set s = dict() %}" LOOP("{% set x = dict(a=i) %}"),
        DOUBLED("(1,)", "(n.x, n.x)") "{% set d = {n.x: 1} %}",
        DOUBLED("(1,)", "(n.x, n.x)") "{% if n.x in {1: 1} %}{% endif %}",
        DOUBLED("(1,)", "(n.x, n.x)") "{{ {}[n.x] }}",
        DOUBLED("[1]", "[n.x, n.x]") "{{ n.x | tojson }}",
        DOUBLED("[1]", "[n.x, n.x]") "{{ n.x == n.y or n.x < n.x }}",
        "{% macro f(x) %}{% if x %}{{ f(x - 1) }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        struct hone_error why = {0};
        uint64_t work = JINJA_WORK / 256;
        json_t *variables = json_object();
        char *out;
        size_t size;
        struct jinja *t = jinja_new(text_of_string(templates[i]), &why);
        assert_non_null(t);
        if (jinja_render(t, variables, 0, &work, &out, &size, &why))
            fail_msg("%s comes to an end", templates[i]);
        assert_string_equal(why.message, "chat template, line 1: it takes too long");
        assert_int_equal(work, 0);
        jinja_free(t);
        json_decref(variables);
    }
}

/* The conversations that are tried when a template is opened share what they may do. */
static void test_work_of_opening(void **state)
{
    static const char *const templates[] = {LOOP(""),
                                            "{% set s = 'a' * 9999999 %}" LOOP("{% set x = s ~ s %}")};
    struct hone_error why = {0};
    (void)state;
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        assert_null(chat_template_new(text_of_string(templates[i]), &why));
        assert_string_equal(why.message, "chat template: conversations of a few words take too long");
    }
}

/* A tree that is larger than a template may be, which is found in the middle of a tag. */
static void test_size(void **state)
{
    struct hone_error why = {0};
    size_t size = 3000000;
    char *source = malloc(size);
    (void)state;
    assert_non_null(source);
    memcpy(source, "{{ [", 4);
    for (size_t i = 4; i < size; i++)
        source[i] = i % 2 ? ',' : '1';
    assert_null(jinja_new((struct hone_text){source, size}, &why));
    assert_string_equal(why.message, "chat template, line 1: out of memory");
    free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),  cmocka_unit_test(test_calls),
        cmocka_unit_test(test_forms),    cmocka_unit_test(test_losses),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_templates),
        cmocka_unit_test(test_work),     cmocka_unit_test(test_work_of_opening),
        cmocka_unit_test(test_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
