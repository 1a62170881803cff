/* What a scheduler does when (tests/simulation.h): deadlines, order, cancellation, and what it counts. */
#include "tests/simulation.h"

#include <stdlib.h>
#include <string.h>

/* ---- deadlines ---- */

/* A text whose time is over when its batch ends is late, though its row is there; another one of the same batch is not. */
static void deadline_of_a_running_batch(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *late = sim_embedding(20), *punctual = sim_embedding(20);
    sim.a_pass = 10 * SIM_MS;
    sim.a_token = 0;
    late->request.timeout_ms = 9.9;
    punctual->request.timeout_ms = 10;
    uint64_t begun = sim.now;
    sim_submit(late);
    sim_submit(punctual);
    sim_pass_time(begun + 1);
    assert_int_equal(sim.n_passes, 1);
    assert_int_equal(late->status, HONE_LATE);
    assert_int_equal(late->replied, begun + 10 * SIM_MS);
    assert_string_equal(late->message, "the request's time was over before all of it was computed");
    assert_int_equal(punctual->status, HONE_OK);
    assert_int_equal(punctual->replied, begun + 10 * SIM_MS);
    sim_release(late);
    sim_release(punctual);
    sim_close();
}

/* One of several texts in several batches: those that are left are not begun. */
static void deadline_between_batches(void **state)
{
    (void)state;
    enum { N = 8 };
    sim_open(sim_options(0, 40));
    struct sim_request *s = sim_embedding(0);
    struct hone_text texts[N];
    float *out = calloc(N, hone_model_info(sim.model)->n_embd * sizeof *out);
    for (size_t i = 0; i < N; i++)
        texts[i] = (struct hone_text){"abcdefghijklmnopqrstuvwxyz", 26};
    s->request.texts = texts;
    s->request.n_texts = N;
    s->request.out = out;
    s->request.timeout_ms = 5;
    sim.a_pass = 3 * SIM_MS;
    sim.a_token = 0;
    uint64_t begun = sim.now;
    sim_submit(s);
    sim_pass_time(begun + 100 * SIM_MS);
    assert_int_equal(s->status, HONE_LATE);
    assert_int_equal(s->replied, begun + 6 * SIM_MS); /* the end of the batch in which it was late */
    assert_int_equal(sim.n_passes, 2);
    sim_release(s);
    free(out);
    sim_close();
}

static void queue_timeout(void **state)
{
    (void)state;
    sim_open(sim_options(1, 1000)); /* one request a batch */
    struct sim_request *first = sim_embedding(20), *waits = sim_embedding(20), *in_time = sim_embedding(20);
    sim.a_pass = 10 * SIM_MS;
    sim.a_token = 0;
    in_time->request.queue_timeout_ms = 11;
    waits->request.queue_timeout_ms = 15;
    uint64_t begun = sim.now;
    sim_submit(first);
    sim_submit(in_time); /* begins after 10 ms, and takes longer than its time in the queue */
    sim_submit(waits);
    sim_pass_time(begun + 100 * SIM_MS);
    assert_int_equal(first->status, HONE_OK);
    assert_int_equal(in_time->status, HONE_OK);
    assert_int_equal(in_time->replied, begun + 20 * SIM_MS);
    assert_int_equal(waits->status, HONE_LATE);
    assert_string_equal(waits->message, "the request's time was over while it waited");
    assert_int_equal(waits->replied, begun + 20 * SIM_MS); /* the scheduler looked again */
    assert_int_equal(sim.n_passes, 2);
    sim_release(first);
    sim_release(waits);
    sim_release(in_time);
    sim_close();
}

