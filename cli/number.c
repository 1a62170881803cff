#include "cli/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double pow10_table[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                     1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

static size_t write_digits(char *out, uint64_t x)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + x % 10);
    while (x /= 10);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

size_t number_write_int(char *out, int64_t x)
{
    if (x >= 0)
        return write_digits(out, (uint64_t)x);
    *out = '-';
    return 1 + write_digits(out + 1, -(uint64_t)x);
}

/* The multiple of the largest power of ten that lies between lo and hi, the nearest one to v. The interval of a
 * float, nine digits long, is less than 120 wide, so a multiple of 1000 in it is the only one. */
static uint64_t shortest(double lo, double v, double hi)
{
    static const struct {
        int64_t step;
        double inverse;
    } steps[] = {{1000, 1e-3}, {100, 1e-2}, {10, 1e-1}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t nearest = (int64_t)(v * steps[i].inverse + 0.5) * steps[i].step;
        if ((double)nearest >= lo && (double)nearest <= hi)
            return (uint64_t)nearest;
    }
    return (uint64_t)(int64_t)(v + 0.5);
}

/* x = digits / 10^scale, as a plain decimal fraction */
static size_t write_fraction(char *out, uint64_t digits, int scale)
{
    while (scale > 0 && digits % 10 == 0) {
        digits /= 10;
        scale--;
    }
    char text[20];
    int n = (int)write_digits(text, digits);
    int whole = n - scale; /* digits in front of the point */
    char *p = out;
    if (whole <= 0) {
        *p++ = '0';
    } else {
        memcpy(p, text, (size_t)whole);
        p += whole;
    }
    if (scale > 0) {
        *p++ = '.';
        for (int i = whole; i < 0; i++)
            *p++ = '0';
        int from = whole > 0 ? whole : 0;
        memcpy(p, text + from, (size_t)(n - from));
        p += n - from;
    }
    return (size_t)(p - out);
}

/* The magnitude next to that of the normal number x, below or above it */
static double neighbour(float x, int step)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += (uint32_t)step;
    memcpy(&x, &bits, sizeof bits);
    return fabs((double)x);
}

/* The scale at which v, from 1e-7 to 2^24, has nine digits in front of the point: v * 10^scale */
static int nine_digits(double v)
{
    int scale = 8;
    while (v < 1) {
        v *= 10;
        scale++;
    }
    while (v >= 10) {
        v /= 10;
        scale--;
    }
    return scale;
}

size_t number_write_float(char *out, float x)
{
    double v = fabs((double)x);
    if (!(v >= 1e-7 && v <= 16777216))
        return (size_t)snprintf(out, NUMBER_MAX, "%.9g", (double)x);
    int scale = nine_digits(v);
    /* The floats that read back as x lie up to half-way to its neighbours. Doubles hold these bounds and 10^scale
     * exactly; the products are rounded, by less than the millionth that the interval is made narrower. */
    double power = pow10_table[scale];
    double lo = (v + neighbour(x, -1)) / 2 * power + 1e-6;
    double hi = (v + neighbour(x, 1)) / 2 * power - 1e-6;
    uint64_t digits = shortest(lo, v * power, hi);
    *out = '-';
    size_t sign = signbit(x) ? 1 : 0;
    return sign + write_fraction(out + sign, digits, scale);
}

size_t number_write_sigmoid(char *out, float logit)
{
    double p = 1 / (1 + exp(-(double)logit));
    if (p < 0.999)
        return number_write_float(out, (float)p);
    for (int digits = 9; digits < 17; digits++) {
        int n = snprintf(out, NUMBER_MAX, "%.*g", digits, p);
        if (strtod(out, NULL) == p)
            return (size_t)n;
    }
    return (size_t)snprintf(out, NUMBER_MAX, "%.17g", p);
}
