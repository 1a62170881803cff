/* Vocabularies of bytes by rank (tiktoken's files, tekken.json) as the model of a tokenizer.json: of neighbours those are merged
 * first whose union has the lowest rank. */
#ifndef TOKENIZER_FILES_RANKED_H
#define TOKENIZER_FILES_RANKED_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"

#include <jansson.h>

#define RANKED_MAX_BYTES 256 /* of a token */

struct ranked {
    json_t *vocab, *merges; /* vocab: {token: id} as GPT-2 writes bytes; others may add tokens of their own */
    struct buffer *names;   /* [n] of the tokens, NUL-terminated once they are added */
    size_t n, first;        /* first: the id of rank 0 */
};

/* Room for n tokens; r is zeroed. These are false where memory runs out. To be released in any case. */
bool tok_ranked_start(struct ranked *r, size_t n, size_t first);
bool tok_ranked_add(struct ranked *r, size_t rank, struct hone_text bytes); /* 1 to RANKED_MAX_BYTES */
bool tok_ranked_merge(struct ranked *r);                                    /* once all are added */
void tok_ranked_release(struct ranked *r);

#endif
