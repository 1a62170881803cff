/* WordPiece (https://arxiv.org/abs/1609.08144): a word becomes the longest token that starts it, then the longest
 * token that continues it, and so on; a word that does not come out even is unknown as a whole. */
#ifndef TOKENIZER_MODELS_WORDPIECE_H
#define TOKENIZER_MODELS_WORDPIECE_H

#include "tokenizer/component.h"
#include "tokenizer/ids.h"
#include "tokenizer/models/vocab.h"
#include "tokenizer/text/effort.h"
#include "tokenizer/text/trie.h"

struct wordpiece {
    struct trie first, middle;
    int32_t unk;
    size_t max_chars; /* longer words are unknown */
};

/* spec: the "model" of a pipeline. outside[id]: tokens the model is not to know. */
bool tok_wordpiece_init(struct wordpiece *m, const struct vocab *vocab, const uint8_t *outside,
                        const json_t *spec, struct complaint *c);
void tok_wordpiece_release(struct wordpiece *m);

/* Appends the ids of one word, which is not empty. */
void tok_wordpiece_encode(const struct wordpiece *m, const char *word, size_t size, struct tok_effort *effort,
                          struct tok_ids *out);

#endif
