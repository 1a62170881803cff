/* A SentencePiece model, of each family: refused with a sentence, or a tokenizer. */
#include "tokenizer/files/spiece.h"
#include "tests/fuzz/harness.h"
#include "tokenizer/tokenizer.h"

#include <glob.h>

void fuzz_input(const uint8_t *data, size_t size)
{
    for (enum spiece_family family = SPIECE_T5; family <= SPIECE_GEMMA; family++) {
        struct hone_error err = {0};
        struct tokenizer_file file;
        const struct spiece_options options = {
            .family = family, .extra_ids = 9, .add_bos = -1, .add_eos = -1};
        if (!tok_spiece_read((struct hone_text){(const char *)data, size}, &options, &file, &err)) {
            FUZZ_CHECK(*err.message);
            continue;
        }
        struct tokenizer *t = tokenizer_new(&file.vocab, file.pipeline, &err);
        FUZZ_CHECK(t || *err.message);
        tok_file_release(&file);
        tokenizer_free(t);
    }
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    glob_t files = {0};
    uint8_t *data = NULL;
    if (glob("tests/fixtures/tokenizer/*.model", 0, NULL, &files) == 0 && i < files.gl_pathc)
        data = fuzz_load(files.gl_pathv[i], size);
    globfree(&files);
    return data;
}

FUZZ_NO_SHAPE
