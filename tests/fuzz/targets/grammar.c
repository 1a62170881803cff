/* A GBNF grammar and bytes that are fed to what it allows: the first half of the input is the grammar, up to a NUL. */
#include "runtime/generate/grammar/grammar.h"
#include "tests/fuzz/harness.h"

#include <string.h>

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct grammar *g;
    struct matcher *m;
    const uint8_t *end = memchr(data, 0, size);
    size_t n = end ? (size_t)(end - data) : size;
    if (grammar_parse(&g, (struct hone_text){(const char *)data, n}, &err) != HONE_OK) {
        FUZZ_CHECK(*err.message);
        return;
    }
    if (matcher_new(&m, g, &err) == HONE_OK) {
        for (size_t i = n + 1; i < size && !matcher_must_end(m); i++)
            if (matcher_accept(m, (struct hone_text){(const char *)data + i, 1}, &err) != HONE_OK)
                break;
        matcher_free(m);
    }
    grammar_free(g);
}

FUZZ_SEEDS(
    FUZZ_TEXT("root ::= (\"a\" | b{2,3}){0,9} .\nb ::= [\\u00e9-\\U0001f600]+ | \"\\n\"?\n  | \"x\"\0aab"),
    FUZZ_TEXT("root ::= \"1. \" item \"\\n\" (\"2. \" item \"\\n\")*\nitem ::= [^\\n]{1,30} [.!?]\0001. x"))

FUZZ_NO_SHAPE
