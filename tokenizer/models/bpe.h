/* Byte pair encoding (https://arxiv.org/abs/1508.07909): a word begins as single characters, or bytes; of all pairs of
 * neighbours that have a merge the earliest is made one, the leftmost first, until none is left. */
#ifndef TOKENIZER_MODELS_BPE_H
#define TOKENIZER_MODELS_BPE_H

#include "tokenizer/component.h"
#include "tokenizer/ids.h"
#include "tokenizer/models/merges.h"
#include "tokenizer/models/vocab.h"

struct bpe {
    const struct vocab *vocab;
    const uint8_t *outside;
    struct merges merges;
    bool bytes;         /* words come as bytes, not as the characters that stand for them in the vocabulary */
    bool ignore_merges; /* a word that is a token is that token */
    bool byte_fallback, fuse_unk;
    int32_t unk;           /* -1: what is unknown is left out */
    int32_t byte_ids[256]; /* bytes: of each byte; byte_fallback: of "<0x00>" ...; -1: none */
    bool all_bytes;
    char *prefix, *suffix; /* of a character that is not the word's first; of its last. Owned */
    size_t prefix_size, suffix_size;
};

/* The tokens a word is in the making; kept from word to word. */
struct bpe_scratch {
    struct buffer symbols, heap, text;
    struct buffer first; /* ids before merges */
};
void tok_bpe_scratch_release(struct bpe_scratch *s);

/* Whether a model can take words as bytes. */
bool tok_bpe_takes_bytes(const json_t *spec);

/* spec: the "model" of a pipeline. vocab and outside[] (tokens that the model is not to know) must outlive the model. */
bool tok_bpe_init(struct bpe *m, const struct vocab *vocab, const struct tok_vocab *source,
                  const uint8_t *outside, bool bytes, const json_t *spec, struct complaint *c);
void tok_bpe_release(struct bpe *m);

/* Appends the ids of one word, which is not empty. */
void tok_bpe_encode(const struct bpe *m, const char *word, size_t size, struct bpe_scratch *s,
                    struct tok_ids *out);

/* Merges ids[n] in place as far as it goes; returns how many are left, or SIZE_MAX: no memory. bpe_merge.c */
size_t tok_bpe_merge(const struct merges *m, int32_t *ids, size_t n, struct bpe_scratch *s);

#endif
