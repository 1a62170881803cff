/* tekken.json, Mistral's form of a vocabulary: refused with a sentence, or a tokenizer whose ids are the vocabulary's. */
#include "tokenizer/files/tekken.h"
#include "tests/fuzz/harness.h"
#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

static void use(const struct tokenizer *t, size_t n_tokens)
{
    static const char text[] = "[INST] Hello, \xc3\xa9\xe2\x82\xac world\n";
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

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct tokenizer_file file;
    if (!tok_tekken_read((struct hone_text){(const char *)data, size}, &file, &err)) {
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

FUZZ_SEEDS(
    FUZZ_TEXT(
        "{\"config\":{\"pattern\":\"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{L}]+|\\\\p{N}|\\\\s+\",\"num_vocab_"
        "tokens\":4,"
        "\"default_vocab_size\":7,\"default_num_special_tokens\":3,\"version\":\"v3\"},\"vocab\":[{\"rank\":"
        "0,"
        "\"token_bytes\":\"SA==\",\"token_str\":\"H\"},{\"rank\":1,\"token_bytes\":\"ZQ==\",\"token_str\":"
        "\"e\"},"
        "{\"rank\":2,\"token_bytes\":\"SGU=\",\"token_str\":\"He\"},{\"rank\":3,\"token_bytes\":\"wg==\","
        "\"token_str\":null}]}"),
    FUZZ_TEXT("{\"config\":{\"pattern\":\"\\\\p{L}+\",\"num_vocab_tokens\":2,\"default_vocab_size\":4,"
              "\"default_num_special_tokens\":2},\"special_tokens\":[{\"rank\":0,\"token_str\":\"<unk>\","
              "\"is_control\":"
              "true},{\"rank\":1,\"token_str\":\"<s>\",\"is_control\":true}],\"vocab\":[{\"rank\":0,\"token_"
              "bytes\":"
              "\"bA==\",\"token_str\":\"l\"},{\"rank\":1,\"token_bytes\":\"bGw=\",\"token_str\":\"ll\"}]}"))

FUZZ_SHAPE_OF(fuzz_shape_json)
