/* Results that have a length of their own for each text, collected and put into one block. */
#ifndef RUNTIME_INFER_RAGGED_H
#define RUNTIME_INFER_RAGGED_H

#include "runtime/base/error.h"

#include <stdatomic.h>

struct ragged {
    size_t n, item; /* texts; bytes of an item */
    size_t width;   /* floats a row that comes in */
    struct ragged_text {
        void *items;
        size_t n;
    } * texts;          /* [n] */
    atomic_bool failed; /* out of memory */
};

enum hone_status ragged_start(struct ragged *r, size_t n, size_t item, size_t width, struct hone_error *err);
/* Also of one that is all zero. */
void ragged_release(struct ragged *r);

/* Those of text i, copied; items NULL: no memory for them.
 * The others are sinks of the engine; arg is a struct ragged. Vectors are kept as they are; of a row those of its elements, each a
 * struct hone_word, that are not 0. */
void ragged_keep_items(void *arg, size_t i, const void *items, size_t n);
void ragged_keep_rows(void *arg, size_t i, const float *rows, size_t n_rows);
/* Of rows of pairs, a word's id and its weight, all. */
void ragged_keep_pairs(void *arg, size_t i, const float *rows, size_t n_rows);
void ragged_keep_words(void *arg, size_t i, const float *row, size_t n_rows);

/* All items in one block, and where each text's begin: starts[n + 1]. Both are to be freed. */
enum hone_status ragged_flatten(const struct ragged *r, void **out, size_t **starts, struct hone_error *err);

/* Runs a request whose arg is a struct ragged, which is started and released here. */
struct hone_model;
struct request;
enum hone_status ragged_run(struct hone_model *model, struct request *request, size_t item, void **out,
                            size_t **starts, struct hone_stats *stats, struct hone_error *err);

#endif
