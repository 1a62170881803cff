/* The tokens of a tokenizer: their text by id, and ids by text. A copy of what the caller gave, in one piece of
 * memory. Immutable once made. */
#ifndef TOKENIZER_MODELS_VOCAB_H
#define TOKENIZER_MODELS_VOCAB_H

#include "tokenizer/tokenizer.h"

/* A trie over them has as many nodes. The largest vocabularies have 262,144 (Gemma 3) and 901,629 (XLM-V). */
#define VOCAB_MAX_TOKENS (1u << 23)
#define VOCAB_MAX_TOKEN  (1u << 16) /* bytes */

struct vocab {
    size_t n;
    uint32_t *starts; /* [n + 1] into bytes */
    char *bytes;
    struct vocab_slot {
        uint32_t hash;
        int32_t id; /* -1: empty */
    } * slots;
    size_t mask;  /* slots - 1 */
    size_t limit; /* longest token, bytes */
};

/* Copies the tokens; those of source->phantom_space are written as vocab.txt has them. Invalid UTF-8 is refused. */
bool tok_vocab_init(struct vocab *v, const struct tok_vocab *source, struct hone_error *err);
void tok_vocab_release(struct vocab *v);

/* The id of a token, of equal ones the last; -1: none, or one of type TOK_UNUSED. */
int32_t tok_vocab_find(const struct vocab *v, const char *data, size_t size);

/* The same in three steps, for whoever looks up many: the steps of several tokens, one after the other, wait for memory
 * at the same time. hash: of the token, hash_bytes. */
void tok_vocab_prepare_slot(const struct vocab *v, uint64_t hash);
void tok_vocab_prepare_text(const struct vocab *v, uint64_t hash);
int32_t tok_vocab_find_hashed(const struct vocab *v, const char *data, size_t size, uint64_t hash);

static inline struct hone_text vocab_text(const struct vocab *v, size_t id)
{
    return (struct hone_text){v->bytes + v->starts[id], v->starts[id + 1] - v->starts[id]};
}

#endif
