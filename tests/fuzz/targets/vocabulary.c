/* Vocabularies that are no tokenizer.json: refused with a sentence, or a tokenizer whose ids are the vocabulary's. The first byte
 * says which: vocab.json, merges.txt, added_tokens.json and special_tokens_map.json; tiktoken's file and the
 * added_tokens_decoder; tekken.json. Between parts is a NUL. */
#include "tokenizer/files/tekken.h"
#include "tokenizer/files/tiktoken.h"
#include "tokenizer/files/vocab_json.h"

#include "runtime/base/json.h"
#include "tests/fuzz/harness.h"
#include "tokenizer/tokenizer.h"

#include <string.h>

static void use(const struct tokenizer *t, size_t n_tokens)
{
    static const char text[] = "[INST] <s>Hello, \xc3\xa9\xe2\x82\xac world\n";
    const struct tok_options options = {.add_special = true};
    struct tok_encoding e = {0};
    struct hone_error err = {0};
    char *back = NULL;
    size_t size;
    if (tokenizer_encode(t, (struct hone_text){text, sizeof text - 1}, NULL, &options, &e, &err)) {
        for (size_t i = 0; i < e.n; i++)
            FUZZ_CHECK(e.ids[i] >= 0 && (size_t)e.ids[i] < n_tokens);
        FUZZ_CHECK(tokenizer_decode(t, e.ids, e.n, false, &back, &size, &err) || *err.message);
    } else {
        FUZZ_CHECK(*err.message);
    }
    free(back);
    tok_encoding_release(&e);
}

static json_t *json_part(struct hone_text *rest)
{
    struct hone_text part = fuzz_part(rest, 0);
    return part.size ? json_read(part.data, part.size, 0, NULL) : NULL;
}

static bool read_vocab_json(struct hone_text rest, struct tokenizer_file *out, struct hone_error *err)
{
    struct hone_text vocab = fuzz_part(&rest, 0), merges = fuzz_part(&rest, 0);
    json_t *added = json_part(&rest), *specials = json_part(&rest);
    const struct vocab_json_options options = {
        .added = added, .specials = specials, .add_prefix_space = vocab.size % 2, .trim_offsets = true};
    bool ok = tok_vocab_json_read(vocab, merges, &options, out, err);
    json_decref(added);
    json_decref(specials);
    return ok;
}

static bool read_tiktoken(struct hone_text rest, struct tokenizer_file *out, struct hone_error *err)
{
    struct hone_text file = fuzz_part(&rest, 0);
    json_t *added = json_part(&rest);
    const bool llama = file.size % 2 == 0;
    const struct tiktoken_options options = {.pre = llama ? "llama-bpe" : "kimi-k2",
                                             .added = added,
                                             .bos = llama && added ? "<s>" : NULL,
                                             .n_reserved = llama ? 0 : 9};
    (void)tok_is_tiktoken(file);
    bool ok = tok_tiktoken_read(file, &options, out, err);
    json_decref(added);
    return ok;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct tokenizer_file file;
    if (size == 0)
        return;
    const struct hone_text rest = {(const char *)data + 1, size - 1};
    if (!(*data % 3 == 0   ? read_vocab_json(rest, &file, &err)
          : *data % 3 == 1 ? read_tiktoken(rest, &file, &err)
                           : tok_tekken_read(rest, &file, &err))) {
        FUZZ_CHECK(*err.message);
        return;
    }
    size_t n_tokens = file.vocab.n_tokens;
    struct tokenizer *t = tokenizer_new(&file.vocab, file.pipeline, &err);
    FUZZ_CHECK(t || *err.message);
    tok_file_release(&file);
    if (t)
        use(t, n_tokens);
    tokenizer_free(t);
}

/* '0' is divisible by 3. */
FUZZ_SEEDS(
    FUZZ_TEXT(
        "0{\"<s>\":0,\"</s>\":1,\"<unk>\":2,\"H\":3,\"e\":4,\"l\":5,\"o\":6,\"He\":7,\"ll\":8,\"\xc4\xa0\":9,"
        "\"\xc4\xa0w\":10,\"w\":11,\"<pad>\":12,\"<mask>\":13}\0#version: 0.2\nH e\nl l\n\xc4\xa0 w\n\0{\"<x>"
        "\":14}\0{\"mask_token\":{\"content\":\"<mask>\",\"lstrip\":true},\"additional_special_tokens\":"
        "[\"<x>\"]}"),
    FUZZ_TEXT("1SA== 0\nZQ== 1\nbA== 2\nSGU= 3\nbGw= 4\nIA== 5\nSGVsbA== 6\n\0{\"7\":{\"content\":\"<s>\","
              "\"special\":true,\"lstrip\":false},\"9\":{\"content\":\"[INST]\",\"special\":false}}"),
    FUZZ_TEXT("1IQ== 0\nIg== 1\r\nISI= 2"),
    FUZZ_TEXT(
        "2{\"config\":{\"pattern\":\"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{L}]+|\\\\p{N}|\\\\s+\",\"num_vocab_"
        "tokens\":4,"
        "\"default_vocab_size\":7,\"default_num_special_tokens\":3,\"version\":\"v3\"},\"vocab\":[{\"rank\":"
        "0,"
        "\"token_bytes\":\"SA==\",\"token_str\":\"H\"},{\"rank\":1,\"token_bytes\":\"ZQ==\",\"token_str\":"
        "\"e\"},"
        "{\"rank\":2,\"token_bytes\":\"SGU=\",\"token_str\":\"He\"},{\"rank\":3,\"token_bytes\":\"wg==\","
        "\"token_str\":null}]}"),
    FUZZ_TEXT("2{\"config\":{\"pattern\":\"\\\\p{L}+\",\"num_vocab_tokens\":2,\"default_vocab_size\":4,"
              "\"default_num_special_tokens\":2},\"special_tokens\":[{\"rank\":0,\"token_str\":\"<unk>\","
              "\"is_control\":"
              "true},{\"rank\":1,\"token_str\":\"<s>\",\"is_control\":true}],\"vocab\":[{\"rank\":0,\"token_"
              "bytes\":"
              "\"bA==\",\"token_str\":\"l\"},{\"rank\":1,\"token_bytes\":\"bGw=\",\"token_str\":\"ll\"}]}"))

size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    return fuzz_shape_parts(data, size, capacity, 1);
}
