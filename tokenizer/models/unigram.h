/* Unigram (https://arxiv.org/abs/1804.10959): of all ways to cut a word into tokens the one whose scores, which are
 * logarithms of probabilities, have the largest sum. A character that no token starts with alone costs more than any
 * token and is unknown; a run of unknown ones is one unknown token. */
#ifndef TOKENIZER_MODELS_UNIGRAM_H
#define TOKENIZER_MODELS_UNIGRAM_H

#include "tokenizer/component.h"
#include "tokenizer/ids.h"
#include "tokenizer/models/vocab.h"
#include "tokenizer/text/effort.h"
#include "tokenizer/text/trie.h"

struct unigram {
    const struct vocab *vocab;
    const uint8_t *outside;
    struct trie trie;
    double *scores; /* [n_tokens] */
    double unk_score;
    int32_t unk;
    bool byte_fallback;    /* an unknown run becomes its bytes, if there is a token for each of them */
    int32_t byte_ids[256]; /* of "<0x00>" ...; -1: none */
};

/* spec: the "model" of a pipeline. vocab and outside[] (tokens that the model is not to know) must outlive the model. */
bool tok_unigram_init(struct unigram *m, const struct vocab *vocab, const struct tok_vocab *source,
                      const uint8_t *outside, const json_t *spec, struct complaint *c);
void tok_unigram_release(struct unigram *m);

/* Appends the ids of one word, which is not empty; work: for the best ways to each place. */
void tok_unigram_encode(const struct unigram *m, const char *word, size_t size, struct buffer *work,
                        struct tok_effort *effort, struct tok_ids *out);

#endif
