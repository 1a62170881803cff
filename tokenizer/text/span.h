/* Parts of texts, as tokenizers and those that change texts before them tell each other of them. */
#ifndef TOKENIZER_TEXT_SPAN_H
#define TOKENIZER_TEXT_SPAN_H

#include <stdint.h>

/* Bytes [start, end) of a text: of whole characters. Two ids may share a character, and there may be none. */
struct tok_span {
    uint32_t start;
    uint32_t end : 31;
    uint32_t
        goes_on : 1; /* of an id: it belongs to the same word, as the pre-tokenizer cuts them, as the one before */
};
#define TOK_SPAN_MAX INT32_MAX  /* of a text: its bytes */
#define TOK_NO_TEXT  UINT32_MAX /* start of what stands for no text: special tokens that were added */

#endif
