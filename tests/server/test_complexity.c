/* What counting tells of texts. */
#include "server/manager/complexity.h"
#include "tests/support.h"

#include <string.h>

static struct complexity measure(const char *text)
{
    struct complexity c;
    complexity_measure((struct hone_text){text, strlen(text)}, &c);
    return c;
}

static void code_or_prose(void **state)
{
    (void)state;
    static const char *const code[] = {
        "int main(void)\n{\n    return 0;\n}\n",
        "def add(a, b):\n    return a + b\n",
        "Please mend this:\n```\nx = 1\n```\n",
        "const f = (x) => x * 2;",
        "SELECT name FROM users WHERE id = 3 AND (age > 4);",
        "fn main() {\n    println!(\"hello\");\n}\n",
    };
    static const char *const prose[] = {
        "",
        "hello",
        "What is the capital of France? I would like to know (and soon).",
        "The sun rose over the hills; the birds sang, and nobody minded: it was a Sunday.\nThen it rained.",
        "Wie geht es dir? Mir geht es gut, danke. Und was machst du heute?",
    };
    for (size_t i = 0; i < sizeof code / sizeof *code; i++)
        if (!measure(code[i]).is_code)
            fail_msg("prose: %s", code[i]);
    for (size_t i = 0; i < sizeof prose / sizeof *prose; i++)
        if (measure(prose[i]).is_code)
            fail_msg("code: %s", prose[i]);
}

static void parts(void **state)
{
    (void)state;
    struct complexity c =
        measure("#include <stdio.h>\nimport os\n\nwhile (x) {\n  if (first[i]) {\n    call(second, x,\n");
    assert_int_equal(c.parts[COMPLEXITY_IMPORTS], 2);
    assert_int_equal(c.parts[COMPLEXITY_LINES], 5);
    assert_int_equal(c.parts[COMPLEXITY_KEYWORDS], 2);
    assert_int_equal(c.parts[COMPLEXITY_BRACKETS], 3);
    assert_int_equal(c.parts[COMPLEXITY_NESTING], 3);
    assert_int_equal(c.parts[COMPLEXITY_IDENTIFIERS],
                     7); /* include, stdio, import, os, first, call, second */
}

static void harder_is_more(void **state)
{
    (void)state;
    const struct complexity_weights usual = COMPLEXITY_WEIGHTS;
    struct complexity simple = measure("def add(a, b):\n    return a + b\n");
    struct complexity hard =
        measure("import asyncio\nfrom collections import deque\n\nasync def walk(graph, start, visit):\n    "
                "queue = deque([start])\n"
                "    seen = set()\n    while queue:\n        node = queue.popleft()\n        if node in "
                "seen:\n            continue\n"
                "        seen.add(node)\n        try:\n            result = await visit(node)\n        "
                "except ValueError as error:\n"
                "            if error.args:\n                raise\n        else:\n            for child in "
                "graph.get(node, []):\n"
                "                if child not in seen:\n                    queue.append((child, result[");
    assert_true(complexity_score(&simple, &usual) < usual.threshold);
    assert_true(complexity_score(&hard, &usual) > usual.threshold);
}

static void weights(void **state)
{
    (void)state;
    struct complexity_weights w, usual = COMPLEXITY_WEIGHTS;
    const char *bad = NULL;
    size_t n = 0;
    assert_true(complexity_read_weights("", &w, &bad, &n));
    assert_memory_equal(&w, &usual, sizeof w);
    assert_true(complexity_read_weights("nesting 4, threshold = 12.5,lines 0", &w, &bad, &n));
    assert_true(w.parts[COMPLEXITY_NESTING] == 4 && w.threshold == 12.5 && w.parts[COMPLEXITY_LINES] == 0);
    assert_true(w.parts[COMPLEXITY_IMPORTS] == usual.parts[COMPLEXITY_IMPORTS]);
    static const char *const wrong[] = {"depth 2",     "nesting",    "nesting two",
                                        "nesting 2 3", "nesting -1", "nesting inf"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (complexity_read_weights(wrong[i], &w, &bad, &n))
            fail_msg("was taken: %s", wrong[i]);
}

/* Any bytes, and more than are looked at. */
static void anything(void **state)
{
    (void)state;
    static char text[3 * COMPLEXITY_BYTES];
    struct complexity c;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 2654435761u >> 7);
    complexity_measure((struct hone_text){text, sizeof text}, &c);
    assert_int_equal(c.bytes, sizeof text);
    memset(text, '(', sizeof text);
    complexity_measure((struct hone_text){text, sizeof text}, &c);
    assert_int_equal(c.parts[COMPLEXITY_BRACKETS], COMPLEXITY_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_or_prose), cmocka_unit_test(parts),    cmocka_unit_test(harder_is_more),
        cmocka_unit_test(weights),       cmocka_unit_test(anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
