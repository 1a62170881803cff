/* Which models are in memory, by a clock of the test's own and models that are nothing but numbers: each step of the manager is
 * made by hand, so nothing here depends on time or threads. */
#include "server/manager/manager.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000u

static uint64_t now;

static uint64_t tell_time(void *arg)
{
    (void)arg;
    return now;
}

static const struct clock clock = {.now = tell_time};

/* What was done, a letter each: L and U with the model's name. */
static char history[512];
static size_t in_memory, most_in_memory; /* bytes */
static bool is_broken;
static enum hone_status failure; /* of what is broken */
static size_t beyond;            /* bytes that a model takes of its room beyond its need */

static enum hone_status load(struct managed *m, size_t room, size_t *held, struct hone_error *err)
{
    now += SECOND / 100;
    if (is_broken) {
        strcpy(err->message, "the file is gone");
        return err->status = failure;
    }
    assert_true(m->need + beyond <= room);
    *held = m->need + beyond;
    in_memory += m->need;
    most_in_memory = in_memory > most_in_memory ? in_memory : most_in_memory;
    snprintf(history + strlen(history), sizeof history - strlen(history), "L%s ", m->name);
    return HONE_OK;
}

static void unload(struct managed *m)
{
    in_memory -= m->need;
    snprintf(history + strlen(history), sizeof history - strlen(history), "U%s ", m->name);
}

static struct manager *make(size_t budget)
{
    static const struct manager_ops ops = {load, unload};
    struct manager *g = manager_new(&ops, &clock, budget);
    *history = '\0';
    in_memory = most_in_memory = 0;
    is_broken = false;
    failure = HONE_BAD_MODEL;
    beyond = 0;
    now = SECOND;
    assert_non_null(g);
    return g;
}

static struct managed model(const char *name, size_t need, enum load_when when)
{
    return (struct managed){.name = name, .need = need, .when = when, .most_waiting = 4};
}

static void add(struct manager *g, struct managed *m)
{
    struct hone_error err;
    assert_int_equal(manager_add(g, m, &err), HONE_OK);
}

/* All that is to be done now; returns when to look again (s). */
static double settle(struct manager *g)
{
    double wait = 0;
    for (size_t i = 0; manager_step(g, &wait); i++)
        assert_true(i < 1000);
    return wait;
}

static void end(struct manager *g, struct managed *models, size_t n)
{
    for (size_t i = 0; i < n; i++)
        manager_unload(g, &models[i]);
    settle(g);
    for (size_t i = n; i-- > 0;) /* not as they came */
        manager_remove(g, &models[i]);
    assert_int_equal(in_memory, 0);
    manager_free(g);
}

/* Somebody who waits. */
struct client {
    struct waiting waiting;
    int n_told;
    enum hone_status status;
    double retry_ms;
};

static void go(struct waiting *w, enum hone_status status, const char *message, double retry_ms)
{
    struct client *c = (struct client *)w;
    (void)message;
    c->n_told++;
    c->status = status;
    c->retry_ms = retry_ms;
}

static enum manager_answer enter(struct manager *g, struct managed *m, struct client *c, double seconds)
{
    struct hone_error err = {0};
    *c =
        (struct client){.waiting = {.go = go, .until = seconds > 0 ? now + (uint64_t)(seconds * SECOND) : 0}};
    enum manager_answer answer = manager_enter(g, m, &c->waiting, &c->retry_ms, &err);
    c->status = err.status;
    return answer;
}

static void starts_and_demands(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 30, LOAD_DEMAND), model("b", 30, LOAD_BACKGROUND),
                          model("c", 30, LOAD_START)};
    struct client client;
    for (size_t i = 0; i < 3; i++)
        add(g, &m[i]);
    settle(g);
    assert_string_equal(history, "Lc Lb "); /* what is to be there from the start goes first */
    assert_int_equal(enter(g, &m[1], &client, 1), MANAGER_THERE);
    manager_let_go(g, &m[1]);
    assert_int_equal(enter(g, &m[0], &client, 1), MANAGER_WAITS);
    settle(g);
    assert_int_equal(client.n_told, 1);
    assert_int_equal(client.status, HONE_OK);
    manager_let_go(g, &m[0]);
    end(g, m, 3);
}

