/* The words that spans are made of. */
#ifndef RUNTIME_INFER_SPANS_SPLIT_H
#define RUNTIME_INFER_SPANS_SPLIT_H

#include "runtime/base/error.h"

/* The next word behind text byte *at, which moves behind it: a run of letters, digits and "_", in which single "-" may stand
 * between two of these; or any other single character that is no space. Python's \w+(?:[-_]\w+)*|\S of Unicode text, with
 * each invalid part as a character. False: there is none. */
bool span_next_word(struct hone_text text, size_t *at, struct hone_text *word);

#endif
