#include "runtime/generate/sampling/stop.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static bool is_utf8(struct hone_text text)
{
    for (size_t i = 0; i < text.size;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.data + i,
                                              (utf8proc_ssize_t)(text.size - i), &point);
        if (n <= 0)
            return false;
        i += (size_t)n;
    }
    return true;
}

/* The number of bytes matched after `byte`, from n_matched < size. */
static size_t step(const struct stop_string *s, size_t n_matched, char byte)
{
    while (n_matched > 0 && s->bytes[n_matched] != byte)
        n_matched = s->shorter[n_matched - 1];
    return n_matched + (s->bytes[n_matched] == byte);
}

static bool init_string(struct stop_string *s, struct hone_text text)
{
    s->bytes = malloc(text.size);
    s->shorter = calloc(text.size, sizeof *s->shorter);
    if (!s->bytes || !s->shorter)
        return false;
    memcpy(s->bytes, text.data, text.size);
    s->size = text.size;
    for (size_t i = 1; i < text.size; i++)
        s->shorter[i] = (uint16_t)step(s, s->shorter[i - 1], s->bytes[i]);
    return true;
}

enum hone_status stop_strings_init(struct stop_strings *s, const struct hone_text *strings, size_t n,
                                   struct hone_error *err)
{
    *s = (struct stop_strings){0};
    if (n > STOP_MAX_STRINGS)
        return hone_fail(err, HONE_USAGE, "%zu stop strings; at most %d are possible", n, STOP_MAX_STRINGS);
    for (size_t i = 0; i < n; i++)
        if (strings[i].size == 0 || strings[i].size > STOP_MAX_SIZE || !is_utf8(strings[i]))
            return hone_fail(err, HONE_USAGE, "stop string %zu is no UTF-8 text of 1 to %d bytes", i,
                             STOP_MAX_SIZE);
    s->list = calloc(n + 1, sizeof *s->list);
    while (s->list && s->n < n && init_string(&s->list[s->n], strings[s->n]))
        s->n++;
    if (s->list && s->n == n)
        return HONE_OK;
    if (s->list)
        s->n++; /* half of it may be there */
    stop_strings_release(s);
    return hone_no_memory(err, "stop strings", n * STOP_MAX_SIZE);
}

void stop_strings_release(struct stop_strings *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->list[i].bytes);
        free(s->list[i].shorter);
    }
    free(s->list);
    *s = (struct stop_strings){0};
}

const struct stop_string *stop_strings_feed(struct stop_strings *s, const char *data, size_t size,
                                            size_t *n_taken)
{
    const struct stop_string *found = NULL;
    size_t i = 0;
    for (; i < size && !found; i++)
        for (struct stop_string *string = s->list; string < s->list + s->n; string++) {
            string->n_matched = step(string, string->n_matched, data[i]);
            if (string->n_matched < string->size)
                continue;
            if (!found || string->size > found->size)
                found = string;
            string->n_matched = string->shorter[string->size - 1];
        }
    *n_taken = i;
    return found;
}

size_t stop_strings_held(const struct stop_strings *s)
{
    size_t held = 0;
    for (size_t i = 0; i < s->n; i++)
        held = s->list[i].n_matched > held ? s->list[i].n_matched : held;
    return held;
}