static void least_recently_used_leaves(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 50, LOAD_START), model("b", 50, LOAD_START),
                          model("c", 50, LOAD_DEMAND)};
    struct client client;
    for (size_t i = 0; i < 3; i++)
        add(g, &m[i]);
    settle(g);
    now += SECOND;
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_THERE);
    manager_let_go(g, &m[0]);
    now += SECOND;
    assert_int_equal(enter(g, &m[2], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_string_equal(history, "La Lb Ub Lc ");
    manager_let_go(g, &m[2]);
    end(g, m, 3);
}

/* One that nobody wants any more than others leaves for none that comes by itself; one that is kept for nobody. */
static void who_stays(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_START), model("b", 50, LOAD_BACKGROUND),
                          model("c", 50, LOAD_DEMAND)};
    struct client client;
    add(g, &m[0]);
    add(g, &m[1]);
    settle(g);
    assert_string_equal(history, "La ");
    m[0].keep = true;
    struct hone_error err;
    assert_int_equal(manager_add(g, &m[2], &err), HONE_FAILED); /* 60 are kept */
    assert_non_null(strstr(err.message, "'c' does not fit"));
    m[0].keep = false;
    add(g, &m[2]);
    assert_int_equal(enter(g, &m[2], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_string_equal(history, "La Ua Lc ");
    manager_let_go(g, &m[2]);
    end(g, m, 3);
}

/* A model that somebody always holds gives way after a while, and what comes for it meanwhile waits for its return. */
static void busy_one_gives_way(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_START), model("b", 60, LOAD_DEMAND)};
    struct client first, second, third;
    add(g, &m[0]);
    add(g, &m[1]);
    settle(g);
    assert_int_equal(enter(g, &m[0], &first, 0), MANAGER_THERE);
    assert_int_equal(enter(g, &m[1], &second, 10), MANAGER_WAITS);
    double wait = settle(g);
    assert_true(wait > 0 && wait <= MANAGER_PATIENCE);
    assert_int_equal(second.n_told, 0);
    assert_int_equal(enter(g, &m[0], &third, 0), MANAGER_THERE); /* not yet */
    manager_let_go(g, &m[0]);
    now += (uint64_t)(1.01 * MANAGER_PATIENCE * SECOND);
    settle(g);
    assert_int_equal(enter(g, &m[0], &third, 0), MANAGER_WAITS);
    assert_int_equal(second.n_told, 0); /* the first one is still there */
    manager_let_go(g, &m[0]);
    settle(g);
    assert_int_equal(second.n_told, 1);
    assert_int_equal(third.n_told, 0);
    manager_let_go(g, &m[1]);
    settle(g);
    assert_int_equal(third.n_told, 1);
    assert_string_equal(history, "La Ua Lb Ub La ");
    assert_int_equal(most_in_memory, 60);
    manager_let_go(g, &m[0]);
    end(g, m, 2);
}

static void time_is_over(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_START), model("b", 60, LOAD_DEMAND)};
    struct client holder, late, more[5];
    add(g, &m[0]);
    add(g, &m[1]);
    settle(g);
    enter(g, &m[0], &holder, 0);
    assert_int_equal(enter(g, &m[1], &late, 0.1), MANAGER_WAITS);
    assert_true(settle(g) <= 0.1);
    now += SECOND / 10;
    settle(g);
    assert_int_equal(late.n_told, 1);
    assert_int_equal(late.status, HONE_LATE);
    assert_true(late.retry_ms > 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(enter(g, &m[1], &more[i], 0), MANAGER_WAITS);
    assert_int_equal(enter(g, &m[1], &more[4], 0), MANAGER_REFUSED); /* as many as may wait do */
    assert_int_equal(more[4].status, HONE_BUSY);
    assert_true(manager_cancel(g, &m[1], more[2].waiting.ticket));
    assert_int_equal(more[2].status, HONE_CANCELLED);
    assert_false(manager_cancel(g, &m[1], 7));
    manager_let_go(g, &m[0]);
    settle(g);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(more[i].n_told, 1);
        if (i != 2)
            manager_let_go(g, &m[1]);
    }
    end(g, m, 2);
}

/* Where it is known that loading takes longer than a request has, it need not wait to be told so. */
static void is_told_at_once(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_START)};
    struct client client;
    add(g, &m[0]);
    settle(g);
    manager_unload(g, &m[0]);
    settle(g);
    m[0].load_seconds = 3;
    assert_int_equal(enter(g, &m[0], &client, 0.5), MANAGER_REFUSED);
    assert_int_equal(client.status, HONE_LATE);
    assert_true(client.retry_ms > 2000);
    settle(g); /* and yet it is loaded, for whoever comes then */
    assert_int_equal(enter(g, &m[0], &client, 0.5), MANAGER_THERE);
    manager_let_go(g, &m[0]);
    end(g, m, 1);
}

