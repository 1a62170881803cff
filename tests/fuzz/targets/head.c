/* What a client sends, as the server reads it: heads and bodies one behind the other, refused or taken, and the same however
 * they are cut into pieces. */
#include "server/wire/body.h"
#include "tests/fuzz/harness.h"

#include <string.h>

enum { MOST = 64 }; /* requests on a connection */

/* What was read: of each request its end, the status that refused it, and its body. */
struct said {
    size_t end[MOST], n_body[MOST], n;
    int status[MOST];
    uint64_t digest; /* of the bodies' bytes */
};

/* step: bytes that come at once. Returns how many of the n are the head's; 0: it is not whole, or refused. */
static size_t find(const char *data, size_t n, size_t step, int *status)
{
    size_t seen = 0;
    for (size_t have = 0; have < n;) {
        have = n - have < step ? n : have + step;
        long size = head_find(data, have, &seen);
        FUZZ_CHECK(size <= (long)have);
        if (size < 0)
            *status = 400;
        if (size != 0)
            return size > 0 ? (size_t)size : 0;
    }
    return 0;
}

static void ask(const struct http_head *h)
{
    FUZZ_CHECK(h->n_fields <= HEAD_MAX_FIELDS && *h->method && h->query);
    for (size_t i = 0; i < h->n_fields; i++)
        FUZZ_CHECK(head_value(h, h->fields[i].name));
    (void)head_value(h, "host");
    (void)head_argument(h, "model");
    FUZZ_CHECK(!h->chunked || h->length == 0);
}

/* Returns how many bytes the body took; *ok: it is whole. */
static size_t read_body(const struct http_head *h, const char *data, size_t n, size_t step, struct said *s,
                        bool *ok)
{
    struct body b = body_of(h);
    size_t at = 0;
    while (at < n && b.state != BODY_DONE && b.state != BODY_BAD) {
        const char *own = NULL;
        size_t n_own, n_taken = body_take(&b, data + at, n - at < step ? n - at : step, &own, &n_own);
        FUZZ_CHECK(n_taken > 0 && n_taken <= n - at && n_own <= n_taken);
        for (size_t i = 0; i < n_own; i++)
            s->digest = (s->digest ^ (uint8_t)own[i]) * 0x100000001b3;
        s->n_body[s->n] += n_own;
        at += n_taken;
    }
    *ok = b.state == BODY_DONE;
    if (b.state == BODY_BAD)
        s->status[s->n] = 400;
    FUZZ_CHECK(!*ok || h->chunked || s->n_body[s->n] == h->length);
    return at;
}

static void read_all(const char *data, size_t n, size_t step, struct said *s)
{
    size_t at = 0;
    for (bool ok = true; ok && s->n < MOST && at < n; s->n++) {
        struct http_head h = {0};
        size_t size = find(data + at, n - at, step, &s->status[s->n]);
        ok = size > 0;
        if (ok) {
            const char *why = head_read(&h, data + at, size, &s->status[s->n]);
            FUZZ_CHECK(!why || (*why && s->status[s->n] >= 400));
            at += size;
            ok = !why;
        }
        if (ok) {
            ask(&h);
            at += read_body(&h, data + at, n - at, step, s, &ok);
        }
        head_release(&h);
        s->end[s->n] = at;
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 7};
    static struct said whole, pieces;
    whole = (struct said){0};
    read_all((const char *)data, size, SIZE_MAX / 2, &whole);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        pieces = (struct said){0};
        read_all((const char *)data, size, steps[i], &pieces);
        FUZZ_CHECK(memcmp(&whole, &pieces, sizeof whole) == 0);
    }
}

FUZZ_SEEDS(
    FUZZ_TEXT("GET /v1/models?model=a%20b&c HTTP/1.1\r\nHost: a:80\r\nX-Request-Id: 1\r\n\r\n"),
    FUZZ_TEXT("POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n{ }GET / "
              "HTTP/1.0\r\n\r\n"),
    FUZZ_TEXT("POST / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, "
              "close\r\n\r\n"
              "3;x=\"y\"\r\nabc\r\n1f\r\n0123456789012345678901234567890\r\n0\r\nA: b\r\n\r\nGET / "
              "HTTP/1.1\r\nHost:\r\n\r\n"),
    FUZZ_TEXT("OPTIONS * HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\nGET http://b/x%2f HTTP/1.1\r\nHost: "
              "a\r\n\r\n"))

FUZZ_NO_SHAPE
