#include "server/http/weigh.h"

/* Bytes of jansson's structures with malloc's own beside them, as tests/server/test_weigh.c measures them. A list's table
 * doubles, and the old one is there until the new one is filled; so does an object's. */
#define LIST    176
#define OBJECT  288
#define STRING  80
#define NUMBER  48
#define LONG    18   /* digits from which on a number may be kept as a text (json_text.h) */
#define NEXT    32   /* one entry more in a list or object */
#define NAME    112  /* of an entry in an object, beside the string */
#define AT_ONCE 4096 /* what the parser itself holds meanwhile */

/* The index behind a string's end. */
static size_t skip_string(const char *text, size_t n, size_t i)
{
    while (i < n && text[i] != '"')
        i += text[i] == '\\' ? 2 : 1;
    return i < n ? i + 1 : n;
}

static size_t skip_number(const char *text, size_t n, size_t i)
{
    while (i < n && ((text[i] >= '0' && text[i] <= '9') || text[i] == '-' || text[i] == '+' ||
                     text[i] == '.' || (text[i] | 0x20) == 'e'))
        i++;
    return i;
}

struct weight weigh_json(const char *text, size_t n)
{
    struct weight w = {.bytes = AT_ONCE};
    size_t depth = 0, longest = 0;
    for (size_t i = 0; i < n;) {
        size_t start = i++;
        char c = text[start];
        if (c == '"') {
            i = skip_string(text, n, i);
            w.bytes += STRING + (i - start);
            longest = i - start > longest ? i - start : longest;
        } else if (c == '[' || c == '{') {
            w.bytes += c == '[' ? LIST : OBJECT;
            w.depth = ++depth > w.depth ? depth : w.depth;
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if (c == ',') {
            w.bytes += NEXT;
        } else if (c == ':') {
            w.bytes += NAME;
        } else if ((c >= '0' && c <= '9') || c == '-') {
            i = skip_number(text, n, i);
            w.bytes += i - start > LONG ? STRING + (i - start) : NUMBER;
        }
    }
    w.bytes += 4 * longest; /* it is read into a buffer first, which grows as lists do */
    return w;
}