static void failures(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_DEMAND), model("b", 30, LOAD_DEMAND)};
    struct client client;
    add(g, &m[0]);
    add(g, &m[1]);
    is_broken = true;
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_int_equal(client.status, HONE_BAD_MODEL);
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_REFUSED);
    assert_int_equal(client.status, HONE_BAD_MODEL);
    is_broken = false;
    assert_int_equal(enter(g, &m[1], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_int_equal(client.status, HONE_OK);
    manager_let_go(g, &m[1]);
    now += (uint64_t)(MANAGER_RETRY * SECOND);
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_int_equal(client.status, HONE_OK);
    manager_let_go(g, &m[0]);
    end(g, m, 2);
}

/* A failure that will be over soon says when to ask again, others do not; and an operator need not wait at all. */
static void failures_that_pass(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_DEMAND)};
    struct client client;
    add(g, &m[0]);
    is_broken = true;
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_float_equal(client.retry_ms, 0, 0);
    now += (uint64_t)(MANAGER_RETRY * SECOND);
    failure = HONE_LATE;
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_float_equal(client.retry_ms, 1e3 * MANAGER_RETRY, 0);
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_REFUSED);
    assert_float_equal(client.retry_ms, 1e3 * MANAGER_RETRY, 0);
    is_broken = false;
    manager_want(g, &m[0]);
    settle(g);
    assert_string_equal(history, "La ");
    end(g, m, 1);
}

/* What is left of a model that is unloaded counts, as does what a loaded one took beyond its need. */
static void bytes_that_count(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 40, LOAD_START), model("b", 30, LOAD_DEMAND),
                          model("c", 20, LOAD_DEMAND)};
    struct model_status status;
    struct hone_error err;
    m[0].light = m[1].light = 10;
    m[0].keep = true;
    manager_set_base(g, 5);
    add(g, &m[0]);
    add(g, &m[1]);
    assert_int_equal(manager_used(g), 25);
    m[2].light = 16;
    assert_int_equal(manager_add(g, &m[2], &err), HONE_FAILED); /* 5 + (10 + 40) + 10 + (16 + 20) */
    m[2].light = 15;
    add(g, &m[2]);
    beyond = 7;
    settle(g);
    assert_int_equal(manager_used(g), 5 + 35 + 47);
    manager_status(g, &m[0], &status);
    assert_int_equal(status.held, 47);
    manager_status(g, &m[1], &status);
    assert_int_equal(status.held, 0);
    beyond = 0;
    end(g, m, 3);
}

/* Only what is there is held by those that would not wait for it, and it then stays. */
static void held_if_there(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_DEMAND), model("b", 60, LOAD_DEMAND)};
    struct client client;
    add(g, &m[0]);
    add(g, &m[1]);
    assert_false(manager_hold_if_ready(g, &m[0]));
    assert_int_equal(enter(g, &m[0], &client, 0), MANAGER_WAITS);
    settle(g);
    manager_hold(g, &m[0]);
    manager_let_go(g, &m[0]);
    manager_let_go(g, &m[0]);
    assert_true(manager_hold_if_ready(g, &m[0]));
    assert_int_equal(enter(g, &m[1], &client, 0), MANAGER_WAITS);
    settle(g);
    assert_string_equal(history, "La ");
    manager_let_go(g, &m[0]);
    settle(g);
    assert_string_equal(history, "La Ua Lb ");
    manager_let_go(g, &m[1]);
    end(g, m, 2);
}

/* Who leaves the line leaves it whole, whatever their place in it. */
static void leaving_the_line(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_DEMAND)};
    struct client clients[4];
    add(g, &m[0]);
    for (size_t gone = 0; gone < 3; gone++) {
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(enter(g, &m[0], &clients[i], 0), MANAGER_WAITS);
        assert_true(manager_cancel(g, &m[0], clients[gone].waiting.ticket));
        assert_int_equal(clients[gone].status, HONE_CANCELLED);
        assert_int_equal(enter(g, &m[0], &clients[3], 0), MANAGER_WAITS);
        settle(g);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(clients[i].n_told, 1);
            if (i != gone)
                manager_let_go(g, &m[0]);
        }
        manager_unload(g, &m[0]);
        settle(g);
    }
    end(g, m, 1);
}

