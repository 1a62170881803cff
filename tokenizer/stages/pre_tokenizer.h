/* How text is cut into the words that a model then looks up one by one: the "pre_tokenizer" of a pipeline. */
#ifndef TOKENIZER_STAGES_PRE_TOKENIZER_H
#define TOKENIZER_STAGES_PRE_TOKENIZER_H

#include "tokenizer/component.h"
#include "tokenizer/stages/pattern.h"
#include "tokenizer/stages/piece.h"
#include "tokenizer/text/effort.h"
#include "tokenizer/text/origins.h"

struct pre_tokenizer {
    struct pre_step *steps;
    size_t n_steps;
};

/* What a thread needs to run one step. */
struct pre_work {
    struct buffer first, second; /* for text that the step changes */
    struct origins first_origins, second_origins;
    struct pattern_scratch pattern;
    struct tok_effort *effort; /* of the text */
};

/* One for each step; zero-initialise. */
struct pre_scratch {
    struct pre_work *works;
    size_t n;
};

/* spec: NULL or null for none. */
bool tok_pre_tokenizer_init(struct pre_tokenizer *p, const json_t *spec, struct complaint *c);
void tok_pre_tokenizer_release(struct pre_tokenizer *p);

/* If the last step is ByteLevel, has it hand out bytes instead of the characters that stand for them. */
bool tok_pre_tokenizer_give_bytes(struct pre_tokenizer *p);

/* A text begins, of which effort counts the work; false: no memory. */
bool tok_pre_scratch_begin(struct pre_scratch *scratch, const struct pre_tokenizer *p,
                           struct tok_effort *effort);
void tok_pre_scratch_release(struct pre_scratch *scratch);

/* Hands the words to the sink in order. false: the sink stopped, there is no memory, it is too much effort, or an expression took too long. */
bool tok_pre_tokenizer_run(const struct pre_tokenizer *p, struct tok_piece piece, struct pre_scratch *scratch,
                           struct sink sink);

#endif