/* The scheduler that has nothing to do wakes for it: here all that may be generated at once is. */
static void queue_timeout_of_a_prompt(void **state)
{
    (void)state;
    sim_open(sim_options(1, 1000));
    struct sim_request *writes = sim_generation(3, 40), *waits = sim_generation(3, 1);
    waits->request.queue_timeout_ms = 7;
    uint64_t begun = sim.now;
    sim_submit(writes);
    sim_submit(waits);
    sim_pass_time(begun + 100 * SIM_MS);
    assert_int_equal(writes->status, HONE_OK);
    assert_int_equal(waits->status, HONE_LATE);
    assert_true(waits->replied >= begun + 7 * SIM_MS &&
                waits->replied < begun + 9 * SIM_MS); /* a step later at most */
    assert_int_equal(waits->n_tokens, 0);
    sim_release(writes);
    sim_release(waits);
    sim_close();
}

static void deadline_of_a_text_that_is_generated(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *late = sim_generation(3, 500), *other = sim_generation(4, 50);
    late->request.timeout_ms = 20;
    uint64_t begun = sim.now;
    sim_submit(late);
    sim_submit(other);
    sim_pass_time(begun + 200 * SIM_MS);
    assert_int_equal(late->status, HONE_LATE);
    assert_true(late->replied > begun + 20 * SIM_MS && late->replied < begun + 24 * SIM_MS);
    assert_int_equal(other->status, HONE_OK);
    assert_int_equal(other->generation.n_out, 50);
    sim_release(late);
    sim_release(other);
    sim_close();
}

/* ---- order ---- */

static void first_come_first_served(void **state)
{
    (void)state;
    enum { N = 12 };
    for (size_t kind = 0; kind < 2; kind++) {
        struct sim_request *list[N];
        sim_open(sim_options(1, 1000));
        uint64_t begun = sim.now;
        for (size_t i = 0; i < N; i++) {
            list[i] = kind == 0 ? sim_embedding(3 + 5 * i % 20) : sim_generation(3 + 5 * i % 20, 4);
            sim_submit(list[i]);
        }
        sim_pass_time(begun + 1000 * SIM_MS);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(list[i]->status, HONE_OK);
            assert_int_equal(list[i]->order, i);
            assert_true(i == 0 || list[i]->replied > list[i - 1]->replied);
        }
        for (size_t i = 0; i < N; i++)
            sim_release(list[i]);
        sim_close();
    }
}

/* Texts are tokenized in order, too, but those of a large request make way for others. */
static void texts_are_prepared_in_order(void **state)
{
    (void)state;
    enum { N_MANY = 500, N = 4 };
    sim_open(sim_options(0, 100000));
    struct hone_scheduler *s = sim.scheduler;
    struct hone_text texts[N_MANY];
    struct sim_request *many = sim_embedding(0), *list[N];
    for (size_t i = 0; i < N_MANY; i++)
        texts[i] = (struct hone_text){"abc", 3};
    float *out = calloc(N_MANY, hone_model_info(sim.model)->n_embd * sizeof *out);
    many->request.texts = texts;
    many->request.n_texts = N_MANY;
    many->request.out = out;
    sim_submit(many);
    for (size_t i = 0; i < N; i++) {
        list[i] = sim_embedding(5);
        sim_submit(list[i]);
    }
    pthread_mutex_lock(&s->lock);
    assert_true(tokenizers_work(s, s->encodings, 1)); /* the first of many */
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(jobs_find(s, list[i]->id)->n_tokenized, 0);
        assert_true(tokenizers_work(s, s->encodings, 1));
        assert_int_equal(jobs_find(s, list[i]->id)->n_tokenized, 1);
    }
    size_t n_begun = jobs_find(s, many->id)->n_tokenized;
    assert_true(n_begun > 0 && n_begun < N_MANY);
    assert_true(tokenizers_work(s, s->encodings, 1));
    assert_true(jobs_find(s, many->id)->n_tokenized > n_begun);
    pthread_mutex_unlock(&s->lock);
    sim_pass_time(sim.now + 5000 * SIM_MS);
    assert_int_equal(many->status, HONE_OK);
    for (size_t i = 0; i < N; i++)
        sim_release(list[i]);
    sim_release(many);
    free(out);
    sim_close();
}

