/* hone bench load without a server: when requests are due and how long they take, by a clock that the test owns; replies
 * that come in pieces; and statistics, beside what numpy 2 and scipy 1 say of the same numbers. */
#include "cli/load/reply.h"
#include "cli/load/result.h"
#include "cli/load/statistics.h"
#include "tests/support.h"

#include <math.h>
#include <string.h>

#define MS 1000000u

/* ---- plans ---- */

/* A server that works on one request after the other, `service` each, and stands still once. */
struct slow_server {
    uint64_t service, stop_at, stop_for;
    uint64_t free_at;
};

static uint64_t served_at(struct slow_server *s, uint64_t now)
{
    uint64_t begin = s->free_at > now ? s->free_at : now;
    if (begin >= s->stop_at && begin < s->stop_at + s->stop_for)
        begin = s->stop_at + s->stop_for;
    return s->free_at = begin + s->service;
}

/* Runs the plan against it, event by event. */
static void simulate(struct load_plan *p, struct slow_server *s)
{
    static const struct load_result good = {.outcome = LOAD_GOOD, .status = 200},
                                    late = {.outcome = LOAD_TIMEOUT};
    static uint64_t ends[4096];
    struct hone_error err;
    uint64_t now = 1000 * (uint64_t)MS;
    assert_int_equal(load_plan_start(p, now, &err), HONE_OK);
    memset(ends, 0xff, sizeof ends);
    s->stop_at += now;
    for (;;) {
        size_t slot, serial;
        while (load_plan_take(p, now, &slot, &serial))
            ends[slot] = served_at(s, now);
        if (load_plan_is_over(p, now))
            break;
        uint64_t next = load_plan_wake(p, now);
        for (size_t i = 0; i < p->n_slots; i++)
            next = p->slots[i].busy && ends[i] < next ? ends[i] : next;
        assert_true(next >= now && next != UINT64_MAX);
        now = next;
        for (size_t i = 0; i < p->n_slots; i++) {
            if (p->slots[i].busy && ends[i] <= now)
                load_plan_ended(p, i, &good, now);
            else if (load_plan_is_late(p, i, now))
                load_plan_ended(p, i, &late, now);
        }
    }
}

/* 100 requests a second for 2 s, each served in 1 ms; from 1 s on the server stands still for half a second. The 50 that
 * were due meanwhile wait 500, 490, ... 10 ms, and for each other. */
static void a_pause_is_felt_by_all_that_were_due(void **state)
{
    struct load_plan p = {.rate = 100, .duration = 2000u * (uint64_t)MS, .patience = 10000u * (uint64_t)MS};
    struct slow_server s = {.service = MS, .stop_at = 1000 * (uint64_t)MS, .stop_for = 500 * (uint64_t)MS};
    size_t n_slow = 0;
    (void)state;
    for (p.n_slots = 1; p.n_slots <= 1024;
         p.n_slots *= 1024) { /* as many connections as one likes, or a single one */
        struct load_plan q = p;
        struct slow_server t = s;
        double longest = 0;
        simulate(&q, &t);
        assert_int_equal(q.n_samples, 200);
        assert_int_equal(q.outcomes[LOAD_GOOD], 200);
        n_slow = 0;
        for (size_t i = 0; i < q.n_samples; i++) {
            n_slow += q.samples[i].ms > 1.5;
            longest = fmax(longest, q.samples[i].ms);
            assert_true(q.samples[i].ms >= 0.999);
        }
        assert_float_equal(longest, 501, 0.01);
        assert_int_equal(n_slow,
                         56); /* 50, and those of 1.50, 1.51, ... 1.55 s, when these were worked off */
        load_plan_release(&q);
    }
}

/* In a closed loop the same server is asked less: what is slow is seen once a connection. */
static void a_closed_loop_asks_again_when_it_is_answered(void **state)
{
    struct load_plan p = {.duration = 2000u * (uint64_t)MS, .patience = 10000u * (uint64_t)MS, .n_slots = 2};
    struct slow_server s = {.service = MS, .stop_at = 1000 * (uint64_t)MS, .stop_for = 500 * (uint64_t)MS};
    size_t n_slow = 0;
    (void)state;
    simulate(&p, &s);
    for (size_t i = 0; i < p.n_samples; i++)
        n_slow += p.samples[i].ms > 3;
    assert_int_equal(n_slow, 2);
    assert_in_range(p.n_samples, 1500, 1502);
    load_plan_release(&p);
}

