/* Hugging Face's tokenizer files as what tokenizer_new takes: a vocabulary and a pipeline. */
#ifndef TOKENIZER_FILES_TOKENIZER_JSON_H
#define TOKENIZER_FILES_TOKENIZER_JSON_H

#include "tokenizer/tokenizer.h"

/* Owned by whoever read it; released as a whole. */
struct tokenizer_file {
    struct tok_vocab
        vocab; /* dense: ids that the file leaves out are "[unusedN]", TOK_UNUSED; added tokens included */
    struct hone_text
        pipeline; /* JSON: the file without vocabulary, merges, truncation and padding. An added token that
                                 is not in the model's own vocabulary says so: "in_model": false */
    struct tok_preset ids; /* bos ... mask: ids of special tokens by their usual names, -1: none; model and
                              pre: GGUF's names for this kind of tokenizer, "default" for a pre it has no name for */
    void *memory;          /* its own */
};

/* Reads the bytes of a tokenizer.json. false: not one, or it asks for memory out of proportion; *out is then empty. */
bool tok_json_read(struct hone_text json, struct tokenizer_file *out, struct hone_error *err);

void tok_file_release(struct tokenizer_file *file);

#endif