/* ---- what is there when the time is over ---- */

enum { N_MANY = 300 };
static bool done[N_MANY];

/* Many texts in one request, which take 100 * 2.1 ms and more in all. */
static struct sim_request *many_texts(void)
{
    static struct hone_text texts[N_MANY];
    struct sim_request *r = sim_embedding(20);
    size_t width = hone_model_info(sim.model)->n_embd;
    free(r->out);
    r->out = calloc(N_MANY, width * sizeof *r->out);
    for (size_t i = 0; i < N_MANY; i++)
        texts[i] = (struct hone_text){r->text.data + i % 20, 20};
    memset(done, 0, sizeof done);
    r->request.texts = texts;
    r->request.n_texts = N_MANY;
    r->request.out = r->out;
    r->request.out_done = done;
    return r;
}

/* Nobody knows yet how long a text takes, then everybody does: batches end by the deadline, and who is late is told so. */
static void batches_end_by_a_deadline(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        sim_open(sim_options(0, 100000));
        struct sim_request *late = many_texts(), *before = sim_embedding(30);
        if (k == 1) {
            sim_submit(before);
            sim_pass_time(sim.now + 100 * SIM_MS);
        }
        uint64_t begun = sim.now;
        late->request.timeout_ms = 100;
        sim_submit(late);
        sim_pass_time(begun + 2000 * SIM_MS);
        assert_int_equal(late->status, HONE_LATE);
        assert_in_range(late->replied - begun, 100 * SIM_MS, 110 * SIM_MS);
        sim_release(late);
        sim_release(before);
        sim_close();
    }
}

static void rows_that_are_there_in_time(void **state)
{
    (void)state;
    sim_open(sim_options(0, 100000));
    struct sim_request *late = many_texts();
    uint64_t begun = sim.now;
    late->request.timeout_ms = 100;
    late->request.partial = true;
    sim_submit(late);
    sim_pass_time(begun + 2000 * SIM_MS);
    assert_int_equal(late->status, HONE_OK);
    assert_true(late->reply.timed_out);
    assert_in_range(late->replied - begun, 100 * SIM_MS, 110 * SIM_MS);
    size_t n = 0, width = hone_model_info(sim.model)->n_embd;
    for (size_t i = 0; i < N_MANY; i++) {
        n += done[i];
        assert_true((late->out[i * width] != 0) == done[i]);
    }
    print_message("%zu of %d texts in 100 ms\n", n, N_MANY);
    assert_in_range(n, 10, N_MANY - 10);
    sim_release(late);
    sim_close();
}

static void a_text_as_far_as_it_came(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *text = sim_generation(10, 400), *none = sim_generation(500, 5);
    uint64_t begun = sim.now;
    text->request.timeout_ms = 50;
    text->request.partial = true;
    sim_submit(text);
    sim_pass_time(begun + 1000 * SIM_MS);
    assert_int_equal(text->status, HONE_OK);
    assert_true(text->reply.timed_out);
    assert_int_equal(text->generation.finish, HONE_FINISH_TIME);
    assert_int_equal(text->generation.results[0].finish, HONE_FINISH_TIME);
    assert_true(text->generation.results[0].n_ids > 20);
    assert_true(text->replied - begun <= 50 * SIM_MS + 2 * (sim.a_pass + sim.a_token));
    none->request.timeout_ms = 20; /* its first token would come after that */
    none->request.partial = true;
    sim_submit(none);
    sim_pass_time(sim.now + 1000 * SIM_MS);
    assert_int_equal(none->status, HONE_LATE);
    sim_release(text);
    sim_release(none);
    sim_close();
}

/* ---- equal requests ---- */

/* Two requests for one text that come before anything is computed, and are in different batches: the second finds what the
 * first batch has made. */