static void requests_are_as_many_as_were_asked_for(void **state)
{
    struct load_plan p = {.n_requests = 7, .patience = MS * (uint64_t)1000, .n_slots = 3};
    struct slow_server s = {.service = 5 * MS};
    (void)state;
    simulate(&p, &s);
    assert_int_equal(p.n_samples, 7);
    assert_int_equal(p.end - p.start, 35 * MS);
    load_plan_release(&p);
}

/* Ten a second to a server that takes a second each, on one connection: who is not served within 2.5 s is counted as one
 * that waited so long, whether it was asked or not. */
static void patience_ends(void **state)
{
    struct load_plan p = {
        .rate = 10, .duration = 1000u * (uint64_t)MS, .patience = 2500u * (uint64_t)MS, .n_slots = 1};
    struct slow_server s = {.service = 1000 * MS};
    struct load_figures f;
    struct hone_error err;
    (void)state;
    simulate(&p, &s);
    assert_int_equal(p.n_samples, 10);
    assert_int_equal(p.outcomes[LOAD_GOOD], 2);
    assert_int_equal(p.outcomes[LOAD_TIMEOUT], 8);
    assert_int_equal(load_figures_of(&f, &p, "ten", 10, &err), HONE_OK);
    assert_int_equal(f.ms.n, 10);
    assert_float_equal(f.ms.max, 2500, 0.5);
    assert_float_equal(f.ms.min, 1000, 0.5);
    load_plan_release(&p);
}

/* Tokens at 100, 110, 120 and 130 ms. */
/* Of a server that is gone from 1 s on, for so long, and comes back; asked in a closed loop or at a rate. */
static void ask_one_that_leaves(struct load_plan *p, uint64_t leaves_for)
{
    static const struct load_result good = {.outcome = LOAD_GOOD, .status = 200},
                                    refused = {.outcome = LOAD_REFUSED};
    struct hone_error err;
    uint64_t now = 1000 * (uint64_t)MS;
    assert_int_equal(load_plan_start(p, now, &err), HONE_OK);
    while (!load_plan_is_over(p, now)) {
        size_t slot, serial;
        while (load_plan_take(p, now, &slot, &serial)) {
            bool away = now >= 2000 * (uint64_t)MS && now < 2000 * (uint64_t)MS + leaves_for;
            if (!away)
                now += MS;
            load_plan_ended(p, slot, away ? &refused : &good, now);
        }
        uint64_t next = load_plan_wake(p, now);
        assert_true(next > now || load_plan_is_over(p, now));
        now = next == UINT64_MAX ? now : next;
    }
}

static void who_is_refused_waits_and_gives_up(void **state)
{
    (void)state;
    for (int rate = 0; rate <= 10; rate += 10) {
        struct load_plan p = {
            .rate = rate, .duration = 60000u * (uint64_t)MS, .patience = 10000u * (uint64_t)MS, .n_slots = 1};
        ask_one_that_leaves(&p, 1000000u * (uint64_t)MS);
        assert_true(p.is_gone);
        assert_int_equal(p.outcomes[LOAD_GOOD], rate ? 10 : 1000);
        assert_int_equal(p.end - p.start, 1000 * (uint64_t)MS + LOAD_GONE);
        assert_int_equal(p.outcomes[LOAD_REFUSED], rate ? 31 : LOAD_GONE / LOAD_PAUSE + 1);
        load_plan_release(&p);
        struct load_plan q = {
            .rate = rate, .duration = 60000u * (uint64_t)MS, .patience = 10000u * (uint64_t)MS, .n_slots = 1};
        ask_one_that_leaves(&q, 2500u * (uint64_t)MS);
        assert_false(q.is_gone);
        assert_int_equal(q.outcomes[LOAD_REFUSED], rate ? 25 : 125);
        assert_int_equal(q.outcomes[LOAD_GOOD], rate ? 575 : 57500);
        load_plan_release(&q);
    }
}

