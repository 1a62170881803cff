/* What generation knows of a model's vocabulary: the tokens that end a text, and the bytes of all tokens, which are worked
 * out when they are first asked for. It belongs to the model, and is used under its lock. */
#ifndef RUNTIME_GENERATE_VOCABULARY_H
#define RUNTIME_GENERATE_VOCABULARY_H

#include "runtime/generate/grammar/grammar.h"
#include "runtime/generate/sampling/draft_policy.h"
#include "runtime/generate/sampling/token_rules.h"
#include "runtime/infer/model.h"
#include "runtime/load/pieces.h"

#define MAX_ENDS 16 /* files name up to four, and their vocabularies a few more */

struct vocabulary {
    int32_t ends[MAX_ENDS];
    size_t n_ends;
    bool
        has_eos; /* the first is tokenizer.ggml.eos_token_id, or of a target vocabulary the file's first end token */
    struct token_pieces pieces; /* n 0: not worked out */
    struct token_trie *trie;    /* likewise NULL */
    int32_t *breakers;          /* [n_breakers] of DRY, where nothing is said; likewise NULL */
    size_t n_breakers;
    struct token_rules rules; /* of which tokens may come */
    size_t max_length,
        max_new; /* tokens of a text, with those that are given or without; 0: the model does not say */
    struct draft_costs costs; /* what steps took: here, since it lives as long as the model does */
};

/* *out is the model's. */
enum hone_status vocabulary_of(struct hone_model *model, struct vocabulary **out, struct hone_error *err);
void vocabulary_free(struct vocabulary *v); /* NULL is allowed */

bool vocabulary_is_end(const struct vocabulary *v, int32_t id);

/* v->pieces [n_vocab], and v->trie of them. HONE_USAGE: the tokenizer does not tell the bytes of its tokens. */
enum hone_status vocabulary_spell(struct vocabulary *v, const struct net *m, struct hone_error *err);

/* v->breakers: the tokens that hold one of llama.cpp's usual breakers. */
enum hone_status vocabulary_find_breakers(struct vocabulary *v, const struct net *m, struct hone_error *err);

#endif
