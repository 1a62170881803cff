/* How text is cut into the words that a model then looks up one by one: the "pre_tokenizer" of a pipeline. */
#ifndef TOKENIZER_PRE_TOKENIZER_H
#define TOKENIZER_PRE_TOKENIZER_H

#include "tokenizer/buffer.h"
#include "tokenizer/component.h"
#include "tokenizer/piece.h"

struct pre_tokenizer {
    struct pre_step *steps;
    size_t n_steps;
};

/* What the steps need while they run: one buffer each for text that they change. */
struct pre_scratch {
    struct buffer *buffers; /* [n_buffers] */
    size_t n_buffers;
};

/* spec: NULL or null for none. */
bool pre_tokenizer_init(struct pre_tokenizer *p, const json_t *spec, struct complaint *c);
void pre_tokenizer_release(struct pre_tokenizer *p);

bool pre_scratch_reserve(struct pre_scratch *scratch, const struct pre_tokenizer *p);
void pre_scratch_release(struct pre_scratch *scratch);

/* Hands the words to the sink in order. false: the sink stopped, or there is no memory. */
bool pre_tokenizer_run(const struct pre_tokenizer *p, struct piece piece, struct pre_scratch *scratch,
                       struct sink sink);

#endif
