/* What comes in is HTTP as RFC 9112 has it, or refused; however it is cut into pieces. */
#include "server/wire/body.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a block of exactly its size, so that a sanitizer sees what is read beside it. */
static char *copy_of(const char *text, size_t n)
{
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    return copy;
}

/* The status that a head is refused with; 0: it is taken, and in *h, which is to be released. */
static int read_head(struct http_head *h, const char *text, size_t n)
{
    int status = 0;
    size_t seen = 0;
    char *copy = copy_of(text, n);
    long size = head_find(copy, n, &seen);
    memset(h, 0, sizeof *h);
    if (size < 0)
        status = 400;
    else if (size == 0)
        status = -1;
    else if (!head_read(h, copy, (size_t)size, &status))
        status = 0;
    free(copy);
    return status;
}

static int status_of(const char *text)
{
    struct http_head h;
    int status = read_head(&h, text, strlen(text));
    head_release(&h);
    return status;
}

#define HOST "Host: a\r\n"

static void heads_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nhOST:a:80\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
        {"GET http://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
        {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET http://b c/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
        {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"G\"ET / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
        {"GET / HTTP/0.9\r\n" HOST "\r\n", 505},
        {"GET / HTTP/1.11\r\n" HOST "\r\n", 400},
        {"GET / http/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A\t: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A b: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST ": c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST " A: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n", 400},
        {"GET / HTTP/1.1\n" HOST "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (status_of(cases[i].text) != cases[i].status)
            fail_msg("%s: %d, expected %d", cases[i].text, status_of(cases[i].text), cases[i].status);
}

static void there_is_one_length(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        int status;
        uint64_t length;
        bool chunked;
    } cases[] = {
        {"", 0, 0, false},
        {"Content-Length: 0\r\n", 0, 0, false},
        {"content-length:  15 \r\n", 0, 15, false},
        {"Content-Length: 999999999999999999\r\n", 0, 999999999999999999, false},
        {"Transfer-Encoding: Chunked\r\n", 0, 0, true},
        {"Content-Length: 1000000000000000000\r\n", 400, 0, false},
        {"Content-Length: 99999999999999999999\r\n", 400, 0, false},
        {"Content-Length: +15\r\n", 400, 0, false},
        {"Content-Length: -1\r\n", 400, 0, false},
        {"Content-Length: 0x15\r\n", 400, 0, false},
        {"Content-Length: 15, 15\r\n", 400, 0, false},
        {"Content-Length: 1 5\r\n", 400, 0, false},
        {"Content-Length:\r\n", 400, 0, false},
        {"Content-Length: 15\r\nContent-Length: 15\r\n", 400, 0, false},
        {"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n", 400, 0, false},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400, 0, false},
        {"Transfer-Encoding: gzip, chunked\r\n", 400, 0, false},
        {"Transfer-Encoding: chunked, identity\r\n", 400, 0, false},
        {"Transfer-Encoding: xchunked\r\n", 400, 0, false},
        {"Transfer-Encoding:\r\n", 400, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_head h;
        char text[256];
        int n = snprintf(text, sizeof text, "POST / HTTP/1.1\r\n" HOST "%s\r\n", cases[i].fields);
        int status = read_head(&h, text, (size_t)n);
        if (status != cases[i].status ||
            (status == 0 && (h.length != cases[i].length || h.chunked != cases[i].chunked)))
            fail_msg("%s: status %d", cases[i].fields, status);
        head_release(&h);
    }
    assert_int_equal(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

static void a_nul_is_none(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX-API-Key: key\0more\r\n\r\n";
    struct http_head h;
    assert_int_equal(read_head(&h, text, sizeof text - 1), 400);
    head_release(&h);
}

static void too_many_fields(void **state)
{
    (void)state;
    char text[4096] = "GET / HTTP/1.1\r\n" HOST;
    for (int i = 1; i < HEAD_MAX_FIELDS; i++)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    assert_int_equal(status_of(text), 0);
    strcpy(text + strlen(text) - 2, "A: b\r\n\r\n");
    assert_int_equal(status_of(text), 431);
}

static void parts_are_found(void **state)
{
    (void)state;
    static const char text[] =
        "GET /a%20b/%C3%A9?model=x%2By+z&n=&model=2&%6dore=1 HTTP/1.1\r\n"
        "Host: a\r\nX-One: \t1 2\t \r\nConnection: x, Close\r\nExpect: 100-Continue\r\n\r\n";
    struct http_head h;
    assert_int_equal(read_head(&h, text, sizeof text - 1), 0);
    assert_string_equal(h.method, "GET");
    assert_string_equal(h.path, "/a b/\xc3\xa9");
    assert_string_equal(head_value(&h, "x-one"), "1 2");
    assert_null(head_value(&h, "x"));
    assert_string_equal(head_argument(&h, "model"), "x+y z");
    assert_string_equal(head_argument(&h, "n"), "");
    assert_string_equal(head_argument(&h, "more"), "1");
    assert_null(head_argument(&h, "mode"));
    assert_true(!h.keeps && h.expects);
    head_release(&h);
    assert_int_equal(read_head(&h, "GET http://b:1?x=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 55), 0);
    assert_string_equal(h.host, "b:1");
    assert_string_equal(h.path, "/");
    assert_string_equal(head_argument(&h, "x"), "1");
    assert_true(h.keeps && h.old);
    head_release(&h);
    assert_int_equal(read_head(&h, "GET /a%00b HTTP/1.0\r\n\r\n", 23), 0);
    assert_null(h.path);
    head_release(&h);
    assert_int_equal(read_head(&h, "GET /a%2 HTTP/1.0\r\n\r\n", 21), 0);
    assert_null(h.path);
    head_release(&h);
}

/* ---- bodies ---- */

/* Reads chunks in pieces of at most `piece` bytes; the state at the end, with the body in `out`. */
static int read_chunks(const char *text, size_t n, size_t piece, char *out, size_t *n_out, size_t *n_used)
{
    struct body b = {.state = BODY_SIZE};
    *n_out = *n_used = 0;
    while (*n_used < n && b.state < BODY_DONE) {
        size_t part = n - *n_used < piece ? n - *n_used : piece, n_own;
        char *copy = copy_of(text + *n_used, part);
        const char *own;
        *n_used += body_take(&b, copy, part, &own, &n_own);
        if (n_own > 0)
            memcpy(out + *n_out, own, n_own);
        *n_out += n_own;
        free(copy);
    }
    return b.state;
}

static void chunks_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text, *body; /* NULL: refused */
        const char *rest;
    } cases[] = {
        {"0\r\n\r\n", "", ""},
        {"3\r\nabc\r\n0\r\n\r\nGET", "abc", "GET"},
        {"0003\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n00\r\nX: y\r\nZ: 1\r\n\r\n", "abc0123456789", ""},
        {"3 \r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {" 3\r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"0x3\r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"+3\r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"-3\r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"\r\n\r\n", NULL, NULL},
        {";x\r\n\r\n", NULL, NULL},
        {"3\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"3\r\nabc0\r\n\r\n", NULL, NULL},
        {"3\r\nabc\n0\r\n\r\n", NULL, NULL},
        {"3\r\nabcd\r\n0\r\n\r\n", NULL, NULL},
        {"3;a\nb\r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"3;a\rb\r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"10000000000000003\r\nabc\r\n0\r\n\r\n", NULL, NULL},
        {"0\r\nX: y\nZ: 1\r\n\r\n", NULL, NULL},
        {"0\r\n\rx", NULL, NULL},
        {"0\n\n", NULL, NULL},
    };
    char out[64];
    size_t n_out, n_used;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);
        for (size_t piece = 1; piece <= n; piece++) {
            int end = read_chunks(cases[i].text, n, piece, out, &n_out, &n_used);
            bool good = end == BODY_DONE && cases[i].body && n_out == strlen(cases[i].body) &&
                        memcmp(out, cases[i].body, n_out) == 0 && n - n_used == strlen(cases[i].rest);
            if (cases[i].body ? !good : end != BODY_BAD)
                fail_msg("%s, in pieces of %zu: state %d", cases[i].text, piece, end);
        }
    }
}

static void what_stands_beside_chunks_has_a_limit(void **state)
{
    (void)state;
    char text[8192], out[8];
    size_t n_out, n_used;
    memset(text, 'x', sizeof text);
    memcpy(text, "1;", 2);
    assert_int_equal(read_chunks(text, sizeof text, sizeof text, out, &n_out, &n_used), BODY_BAD);
    memcpy(text, "0\r\n", 3);
    assert_int_equal(read_chunks(text, sizeof text, sizeof text, out, &n_out, &n_used), BODY_BAD);
}

/* ---- anything ---- */

static void nothing_breaks_it(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "GET ",
        "POST ",
        "/",
        "http://",
        "?",
        "a=b&",
        "%",
        "%41",
        "%00",
        " HTTP/1.1",
        " HTTP/1.0",
        "\r\n",
        "\n",
        "\r",
        "Host",
        ":",
        " ",
        "\t",
        "Content-Length",
        "Transfer-Encoding",
        "chunked",
        "5",
        "[::1]",
        "\xff",
        "Connection",
        "close",
        ",",
    };
    uint64_t random = 7;
    for (int i = 0; i < 200000; i++) {
        char text[512] = "";
        size_t n = 0;
        struct http_head h;
        for (int k = 0; k < 24; k++) {
            random = random * 6364136223846793005 + 1442695040888963407;
            size_t part = (size_t)(random >> 33) % (sizeof parts / sizeof *parts);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", parts[part]);
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "\r\n\r\n");
        if (read_head(&h, text, n) == 0) {
            head_argument(&h, "a");
            assert_true(h.host || h.old);
        }
        head_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_strict),  cmocka_unit_test(there_is_one_length),
        cmocka_unit_test(a_nul_is_none),     cmocka_unit_test(too_many_fields),
        cmocka_unit_test(parts_are_found),   cmocka_unit_test(chunks_are_strict),
        cmocka_unit_test(nothing_breaks_it), cmocka_unit_test(what_stands_beside_chunks_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