static void same_text_in_two_batches(void **state)
{
    (void)state;
    struct hone_scheduler_options options = sim_options(0, 30);
    struct hone_scheduler_stats stats;
    options.cache_bytes[HONE_CACHE_EMBEDDINGS] = 1 << 20;
    sim_open(options);
    struct sim_request *list[] = {sim_embedding(20), sim_embedding(21), sim_embedding(20)};
    for (size_t i = 0; i < 3; i++)
        sim_submit(list[i]);
    sim_pass_time(sim.now + 50 * SIM_MS);
    hone_scheduler_stats(sim.scheduler, &stats);
    assert_int_equal(stats.texts.n_texts, 2);
    assert_int_equal(sim.n_passes, 3); /* the third has nothing to compute */
    assert_true(sim.passes[2].n_tokens == 0);
    size_t width = hone_model_info(sim.model)->n_embd;
    assert_memory_equal(list[0]->out, list[2]->out, width * sizeof(float));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list[i]->status, HONE_OK);
        sim_release(list[i]);
    }
    sim_close();
}

/* ---- cancellation ---- */

static struct sim_request *to_cancel;

static void cancel_now(uint64_t ends)
{
    (void)ends;
    hone_cancel(sim.scheduler, to_cancel->id);
    assert_int_equal(to_cancel->replied, 0); /* it is being computed */
}

static void cancelled_while_it_is_computed(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *other = sim_embedding(12);
    to_cancel = sim_embedding(10);
    sim.during = cancel_now;
    sim_submit(to_cancel);
    sim_submit(other);
    sim_pass_time(sim.now + 1);
    assert_int_equal(to_cancel->status, HONE_CANCELLED);
    assert_int_equal(to_cancel->replied, sim.passes[0].ended);
    assert_int_equal(other->status, HONE_OK);
    sim_release(to_cancel);
    sim_release(other);
    sim_close();
}

static void cancelled_while_it_waits(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *s = sim_embedding(10), *text = sim_generation(3, 5);
    sim_submit(s);
    sim_submit(text);
    hone_cancel(sim.scheduler, s->id);
    hone_cancel(sim.scheduler, text->id);
    assert_int_equal(s->status, HONE_CANCELLED);
    assert_int_equal(s->replied, sim.now); /* at once */
    assert_int_equal(text->status, HONE_CANCELLED);
    assert_int_equal(text->replied, sim.now);
    sim_pass_time(sim.now + 50 * SIM_MS);
    assert_int_equal(sim.n_passes, 0); /* nothing of them is computed */
    sim_release(s);
    sim_release(text);
    sim_close();
}

/* A text that is being generated ends with the step, and gives up its blocks and its place. */
static void cancelled_while_it_is_generated(void **state)
{
    (void)state;
    sim_open(sim_options(1, 1000));
    struct sim_request *text = sim_generation(3, 500), *next = sim_generation(3, 5);
    uint64_t begun = sim.now;
    sim_submit(text);
    sim_submit(next);
    sim_pass_time(begun + 20 * SIM_MS);
    size_t n_before = text->n_tokens;
    assert_true(n_before > 10 && next->n_tokens == 0);
    hone_cancel(sim.scheduler, text->id);
    begun = sim.now;
    sim_pass_time(begun + 20 * SIM_MS);
    assert_int_equal(text->status, HONE_CANCELLED);
    assert_true(text->replied <= begun + 2 * SIM_MS);
    assert_int_equal(text->n_tokens, n_before);
    assert_int_equal(text->generation.n_out, n_before); /* what there was of it */
    assert_int_equal(next->status, HONE_OK);
    assert_true(next->replied <= begun + 10 * SIM_MS);
    sim_release(text);
    sim_release(next);
    sim_close();
}

/* ---- counters ---- */