static void tokens_have_times(void **state)
{
    struct load_plan p = {.n_requests = 2, .patience = 1000 * (uint64_t)MS, .n_slots = 1};
    struct load_figures f;
    struct hone_error err;
    size_t slot, serial;
    (void)state;
    assert_int_equal(load_plan_start(&p, MS, &err), HONE_OK);
    assert_true(load_plan_take(&p, MS, &slot, &serial));
    struct load_result r = {.outcome = LOAD_GOOD, .status = 200, .n_tokens = 4, .first = 101 * MS};
    load_plan_ended(&p, slot, &r, 131 * MS);
    assert_true(load_plan_take(&p, 131 * MS, &slot, &serial));
    r = (struct load_result){.outcome = LOAD_STATUS, .status = 400, .n_tokens = 9, .first = 141 * MS};
    load_plan_ended(&p, slot, &r, 201 * MS);
    assert_int_equal(load_figures_of(&f, &p, "", 1, &err), HONE_OK);
    assert_int_equal(f.first.n, 1);
    assert_float_equal(f.first.p50, 100, 1e-4);
    assert_float_equal(f.a_token.p50, 10, 1e-4);
    assert_float_equal(f.tokens_s, 4 / 0.2, 1e-6);
    assert_float_equal(f.good_s, 1 / 0.2, 1e-6);
    char errors[64];
    load_figures_errors(&f, errors, sizeof errors);
    assert_string_equal(errors, "1 of status 400");
    load_plan_release(&p);
}

/* ---- replies ---- */

static const struct load_dialect *dialect(const char *path)
{
    size_t prefix;
    const struct load_dialect *d = load_dialect_find(path, NULL, NULL, &prefix);
    assert_non_null(d);
    return d;
}

/* Reads it in pieces of every size; they must all come to the same. */
static struct load_result read_reply(const char *path, const char *text, bool end)
{
    struct load_result result = {0};
    size_t n = strlen(text);
    for (size_t piece = 1; piece <= n; piece++) {
        struct reply r = {0};
        reply_begin(&r, dialect(path));
        for (size_t i = 0; i < n; i += piece)
            reply_read(&r, text + i, n - i < piece ? n - i : piece, 1 + i);
        if (end)
            reply_end(&r, n);
        struct load_result now = reply_result(&r);
        if (piece > 1) {
            assert_int_equal(now.outcome, result.outcome);
            assert_int_equal(now.n_tokens, result.n_tokens);
        }
        result = now;
        reply_release(&r);
    }
    return result;
}

#define OK        "HTTP/1.1 200 OK\r\n"
#define CHUNKED   OK "Transfer-Encoding: chunked\r\n\r\n"
#define EMBEDDING "{\"object\":\"embedding\",\"embedding\":[0.5],\"usage\":{\"total_tokens\":12}}"

