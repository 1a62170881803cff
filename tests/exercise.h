/* Everything that a model can be asked, once: for tests that only care that each answer is right or an error. */
#ifndef TESTS_EXERCISE_H
#define TESTS_EXERCISE_H

#include <hone.h>

/* Calls of a model, in the order of `outcome`. */
enum exercise {
    EXERCISE_EMBED,
    EXERCISE_TOKENS,
    EXERCISE_SPARSE,
    EXERCISE_LABELS,
    EXERCISE_ANSWERS,
    EXERCISE_SPANS,
    EXERCISE_RERANK,
    EXERCISE_CLASSIFY,
    EXERCISE_GENERATE,
    EXERCISE_N
};

struct outcome {
    enum hone_status status;
    char sentence[sizeof((struct hone_error *)0)->message]; /* "" where status is HONE_OK */
    /* Of what came out, 0 where nothing did: the same model gives the same number. */
    uint64_t digest;
};

/* Asks for each with two short texts; outcomes: [EXERCISE_N]. Nothing is left behind. */
void exercise_model(struct hone_model *model, struct outcome *outcomes);

#endif
