/* A tokenizer.json: refused with a sentence, or a tokenizer that works on any text. */
#include "tokenizer/tokenizer.h"
#include "tests/fuzz/harness.h"
#include "tokenizer/files/tokenizer_json.h"

#include <string.h>

static void use(const struct tokenizer *t)
{
    static const char text[] =
        "The na\xc3\xafve [MASK] \xf0\x9f\x91\x8d 12,345 \xff\xe4\xb8\xad\xe6\x96\x87  don't";
    struct hone_error err = {0};
    struct tok_encoding e = {0};
    const struct tok_options options = {.add_special = true, .spans = true};
    const struct hone_text first = {text, sizeof text - 1};
    if (tokenizer_encode(t, first, &first, &options, &e, &err))
        for (size_t i = 0; i < e.n; i++)
            FUZZ_CHECK(e.ids[i] >= 0 && (size_t)e.ids[i] < tokenizer_n_tokens(t));
    else
        FUZZ_CHECK(*err.message);
    tok_encoding_release(&e);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct tokenizer_file file;
    if (!tok_json_read((struct hone_text){(const char *)data, size}, &file, &err)) {
        FUZZ_CHECK(*err.message);
        return;
    }
    struct tokenizer *t = tokenizer_new(&file.vocab, file.pipeline, &err);
    tok_file_release(&file);
    FUZZ_CHECK(t || *err.message);
    if (t)
        use(t);
    tokenizer_free(t);
}

FUZZ_SEED_FILES("tests/fixtures/bert-embed/tokenizer.json", "tests/fixtures/causal/tokenizer.json",
                "tests/fixtures/t5/tokenizer.json", "tests/fixtures/llama3/tokenizer.json")

FUZZ_SHAPE_OF(fuzz_shape_json)
