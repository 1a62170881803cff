/* Clients that are slow, and clients that leave: what becomes of their connections by a clock that the test owns, and of
 * their work, which is held up while they do. And what the server tells a scheduler of a request. */
#include "server/figures/traffic.h"
#include "server/http/request.h"

#include <hone.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND 1000000000u /* ns */

static uint64_t now;

static uint64_t own_now(void *arg)
{
    (void)arg;
    return now;
}

static const struct clock own_clock = {.now = own_now};

/* ---- slow clients ---- */

static struct connections list = {.clock = &own_clock, .lock = PTHREAD_MUTEX_INITIALIZER};

struct pair {
    int server, client;
    struct connection *connection;
};

static struct pair connect_client(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct pair p = {fds[0], fds[1], connections_add(&list, fds[0], false)};
    assert_non_null(p.connection);
    return p;
}

static void disconnect(struct pair *p)
{
    connections_remove(&list, p->connection);
    close(p->server);
    close(p->client);
}

/* What the client has been told; "": nothing, and NULL: nothing, and the connection is closed. */
static const char *told(const struct pair *p)
{
    static char text[1024];
    ssize_t n = recv(p->client, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return n == 0 ? NULL : text;
}

static void check_slow(enum connection_phase phase, double timeout, bool is_told)
{
    struct pair p = connect_client();
    uint64_t n_slow = traffic.slow, begun = now;
    if (phase != CONNECTION_NEW)
        connection_phase(&list, p.connection, phase);
    now = begun + (uint64_t)(timeout * SECOND);
    connections_sweep(&list, 10, 75);
    assert_string_equal(told(&p), ""); /* to the nanosecond it has still time */
    now++;
    connections_sweep(&list, 10, 75);
    if (is_told)
        assert_memory_equal(told(&p), "HTTP/1.1 408 ", 13);
    assert_null(told(&p));
    assert_int_equal(traffic.slow, n_slow + is_told);
    assert_false(connection_complete(p.connection)); /* too late */
    disconnect(&p);
}

static void slow_clients(void **state)
{
    (void)state;
    check_slow(CONNECTION_NEW, 10, true);
    check_slow(CONNECTION_READING, 10, true);
    check_slow(CONNECTION_IDLE, 75, false);
}

static void who_is_answered_is_not_slow(void **state)
{
    (void)state;
    struct pair p = connect_client();
    connection_phase(&list, p.connection, CONNECTION_READING);
    now += 9 * (uint64_t)SECOND;
    assert_true(connection_complete(p.connection));
    now += 1000 * (uint64_t)SECOND;
    connections_sweep(&list, 10, 75);
    assert_string_equal(told(&p), "");
    connection_phase(&list, p.connection, CONNECTION_IDLE); /* its time begins anew */
    now += 74 * (uint64_t)SECOND;
    connections_sweep(&list, 10, 75);
    assert_string_equal(told(&p), "");
    disconnect(&p);
}

static void fresh_connections(void **state)
{
    (void)state;
    assert_false(connections_are_fresh(&list));
    struct pair p = connect_client();
    now += SECOND - 1;
    assert_true(connections_are_fresh(&list));
    now += 1;
    assert_false(connections_are_fresh(&list));
    struct pair q = connect_client();
    assert_true(connections_are_fresh(&list));
    connection_phase(&list, q.connection, CONNECTION_READING);
    assert_false(connections_are_fresh(&list));
    connection_phase(&list, q.connection, CONNECTION_IDLE); /* who has an answer may ask again */
    assert_true(connections_are_fresh(&list));
    now += SECOND;
    assert_false(connections_are_fresh(&list));
    disconnect(&p);
    disconnect(&q);
}

/* ---- a service, and work that is held up ---- */

static struct hone_model *model;
static struct served_model served = {.name = "tiny"};
static struct front front;
static struct service service;
static const struct route route = {.endpoint = ENDPOINT_COMPLETION};

/* A text that is generated: at its first token the scheduler's thread waits until it may go on. */
static struct held {
    sem_t begun, may_go;
    bool has_begun;
    struct hone_generation generation;
    struct hone_request request;
} held;

static bool hold(void *arg, const struct hone_token *token)
{
    struct held *h = arg;
    (void)token;
    if (h->has_begun)
        return true;
    h->has_begun = true;
    sem_post(&h->begun);
    sem_wait(&h->may_go);
    return true;
}

static int set_up(void **state)
{
    (void)state;
    struct hone_options options = {.n_threads = 1};
    return hone_model_open(&model, "tests/fixtures/causal", &options, NULL) == HONE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    hone_model_close(&model);
    return 0;
}

/* The model is there all the time. */
static enum hone_status load(struct managed *m, size_t room, size_t *bytes, struct hone_error *err)
{
    (void)m, (void)room, (void)err;
    *bytes = 0;
    return HONE_OK;
}

static void unload(struct managed *m)
{
    (void)m;
}

static void begin_manager(void)
{
    static const struct manager_ops ops = {load, unload};
    double wait;
    served.managed = (struct managed){.name = "model", .when = LOAD_START};
    service.models.manager = manager_new(&ops, &own_clock, SIZE_MAX / 2);
    assert_non_null(service.models.manager);
    assert_int_equal(manager_add(service.models.manager, &served.managed, NULL), HONE_OK);
    manager_want(service.models.manager, &served.managed);
    while (manager_step(service.models.manager, &wait))
        ;
    assert_int_equal(served.managed.state, MODEL_READY);
}

static void begin_service(void)
{
    front = (struct front){.connections = {.clock = &own_clock, .lock = PTHREAD_MUTEX_INITIALIZER}};
    memset(&service, 0, sizeof service);
    service.clock = &own_clock;
    service.front = &front;
    service.settings.max_requests = 8;
    service.settings.strict_fields = "off";
    memset(served.endpoints, 0, sizeof served.endpoints);
    begin_manager();
    served.info = hone_model_info(model);
    assert_int_equal(hone_scheduler_open(&served.scheduler, model, NULL, NULL), HONE_OK);
}

static struct http_request *new_request(void)
{
    struct http_request *r = calloc(1, sizeof *r);
    r->route = &route;
    r->service = &service;
    r->model = &served;
    r->phase = REQUEST_WORKING;
    pthread_mutex_init(&r->lock, NULL);
    traffic.requests++;
    service.n_requests++;
    return r;
}

/* Its text has begun, and waits. */
static struct http_request *hold_text(void)
{
    struct http_request *r = new_request();
    memset(&held, 0, sizeof held);
    sem_init(&held.begun, 0, 0);
    sem_init(&held.may_go, 0, 0);
    held.generation = (struct hone_generation){.prompt = {"the fox", 7},
                                               .sampling = HONE_SAMPLING_DEFAULTS,
                                               .max_tokens = 5,
                                               .past_end = true,
                                               .on_token = hold,
                                               .arg = &held};
    held.request = (struct hone_request){
        .kind = HONE_REQUEST_GENERATE, .generation = &held.generation, .how = HONE_RUN_DEFAULTS};
    http_submit(r, &held.request);
    assert_int_equal(r->n_pending, 1);
    sem_wait(&held.begun);
    return r;
}

static struct connection *wait_for(struct http_request *r, int fd)
{
    struct connection *c = connections_add(&front.connections, fd, false);
    connection_phase(&front.connections, c, CONNECTION_BUSY);
    connection_waits(&front.connections, c, r);
    return c;
}

/* All goes on, and has ended. */
static void let_go(void)
{
    sem_post(&held.may_go);
    hone_scheduler_drain(served.scheduler);
    assert_int_equal(service.n_pending, 0);
}

static size_t n_replies(enum endpoint endpoint, enum outcome outcome)
{
    struct endpoint_stats stats;
    endpoint_stats_read(&served.endpoints[endpoint], &stats, now);
    return stats.total[outcome].n;
}

static void end_service(void)
{
    hone_generation_release(&held.generation);
    hone_scheduler_close(&served.scheduler);
    assert_int_equal(served.managed.pins, 0); /* each request gave the model back */
    manager_unload(service.models.manager, &served.managed);
    double wait;
    while (manager_step(service.models.manager, &wait))
        ;
    manager_remove(service.models.manager, &served.managed);
    manager_free(service.models.manager);
}

/* ---- clients that leave ---- */

enum leaving { STAYS, CLOSES, SHUTS };

static void check_left(enum leaving how, bool is_cancelled)
{
    int fds[2];
    begin_service();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct http_request *r = hold_text();
    struct connection *c = wait_for(r, fds[0]);
    if (how == CLOSES)
        close(fds[1]);
    else if (how == SHUTS)
        shutdown(fds[1], SHUT_WR);
    service_sweep(&service);
    let_go();
    assert_int_equal(c->left, is_cancelled);
    assert_int_equal(r->failed, is_cancelled);
    assert_true(!is_cancelled || r->failure.status == HONE_CANCELLED);
    assert_int_equal(n_replies(ENDPOINT_COMPLETION, OUTCOME_CANCELLED), is_cancelled);
    assert_int_equal(held.generation.n_out, is_cancelled ? 1 : 5); /* no more is computed */
    connections_remove(&front.connections, c);
    request_free(r);
    close(fds[0]);
    if (how != CLOSES)
        close(fds[1]);
    end_service();
}

static void work_of_clients_that_leave_is_cancelled(void **state)
{
    (void)state;
    check_left(STAYS, false);
    check_left(CLOSES, true);
    check_left(SHUTS, true);
}

/* The connection ends while the text is generated; with its reply the request is freed. */
static void work_of_a_connection_that_ends_is_cancelled(void **state)
{
    (void)state;
    begin_service();
    struct http_request *r = hold_text();
    request_leave(r);
    assert_int_equal(service.n_requests, 1);
    let_go();
    assert_int_equal(service.n_requests, 0);
    assert_int_equal(service.n_parallel, 0);
    assert_int_equal(n_replies(ENDPOINT_COMPLETION, OUTCOME_CANCELLED), 1);
    assert_int_equal(held.generation.n_out, 1);
    end_service();
}

static void work_of_a_service_that_ends_is_cancelled(void **state)
{
    (void)state;
    struct service other = {.clock = &own_clock};
    begin_service();
    struct http_request *r = hold_text();
    struct connection *c = wait_for(r, -1);
    connections_cancel(&front.connections, &other); /* not its own */
    connections_cancel(&front.connections, &service);
    let_go();
    assert_int_equal(n_replies(ENDPOINT_COMPLETION, OUTCOME_CANCELLED), 1);
    connections_remove(&front.connections, c);
    request_free(r);
    end_service();
}

/* ---- what a scheduler is told ---- */

static struct hone_request task_embed_request(float *out)
{
    static const struct hone_text text = {"a text", 6};
    struct hone_request request = {
        .kind = HONE_REQUEST_EMBED, .texts = &text, .n_texts = 1, .how = HONE_RUN_DEFAULTS, .out = out};
    request.how.pooling = "last";
    return request;
}

/* While the scheduler is held up, more than its time passes for another request. */
static void check_timeout(double queue_timeout, double request_timeout, enum outcome outcome)
{
    float out[512];
    begin_service();
    struct http_request *first = hold_text(), *second = new_request();
    static const struct route embeds = {.endpoint = ENDPOINT_EMBED};
    struct hone_request request = task_embed_request(out);
    second->route = &embeds;
    service.settings.queue_timeout = queue_timeout;
    service.settings.request_timeout = request_timeout;
    http_submit(second, &request);
    assert_false(second->failed);
    usleep(5000); /* the scheduler's clock is the system's: at least so much passes */
    let_go();
    assert_int_equal(n_replies(ENDPOINT_COMPLETION, OUTCOME_OK), 1);
    assert_int_equal(n_replies(ENDPOINT_EMBED, outcome), 1);
    assert_int_equal(second->failed, outcome != OUTCOME_OK);
    assert_true(!second->failed || second->failure.status == HONE_LATE);
    request_free(first);
    request_free(second);
    end_service();
}

static void timeouts(void **state)
{
    (void)state;
    check_timeout(0, 0, OUTCOME_OK);
    check_timeout(1000, 1000, OUTCOME_OK);
    check_timeout(0.002, 0, OUTCOME_LATE);
    check_timeout(0, 0.002, OUTCOME_LATE);
}

/* Each under its own endpoint and class, and nobody else's. */
static void requests_are_counted_where_they_belong(void **state)
{
    (void)state;
    float out[512];
    for (enum endpoint i = 0; i < ENDPOINT_N; i++) {
        struct hone_scheduler_stats stats;
        const struct route own = {.endpoint = i};
        begin_service();
        struct http_request *r = new_request();
        struct hone_request request = task_embed_request(out);
        r->route = &own;
        r->bulk = i % 2;
        now = 123;
        http_submit(r, &request);
        hone_scheduler_drain(served.scheduler);
        for (enum endpoint k = 0; k < ENDPOINT_N; k++)
            assert_int_equal(n_replies(k, OUTCOME_OK), k == i);
        for (enum endpoint k = 0; k < ENDPOINT_N; k++)
            assert_int_equal(served.endpoints[k].taken, k == i);
        hone_scheduler_stats(served.scheduler, &stats);
        assert_int_equal(stats.total[HONE_PRIORITY_BULK].n, i % 2);
        assert_int_equal(r->worked, 123);
        request_free(r);
        end_service();
    }
}

static void no_more_than_are_allowed(void **state)
{
    (void)state;
    float out[512];
    begin_service();
    service.settings.max_requests = 1;
    struct http_request *first = hold_text(), *second = new_request();
    struct hone_request request = task_embed_request(out);
    http_submit(second, &request);
    assert_true(second->failed);
    assert_int_equal(second->failure.status, HONE_BUSY);
    assert_int_equal(second->n_pending, 0);
    assert_true(second->retry_ms > 0);
    request_leave(second);
    service.ending = true;
    struct http_request *third = new_request();
    http_submit(third, &request);
    assert_int_equal(third->failure.status, HONE_CANCELLED);
    request_leave(third);
    let_go();
    assert_int_equal(n_replies(ENDPOINT_COMPLETION, OUTCOME_OK), 1);
    request_leave(first);
    assert_int_equal(service.n_parallel, 0);
    end_service();
}

/* One of its submissions is refused, and has no number: whoever has one goes on when the client leaves. */
static void what_was_refused_cancels_nobody(void **state)
{
    (void)state;
    float out[512];
    begin_service();
    struct http_request *first = hold_text(), *second = new_request();
    struct hone_request request = task_embed_request(out), wrong = request;
    wrong.kind = HONE_REQUEST_CLASSIFY; /* what the model cannot */
    http_submit(second, &request);
    http_submit(second, &wrong);
    assert_true(second->failed);
    assert_int_equal(second->n_pending, 1);
    request_leave(second);
    let_go();
    assert_int_equal(n_replies(ENDPOINT_COMPLETION, OUTCOME_OK), 1);
    assert_int_equal(n_replies(ENDPOINT_COMPLETION, OUTCOME_CANCELLED), 1); /* its own */
    request_leave(first);
    end_service();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_clients),
        cmocka_unit_test(who_is_answered_is_not_slow),
        cmocka_unit_test(fresh_connections),
        cmocka_unit_test(work_of_clients_that_leave_is_cancelled),
        cmocka_unit_test(work_of_a_connection_that_ends_is_cancelled),
        cmocka_unit_test(work_of_a_service_that_ends_is_cancelled),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(requests_are_counted_where_they_belong),
        cmocka_unit_test(what_was_refused_cancels_nobody),
        cmocka_unit_test(no_more_than_are_allowed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
