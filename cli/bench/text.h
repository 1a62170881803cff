/* Texts to measure models with. */
#ifndef CLI_BENCH_TEXT_H
#define CLI_BENCH_TEXT_H

#include <hone.h>

/* Common English words, in another order for each seed: as many as have at most `length` tokens, special ones included.
 * out->data is to be freed, after a failure too (it may be NULL then). */
enum hone_status bench_text(struct hone_model *model, size_t length, size_t seed, struct hone_text *out,
                            struct hone_error *err);

#endif
