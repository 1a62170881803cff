/* SentencePiece's "precompiled_charsmap" (https://github.com/google/sentencepiece): which characters become which
 * others, as tokenizers applies it. The blob is a little-endian u32, the bytes of a double array (darts-clone), the
 * double array, and the replacements, each with a NUL behind it. */
#ifndef TOKENIZER_STAGES_CHARSMAP_H
#define TOKENIZER_STAGES_CHARSMAP_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"

struct charsmap {
    uint32_t *units; /* [n_units] */
    size_t n_units;
    char *replacements; /* valid UTF-8, a NUL behind the last */
    size_t replacements_size;
    uint8_t changes[128]; /* ASCII characters that do not stay as they are */
};

/* A malformed blob is refused. */
bool tok_charsmap_init(struct charsmap *m, struct hone_text blob, struct complaint *c);
void tok_charsmap_release(struct charsmap *m);

/* Appends the text, which is valid UTF-8, as the map has it. */
void tok_charsmap_apply(const struct charsmap *m, struct hone_text text, struct buffer *out);

/* Appends what base64 text stands for; false: it is none. */
bool tok_base64_decode(struct hone_text text, struct buffer *out);

#endif
