/* From tokens back to text: the "decoder" of a pipeline. */
#ifndef TOKENIZER_STAGES_DECODER_H
#define TOKENIZER_STAGES_DECODER_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"
#include "tokenizer/text/effort.h"

/* A list of strings: string i is bytes [ends[i - 1], ends[i]). */
struct strings {
    struct buffer bytes, ends; /* ends: of size_t */
};

struct tok_decoder {
    struct decoder_step *steps;
    size_t n_steps;
};

/* spec: NULL or null for none: tokens with a space between. */
bool tok_decoder_init(struct tok_decoder *d, const json_t *spec, struct complaint *c);
void tok_decoder_release(struct tok_decoder *d);

/* Appends a string. */
void tok_strings_add(struct strings *s, struct hone_text text);
void tok_strings_release(struct strings *s);

/* Decodes the tokens, which it consumes, into tokens->bytes; false: no memory, or too much effort. */
bool tok_decoder_run(const struct tok_decoder *d, struct strings *tokens, struct tok_effort *effort);

#endif
