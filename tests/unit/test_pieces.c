/* The bytes of tokens, by each way of writing them. */
#include "runtime/load/pieces.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof *(array))

static void check(const char *pipeline, const char *const *tokens, const int32_t *types,
                  const char *const *expected, size_t n)
{
    struct hone_error err;
    struct token_pieces p;
    struct hone_text texts[16];
    for (size_t i = 0; i < n; i++)
        texts[i] = (struct hone_text){tokens[i], strlen(tokens[i])};
    const struct tok_vocab vocab = {.n_tokens = n, .tokens = texts, .types = types};
    assert_ok(token_pieces_init(&p, &vocab, (struct hone_text){pipeline, strlen(pipeline)}, &err), &err);
    for (size_t i = 0; i < n; i++)
        if (p.list[i].size != strlen(expected[i]) || memcmp(p.list[i].data, expected[i], p.list[i].size) != 0)
            fail_msg("token %zu is \"%.*s\"", i, (int)p.list[i].size, p.list[i].data);
    token_pieces_release(&p);
}

static void test_byte_level(void **state)
{
    (void)state;
    static const char *const tokens[] = {"a",        "\xc4\xa0the", "\xc3\xa3\xc4\xa3",
                                         "\xc4\x8a", "<end>",       "<tool>"};
    static const char *const expected[] = {"a", " the", "\xe3\x81", "\n", "", "<tool>"};
    check("{\"decoder\":{\"type\":\"ByteLevel\"},\"added_tokens\":[{\"id\":4,\"content\":\"<end>\","
          "\"special\":true},"
          "{\"id\":5,\"content\":\"<tool>\",\"special\":false}]}",
          tokens, NULL, expected, N(tokens));
}

static void test_byte_fallback(void **state)
{
    (void)state;
    static const char *const tokens[] = {
        "<unk>",  "</s>", "<0x0A>", "<0xE9>", "\xe2\x96\x81the", "cat", "\xe2\x96\x81\xe2\x96\x81",
        "<0xg1>", "<x>"};
    static const char *const expected[] = {"", "", "\n", "\xe9", " the", "cat", "  ", "<0xg1>", "<x>"};
    static const int32_t types[] = {TOK_UNKNOWN, TOK_CONTROL, TOK_BYTE,   TOK_BYTE,        TOK_NORMAL,
                                    TOK_NORMAL,  TOK_NORMAL,  TOK_NORMAL, TOK_USER_DEFINED};
    check("{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":"
          "\"\xe2\x96\x81\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}}",
          tokens, types, expected, N(tokens));
    check("{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":"
          "\"Metaspace\","
          "\"replacement\":\"\xe2\x96\x81\"}]}}",
          tokens, types, expected, N(tokens));
}

static void test_word_piece(void **state)
{
    (void)state;
    static const char *const tokens[] = {"the", "##re", "##", "[CLS]"}, *const expected[] = {" the", "re",
                                                                                             " ##", ""};
    static const int32_t types[] = {TOK_NORMAL, TOK_NORMAL, TOK_NORMAL, TOK_CONTROL};
    check("{\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\"}}", tokens, types, expected, N(tokens));
}

static void test_search(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_text list[] = {{"a\n", 2}, {"", 0}, {": b", 3}, {"b", 1}, {"\n\n", 2}};
    const struct token_pieces p = {list, N(list), NULL};
    const struct hone_text strings[] = {{"\n", 1}, {":", 1}, {"", 0}};
    int32_t *ids;
    size_t n;
    assert_ok(token_pieces_with(&p, strings, N(strings), &ids, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_memory_equal(ids, ((int32_t[]){0, 2, 4}), 12);
    free(ids);
    struct token_pieces none;
    const struct hone_text token = {"x", 1};
    const struct tok_vocab vocab = {.n_tokens = 1, .tokens = &token};
    assert_int_equal(token_pieces_init(&none, &vocab, (struct hone_text){"{\"decoder\":null}", 16}, &err),
                     HONE_USAGE);
    assert_int_equal(token_pieces_init(&none, &vocab, (struct hone_text){"{", 1}, &err), HONE_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_byte_level),
                                       cmocka_unit_test(test_byte_fallback),
                                       cmocka_unit_test(test_word_piece), cmocka_unit_test(test_search)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
