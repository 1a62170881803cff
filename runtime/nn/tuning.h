/* Sizes that suit one CPU better than another. They change the speed, never a result of hone's own products. */
#ifndef RUNTIME_NN_TUNING_H
#define RUNTIME_NN_TUNING_H

#include "runtime/base/error.h"

#define TUNING_WIDE    1024 /* inputs; matrices with more are another class */
#define TUNING_CLASSES 2    /* up to TUNING_WIDE inputs, and more */
#define TUNING_UNIT    64   /* outputs of a tile are a multiple */

/* How products are cut: input rows of a tile stay in the second-level cache while the weights stream past them. */
struct tuning_tile {
    size_t bytes; /* of input rows */
    size_t cols;  /* outputs a call */
};

struct tuning {
    struct tuning_tile f32[TUNING_CLASSES], int8[TUNING_CLASSES];
    /* What one thread computes without meeting another: large enough that the weights are read seldom, small enough
     * that its activations stay in the cache and the last tasks end together. */
    size_t task_tokens;
};

/* What is built in for this machine's instruction set. Thread-safe. */
const struct tuning *tuning_default(void);

/* What this process uses: the profile of this CPU and instruction set where there is a good one, else the default.
 * Read at the first call; thread-safe. */
const struct tuning *tuning_get(void);

/* Uses *t instead, which must stay. To measure with; no model may be computing. */
void tuning_use(const struct tuning *t);

/* Uses a copy of *t as the profile that was read. */
void tuning_adopt(const struct tuning *t);

/* Where the profile belongs: $XDG_CACHE_HOME/hone, or ~/.cache/hone. HONE_FAILED where neither is known. */
#define TUNING_PATH 4096
enum hone_status tuning_path(char path[TUNING_PATH], struct hone_error *err);

/* Reads a profile, and checks all of it. HONE_FAILED where there is none or it cannot be read, HONE_BAD_MODEL where it
 * is damaged or another machine's; *out is untouched then. */
enum hone_status tuning_load(struct tuning *out, const char *path, struct hone_error *err);

/* Writes a profile, making its folder where that is missing. */
enum hone_status tuning_save(const struct tuning *t, const char *path, struct hone_error *err);

#endif
