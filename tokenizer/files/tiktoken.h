/* tiktoken's files: a line a token, its bytes in base64 and its rank. How text is cut up, and which special tokens there are, the
 * code of each model says, not the file. */
#ifndef TOKENIZER_FILES_TIKTOKEN_H
#define TOKENIZER_FILES_TIKTOKEN_H

#include "tokenizer/files/tokenizer_json.h"

#include <jansson.h>

struct tiktoken_options {
    const char *pre;     /* how text is cut up, by a name of tokenizer.ggml.pre */
    const json_t *added; /* tokenizer_config.json's "added_tokens_decoder"; or NULL */
    const char *bos;     /* one of those, which stands before each text; NULL: none */
    /* So many ids behind the ranks are special tokens, called <|reserved_token_ID|> where `added` has no name for them. */
    size_t n_reserved;
};

/* Whether it looks like one. */
bool tok_is_tiktoken(struct hone_text file);

/* false: not such a file, or no memory; *out is then empty. */
bool tok_tiktoken_read(struct hone_text file, const struct tiktoken_options *options,
                       struct tokenizer_file *out, struct hone_error *err);

#endif
