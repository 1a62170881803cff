/* Pipelines written by us, as JSON values. */
#ifndef TOKENIZER_PRESET_H
#define TOKENIZER_PRESET_H

#include "tokenizer/component.h"

/* An entry of "added_tokens"; NULL: no memory. */
json_t *preset_added_token(struct tok_text text, int32_t id, bool special);

/* BERT's pipeline; strip_accents as in struct vocab_txt_options. The ids of p are cls, sep, unk; added: entries, taken
 * over. NULL: no memory, or one of the three is missing. */
json_t *preset_bert(const struct tok_preset *p, const struct tok_vocab *vocab, bool lowercase, bool chinese,
                    int strip_accents, json_t *added);

#endif
