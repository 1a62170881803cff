/* Bytes as printable characters, the alphabet of GPT-2's vocabularies: printable Latin-1 stands for itself, the other
 * 68 bytes are U+0100 and on, in order. */
#ifndef TOKENIZER_STAGES_BYTELEVEL_H
#define TOKENIZER_STAGES_BYTELEVEL_H

#include "runtime/base/buffer.h"

/* The character for a byte. */
uint32_t tok_bytelevel_point(unsigned char byte);

/* Appends each byte's character. */
void tok_bytelevel_append(struct buffer *out, const char *data, size_t size);

/* The byte a character stands for; -1: none. */
int tok_bytelevel_byte(uint32_t point);

#endif