/* With times that are known here to the nanosecond. */
static void replies_are_counted(void **state)
{
    (void)state;
    sim_open(sim_options(1, 1000));
    struct sim_request *first = sim_embedding(20), *second = sim_embedding(20), *late = sim_embedding(20);
    struct hone_scheduler_stats stats;
    sim.a_pass = 10 * SIM_MS;
    sim.a_token = 0;
    late->request.queue_timeout_ms = 1;
    sim_submit(first);
    sim_submit(second);
    sim_submit(late);
    sim_pass_time(sim.now + 5 * SIM_MS);
    sim_pass_time(sim.now + 100 * SIM_MS);
    hone_scheduler_stats(sim.scheduler, &stats);
    assert_int_equal(stats.n_taken, 3);
    assert_int_equal(stats.n_busy, 0);
    assert_int_equal(stats.n_ok, 2);
    assert_int_equal(stats.n_late, 1);
    assert_int_equal(stats.n_failed + stats.n_cancelled, 0);
    assert_float_equal(stats.total[HONE_PRIORITY_INTERACTIVE].sum_ms, 10 + 20, 1e-6);
    assert_float_equal(stats.queue[HONE_PRIORITY_INTERACTIVE].sum_ms, 10, 1e-6);
    assert_int_equal(second->reply.n_texts, 1);
    assert_float_equal(second->reply.queue_ms, 10, 1e-6);
    assert_float_equal(second->reply.infer_ms, 10, 1e-6);
    assert_float_equal(second->reply.total_ms, 20, 1e-6);
    assert_float_equal(second->reply.tokenize_ms, 0, 1e-6);
    sim_release(first);
    sim_release(second);
    sim_release(late);
    sim_close();
}

/* The first token after what a prompt takes, the others after a step each. */
static void times_of_tokens(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct hone_scheduler_stats stats;
    struct sim_request *text = sim_generation(10, 11);
    sim_submit(text);
    sim_pass_time(sim.now + 100 * SIM_MS);
    hone_scheduler_stats(sim.scheduler, &stats);
    assert_int_equal(stats.generation.first_token.n, 1);
    assert_float_equal(stats.generation.first_token.sum_ms, 2, 0.01);
    assert_int_equal(stats.generation.between_tokens.n, 10);
    assert_float_equal(stats.generation.between_tokens.sum_ms, 11,
                       0.01); /* the counters have 1024ths of a ms */
    assert_int_equal(stats.generation.n_steps, 11);
    assert_float_equal(stats.generation.step.sum_ms, 13, 0.01);
    sim_release(text);
    sim_close();
}

/* Each new measurement counts a fifth. */
static void rates_are_those_of_lately(void **state)
{
    (void)state;
    static const uint64_t passes[] = {10, 20, 5};
    static const double ms[] = {10, 0.8 * 10 + 0.2 * 20, 0.8 * 12 + 0.2 * 5};
    sim_open(sim_options(1, 1000));
    sim.a_token = 0;
    for (size_t i = 0; i < 3; i++) {
        struct sim_request *r = sim_embedding(20);
        struct hone_scheduler_stats stats;
        sim.a_pass = passes[i] * SIM_MS;
        sim_submit(r);
        sim_pass_time(sim.now + 100 * SIM_MS);
        hone_scheduler_stats(sim.scheduler, &stats);
        assert_float_equal(stats.tokens_per_s * ms[i] / 1e3, (double)r->reply.n_tokens, 1e-6);
        sim_release(r);
    }
    sim_close();
}

/* Who finds the queue full is told to come back when half of it will have been computed. */
static void when_to_try_again(void **state)
{
    (void)state;
    enum { N = 6 };
    struct hone_scheduler_options options = sim_options(1, 1000);
    struct hone_scheduler_stats stats;
    struct hone_error err;
    struct sim_request *list[N], *more = sim_embedding(9);
    double ms = 0;
    options.max_queue = N;
    sim_open(options);
    struct sim_request *measured = sim_embedding(20);
    sim_submit(measured);
    sim_pass_time(sim.now + 100 * SIM_MS);
    hone_scheduler_stats(sim.scheduler, &stats);
    size_t n_tokens = 0;
    for (size_t i = 0; i < N; i++) {
        list[i] = sim_embedding(20);
        sim_submit(list[i]);
    }
    pthread_mutex_lock(&sim.scheduler->lock);
    while (tokenizers_work(sim.scheduler, sim.scheduler->encodings, 1))
        ;
    pthread_mutex_unlock(&sim.scheduler->lock);
    n_tokens = N * measured->reply.n_tokens;
    assert_int_equal(hone_submit(sim.scheduler, &more->request, NULL, &ms, &err), HONE_BUSY);
    assert_float_equal(ms, 1e3 * (double)n_tokens / stats.tokens_per_s / 2, 1e-3);
    sim_pass_time(sim.now + 100 * SIM_MS);
    for (size_t i = 0; i < N; i++)
        sim_release(list[i]);
    sim_release(more);
    sim_release(measured);
    sim_close();
}

