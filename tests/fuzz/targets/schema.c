/* A JSON Schema, a NUL, and bytes that pick how a text goes on: refused with a sentence, or a grammar that some text always
 * leads through to an end. */
#include "runtime/generate/grammar/schema.h"
#include "tests/fuzz/harness.h"

#include <string.h>

enum { N_TOKENS = 128, MAX_STEPS = 200 };

/* Every ASCII character is a token, and there is none for anything else. */
static const struct token_trie *ascii(void)
{
    static struct token_trie *trie;
    static char bytes[N_TOKENS];
    struct hone_text pieces[N_TOKENS];
    for (size_t i = 0; i < N_TOKENS && !trie; i++) {
        bytes[i] = (char)i;
        pieces[i] = (struct hone_text){bytes + i, i > 0};
    }
    if (!trie)
        FUZZ_CHECK(token_trie_new(&trie, pieces, N_TOKENS, &(int32_t){0}, 1, NULL) == HONE_OK);
    return trie;
}

/* The n-th token, counted around, of those that may come. */
static size_t pick(const uint64_t *mask, size_t n)
{
    size_t n_allowed = (size_t)__builtin_popcountll(mask[0]) + (size_t)__builtin_popcountll(mask[1]),
           token = 0;
    FUZZ_CHECK(n_allowed > 0);
    for (n %= n_allowed;; token++)
        if ((mask[token / 64] >> token % 64 & 1) && n-- == 0)
            return token;
}

/* What a mask allows is accepted, and its end is one. */
static void walk(struct matcher *m, const uint8_t *choices, size_t n)
{
    struct hone_error err = {0};
    const uint64_t *mask;
    for (size_t i = 0; i < n && i < MAX_STEPS; i++) {
        if (matcher_mask(m, ascii(), &mask, &err) != HONE_OK) {
            FUZZ_CHECK(*err.message); /* only characters that are no token may come */
            return;
        }
        char byte = (char)pick(mask, choices[i]);
        if (byte == 0) {
            FUZZ_CHECK(matcher_may_end(m));
            return;
        }
        enum hone_status status = matcher_accept(m, (struct hone_text){&byte, 1}, &err);
        FUZZ_CHECK(status == HONE_OK || status == HONE_FAILED);
        if (status != HONE_OK)
            return;
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct grammar *g;
    struct matcher *m;
    char *notes = NULL;
    const uint8_t *end = memchr(data, 0, size);
    size_t n = end ? (size_t)(end - data) : size;
    enum hone_status status =
        grammar_from_schema(&g, (struct hone_text){(const char *)data, n}, NULL, &notes, &err);
    free(notes);
    FUZZ_CHECK(status == HONE_OK || (status == HONE_USAGE && *err.message));
    if (status != HONE_OK)
        return;
    if (matcher_new(&m, g, &err) == HONE_OK) {
        walk(m, data + n, size - n);
        matcher_free(m);
    }
    grammar_free(g);
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    static const char *const seeds[] = {
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":-3,\"multipleOf\":2},"
        "\"b\":{\"enum\":[\"x\",1,null]}},\"required\":[\"a\"],\"additionalProperties\":{\"type\":\"string\","
        "\"pattern\":\"^[a-f]{2,4}$\"}}",
        "{\"$defs\":{\"n\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/"
        "n\"},\"maxItems\":3,\"uniqueItems\":true}]}},\"$ref\":\"#/$defs/n\"}",
        "{\"oneOf\":[{\"const\":{\"k\":[1.5,true]}},{\"type\":\"string\",\"format\":\"date-time\"},{\"not\":{"
        "\"type\":[\"object\",\"array\",\"string\"]}}]}",
        "{\"if\":{\"required\":[\"a\"]},\"then\":{\"minProperties\":2},\"else\":{\"propertyNames\":{"
        "\"minLength\":3}},\"patternProperties\":{\"^x\":{\"type\":\"number\",\"exclusiveMaximum\":1e2}}}",
        "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"boolean\"}],\"contains\":{\"const\":7},"
        "\"minContains\":2,\"items\":{\"allOf\":[{\"minimum\":3},{\"maximum\":9}]}}"};
    if (i >= sizeof seeds / sizeof *seeds)
        return NULL;
    size_t n = strlen(seeds[i]);
    uint8_t *data = malloc(n + 41);
    if (!data)
        return NULL;
    memcpy(data, seeds[i], n + 1);
    for (size_t k = 0; k < 40; k++)
        data[n + 1 + k] = (uint8_t)(k * 37 + i);
    *size = n + 41;
    return data;
}

/* Of the schema alone. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    const uint8_t *end = memchr(data, 0, size);
    return fuzz_shape_within(data, size, capacity, 0, end ? (size_t)(end - data) : size, fuzz_shape_json);
}
