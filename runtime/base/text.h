/* Parts of texts, as tokenizers and those that change texts before them tell each other of them. */
#ifndef RUNTIME_BASE_TEXT_H
#define RUNTIME_BASE_TEXT_H

#include "runtime/base/error.h"

/* Bytes [start, end) of a text: of whole characters. Two ids may share a character, and there may be none. */
struct tok_span {
    uint32_t start, end;
};
#define TOK_NO_TEXT UINT32_MAX /* start and end of what stands for no text: special tokens that were added */

#endif