/* ---- tuning ---- */

static void bounds_of_options(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_scheduler *s;
    struct hone_scheduler_options options = sim_options(0, 40);
    options.tune = true;
    options.min_batch_tokens = 100;
    options.max_batch_tokens = 50;
    assert_int_equal(scheduler_new(&s, sim.model, &options, &clock_monotonic, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "wrong way round"));
    assert_null(s);
    options.min_batch_tokens = 50; /* they may be the same */
    options.n_tokenizers = SCHEDULER_MAX_TOKENIZERS;
    assert_ok(scheduler_new(&s, sim.model, &options, &clock_monotonic, &err), &err);
    hone_scheduler_close(&s);
    options.n_tokenizers++;
    assert_int_equal(scheduler_new(&s, sim.model, &options, &clock_monotonic, &err), HONE_USAGE);
}

/* Batches of one request take a millisecond each beside their tokens: larger ones are tried, up to the bound. */
static void batches_grow_where_that_helps(void **state)
{
    (void)state;
    enum { N = 40, ROUNDS = 60 };
    struct hone_scheduler_options options = sim_options(0, 20);
    struct hone_scheduler_stats stats = {0};
    struct sim_request *list[N];
    size_t most = 0;
    options.tune = true;
    options.min_batch_tokens = 15;
    options.max_batch_tokens = 90;
    sim_open(options);
    for (size_t i = 0; i < N; i++)
        list[i] = sim_embedding(20);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < N; i++)
            sim_submit(list[i]);
        sim_pass_time(sim.now + 400 * SIM_MS);
        hone_scheduler_stats(sim.scheduler, &stats);
        assert_in_range(stats.max_batch_tokens, 15, 90);
        most = stats.max_batch_tokens > most ? stats.max_batch_tokens : most;
    }
    print_message("batches of up to %zu tokens\n", most);
    assert_true(most > 40);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(list[i]->status, HONE_OK);
        sim_release(list[i]);
    }
    sim_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline_of_a_running_batch),
        cmocka_unit_test(deadline_between_batches),
        cmocka_unit_test(queue_timeout),
        cmocka_unit_test(queue_timeout_of_a_prompt),
        cmocka_unit_test(deadline_of_a_text_that_is_generated),
        cmocka_unit_test(first_come_first_served),
        cmocka_unit_test(texts_are_prepared_in_order),
        cmocka_unit_test(batches_end_by_a_deadline),
        cmocka_unit_test(rows_that_are_there_in_time),
        cmocka_unit_test(a_text_as_far_as_it_came),
        cmocka_unit_test(same_text_in_two_batches),
        cmocka_unit_test(cancelled_while_it_is_computed),
        cmocka_unit_test(cancelled_while_it_waits),
        cmocka_unit_test(cancelled_while_it_is_generated),
        cmocka_unit_test(replies_are_counted),
        cmocka_unit_test(times_of_tokens),
        cmocka_unit_test(rates_are_those_of_lately),
        cmocka_unit_test(when_to_try_again),
        cmocka_unit_test(bounds_of_options),
        cmocka_unit_test(batches_grow_where_that_helps),
    };
    return cmocka_run_group_tests(tests, sim_set_up, sim_tear_down);
}
