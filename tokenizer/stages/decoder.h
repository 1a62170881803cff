/* From tokens back to text: the "decoder" of a pipeline. */
#ifndef TOKENIZER_STAGES_DECODER_H
#define TOKENIZER_STAGES_DECODER_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"

/* A list of strings: string i is bytes [ends[i - 1], ends[i]). */
struct strings {
    struct buffer bytes, ends; /* ends: of size_t */
};

struct decoder {
    struct decoder_step *steps;
    size_t n_steps;
};

/* spec: NULL or null for none: tokens with a space between. */
bool decoder_init(struct decoder *d, const json_t *spec, struct complaint *c);
void decoder_release(struct decoder *d);

/* Appends a string. */
void strings_add(struct strings *s, struct tok_text text);
void strings_release(struct strings *s);

/* Decodes the tokens, which it consumes, into tokens->bytes; false: no memory. */
bool decoder_run(const struct decoder *d, struct strings *tokens);

#endif
