/* The model of a tokenizer: what turns a word into ids. */
#ifndef TOKENIZER_MODEL_H
#define TOKENIZER_MODEL_H

#include "tokenizer/wordpiece.h"

enum model_kind { MODEL_WORDPIECE };

struct model {
    enum model_kind kind;
    struct wordpiece wordpiece;
};

/* spec: the "model" of a pipeline. outside[n_tokens]: tokens that the model is not to know. */
bool model_init(struct model *m, const struct vocab *vocab, const struct tok_vocab *source,
                const uint8_t *outside, const json_t *spec, struct complaint *c);
void model_release(struct model *m);

#endif
