#include "server/wire/body.h"

#include "runtime/base/assert.h"

#define MAX_BESIDE 4096 /* bytes of chunk extensions and trailers, which nobody here reads */

struct body body_of(const struct http_head *h)
{
    if (h->chunked)
        return (struct body){.state = BODY_SIZE};
    return (struct body){.left = h->length, .state = h->length ? BODY_PLAIN : BODY_DONE};
}

static int digit(char c)
{
    char letter = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
        return c - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* What may stand in extensions and trailers. */
static bool is_text(char c)
{
    return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

static void take_size(struct body *b, char c)
{
    int value = digit(c);
    if (value >= 0 && b->n_digits < 15) {
        b->left = b->left << 4 | (uint64_t)value;
        b->n_digits++;
    } else if (b->n_digits == 0) {
        b->state = BODY_BAD;
    } else {
        b->state = c == '\r' ? BODY_SIZE_END : c == ';' ? BODY_EXTENSION : BODY_BAD;
    }
}

static void take_beside(struct body *b, char c, int end)
{
    if (c == '\r')
        b->state = end;
    else if (!is_text(c) || ++b->n_beside > MAX_BESIDE)
        b->state = BODY_BAD;
}

/* One of the bytes that are not the body's own. */
static void take_byte(struct body *b, char c)
{
    switch (b->state) {
    case BODY_SIZE:
        take_size(b, c);
        break;
    case BODY_EXTENSION:
        take_beside(b, c, BODY_SIZE_END);
        break;
    case BODY_SIZE_END:
        b->state = c != '\n' ? BODY_BAD : b->left > 0 ? BODY_CHUNK : BODY_TRAILER;
        break;
    case BODY_CHUNK_CR:
        b->state = c == '\r' ? BODY_CHUNK_LF : BODY_BAD;
        break;
    case BODY_CHUNK_LF:
        b->state = c == '\n' ? BODY_SIZE : BODY_BAD;
        b->n_digits = 0;
        break;
    case BODY_TRAILER:
        b->state = c == '\r' ? BODY_LAST : is_text(c) ? BODY_TRAILER_ROW : BODY_BAD;
        break;
    case BODY_TRAILER_ROW:
        take_beside(b, c, BODY_TRAILER_END);
        break;
    case BODY_TRAILER_END:
        b->state = c == '\n' ? BODY_TRAILER : BODY_BAD;
        break;
    case BODY_LAST:
        b->state = c == '\n' ? BODY_DONE : BODY_BAD;
        break;
    default:
        break;
    }
}

size_t body_take(struct body *b, const char *data, size_t n, const char **out, size_t *n_out)
{
    size_t i = 0;
    *n_out = 0;
    while (i < n && b->state != BODY_PLAIN && b->state != BODY_CHUNK && b->state < BODY_DONE)
        take_byte(b, data[i++]);
    if (i < n && b->state < BODY_DONE) {
        size_t own = n - i < b->left ? n - i : (size_t)b->left;
        *out = data + i;
        *n_out = own;
        i += own;
        b->left -= own;
        if (b->left == 0)
            b->state = b->state == BODY_CHUNK ? BODY_CHUNK_CR : BODY_DONE;
    }
    ASSERT(i <= n && *n_out <= i);
    return i;
}
