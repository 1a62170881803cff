/* Superblocks: runs of 256 numbers in sub-blocks whose scales are small integers times one scale of the whole. Here
 * all of these integers are chosen together for the least error; each type packs them in a way of its own. */
#ifndef QUANT_SUPER_H
#define QUANT_SUPER_H

#include "quant/fit.h"

#define SUPER_LEN      256 /* as the file format has it */
#define SUPER_MAX_SUBS 16  /* of 16 numbers, in the types with the smallest */

/* What a type allows. */
struct super_form {
    int sub_len;
    struct fit_levels levels;
    int scale_low, scale_high; /* of a sub-block's scale, and its minimum: 0 to scale_high */
};

struct super_block {
    float d, dmin; /* numbers that binary16 holds; NaN where the numbers hold an infinity or NaN */
    int8_t scales[SUPER_MAX_SUBS];
    uint8_t mins[SUPER_MAX_SUBS];
    int8_t q[SUPER_LEN];
};

/* x, importance [SUPER_LEN]; importance is how much each number's error counts, NULL: all the same. */

/* x = d scale q */
void super_fit_scales(struct super_block *b, const float *x, const float *importance,
                      const struct super_form *form);
/* x = d scale q - dmin min */
void super_fit_ranges(struct super_block *b, const float *x, const float *importance,
                      const struct super_form *form);

#endif
