/* ByT5's tokenizer (Xue et al., 2021, arXiv:2105.13626), whose tokens are bytes: it has no file but its configuration. */
#ifndef TOKENIZER_FILES_BYTE_VOCAB_H
#define TOKENIZER_FILES_BYTE_VOCAB_H

#include "tokenizer/files/tokenizer_json.h"

#include <jansson.h>

#define BYTE_VOCAB_MAX_EXTRA 1024

/* config: tokenizer_config.json, or NULL: all is as usual. false: it asks for what there is not; *out is then empty. */
bool tok_byte_vocab_read(const json_t *config, struct tokenizer_file *out, struct hone_error *err);

#endif
