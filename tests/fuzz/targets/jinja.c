/* A chat template: refused with a sentence, or it renders within its bounds. */
#include "tests/fuzz/harness.h"
#include "tokenizer/template/template.h"

#include <jansson.h>

void fuzz_input(const uint8_t *data, size_t size)
{
    static json_t *variables;
    struct hone_error err = {0};
    char *text;
    size_t text_size;
    uint64_t work = JINJA_WORK;
    if (!variables)
        variables = json_pack("{s:[{s:s,s:s}],s:s}", "messages", "role", "user", "content", "a b",
                              "eos_token", "</s>");
    struct jinja *t = jinja_new((struct hone_text){(const char *)data, size}, &err);
    FUZZ_CHECK(t || *err.message);
    if (!t)
        return;
    if (jinja_render(t, variables, 0, &work, &text, &text_size, &err))
        free(text);
    else
        FUZZ_CHECK(*err.message);
    jinja_free(t);
}

FUZZ_SEEDS(
    FUZZ_TEXT("{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ m['content'] | trim }}{% endfor %}{{ "
              "eos_token }}"),
    FUZZ_TEXT("{%- set x = namespace(n=0) -%}{% for i in range(3) if i != 1 %}{% set x.n = x.n + i %}{% "
              "endfor %}{{ "
              "x.n | tojson }}"),
    FUZZ_TEXT(
        "{% macro f(a, b='c') %}{{ a ~ b }}{% endmacro %}{{ f('x') | upper }}{{ messages[0].content.split(' "
        "')[-1] }}"),
    FUZZ_TEXT("{{ 'a'.isdigit | trim }}"))

FUZZ_NO_SHAPE