static void replies(void **state)
{
    static const struct {
        const char *path, *text;
        bool end;
        enum load_outcome outcome;
        size_t n_tokens;
    } cases[] = {
        {"/v1/embeddings", OK "Content-Length: 68\r\n\r\n" EMBEDDING, false, LOAD_GOOD, 12},
        {"/v1/embeddings", OK "\r\n" EMBEDDING, true, LOAD_GOOD, 12},
        {"/v1/embeddings", OK "content-length:69\r\n\r\n" EMBEDDING, true, LOAD_CLOSED, 0},
        {"/v1/embeddings", "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 68\r\n\r\n" EMBEDDING, false,
         LOAD_GOOD, 12},
        {"/v1/embeddings", CHUNKED "5\r\n{\"emb\r\n10;x=y\r\nedding\": [1, 2]}\r\n0\r\nTrailer: x\r\n\r\n",
         false, LOAD_GOOD, 0},
        {"/v1/embeddings", CHUNKED "5\r\n{\"emb\r\n10\r\nedding\": [1, 2]}\r\n", true, LOAD_CLOSED, 0},
        {"/v1/embeddings", CHUNKED "5\r\n{\"embX\r\n", false, LOAD_MALFORMED, 0},
        {"/v1/embeddings", CHUNKED "-5\r\n{\"emb\r\n", false, LOAD_MALFORMED, 0},
        {"/v1/embeddings", OK "Content-Length: 24\r\n\r\n{\"object\": \"embedding\"   ", false, LOAD_WRONG,
         0},
        {"/v1/embeddings", OK "Content-Length: -1\r\n\r\n", false, LOAD_MALFORMED, 0},
        {"/v1/embeddings", OK "Content-Length: 99999999999999999999\r\n\r\n", false, LOAD_MALFORMED, 0},
        {"/v1/embeddings", "HTTP/1.1 400 Bad\r\nContent-Length: 68\r\n\r\n" EMBEDDING, false, LOAD_STATUS, 0},
        {"/v1/embeddings", "HTTP/1.1 204 No\r\n\r\n", false, LOAD_STATUS, 0},
        {"/v1/embeddings", "SSH-2.0-OpenSSH_9.2\r\n\r\n", false, LOAD_MALFORMED, 0},
        {"/v1/embeddings", "HTTP/1.1 ", true, LOAD_CLOSED, 0},
        {"/embed", OK "Content-Length: 7\r\n\r\n[[0.5]]", false, LOAD_GOOD, 0},
        {"/embed", OK "Content-Length: 2\r\n\r\n[]", false, LOAD_WRONG, 0},
        {"/v1/completions",
         OK
         "\r\ndata: {\"choices\":[{\"text\":\"a\"}]}\r\n\r\ndata: {\"choices\":[{\"text\":\"\\u0000\"}]}\n\n"
         "data: [DONE]\n\n",
         true, LOAD_GOOD, 2},
        {"/v1/completions",
         OK "\r\ndata: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: {\"choices\":[],\"usage\":"
            "{\"completion_tokens\":5}}\n\ndata: [DONE]",
         true, LOAD_GOOD, 5},
        {"/v1/completions", OK "\r\ndata: {\"choices\":[{\"text\":\"a\"}]}\n\n", true, LOAD_WRONG, 1},
        {"/v1/completions", OK "\r\ndata: {\"error\":{\"message\":\"no\"}}\n\ndata: [DONE]\n", true,
         LOAD_WRONG, 0},
        {"/v1/completions", OK "\r\ndata: {\"choices\":[\n\ndata: [DONE]\n", true, LOAD_WRONG, 0},
        {"/v1/messages",
         OK "\r\nevent: message_start\ndata: "
            "{\"type\":\"message_start\",\"message\":{\"usage\":{\"output_tokens\":"
            "1}}}\n\nevent: x\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n\ndata: "
            "{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":3}}\n\ndata: "
            "{\"type\":\"message_stop\"}\n",
         true, LOAD_GOOD, 3},
        {"/v1/responses",
         OK "\r\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\ndata: "
            "{\"type\":\"response.incomplete\",\"response\":{\"usage\":{\"output_tokens\":4}}}\n",
         true, LOAD_GOOD, 4},
        {"/v1/responses", OK "\r\ndata: {\"type\":\"response.failed\",\"response\":{}}\n", true, LOAD_WRONG,
         0},
        {"/api/generate",
         OK "\r\n{\"response\":\"a\",\"done\":false}\n{\"response\":\"\",\"done\":true,"
            "\"eval_count\":2}\n",
         true, LOAD_GOOD, 2},
        {"/api/generate", OK "\r\n{\"response\":\"a\",\"done\":false}\n", true, LOAD_WRONG, 1},
        {"/completion",
         OK "\r\ndata: {\"content\":\"a\",\"stop\":false}\n\ndata: {\"content\":\"\",\"stop\":true,"
            "\"tokens_predicted\":6}\n",
         true, LOAD_GOOD, 6},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct load_result r = read_reply(cases[i].path, cases[i].text, cases[i].end);
        if (r.outcome != cases[i].outcome || r.n_tokens != cases[i].n_tokens)
            fail_msg("%s\n: outcome %d with %zu tokens, expected %d with %zu", cases[i].text, r.outcome,
                     r.n_tokens, cases[i].outcome, cases[i].n_tokens);
    }
}

static void the_first_token_has_a_time(void **state)
{
    static const char *const pieces[] = {OK "\r\n", "data: {\"choices\":[{\"text\":\"\"}]}\n",
                                         "data: {\"choices\":[{\"text\":\"a\"}]}", "\n",
                                         "data: {\"choices\":[{\"text\":\"b\"}]}\n"};
    struct reply r = {0};
    (void)state;
    reply_begin(&r, dialect("/v1/completions"));
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        reply_read(&r, pieces[i], strlen(pieces[i]), 5 + i);
    assert_int_equal(reply_result(&r).first, 8);
    reply_release(&r);
}

