/* Numbers between bounds. Without bounds the common rules integer and number do. */
#include "runtime/generate/grammar/schema_impl.h"

#include <math.h>
#include <string.h>

#define MAX_BOUND 1e15                        /* so that doubles tell whole numbers apart */
#define LARGEST   (uint64_t)9999999999999999u /* 16 digits */

/* ---- whole numbers ---- */

/* Numbers of n digits from first to last. */
static void put_same_length(FILE *f, const char *first, const char *last, size_t n)
{
    if (n == 0) {
        fputs("\"\"", f);
        return;
    }
    if (strspn(first, "0") >= n && strspn(last, "9") >= n) {
        fprintf(f, "[0-9]{%zu}", n);
        return;
    }
    if (*first == *last) {
        fprintf(f, "\"%c\" ", *first);
        put_same_length(f, first + 1, last + 1, n - 1);
        return;
    }
    char least = *first, most = *last;
    bool whole_first = strspn(first + 1, "0") >= n - 1, whole_last = strspn(last + 1, "9") >= n - 1;
    fputc('(', f);
    if (!whole_first) {
        fprintf(f, "\"%c\" ", least++);
        put_same_length(f, first + 1, "9999999999999999", n - 1);
        fputs(" | ", f);
    }
    most = whole_last ? most : (char)(most - 1);
    if (least <= most)
        fprintf(f, "[%c-%c] [0-9]{%zu}%s", least, most, n - 1, whole_last ? "" : " | ");
    if (!whole_last) {
        fprintf(f, "\"%c\" ", *last);
        put_same_length(f, "0000000000000000", last + 1, n - 1);
    }
    fputc(')', f);
}

/* From first to last, without zeros in front. */
static void put_range(FILE *f, uint64_t first, uint64_t last)
{
    uint64_t most = 9; /* of as many digits */
    bool is_next = false;
    fputc('(', f);
    for (; first <= last; most = most * 10 + 9) {
        if (first > most)
            continue;
        char a[24], b[24];
        int n = snprintf(a, sizeof a, "%llu", (unsigned long long)first);
        snprintf(b, sizeof b, "%llu", (unsigned long long)(last < most ? last : most));
        fputs(is_next ? " | " : "", f);
        put_same_length(f, a, b, (size_t)n);
        is_next = true;
        first = most + 1;
    }
    fputc(')', f);
}

/* ---- numbers ---- */

struct bounds {
    double low, high;
    bool low_open, high_open; /* they do not belong to it */
};

/* What of the numbers between bounds, which are not negative, can be written: whole ones from first to last; those
 * with fractions whose whole part goes from first to last_fraction; and where first is just behind an open bound, those
 * between the two. */
struct number_parts {
    double first, last, last_fraction;
    bool from_open;
};

static bool find_parts(const struct bounds *b, bool fractions, struct number_parts *parts)
{
    double low = ceil(b->low), high = b->high < (double)LARGEST ? floor(b->high) : (double)LARGEST;
    bool skip_low = b->low_open && low == b->low, skip_high = b->high_open && high == b->high;
    *parts = (struct number_parts){.first = low + skip_low, .last = high - skip_high, .last_fraction = -1};
    if (fractions) {
        parts->last_fraction = high - 1;
        parts->from_open = skip_low && low + 1 <= high;
    }
    return parts->first <= parts->last || parts->from_open;
}

static void put_parts(FILE *f, const struct number_parts *p)
{
    const char *bar = "";
    if (p->first <= p->last) {
        put_range(f, (uint64_t)p->first, (uint64_t)p->last);
        bar = " | ";
    }
    if (p->from_open) {
        fprintf(f, "%s\"%.0f.\" [0-9]{0,5} [1-9]", bar, p->first - 1);
        bar = " | ";
    }
    if (p->first <= p->last_fraction) {
        fputs(bar, f);
        put_range(f, (uint64_t)p->first, (uint64_t)p->last_fraction);
        fputs(" \".\" [0-9]{1,6}", f);
    }
}

static bool read_bound(struct schema *s, const json_t *schema, const char *key, double *bound)
{
    const json_t *value = json_object_get(schema, key);
    if (!value)
        return true;
    *bound = json_number_value(value);
    if (!json_is_number(value) || !(fabs(*bound) <= MAX_BOUND))
        return schema_fail(s, "%s is no number of at most %.0f", key, MAX_BOUND);
    return true;
}

static bool read_bounds(struct schema *s, const json_t *schema, struct bounds *b)
{
    double above = -INFINITY, below = INFINITY;
    *b = (struct bounds){.low = -INFINITY, .high = INFINITY};
    if (!read_bound(s, schema, "minimum", &b->low) || !read_bound(s, schema, "maximum", &b->high) ||
        !read_bound(s, schema, "exclusiveMinimum", &above) ||
        !read_bound(s, schema, "exclusiveMaximum", &below))
        return false;
    b->low_open = above >= b->low && above > -INFINITY;
    b->high_open = below <= b->high && below < INFINITY;
    b->low = b->low_open ? above : b->low;
    b->high = b->high_open ? below : b->high;
    return true;
}

bool schema_put_number(struct schema *s, FILE *f, const json_t *schema, bool is_integer)
{
    struct bounds b;
    if (!read_bounds(s, schema, &b))
        return false;
    if (b.low == -INFINITY && b.high == INFINITY)
        return fputs(is_integer ? "integer" : "number", f) >= 0;
    struct number_parts up = {0}, down = {0};
    bool from_zero = b.low < 0, to_zero = b.high >= 0, is_up = false, is_down = false;
    if (b.high > 0 || (b.high == 0 && !b.high_open)) {
        struct bounds range = {from_zero ? 0 : b.low, b.high, !from_zero && b.low_open, b.high_open};
        is_up = find_parts(&range, !is_integer, &up);
    }
    if (b.low < 0) { /* zero is had above, or does not belong to it */
        struct bounds range = {to_zero ? 0 : -b.high, -b.low, to_zero || b.high_open, b.low_open};
        is_down = find_parts(&range, !is_integer, &down);
    }
    if (!is_up && !is_down)
        return schema_fail(s, "no whole number lies between the bounds");
    fputc('(', f);
    if (is_up)
        put_parts(f, &up);
    if (is_down) {
        fputs(is_up ? " | \"-\" (" : "\"-\" (", f);
        put_parts(f, &down);
        fputc(')', f);
    }
    fputc(')', f);
    return true;
}
