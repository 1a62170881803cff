/* Decimal numbers of any size, as JSON writes them. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_DECIMAL_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_DECIMAL_H

#include "runtime/generate/grammar/schema/work.h"

/* 0.DIGITS times ten to the power of `point`; the first and the last digit are not 0. Zero has no digits. */
struct decimal {
    bool is_negative;
    const char *digits; /* [n], '0' to '9' */
    size_t n;
    int64_t point;
};

#define DECIMAL_MAX_POINT 400 /* digits before or behind the point that a bound may need: those of a double */

/* Of a JSON number; false: failed. */
bool decimal_read(struct schema_work *w, struct hone_text text, struct decimal *out);

int decimal_compare(const struct decimal *a, const struct decimal *b);      /* <0, 0, >0 */
int decimal_compare_size(const struct decimal *a, const struct decimal *b); /* without their signs */
bool decimal_is_whole(const struct decimal *a);
uint64_t decimal_hash(const struct decimal *a);

/* A divisor: unit times ten to the power of `scale`; unit is no multiple of ten. */
struct divisor {
    uint64_t unit;
    int64_t scale;
};
/* false: it is not above zero, or has too many digits. */
bool divisor_of(const struct decimal *d, struct divisor *out);
bool decimal_is_multiple(const struct decimal *a, const struct divisor *d);

#endif
