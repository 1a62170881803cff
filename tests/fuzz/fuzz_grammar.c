/* Damaged grammars: each is refused with a sentence, or can be followed, and then leads somewhere. */
#include "runtime/generate/grammar/grammar.h"
#include "tests/guard.h"
#include "tests/mutate.h"
#include "tests/support.h"

#include <string.h>

static const char *seeds[] = {
    "root ::= object\nvalue ::= object | array | string | [0-9]{1,5} | \"true\" # any\n"
    "object ::= \"{\" ( string \":\" value (\",\" string \":\" value)* )? \"}\"\narray ::= \"[\" (value "
    "(\",\" value)*)? \"]\"\n"
    "string ::= \"\\\"\" ([^\"\\\\\\x7f\\x00-\\x1f] | \"\\\\\" [\"\\\\bfnrt])* \"\\\"\"",
    "root ::= (\"a\" | b{2,3}){0,9} .\nb ::= [\\u00e9-\\U0001f600]+ | \"\\n\"?\n  | \"x\"",
    "root ::= \"1. \" item \"\\n\" (\"2. \" item \"\\n\")*\nitem ::= [^\\n]{1,30} [.!?]"};

static bool follow(struct matcher *m)
{
    struct hone_error err = {0};
    for (int step = 0; step < 30 && !matcher_must_end(m); step++) {
        unsigned offset = (unsigned)random_below(256), i = 0;
        enum hone_status status = HONE_REFUSED;
        for (; i < 256 && status == HONE_REFUSED; i++) {
            char byte = (char)(offset + i);
            status = matcher_accept(m, (struct hone_text){&byte, 1}, &err);
        }
        if (status == HONE_FAILED)
            return strlen(err.message) > 0;
        if (status == HONE_REFUSED) /* nothing goes on: then this must be an end */
            return matcher_may_end(m);
    }
    return true;
}

static void test_damaged(void **state)
{
    (void)state;
    size_t n_parsed = 0, runs = fuzz_runs(20000);
    for (size_t i = 0; i < runs; i++) {
        static unsigned char data[4096];
        const char *seed = seeds[random_below(3)];
        struct hone_error err = {0};
        struct grammar *g;
        struct matcher *m;
        size_t size = strlen(seed);
        memcpy(data, seed, size);
        size = mutate(data, size, sizeof data);
        enum hone_status status = grammar_parse(&g, (struct hone_text){(char *)data, size}, &err);
        if (status) {
            assert_int_equal(status, HONE_USAGE);
            assert_true(strlen(err.message) > 0);
            continue;
        }
        n_parsed++;
        if (matcher_new(&m, g, &err) == HONE_OK) {
            if (!follow(m))
                fail_msg("it ends nowhere: %.*s", (int)size, (char *)data);
            matcher_free(m);
        }
        grammar_free(g);
    }
    print_message("%zu of %zu grammars could be read\n", n_parsed, runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
