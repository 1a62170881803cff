/* Comparisons and copies of texts, among them those that have no bytes and no address either: memcmp and memcpy may not be
 * given that. */
#include "runtime/base/text.h"
#include "tests/support.h"

static const struct hone_text none, empty = {"", 0}, part = {"on", 2}, word = {"one", 3},
                                    nul = {"o\0e", 3}; /* a text may hold any byte */

static void equal_texts(void **state)
{
    (void)state;
    assert_true(text_equal(none, none) && text_equal(none, empty) && text_equal(empty, none));
    assert_true(text_equal(word, (struct hone_text){"ones", 3}) && text_equal(nul, nul));
    assert_false(text_equal(none, word) || text_equal(word, none) || text_equal(word, part));
    assert_false(text_equal(word, nul));
}

static void words(void **state)
{
    (void)state;
    assert_true(text_is(none, "") && text_is(empty, "") && text_is(word, "one"));
    assert_false(text_is(none, "one") || text_is(word, "") || text_is(word, "ones") || text_is(word, "on"));
    assert_false(text_is(nul, "o") || text_is(word, "two"));
}

static void beginnings_and_ends(void **state)
{
    (void)state;
    assert_true(text_begins(none, "") && text_begins(word, "") && text_begins(word, "on") &&
                text_begins(word, "one"));
    assert_false(text_begins(none, "o") || text_begins(word, "ones") || text_begins(word, "ne"));
    assert_true(text_ends(none, "") && text_ends(word, "") && text_ends(word, "ne") &&
                text_ends(word, "one"));
    assert_false(text_ends(none, "e") || text_ends(word, "none") || text_ends(word, "on"));
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* Each stands before those behind it. */
static void order(void **state)
{
    (void)state;
    const struct hone_text sorted[] = {none, nul, part, word, {"p", 1}, {"\xc3\xa9", 2}};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            assert_int_equal(sign(text_compare(sorted[i], sorted[j])), sign(i - j));
    assert_int_equal(text_compare(none, empty), 0);
    assert_int_equal(text_compare(empty, none), 0);
}

static void copies(void **state)
{
    (void)state;
    char out[8] = "xxxxxxx";
    char *end = text_put(text_put(text_put(out, word), none), part);
    assert_int_equal(end - out, 5);
    assert_memory_equal(out, "oneonxx", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts), cmocka_unit_test(words),  cmocka_unit_test(beginnings_and_ends),
        cmocka_unit_test(order),       cmocka_unit_test(copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
