/* Added tokens: whole words that are found in the text before anything else is done to it. */
#ifndef TOKENIZER_ADDED_H
#define TOKENIZER_ADDED_H

#include "tokenizer/models/vocab.h"
#include "tokenizer/stages/normalizer.h"
#include "tokenizer/text/trie.h"

struct added_token {
    int32_t id;
    bool special, normalized;
    bool single_word;    /* not inside a word */
    bool lstrip, rstrip; /* takes the white space on that side with it */
    char *form;          /* how normalized text has it, and how it is decoded; NULL: as it is written */
    size_t form_size;
};

/* Looks for one kind of them. */
struct added_matcher {
    struct trie trie;    /* values: indices of tokens */
    uint8_t starts[256]; /* bytes a token begins with */
    int only_start;      /* the one such byte, or -1 */
    bool empty;
};

/* Left out of decoded text on request; decoded as another form than the vocabulary's. */
enum { ADDED_SPECIAL = 1, ADDED_OTHER_FORM = 2 };

struct added {
    struct added_token *tokens;
    size_t n;
    struct added_matcher raw, normal; /* in the text as given; in normalized text */
    uint8_t *kinds;                   /* [n_tokens of the vocabulary] of the two flags above, or 0 */
    uint32_t *other_forms;            /* the same, indices of tokens with ADDED_OTHER_FORM; NULL: none has */
};

/* spec: the pipeline's "added_tokens", NULL for none. Each must be in the vocabulary. */
bool tok_added_init(struct added *a, const json_t *spec, const struct vocab *vocab,
                    const struct normalizer *normalizer, struct complaint *c);
void tok_added_release(struct added *a);

/* Who takes the parts of a text: id -1: text without added tokens. false stops. */
struct added_sink {
    bool (*take)(void *arg, struct tok_piece piece, int32_t id);
    void *arg;
    struct tok_effort *effort; /* of the text */
    /* Of the tokens that are found: special ones, and these, are left in the text. */
    bool plain;
    const int32_t *plain_ids; /* [n_plain_ids] */
    size_t n_plain_ids;
};

/* Cuts a piece into added tokens and what is between them. */
bool tok_added_split(const struct added *a, const struct added_matcher *matcher, struct tok_piece piece,
                     struct added_sink sink);

#endif
