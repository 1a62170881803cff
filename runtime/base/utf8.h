/* UTF-8: checking it, and walking text that has been checked. */
#ifndef RUNTIME_BASE_UTF8_H
#define RUNTIME_BASE_UTF8_H

#include "runtime/base/buffer.h"

/* Bytes of the leading part of data that is valid. */
size_t utf8_valid_prefix(const char *data, size_t size);

/* The character at data, of size > 0 bytes, or the maximal part of one that is invalid: its *bytes. */
bool utf8_character(const char *data, size_t size, size_t *bytes);

/* Appends data with each maximal invalid part as U+FFFD. */
void utf8_repair(struct buffer *out, const char *data, size_t size);

/* Bytes of the character whose first byte this is; the text is valid. */
static inline unsigned utf8_size(char first)
{
    unsigned char c = (unsigned char)first;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* The character at *p, which moves behind it; the text is valid and does not end here. */
static inline uint32_t utf8_next(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;
    uint32_t c = s[0];
    if (c < 0x80) {
        *p += 1;
    } else if (c < 0xe0) {
        c = (c & 0x1f) << 6 | (s[1] & 0x3f);
        *p += 2;
    } else if (c < 0xf0) {
        c = (c & 0x0f) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3f);
        *p += 3;
    } else {
        c = (c & 0x07) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3f);
        *p += 4;
    }
    return c;
}

/* The start of the character that ends at `end`, which is behind the text's start. */
static inline const char *utf8_before(const char *end)
{
    do
        end--;
    while ((*end & 0xc0) == 0x80);
    return end;
}

/* Writes 1 to 4 bytes. */
static inline unsigned utf8_encode(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

#endif
