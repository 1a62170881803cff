#include "tokenizer/text/unicode.h"

#include "runtime/base/utf8.h"
#include "tokenizer/text/origins.h"

#include <stdlib.h>
#include <utf8proc.h>

unsigned unicode_lower(uint32_t point, uint32_t out[2])
{
    if (point == 0x130) { /* the one lowercase of two code points */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    size_t low = 0, high = unicode_n_cases;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (unicode_cases[middle].last < point)
            low = middle + 1;
        else
            high = middle;
    }
    out[0] = point;
    const struct unicode_case *run = &unicode_cases[low];
    if (low < unicode_n_cases && run->first <= point && (point - run->first) % run->step == 0)
        out[0] = (uint32_t)((int32_t)point + run->difference);
    return 1;
}

/* utf8proc is asked only about code points that the table says change or move: its Unicode version may be newer than
 * the one tokenizers normalizes by, but what both know never changes (Unicode's stability policy). */
uint8_t unicode_combining_class(uint32_t point)
{
    if (!(unicode_properties(point) & UC_NFD))
        return 0;
    return (uint8_t)utf8proc_get_property((utf8proc_int32_t)point)->combining_class;
}

unsigned unicode_decompose(uint32_t point, bool compatibility, uint32_t out[18])
{
    out[0] = point;
    if (!(unicode_properties(point) & (compatibility ? UC_NFKD : UC_NFD)))
        return 1;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0);
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)point, (utf8proc_int32_t *)out, 18, options, NULL);
    return n < 1 || n > 18 ? 1 : (unsigned)n;
}

static void sort_run(uint32_t *points, size_t n, uint32_t *spare)
{
    if (n <= 16) {
        for (size_t i = 1; i < n; i++) {
            uint32_t c = points[i];
            uint8_t class = unicode_combining_class(c);
            size_t k = i;
            for (; k && unicode_combining_class(points[k - 1]) > class; k--)
                points[k] = points[k - 1];
            points[k] = c;
        }
        return;
    }
    size_t start[257] = {0};
    for (size_t i = 0; i < n; i++)
        start[unicode_combining_class(points[i]) + 1]++;
    for (int k = 0; k < 256; k++)
        start[k + 1] += start[k];
    for (size_t i = 0; i < n; i++)
        spare[start[unicode_combining_class(points[i])]++] = points[i];
    memcpy(points, spare, n * sizeof *points);
}

void unicode_reorder(uint32_t *points, size_t n, uint32_t *spare)
{
    for (size_t i = 0; i < n;) {
        if (unicode_is_starter(points[i])) {
            i++;
            continue;
        }
        size_t end = i + 1;
        while (end < n && !unicode_is_starter(points[end]))
            end++;
        sort_run(points + i, end - i, spare);
        i = end;
    }
}

/* Appends points[n], which the characters of `text` became, each with the origin of the character that the first of its
 * parts came from. Characters have changed their order, parts are counted in the text's: as tokenizers has it. */
static void append_with_origins(struct buffer *out, const uint32_t *points, size_t n, bool compatibility,
                                struct hone_text text, size_t from)
{
    const char *next = text.data, *end = text.data + text.size, *start = next;
    uint32_t parts[18];
    unsigned left = 0; /* parts of the character at `start` that are not counted yet */
    for (size_t i = 0; i < n; i++) {
        unsigned n_parts = unicode_decompose(points[i], false, parts);
        buffer_point(out, points[i]);
        for (unsigned k = 0; k < n_parts; k++) {
            if (!left && next < end) {
                start = next;
                left = unicode_decompose(utf8_next(&next), compatibility, parts);
            }
            if (left)
                left--;
            if (k == 0)
                origins_note(out, from + (size_t)(start - text.data));
        }
    }
}

/* Bytes from where on a stretch ends as soon as it may: it is worked on in 48 bytes for each of its own, which of a text of
 * 15 MB in such characters were 700 MB. */
#define LONG_STRETCH 4096

/* A stretch of text in which characters interact. It stands at `from`. */
static void normalize_stretch(struct buffer *out, int form, const char *text, size_t size, size_t from)
{
    bool compatibility = form == UC_NFKC || form == UC_NFKD;
    size_t room = 2 * (compatibility ? 6 : 2) * size; /* code points, and as many again to sort them */
    uint32_t fixed[256], *points = fixed;
    if (room > sizeof fixed / sizeof *fixed && !(points = calloc(room, sizeof *points))) {
        out->failed = true;
        return;
    }
    size_t n = 0;
    for (const char *p = text; p < text + size;)
        n += unicode_decompose(utf8_next(&p), compatibility, points + n);
    unicode_reorder(points, n, points + n);
    if (form == UC_NFC || form == UC_NFKC) {
        utf8proc_option_t options = UTF8PROC_COMPOSE | UTF8PROC_STABLE;
        utf8proc_ssize_t left =
            utf8proc_normalize_utf32((utf8proc_int32_t *)points, (utf8proc_ssize_t)n, options);
        n = left < 0 ? n : (size_t)left;
    }
    if (out->origins)
        append_with_origins(out, points, n, compatibility, (struct hone_text){text, size}, from);
    else
        for (size_t i = 0; i < n; i++)
            buffer_point(out, points[i]);
    if (points != fixed)
        free(points);
}

/* Whether nothing before a character can take it up or be moved behind it, so that a stretch may end there. */
static bool stands_alone(uint32_t point, bool compatibility)
{
    uint32_t parts[18];
    unicode_decompose(point, compatibility, parts);
    return !(unicode_properties(parts[0]) & UC_NFC) && unicode_is_starter(parts[0]);
}

void unicode_normalize(struct buffer *out, int form, const char *text, size_t size)
{
    bool composes = form == UC_NFC || form == UC_NFKC;
    const char *p = text, *end = text + size, *done = text, *before = NULL;
    while (p < end) {
        if ((unsigned char)*p < 0x80) {
            before = composes ? p : NULL; /* any letter may be the first of a composition */
            p++;
            continue;
        }
        const char *start = p;
        uint32_t properties = unicode_properties(utf8_next(&p));
        if (!(properties & (uint32_t)form)) {
            before = composes && (properties & (UC_FIRST | UC_NFD)) ? start : NULL;
            continue;
        }
        if (before)
            start = before;
        while (p < end) { /* to the next character that is left alone */
            const char *next = p;
            uint32_t point = utf8_next(&next);
            if (!(unicode_properties(point) & (uint32_t)form) ||
                (p - start > LONG_STRETCH && stands_alone(point, form == UC_NFKC || form == UC_NFKD)))
                break;
            p = next;
        }
        buffer_append(out, done, (size_t)(start - done));
        origins_keep(out, (size_t)(done - text));
        normalize_stretch(out, form, start, (size_t)(p - start), (size_t)(start - text));
        done = p;
        before = NULL;
    }
    buffer_append(out, done, (size_t)(end - done));
    origins_keep(out, (size_t)(done - text));
}
