/* Many texts as token ids, made by all threads, ready to be put into batches in any order. */
#ifndef RUNTIME_INFER_TOKENS_H
#define RUNTIME_INFER_TOKENS_H

#include "runtime/infer/model.h"

/* What to tokenize: text i, or the pair of texts (first[i], second[i]). */
struct inputs {
    size_t n;
    const struct hone_text *first;
    bool same_first;                /* first[0] for all: a query */
    const struct hone_text *second; /* NULL: single texts */
    const char *prompt;             /* in front of first, or NULL */
    bool no_special;                /* without the special tokens */
    size_t max_length;              /* 0: no limit */
    enum tok_side cut;              /* from which side */
    enum tok_truncation truncation; /* of pairs */
    size_t fill_to;                 /* texts are filled up to so many tokens, 0: they are not, */
    int32_t filler;                 /* with this one, */
    bool fill_unseen;               /* which none attends to */
    uint32_t task;                  /* the adaptation that they are for, from 1 on; 0: none */
    size_t route;                   /* the number of the model that reads them, among a router's */
    bool may_stop;                  /* what max_length cuts off may be left unread: n_full is not exact */
};

/* As the public interface says it; what that does not know is the usual one. */
static inline enum tok_side tokens_side(enum hone_side side)
{
    return side == HONE_SIDE_LEFT ? TOK_LEFT : side == HONE_SIDE_RIGHT ? TOK_RIGHT : TOK_USUAL_SIDE;
}

struct token_run {
    const int32_t *ids; /* [n] */
    const uint8_t *type_ids;
    size_t n, n_full;    /* n_full: without truncation */
    uint32_t task;       /* as inputs have it */
    size_t n_unseen;     /* of n, at the end: none attends to them */
    bool invalid;        /* held invalid UTF-8 */
    size_t block, start; /* where it lies while the blocks may still move */
};

struct tokens {
    size_t n;
    struct token_run *runs; /* [n] */
    struct token_block {
        int32_t *ids;
        uint8_t *type_ids;
        size_t n, capacity;
    } * blocks; /* one a thread */
    size_t n_blocks;
};

/* By n_threads threads, where that is worth it, each with an encoding of its own. After a failure too, release with
 * tokens_release. */
enum hone_status tokens_make(struct tokens *out, const struct hone_model *model, const struct inputs *in,
                             struct tok_encoding *encodings, int n_threads, struct hone_error *err);
/* Text i alone. Thread-safe, with an encoding of its own, which holds the result. */
enum hone_status tokens_encode(const struct hone_model *model, const struct inputs *in, size_t i,
                               struct tok_encoding *encoding, struct hone_error *err);
void tokens_release(struct tokens *tokens);

#endif
