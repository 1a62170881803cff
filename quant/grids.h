/* The points that the IQ formats choose from. The bits of a point are numbers of values, its first element's in the lowest:
 * 2 bits for each of 8 elements, or 4 for each of 4. */
#ifndef QUANT_GRIDS_H
#define QUANT_GRIDS_H

#include <stdint.h>

extern const uint16_t quant_grid_iq2_xxs[256], quant_grid_iq2_xs[512],
    quant_grid_iq2_s[1024];                                           /* 8 elements of 3 values */
extern const uint16_t quant_grid_iq3_xxs[256], quant_grid_iq3_s[512]; /* 4 elements of 8 values */
extern const uint16_t quant_grid_iq1[2048];                           /* 8 elements of 3 values */

#endif