/* What an operator unloads is loaded again for whoever comes meanwhile. */
static void operator_unloads(void **state)
{
    (void)state;
    struct manager *g = make(100);
    struct managed m[] = {model("a", 60, LOAD_START)};
    struct client first, second;
    add(g, &m[0]);
    settle(g);
    enter(g, &m[0], &first, 0);
    manager_unload(g, &m[0]);
    settle(g);
    assert_int_equal(enter(g, &m[0], &second, 0), MANAGER_WAITS);
    manager_let_go(g, &m[0]);
    settle(g);
    assert_string_equal(history, "La Ua La ");
    assert_int_equal(second.n_told, 1);
    manager_let_go(g, &m[0]);
    manager_unload(g, &m[0]);
    settle(g);
    manager_want(g, &m[0]);
    settle(g);
    assert_string_equal(history, "La Ua La Ua La ");
    end(g, m, 1);
}

/* Many models, few places, at random: never more than there is room for, and everybody is told once. */
static void at_random(void **state)
{
    (void)state;
    enum { MODELS = 50, CLIENTS = 400 };
    struct manager *g = make(1000);
    static struct managed m[MODELS];
    static struct client clients[CLIENTS];
    static size_t of[CLIENTS];
    static bool holds[CLIENTS];
    char names[MODELS][8];
    for (size_t i = 0; i < MODELS; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        m[i] = model(names[i], 50 + 10 * (i % 20), LOAD_DEMAND);
        m[i].light = 2;
        m[i].most_waiting = CLIENTS;
        add(g, &m[i]);
    }
    uint64_t random = 12345;
    for (size_t i = 0; i < CLIENTS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        of[i] = (random >> 33) % MODELS;
        *history = '\0';
        holds[i] = enter(g, &m[of[i]], &clients[i], 0) == MANAGER_THERE;
        now += (random >> 20) % SECOND;
        settle(g);
        for (size_t k = (random >> 40) % 3; k <= i; k += 3)
            if (holds[k] || clients[k].n_told == 1) {
                assert_int_equal(clients[k].status, HONE_OK);
                manager_let_go(g, &m[of[k]]);
                holds[k] = false;
                clients[k].n_told = 2;
            }
        settle(g);
        assert_true(manager_used(g) <= 1000);
    }
    for (size_t round = 0; round < CLIENTS; round++) {
        now += SECOND;
        *history = '\0';
        settle(g);
        for (size_t k = 0; k < CLIENTS; k++)
            if (holds[k] || clients[k].n_told == 1) {
                manager_let_go(g, &m[of[k]]);
                holds[k] = false;
                clients[k].n_told = 2;
            }
    }
    for (size_t k = 0; k < CLIENTS; k++)
        assert_int_equal(clients[k].n_told, 2);
    assert_true(most_in_memory <= 900);
    end(g, m, MODELS);
}

/* One of several goes for good: those before and behind it are as they were. */
static void one_of_several_goes(void **state)
{
    (void)state;
    for (size_t gone = 0; gone < 3; gone++) {
        struct manager *g = make(100);
        struct managed m[] = {model("a", 30, LOAD_START), model("b", 30, LOAD_START),
                              model("c", 30, LOAD_START)};
        struct client client;
        for (size_t i = 0; i < 3; i++)
            add(g, &m[i]);
        settle(g);
        assert_int_equal(manager_used(g), 90);
        manager_unload(g, &m[gone]);
        settle(g);
        manager_remove(g, &m[gone]);
        assert_int_equal(manager_used(g), 60);
        for (size_t i = 0; i < 3; i++)
            if (i != gone) {
                manager_unload(g, &m[i]); /* its turn comes only if the manager still knows it */
                settle(g);
                assert_int_equal(enter(g, &m[i], &client, 1), MANAGER_WAITS);
                settle(g);
                assert_int_equal(client.n_told, 1);
                assert_int_equal(client.status, HONE_OK);
                manager_let_go(g, &m[i]);
            }
        assert_int_equal(manager_used(g), 60);
        for (size_t i = 0; i < 3; i++)
            if (i != gone) {
                manager_unload(g, &m[i]);
                settle(g);
                manager_remove(g, &m[i]);
            }
        assert_int_equal(in_memory, 0);
        manager_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_and_demands),
        cmocka_unit_test(least_recently_used_leaves),
        cmocka_unit_test(who_stays),
        cmocka_unit_test(busy_one_gives_way),
        cmocka_unit_test(time_is_over),
        cmocka_unit_test(is_told_at_once),
        cmocka_unit_test(failures),
        cmocka_unit_test(operator_unloads),
        cmocka_unit_test(failures_that_pass),
        cmocka_unit_test(bytes_that_count),
        cmocka_unit_test(held_if_there),
        cmocka_unit_test(leaving_the_line),
        cmocka_unit_test(one_of_several_goes),
        cmocka_unit_test(at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
