/* RoBERTa's tokenizer in its older form, which CodeT5's folders have: vocab.json, merges.txt and names of special tokens. */
#ifndef TOKENIZER_FILES_VOCAB_JSON_H
#define TOKENIZER_FILES_VOCAB_JSON_H

#include "tokenizer/files/tokenizer_json.h"

#include <jansson.h>

struct vocab_json_options {
    const json_t *added; /* added_tokens.json: {token: id}; or NULL */
    const json_t
        *specials; /* special_tokens_map.json or tokenizer_config.json: {"bos_token": ..., ...}; or NULL */
    bool add_prefix_space;
    bool trim_offsets;
};

/* vocab: {token: id}; merges: two parts a line. false: not such files, or no memory; *out is then empty. */
bool tok_vocab_json_read(struct hone_text vocab, struct hone_text merges,
                         const struct vocab_json_options *options, struct tokenizer_file *out,
                         struct hone_error *err);

#endif
