#include "server/http/reply_buffer.h"
#include "cli/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more bytes, or NULL. */
static char *reserve(struct reply_buffer *b, size_t n)
{
    if (b->failed || n > SIZE_MAX / 4 - b->size)
        return NULL;
    if (n > b->capacity - b->size) {
        size_t capacity = 2 * (b->size + n) < 512 ? 512 : 2 * (b->size + n);
        char *data = realloc(b->data, capacity);
        b->failed = !data;
        if (!data)
            return NULL;
        b->data = data;
        b->capacity = capacity;
    }
    return b->data + b->size;
}

void reply_buffer_write(struct reply_buffer *b, const void *data, size_t size)
{
    char *p = size > 0 ? reserve(b, size) : NULL;
    if (p) {
        memcpy(p, data, size);
        b->size += size;
    }
}

void reply_buffer_text(struct reply_buffer *b, const char *text)
{
    reply_buffer_write(b, text, strlen(text));
}

void reply_buffer_format(struct reply_buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *p = n >= 0 ? reserve(b, (size_t)n + 1) : NULL;
    if (p)
        b->size += (size_t)vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
}

/* The bytes of the character that s (n > 0 bytes) begins with; 0: that is not UTF-8 (Unicode 15, table 3-7). */
static size_t character(const unsigned char *s, size_t n)
{
    unsigned char c = s[0], least = 0x80, most = 0xbf;
    size_t size = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (size < 2 || size > n)
        return size > n ? 0 : size;
    if (c == 0xe0)
        least = 0xa0;
    else if (c == 0xed)
        most = 0x9f;
    else if (c == 0xf0)
        least = 0x90;
    else if (c == 0xf4)
        most = 0x8f;
    if (s[1] < least || s[1] > most)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

static void json_character(struct reply_buffer *b, const unsigned char *s, size_t size)
{
    if (size == 0)
        reply_buffer_text(b, "\xef\xbf\xbd");
    else if (*s == '"' || *s == '\\')
        reply_buffer_format(b, "\\%c", *s);
    else if (*s == '\n')
        reply_buffer_text(b, "\\n");
    else if (*s == '\t')
        reply_buffer_text(b, "\\t");
    else if (*s < 0x20 || *s == 0x7f)
        reply_buffer_format(b, "\\u%04x", *s);
    else
        reply_buffer_write(b, s, size);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void reply_buffer_json_text(struct reply_buffer *b, struct hone_text text)
{
    const unsigned char *s = (const unsigned char *)text.data;
    reply_buffer_write(b, "\"", 1);
    for (size_t i = 0; i < text.size;) {
        size_t n = 0;
        while (i + n < text.size && is_plain(s[i + n]))
            n++;
        reply_buffer_write(b, s + i, n);
        i += n;
        if (i < text.size) {
            n = character(s + i, text.size - i);
            json_character(b, s + i, n);
            i += n ? n : 1;
        }
    }
    reply_buffer_write(b, "\"", 1);
}

void reply_buffer_json_string(struct reply_buffer *b, const char *text)
{
    reply_buffer_json_text(b, (struct hone_text){text, strlen(text)});
}

void reply_buffer_json_float(struct reply_buffer *b, float x)
{
    char *p = reserve(b, NUMBER_MAX);
    if (!isfinite(x))
        reply_buffer_text(b, "null");
    else if (p)
        b->size += number_write_float(p, x);
}

void reply_buffer_json_sigmoid(struct reply_buffer *b, float logit)
{
    char *p = reserve(b, NUMBER_MAX);
    if (!isfinite(logit))
        reply_buffer_text(b, "null");
    else if (p)
        b->size += number_write_sigmoid(p, logit);
}

void reply_buffer_json_floats(struct reply_buffer *b, const float *values, size_t n)
{
    reply_buffer_write(b, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            reply_buffer_write(b, ",", 1);
        reply_buffer_json_float(b, values[i]);
    }
    reply_buffer_write(b, "]", 1);
}

void reply_buffer_json_base64(struct reply_buffer *b, const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = data;
    char *p = size < SIZE_MAX / 8 ? reserve(b, (size + 2) / 3 * 4 + 2) : NULL;
    if (!p)
        return;
    char *start = p;
    *p++ = '"';
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits =
            (uint32_t)s[i] << 16 | (left > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (left > 2 ? s[i + 2] : 0);
        *p++ = digits[bits >> 18];
        *p++ = digits[bits >> 12 & 63];
        *p++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *p++ = left > 2 ? digits[bits & 63] : '=';
    }
    *p++ = '"';
    b->size += (size_t)(p - start);
}

void reply_buffer_release(struct reply_buffer *b)
{
    free(b->data);
    *b = (struct reply_buffer){0};
}
