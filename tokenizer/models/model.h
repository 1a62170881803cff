/* The model of a tokenizer: what turns a word into ids. */
#ifndef TOKENIZER_MODELS_MODEL_H
#define TOKENIZER_MODELS_MODEL_H

#include "tokenizer/models/bpe.h"
#include "tokenizer/models/unigram.h"
#include "tokenizer/models/word_cache.h"
#include "tokenizer/models/wordpiece.h"

struct tok_model {
    enum { MODEL_WORDPIECE, MODEL_BPE, MODEL_UNIGRAM } kind;
    union {
        struct wordpiece wordpiece;
        struct bpe bpe;
        struct unigram unigram;
    };
};

/* What a thread needs to encode; zero-initialise, clear for another model. The effort must be set. */
struct model_scratch {
    struct word_cache cache;
    struct bpe_scratch bpe;
    struct buffer unigram;
    struct tok_effort *effort; /* of the text */
};
void tok_model_scratch_release(struct model_scratch *s);

/* spec: the "model" of a pipeline. vocab and outside[n_tokens] (tokens that the model is not to know) must outlive it.
 * bytes: words come as bytes. */
bool tok_model_init(struct tok_model *m, const struct vocab *vocab, const struct tok_vocab *source,
                    const uint8_t *outside, bool bytes, const json_t *spec, struct complaint *c);
void tok_model_release(struct tok_model *m);

/* Appends the ids of one word, which is not empty. */
void tok_model_encode(const struct tok_model *m, const char *word, size_t size, struct model_scratch *s,
                      struct tok_ids *out);

#endif
