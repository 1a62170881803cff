/* tekken.json, Mistral's own form of its newer vocabularies: bytes of tokens by rank. */
#ifndef TOKENIZER_FILES_TEKKEN_H
#define TOKENIZER_FILES_TEKKEN_H

#include "tokenizer/files/tokenizer_json.h"

/* false: no such file, or no memory; *out is then empty. */
bool tok_tekken_read(struct hone_text json, struct tokenizer_file *out, struct hone_error *err);

#endif
