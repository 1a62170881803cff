#include "runtime/base/utf8.h"

/* Bytes of the well-formed character at s (Unicode, table 3-7), or, where there is none, minus the bytes of the maximal
 * part of one. */
static int character(const unsigned char *s, size_t size)
{
    unsigned char c = s[0], low = 0x80, high = 0xbf;
    int n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if ((c >= 0x80 && c < 0xc2) || c > 0xf4)
        return -1;
    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;
    for (int i = 1; i < n; i++) {
        if ((size_t)i >= size || s[i] < low || s[i] > high)
            return -i;
        low = 0x80;
        high = 0xbf;
    }
    return n;
}

static size_t ascii_prefix(const unsigned char *s, size_t size)
{
    size_t i = 0;
    for (; i + 32 <= size; i += 32) {
        unsigned char any = 0;
        for (int k = 0; k < 32; k++)
            any |= s[i + k];
        if (any & 0x80)
            break;
    }
    while (i < size && s[i] < 0x80)
        i++;
    return i;
}

size_t utf8_valid_prefix(const char *data, size_t size)
{
    const unsigned char *s = (const unsigned char *)data;
    size_t i = 0;
    while (i < size) {
        if (s[i] < 0x80) {
            i += ascii_prefix(s + i, size - i);
            continue;
        }
        int n = character(s + i, size - i);
        if (n < 0)
            break;
        i += (size_t)n;
    }
    return i;
}

bool utf8_character(const char *data, size_t size, size_t *bytes)
{
    int n = character((const unsigned char *)data, size);
    *bytes = (size_t)(n < 0 ? -n : n);
    return n > 0;
}

void utf8_repair(struct buffer *out, const char *data, size_t size)
{
    while (size) {
        size_t valid = utf8_valid_prefix(data, size);
        buffer_append(out, data, valid);
        data += valid;
        size -= valid;
        if (size) {
            int bad = -character((const unsigned char *)data, size);
            buffer_append(out, "\xef\xbf\xbd", 3);
            data += bad;
            size -= (size_t)bad;
        }
    }
}