/* The next reply on a connection begins with what it was sent for. */
static void what_nobody_asked_for_ends_a_connection(void **state)
{
    struct reply r = {0};
    const char *two = OK "Content-Length: 1\r\n\r\n[" OK;
    (void)state;
    reply_begin(&r, NULL);
    reply_read(&r, OK "Content-Length: 1\r\n\r\n[", strlen(OK "Content-Length: 1\r\n\r\n["), 1);
    assert_int_equal(reply_result(&r).outcome, LOAD_GOOD);
    assert_true(r.keeps);
    reply_begin(&r, NULL);
    reply_read(&r, two, strlen(two), 1);
    assert_false(r.keeps);
    reply_begin(&r, NULL);
    reply_read(&r, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 38, 1);
    assert_int_equal(reply_result(&r).outcome, LOAD_GOOD);
    assert_false(r.keeps);
    reply_release(&r);
}

/* ---- statistics ---- */

static const double a[] = {12.5, 11.25, 13.75, 12.0, 19.5, 11.5, 12.25, 13.0};
static const double b[] = {12.75, 11.5, 13.5, 12.5, 20.0, 12.0, 12.5, 13.75};

static void as_numpy(void **state)
{
    double x[8];
    (void)state;
    memcpy(x, a, sizeof a);
    struct statistics s = statistics_of(x, 8);
    assert_float_equal(s.mean, 13.21875, 1e-12);
    assert_float_equal(s.deviation, 2.6606843238964992, 1e-12);
    assert_float_equal(s.p50, 12.375, 1e-12);
    assert_float_equal(s.p90, 15.475, 1e-12);
    assert_float_equal(s.p95, 17.4875, 1e-12);
    assert_float_equal(s.p99, 19.0975, 1e-12);
    assert_float_equal(s.p999, 19.45975, 1e-12);
    assert_float_equal(s.min, 11.25, 0);
    assert_float_equal(s.max, 19.5, 0);
    s = statistics_of(x, 1);
    assert_float_equal(s.p99, 11.25, 0);
    assert_true(isnan(s.deviation));
    s = statistics_of(NULL, 0);
    assert_true(isnan(s.mean) && isnan(s.p50) && isnan(s.max));
}

static void as_scipy(void **state)
{
    static const double t[][3] = {{.975, 1, 12.706204736174694},    {.975, 2, 4.302652729749462},
                                  {.975, 7, 2.364624251592784},     {.975, 49, 2.0095752371292392},
                                  {.95, 3.5, 2.2224334936496004},   {.1, 9, -1.3830287383966327},
                                  {.9995, 1000, 3.300282648423944}, {.975, 149, 1.976013177689192}};
    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        assert_float_equal(statistics_t(t[i][0], t[i][1]), t[i][2], 1e-9 * fabs(t[i][2]));
    struct statistics_paired p = statistics_compare(a, b, 8);
    assert_float_equal(p.difference, 0.34375, 1e-12);
    assert_float_equal(p.low, 0.09550718537677899, 1e-9);
    assert_float_equal(p.high, 0.591992814623221, 1e-9);
    assert_float_equal(p.needed, 10, 0);
    assert_true(p.differs);
    assert_false(statistics_compare(a, a, 8).differs);
    assert_false(statistics_compare(a, b, 1).differs);
    assert_false(statistics_compare(a, b, 3).differs); /* +0.25, +0.25, -0.25 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_is_felt_by_all_that_were_due),
        cmocka_unit_test(a_closed_loop_asks_again_when_it_is_answered),
        cmocka_unit_test(requests_are_as_many_as_were_asked_for),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(who_is_refused_waits_and_gives_up),
        cmocka_unit_test(tokens_have_times),
        cmocka_unit_test(replies),
        cmocka_unit_test(the_first_token_has_a_time),
        cmocka_unit_test(what_nobody_asked_for_ends_a_connection),
        cmocka_unit_test(as_numpy),
        cmocka_unit_test(as_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
