/* Numbers as text, fast: writing a vector out must cost less than computing it. */
#ifndef CLI_NUMBER_H
#define CLI_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define NUMBER_MAX 32 /* bytes that the functions below write at most */

/* A decimal that reads back as the same float32, as JSON takes it: the shortest one for magnitudes from 1e-7 to 2^24,
 * nine digits elsewhere; "nan", "inf" and "-inf" for what is not a number. Returns the bytes written to `out`; there
 * is no NUL. */
size_t number_write_float(char *out, float x);
size_t number_write_int(char *out, int64_t x);
/* 1 / (1 + exp(-logit)), with as many digits as tell it from its neighbours: above a logit of 17 float32 would be 1 for
 * all. */
size_t number_write_sigmoid(char *out, float logit);

#endif
