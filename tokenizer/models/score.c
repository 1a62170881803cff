#include "tokenizer/models/score.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

static const uint64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

/* Rounds mantissa / 2^shift to k decimals, as an integer. Whether a reader of these gets the same number back. */
static bool round_to(uint64_t mantissa, int shift, int k, uint64_t *digits)
{
    __uint128_t exact = (__uint128_t)mantissa * powers[k], half = (__uint128_t)1 << (shift - 1);
    *digits = (uint64_t)((exact + half) >> shift);
    if (((__uint128_t)*digits << shift) == exact + half) /* a tie: to the even one */
        *digits &= ~(uint64_t)1;
    __uint128_t rounded = (__uint128_t)*digits << shift;
    __uint128_t twice = (rounded > exact ? rounded - exact : exact - rounded) * 2;
    return twice < powers[k] || (twice == powers[k] && mantissa % 2 == 0);
}

double tok_score_as_read(double score)
{
    double size = fabs(score);
    int exponent, k = size >= 100 ? 14 : size >= 10 ? 15 : size >= 1 ? 16 : size >= 0.1 ? 17 : 18;
    if (!(size >= 0.0625 && size < 1024)) /* the products below have room for these */
        return score;
    uint64_t mantissa = (uint64_t)ldexp(frexp(size, &exponent), 53), digits, fewer;
    round_to(mantissa, 53 - exponent, k, &digits);
    while (k > 0 && round_to(mantissa, 53 - exponent, k - 1, &fewer)) {
        digits = fewer;
        k--;
    }
    return copysign((double)digits / (double)powers[k], score);
}
