#include "cli/io/text.h"
#include "cli/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define INVALID 0xfffd

/* Bytes after the first that a sequence has, and which second bytes it may have (RFC 3629, section 4). */
static int tail_length(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef) {
        *low = first == 0xe0 ? 0xa0 : 0x80;
        *high = first == 0xed ? 0x9f : 0xbf;
        return 2;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        *low = first == 0xf0 ? 0x90 : 0x80;
        *high = first == 0xf4 ? 0x8f : 0xbf;
        return 3;
    }
    return 0;
}

size_t text_next(const char *s, size_t n, int32_t *c)
{
    unsigned char first = (unsigned char)s[0], low, high;
    if (first < 0x80) {
        *c = first;
        return 1;
    }
    int tail = tail_length(first, &low, &high);
    int32_t value = first & (0x3f >> tail);
    for (int i = 1; i <= tail; i++) {
        unsigned char next = (size_t)i < n ? (unsigned char)s[i] : 0;
        if (next < low || next > high) {
            *c = INVALID;
            return (size_t)i;
        }
        value = value << 6 | (next & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *c = tail ? value : INVALID;
    return (size_t)tail + 1;
}

static void write_character(struct output *o, int32_t c)
{
    char *p = output_reserve(o, 4);
    output_advance(o, (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)p));
}

static void write_escape(struct output *o, unsigned char c)
{
    static const char letters[] = "btn?fr"; /* of 8 to 13; there is none for 11 */
    if (c == '"' || c == '\\')
        output_format(o, "\\%c", c);
    else if (c >= 8 && c <= 13 && c != 11)
        output_format(o, "\\%c", letters[c - 8]);
    else
        output_format(o, "\\u%04x", c);
}

void text_write_json(struct output *o, struct hone_text text)
{
    size_t run = 0, i = 0; /* what is fine as it is, from run up to i */
    output_write(o, "\"", 1);
    while (i < text.size) {
        int32_t c;
        size_t n = text_next(text.data + i, text.size - i, &c);
        bool escaped = c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
        if (escaped || c == INVALID) {
            output_write(o, text.data + run, i - run);
            if (escaped)
                write_escape(o, (unsigned char)c);
            else
                write_character(o, INVALID);
            run = i + n;
        }
        i += n;
    }
    output_write(o, text.data + run, text.size - run);
    output_write(o, "\"", 1);
}

void text_write_json_float(struct output *o, float x)
{
    if (isfinite(x))
        output_advance(o, number_write_float(output_reserve(o, NUMBER_MAX), x));
    else
        output_text(o, "null");
}

void text_write_json_sigmoid(struct output *o, float logit)
{
    if (isfinite(logit))
        output_advance(o, number_write_sigmoid(output_reserve(o, NUMBER_MAX), logit));
    else
        output_text(o, "null");
}

/* Whether a terminal would obey it: controls, line separators, and what turns the direction of writing. */
static bool is_control(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The next character as it is shown: its width in columns, what to show in *c. */
static size_t next_shown(const char *s, size_t n, int32_t *c, size_t *width)
{
    size_t size = text_next(s, n, c);
    if (is_control(*c))
        *c = ' ';
    *width = (size_t)utf8proc_charwidth(*c);
    return size;
}

/* Bytes of text that fit into `columns`, and in *width the columns they take. */
static size_t fitting(struct hone_text text, size_t columns, size_t *width)
{
    size_t i = 0;
    *width = 0;
    while (i < text.size) {
        int32_t c;
        size_t w;
        size_t n = next_shown(text.data + i, text.size - i, &c, &w);
        if (*width + w > columns)
            break;
        *width += w;
        i += n;
    }
    return i;
}

size_t text_columns(struct hone_text text)
{
    size_t width;
    fitting(text, SIZE_MAX, &width);
    return width;
}

size_t text_write_plain(struct output *o, struct hone_text text, size_t columns)
{
    size_t width;
    size_t end = fitting(text, columns, &width);
    bool cut = end < text.size && columns > 0;
    if (cut)
        end = fitting(text, columns - 1, &width);
    for (size_t i = 0; i < end;) {
        int32_t c;
        size_t w;
        i += next_shown(text.data + i, end - i, &c, &w);
        write_character(o, c);
    }
    if (cut)
        output_text(o, "…");
    return width + cut;
}

bool text_is_blank(struct hone_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r')
            return false;
    return true;
}

char *text_valid(struct hone_text text, size_t *size)
{
    char *out = text.size < SIZE_MAX / 4 ? malloc(3 * text.size + 1) : NULL;
    *size = 0;
    for (size_t i = 0; out && i < text.size;) {
        int32_t c;
        size_t n = text_next(text.data + i, text.size - i, &c);
        if (c == INVALID)
            *size += (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)out + *size);
        else
            memcpy(out + *size, text.data + i, n);
        *size += c == INVALID ? 0 : n;
        i += n;
    }
    if (out)
        out[*size] = '\0';
    return out;
}

struct hone_text text_from(const char *s)
{
    return (struct hone_text){s, strlen(s)};
}
