/* Texts compared, by their bytes and in the order of memcmp (a shorter one before one that it begins), and copied. An empty
 * text may have no data at all, and C hands that NULL to memcmp and memcpy not even for zero bytes: so it is done here. */
#ifndef RUNTIME_BASE_TEXT_H
#define RUNTIME_BASE_TEXT_H

#include <hone/hone.h>

#include <stdbool.h>
#include <string.h>

static inline bool text_equal(struct hone_text a, struct hone_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool text_is(struct hone_text text, const char *word)
{
    return text_equal(text, (struct hone_text){word, strlen(word)});
}

static inline bool text_begins(struct hone_text text, const char *with)
{
    size_t n = strlen(with);
    return n == 0 || (text.size >= n && memcmp(text.data, with, n) == 0);
}

static inline bool text_ends(struct hone_text text, const char *with)
{
    size_t n = strlen(with);
    return n == 0 || (text.size >= n && memcmp(text.data + (text.size - n), with, n) == 0);
}

/* < 0: a comes first; > 0: b does; 0: the same bytes. */
static inline int text_compare(struct hone_text a, struct hone_text b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Puts the bytes there; where they end. */
static inline char *text_put(char *to, struct hone_text text)
{
    if (text.size > 0)
        memcpy(to, text.data, text.size);
    return to + text.size;
}

#endif
