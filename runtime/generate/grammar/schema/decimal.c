#include "runtime/generate/grammar/schema/decimal.h"

#include "runtime/base/hash.h"

#include <string.h>

#define MAX_EXPONENT 1000000 /* far beyond DECIMAL_MAX_POINT, which refuses it; no sum of such overflows */

/* Of "e-12"; false: it is beyond what a bound can be. */
static bool read_exponent(const char *at, const char *end, int64_t *exponent)
{
    *exponent = 0;
    if (at == end)
        return true;
    bool is_negative = *++at == '-';
    at += *at == '-' || *at == '+';
    for (; at < end; at++)
        if ((*exponent = 10 * *exponent + (*at - '0')) > MAX_EXPONENT)
            return false;
    *exponent = is_negative ? -*exponent : *exponent;
    return true;
}

bool decimal_read(struct schema_work *w, struct hone_text text, struct decimal *out)
{
    const char *at = text.data, *end = text.data + text.size, *mantissa_end;
    char *digits = schema_alloc(w, text.size + 1, 1);
    size_t n = 0;
    int64_t exponent, n_whole = 0;
    bool behind_point = false;
    *out = (struct decimal){.is_negative = text.size > 0 && *at == '-', .digits = digits};
    if (!digits)
        return false;
    for (at += out->is_negative; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            behind_point = true;
            continue;
        }
        digits[n++] = *at;
        n_whole += !behind_point;
    }
    mantissa_end = at;
    if (!read_exponent(mantissa_end, end, &exponent))
        return schema_fail(w, ": the number %.*s has too large an exponent",
                           (int)(text.size < 40 ? text.size : 40), text.data);
    size_t first = 0;
    while (first < n && digits[first] == '0')
        first++;
    while (n > first && digits[n - 1] == '0')
        n--;
    out->digits = digits + first;
    out->n = n - first;
    out->point = out->n ? n_whole - (int64_t)first + exponent : 0;
    out->is_negative &= out->n > 0;
    return true;
}

int decimal_compare_size(const struct decimal *a, const struct decimal *b)
{
    if (a->n == 0 || b->n == 0)
        return (a->n > 0) - (b->n > 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    int order = memcmp(a->digits, b->digits, a->n < b->n ? a->n : b->n);
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    if (a->is_negative != b->is_negative)
        return a->is_negative ? -1 : 1;
    int order = decimal_compare_size(a, b);
    return a->is_negative ? -order : order;
}

bool decimal_is_whole(const struct decimal *a)
{
    return (int64_t)a->n <= a->point || a->n == 0;
}

uint64_t decimal_hash(const struct decimal *a)
{
    return hash_seeded(a->digits, a->n, (uint64_t)a->point * 2 + a->is_negative);
}

/* ---- multiples ---- */

bool divisor_of(const struct decimal *d, struct divisor *out)
{
    *out = (struct divisor){0, d->point - (int64_t)d->n};
    if (d->n == 0 || d->is_negative || d->n > 18)
        return false;
    for (size_t i = 0; i < d->n; i++)
        out->unit = 10 * out->unit + (uint64_t)(d->digits[i] - '0');
    return true;
}

/* Digits have no zero at their end: where they go further behind the point than the divisor's unit, no multiple does. */
bool decimal_is_multiple(const struct decimal *a, const struct divisor *d)
{
    int64_t zeros = a->point - (int64_t)a->n - d->scale;
    __uint128_t rest = 0;
    if (a->n == 0)
        return true;
    if (zeros < 0)
        return false;
    for (size_t i = 0; i < a->n; i++)
        rest = (10 * rest + (unsigned)(a->digits[i] - '0')) % d->unit;
    __uint128_t ten = 10 % d->unit;
    for (; zeros > 0 && rest; zeros >>= 1, ten = ten * ten % d->unit)
        if (zeros & 1)
            rest = rest * ten % d->unit;
    return rest == 0;
}
