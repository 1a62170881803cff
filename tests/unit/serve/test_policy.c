/* Which requests are computed when: a simulation with a clock of its own, from a seed. */
#include "tests/support.h"

#include "runtime/serve/tuner.h"

#include <stdlib.h>
#include <string.h>

#define N_EVENTS     1000000
#define N_REQUESTS   4096 /* at once */
#define N_TOKENIZERS 2
#define N_WRITING    8 /* texts generated at once */
#define MAX_QUEUE    500
#define US           1000u
#define NS_A_TOKEN   1000u

enum fate { FATE_FREE, FATE_WAITS, FATE_CANCELLED, FATE_LATE };

struct sim_request {
    struct policy_entry entry;
    uint32_t costs[8];
    uint64_t number;         /* in order of arrival */
    uint64_t arrived, since; /* that it waits, or its last texts were taken */
    size_t n_computed;
    uint64_t ready; /* when its token ids will be there */
    enum fate fate;
    bool running, pending;
};

static struct sim {
    struct policy policy;
    struct sim_request requests[N_REQUESTS];
    struct slice slices[POLICY_SLICES];
    size_t n_slices;
    uint64_t now, batch_end, random;
    uint64_t n_overdue, n_added, n_refused, n_done, n_late, n_cancelled, n_batches, n_fast;
    /* Texts are tokenized one after the other by each of them: rings. */
    struct tokenizer {
        struct sim_request *line[N_REQUESTS];
        size_t first, n;
        uint64_t end; /* when it will have done all */
    } tokenizers[N_TOKENIZERS];
    struct sim_request *writing[N_WRITING]; /* whose texts are generated, until `ready`; or NULL */
    uint64_t n_written;
    uint64_t served[HONE_N_PRIORITIES]; /* when its queue got its last batch, or was empty */
    uint64_t longest_batch, longest_bulk_wait;
    bool plain; /* one text a request, all of one cost and kind, no deadlines */
    bool one_class;
    struct tuner tuner;
    bool tunes;
    uint64_t batch_overhead; /* ns that a batch takes beside its tokens */
    uint64_t latencies;      /* of those that are done, added up */
    uint64_t last_number[HONE_N_PRIORITIES];
} sim;

static uint64_t draw(uint64_t n)
{
    sim.random ^= sim.random << 13;
    sim.random ^= sim.random >> 7;
    sim.random ^= sim.random << 17;
    return sim.random % n;
}

static void sim_start(uint64_t seed, bool plain)
{
    memset(&sim, 0, sizeof sim);
    struct policy_options options = {
        .batch_tokens = 1024,
        .max_queue = MAX_QUEUE,
        .max_parallel = 64,
        .window = 1000 * US,
        .starvation = 20000 * US,
        .lengths = {64, 128, 256, 512},
        .n_lengths = 4,
        .adaptive_window = seed % 2,
        .adaptive_batch = seed % 3 == 1,
    };
    policy_init(&sim.policy, &options);
    sim.random = seed;
    sim.plain = plain;
    print_message("seed %llu\n", (unsigned long long)seed);
}

/* ---- what may happen ---- */

static void finish(struct sim_request *r, uint64_t *counter)
{
    assert_int_not_equal(r->fate, FATE_FREE); /* no reply twice */
    assert_int_equal(r->entry.place, ENTRY_OUT);
    assert_false(r->pending);
    r->fate = FATE_FREE;
    ++*counter;
}

/* Its token ids will be there some time later. */
static void begin_tokenizing(struct sim_request *r)
{
    struct tokenizer *t = &sim.tokenizers[draw(N_TOKENIZERS)];
    uint64_t begins = t->end > sim.now ? t->end : sim.now;
    r->pending = true;
    r->ready = t->end = begins + (sim.plain ? 0 : draw(20) ? draw(50) * US : draw(2000) * US);
    t->line[(t->first + t->n++) % N_REQUESTS] = r;
}

static uint64_t next_ready(struct tokenizer **which)
{
    uint64_t next = POLICY_NEVER;
    for (size_t i = 0; i < N_TOKENIZERS; i++) {
        struct tokenizer *t = &sim.tokenizers[i];
        if (t->n > 0 && t->line[t->first]->ready < next) {
            next = t->line[t->first]->ready;
            *which = t;
        }
    }
    return next;
}

static void end_tokenizing(struct tokenizer *t)
{
    struct sim_request *r = t->line[t->first];
    t->first = (t->first + 1) % N_REQUESTS;
    t->n--;
    r->pending = false;
    if (r->fate == FATE_CANCELLED)
        finish(r, &sim.n_cancelled);
    else if (r->fate == FATE_LATE)
        finish(r, &sim.n_late);
    else {
        if (!r->entry.generates && !sim.policy.queues[ENTRY_READY][r->entry.priority].first)
            sim.served[r->entry.priority] = sim.now;
        policy_ready(&sim.policy, &r->entry, sim.now);
    }
}

static void arrive(void)
{
    struct sim_request *r = &sim.requests[draw(N_REQUESTS)];
    if (r->fate != FATE_FREE)
        return;
    memset(r, 0, sizeof *r);
    struct policy_entry *e = &r->entry;
    e->priority = !sim.one_class && draw(3) == 0 ? HONE_PRIORITY_BULK : HONE_PRIORITY_INTERACTIVE;
    e->kind = sim.plain ? 1 : draw(4); /* 0: POLICY_ALONE */
    e->costs = r->costs;
    e->generates = !sim.plain && draw(50) == 0;
    e->n_texts = sim.plain || e->generates ? 1 : 1 + draw(8);
    if (e->n_texts > 1 && e->kind != POLICY_ALONE && draw(3) == 0) {
        e->first_kind = 1 + e->kind % 3;
        e->n_first = 1 + draw(e->n_texts - 1);
    }
    for (size_t i = 0; i < e->n_texts; i++)
        r->costs[i] = sim.plain ? 20 : (uint32_t)(draw(20) ? 2 + draw(100) : 1 + draw(3000));
    e->queue_deadline = sim.plain || draw(4) ? POLICY_NEVER : sim.now + draw(60000) * US;
    e->deadline = sim.plain || draw(4) ? POLICY_NEVER : sim.now + draw(90000) * US;
    r->arrived = r->since = sim.now;
    r->number = ++sim.n_added;
    if (policy_add(&sim.policy, e, sim.now)) {
        r->fate = FATE_WAITS;
        begin_tokenizing(r);
        return;
    }
    assert_int_equal(policy_n_waiting(&sim.policy, e->priority), MAX_QUEUE);
    sim.n_added--;
    sim.n_refused++;
}

static void cancel(void)
{
    struct sim_request *r = &sim.requests[draw(N_REQUESTS)];
    if (r->fate != FATE_WAITS)
        return;
    policy_remove(&sim.policy, &r->entry);
    if (r->running || r->pending)
        r->fate = FATE_CANCELLED;
    else
        finish(r, &sim.n_cancelled);
}

static void expire(void)
{
    struct policy_entry *e;
    while ((e = policy_expire(&sim.policy, sim.now))) {
        assert_true(e->deadline <= sim.now || (e->n_taken == 0 && e->queue_deadline <= sim.now));
        if (((struct sim_request *)e)->pending)
            ((struct sim_request *)e)->fate = FATE_LATE;
        else
            finish((struct sim_request *)e, &sim.n_late);
    }
}

static uint64_t kind_at(const struct policy_entry *e, size_t text)
{
    return text < e->n_first ? e->first_kind : e->kind;
}

static void check_slice(const struct slice *s, const struct slice *first)
{
    struct sim_request *r = (struct sim_request *)s->entry;
    assert_int_equal(r->fate, FATE_WAITS);
    assert_false(r->running);
    assert_int_equal(s->first, r->n_computed); /* no text lost, none twice */
    assert_true(s->n > 0 && s->first + s->n <= s->entry->n_texts);
    assert_true(s->entry->deadline > sim.now);
    assert_true(s->first > 0 || s->entry->queue_deadline > sim.now);
    for (size_t i = s->first; i < s->first + s->n; i++)
        assert_int_equal(kind_at(s->entry, i), kind_at(first->entry, first->first));
    assert_int_equal(s->entry->priority, first->entry->priority);
    if (!sim.plain)
        return;
    assert_true(r->number > sim.last_number[s->entry->priority]); /* in order of arrival */
    sim.last_number[s->entry->priority] = r->number;
}

static bool is_overdue(uint64_t since)
{
    return sim.now - since >= sim.policy.options.starvation;
}

/* Nobody who has waited for too long was left while somebody else was taken. */
static void check_overdue(enum hone_priority class, uint64_t room)
{
    uint64_t kind = kind_at(sim.slices[0].entry, sim.slices[0].first), n_overdue = 0;
    for (struct policy_entry *e = sim.policy.queues[ENTRY_READY][class].first; e; e = e->next) {
        if (kind_at(e, e->n_taken) != kind || kind == POLICY_ALONE || !is_overdue(e->since))
            continue;
        n_overdue++;
        assert_true(sim.n_slices == sim.policy.options.max_parallel || e->costs[e->n_taken] > room);
    }
    sim.n_overdue += n_overdue;
}

static uint64_t check_batch(struct policy_entry *const *oldest, uint64_t limit)
{
    uint64_t n_tokens = 0, n_first = 0;
    for (size_t i = 0; i < sim.n_slices; i++) {
        const struct slice *s = &sim.slices[i];
        check_slice(s, sim.slices);
        uint64_t before = n_tokens;
        for (size_t t = s->first; t < s->first + s->n; t++)
            n_tokens += s->entry->costs[t];
        if (i == 0 || is_overdue(((struct sim_request *)s->entry)->since))
            n_first += n_tokens - before;
        if (s->entry->n_taken != s->entry->n_first) /* else it keeps its place for those of its other kind */
            ((struct sim_request *)s->entry)->since = sim.now;
        ((struct sim_request *)s->entry)->running = true;
    }
    enum hone_priority class = sim.slices[0].entry->priority;
    assert_ptr_equal(sim.slices[0].entry, oldest[class]);
    assert_true(n_tokens <= limit || sim.slices[0].n == 1);
    assert_true(sim.n_slices <= sim.policy.options.max_parallel);
    check_overdue(class, n_first < limit ? limit - n_first : 0);
    assert_true(sim.n_slices == 1 || kind_at(sim.slices[0].entry, sim.slices[0].first) != POLICY_ALONE);
    return n_tokens;
}

static void start_batch(void)
{
    struct policy_entry *oldest[HONE_N_PRIORITIES];
    bool fast = false;
    expire();
    for (size_t c = 0; c < HONE_N_PRIORITIES; c++)
        oldest[c] = sim.policy.queues[ENTRY_READY][c].first;
    uint64_t limit = policy_batch_tokens(&sim.policy);
    uint64_t wait = oldest[HONE_PRIORITY_BULK] ? sim.now - sim.served[HONE_PRIORITY_BULK] : 0;
    sim.n_slices = policy_take(&sim.policy, sim.now, sim.slices, &fast);
    if (sim.n_slices == 0)
        return;
    uint64_t took = check_batch(oldest, limit) * NS_A_TOKEN + draw(100) * US + sim.batch_overhead;
    enum hone_priority class = sim.slices[0].entry->priority;
    if (class == HONE_PRIORITY_BULK && wait > sim.longest_bulk_wait)
        sim.longest_bulk_wait = wait;
    sim.longest_batch = took > sim.longest_batch ? took : sim.longest_batch;
    sim.served[class] = sim.now;
    sim.batch_end = sim.now + took;
    sim.n_batches++;
    sim.n_fast += fast;
}

static void end_batch(void)
{
    for (size_t i = 0; i < sim.n_slices; i++) {
        struct sim_request *r = (struct sim_request *)sim.slices[i].entry;
        r->running = false;
        r->n_computed += sim.slices[i].n;
        if (r->fate == FATE_CANCELLED)
            finish(r, &sim.n_cancelled);
        else if (r->n_computed == r->entry.n_texts) {
            sim.latencies += sim.now - r->arrived;
            if (sim.tunes)
                tuner_reply(&sim.tuner, &sim.policy.options, sim.now - r->arrived);
            finish(r, &sim.n_done);
        }
    }
    policy_done(&sim.policy, sim.now, sim.n_slices);
    sim.n_slices = 0;
}

/* ---- texts that are generated ---- */

static void begin_writing(void)
{
    for (size_t i = 0; i < N_WRITING; i++) {
        expire();
        struct policy_entry *e = sim.writing[i] ? NULL : policy_generate(&sim.policy, sim.now);
        struct sim_request *r = (struct sim_request *)e;
        if (!r)
            continue;
        assert_int_equal(r->fate, FATE_WAITS);
        assert_true(e->generates && !r->pending && !r->running && e->place == ENTRY_OUT);
        assert_true(e->deadline > sim.now && e->queue_deadline > sim.now);
        r->running = true;
        r->ready = sim.now + draw(20000) * US;
        sim.writing[i] = r;
    }
}

static uint64_t next_written(size_t *which)
{
    uint64_t next = POLICY_NEVER;
    for (size_t i = 0; i < N_WRITING; i++)
        if (sim.writing[i] && sim.writing[i]->ready < next) {
            next = sim.writing[i]->ready;
            *which = i;
        }
    return next;
}

static void end_writing(size_t i)
{
    struct sim_request *r = sim.writing[i];
    sim.writing[i] = NULL;
    r->running = false;
    sim.n_written++;
    finish(r, r->fate == FATE_CANCELLED ? &sim.n_cancelled : &sim.n_done);
}

/* ---- time ---- */

/* What is due until `until` happens; then it is that time. */
static void pass(uint64_t until)
{
    for (;;) {
        struct tokenizer *t = NULL;
        size_t which = 0;
        uint64_t next = sim.n_slices ? sim.batch_end : policy_wake(&sim.policy), ready = next_ready(&t),
                 written = next_written(&which);
        if (next > until && ready > until && written > until)
            break;
        next = next < ready ? next : ready;
        next = next < written ? next : written;
        sim.now = next > sim.now ? next : sim.now;
        begin_writing();
        if (written <= sim.now)
            end_writing(which);
        else if (ready <= sim.now)
            end_tokenizing(t);
        else if (sim.n_slices)
            end_batch();
        else
            start_batch();
    }
    sim.now = until;
}

static void run_events(size_t n, uint64_t mean_gap)
{
    for (size_t i = 0; i < n; i++) {
        pass(sim.now + draw(2 * mean_gap));
        if (!sim.plain && draw(10) == 0)
            cancel();
        else
            arrive();
    }
    while (policy_n_waiting(&sim.policy, HONE_PRIORITY_INTERACTIVE) +
               policy_n_waiting(&sim.policy, HONE_PRIORITY_BULK) + sim.n_slices +
               (next_written(&(size_t){0}) != POLICY_NEVER) >
           0)
        pass(sim.now + 100000 * US);
    for (size_t i = 0; i < N_REQUESTS; i++)
        assert_int_equal(sim.requests[i].fate, FATE_FREE);
    assert_int_equal(sim.n_added, sim.n_done + sim.n_late + sim.n_cancelled);
    print_message("%llu requests: %llu done, %llu late, %llu cancelled; %llu refused; %llu batches\n",
                  (unsigned long long)sim.n_added, (unsigned long long)sim.n_done,
                  (unsigned long long)sim.n_late, (unsigned long long)sim.n_cancelled,
                  (unsigned long long)sim.n_refused, (unsigned long long)sim.n_batches);
}

/* ---- tests ---- */

static void no_reply_is_lost_or_doubled(void **state)
{
    (void)state;
    static const uint64_t gaps[] = {50 * US, 200 * US, 300 * US, 1000 * US}; /* too much work, to little */
    for (size_t i = 0; i < 4; i++) {
        sim_start(20260101 + i, false);
        run_events(N_EVENTS / 4, gaps[i]);
        assert_true(sim.n_done > 0 && sim.n_late > 0 && sim.n_cancelled > 0 && sim.n_written > 0);
    }
}

static void order_of_arrival(void **state)
{
    (void)state;
    sim_start(7, true);
    run_events(N_EVENTS / 10, 21 * US);
    assert_true(sim.n_refused > 0);
}

static void bulk_does_not_starve(void **state)
{
    (void)state;
    sim_start(11, false);
    run_events(N_EVENTS / 10, 50 * US); /* interactive requests alone are more than can be computed */
    print_message("longest wait of the bulk queue: %.1f ms; %llu requests were overdue\n",
                  1e-6 * (double)sim.longest_bulk_wait, (unsigned long long)sim.n_overdue);
    assert_true(sim.longest_bulk_wait > 20000 * US); /* it was tried */
    assert_true(sim.n_overdue > 0);
    assert_true(sim.longest_bulk_wait <= 20000 * US + sim.longest_batch);
}

static void alone_is_fast(void **state)
{
    (void)state;
    sim_start(13, true);
    for (size_t i = 0; i < 1000; i++) {
        arrive();
        pass(sim.now); /* no time passes */
        assert_true(sim.n_slices > 0 || sim.n_added < i);
        pass(sim.now + 5000 * US);
    }
    assert_int_equal(sim.n_fast, sim.n_added);
    assert_int_equal(sim.n_batches, sim.n_added);
}

/* Short texts are computed together where enough of them wait, and so are long ones. */
static void lengths_together(void **state)
{
    (void)state;
    uint32_t costs[] = {10, 400, 12, 420, 300, 20, 14, 410};
    struct policy_entry entries[8];
    bool fast;
    sim_start(18, true);
    sim.policy.options.batch_tokens = 900;
    for (size_t i = 0; i < 8; i++) {
        entries[i] = (struct policy_entry){.kind = 1,
                                           .costs = &costs[i],
                                           .n_texts = 1,
                                           .queue_deadline = POLICY_NEVER,
                                           .deadline = POLICY_NEVER};
        assert_true(policy_add(&sim.policy, &entries[i], 0));
    }
    for (size_t i = 8; i-- > 0;) /* the order in which they are ready does not matter */
        policy_ready(&sim.policy, &entries[i], 0);
    size_t order[] = {0, 2, 5, 6, 1, 3}; /* the short ones; there is room for two others */
    assert_int_equal(policy_take(&sim.policy, 0, sim.slices, &fast), 6);
    for (size_t i = 0; i < 6; i++)
        assert_ptr_equal(sim.slices[i].entry, &entries[order[i]]);
    policy_done(&sim.policy, 0, 6);
    assert_int_equal(policy_take(&sim.policy, 1000 * US, sim.slices, &fast), 2);
}

/* What is of no use without the texts behind it keeps its place for them; what is too much for a batch does not. */
static void first_texts_keep_their_place(void **state)
{
    (void)state;
    static const uint32_t costs[] = {5, 400, 400};
    struct policy_entry entries[2];
    bool fast;
    sim_start(18, true);
    sim.policy.options.max_parallel = 1;
    sim.policy.options.window = 0;
    sim.policy.options.batch_tokens = 500;
    for (size_t i = 0; i < 2; i++) {
        entries[i] = (struct policy_entry){.kind = 1,
                                           .first_kind = 2,
                                           .n_first = 1 - i,
                                           .costs = costs,
                                           .n_texts = 3 - 2 * i,
                                           .queue_deadline = POLICY_NEVER,
                                           .deadline = POLICY_NEVER};
        assert_true(policy_add(&sim.policy, &entries[i], 0));
        policy_ready(&sim.policy, &entries[i], 0);
    }
    static const size_t order[] = {0, 0, 1, 0}, first[] = {0, 1, 0, 2};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(policy_take(&sim.policy, 0, sim.slices, &fast), 1);
        assert_ptr_equal(sim.slices[0].entry, &entries[order[i]]);
        assert_int_equal(sim.slices[0].first, first[i]);
        assert_int_equal(sim.slices[0].n, 1);
        policy_done(&sim.policy, 0, 1);
    }
}

static void depth_decides(void **state)
{
    (void)state;
    uint32_t cost = 100;
    struct policy_entry entries[32];
    sim_start(18, true);
    sim.policy.options.adaptive_window = sim.policy.options.adaptive_batch = true;
    assert_int_equal(policy_window(&sim.policy), 750 * US);
    assert_int_equal(policy_batch_tokens(&sim.policy), 256);
    for (size_t i = 0; i < 32; i++) {
        entries[i] = (struct policy_entry){.kind = 1,
                                           .costs = &cost,
                                           .n_texts = 1,
                                           .queue_deadline = POLICY_NEVER,
                                           .deadline = POLICY_NEVER};
        assert_true(policy_add(&sim.policy, &entries[i], 0));
        policy_ready(&sim.policy, &entries[i], 0);
        if (i == 9) {
            assert_int_equal(policy_window(&sim.policy), 1000 * US);
            assert_int_equal(policy_batch_tokens(&sim.policy), 500);
        }
    }
    assert_int_equal(policy_window(&sim.policy), 2000 * US);
    assert_int_equal(policy_batch_tokens(&sim.policy), 1024);
}

/* Windows and depths that somebody chose. */
static void depth_decides_as_told(void **state)
{
    (void)state;
    static const uint32_t cost = 1;
    struct policy_entry entries[8];
    struct policy_options o = {
        .batch_tokens = 1000, .max_queue = 100, .max_parallel = 10, .adaptive_window = true};
    o.windows[0] = 10 * US;
    o.windows[2] = 5000 * US;
    o.few = 2;
    o.many = 5;
    struct policy p;
    policy_init(&p, &o);
    for (size_t i = 0; i < 8; i++) {
        entries[i] = (struct policy_entry){.kind = 1,
                                           .costs = &cost,
                                           .n_texts = 1,
                                           .queue_deadline = POLICY_NEVER,
                                           .deadline = POLICY_NEVER};
        assert_true(policy_add(&p, &entries[i], 0));
        policy_ready(&p, &entries[i], 0);
        assert_int_equal(policy_window(&p), i + 1 <= 2 ? 10 * US : i + 1 <= 5 ? 1000 * US : 5000 * US);
    }
    assert_int_equal(policy_batch_tokens(&p), 1000);
}

/* n times the replies of a decision, of which two in a hundred take `slow`. */
static void reply_often(struct tuner *t, struct policy_options *o, size_t n, uint64_t slow)
{
    for (size_t i = 0; i < n * TUNER_REPLIES; i++)
        tuner_reply(t, o, i % 50 == 0 ? slow : 1000 * US);
}

static void a_goal_that_is_reached_is_left_alone(void **state)
{
    (void)state;
    const struct tuner_bounds bounds = {100 * US, 2000 * US, 40, 1000, 50000 * US};
    struct policy_options o = {.window = 1000 * US, .batch_tokens = 400}, before = o;
    struct tuner t;
    tuner_init(&t, &bounds);
    reply_often(&t, &o, 10, 49000 * US);
    assert_memory_equal(&o, &before, sizeof o);
    assert_int_equal(t.n_steps, 0);
    reply_often(&t, &o, 1, 51000 * US);
    assert_int_equal(t.n_steps, 1);
    assert_true(o.window != before.window || o.batch_tokens != before.batch_tokens);
    reply_often(&t, &o, 1, 60000 * US); /* that made it worse */
    assert_int_equal(t.n_undone, 1);
    reply_often(&t, &o, 2, 60000 * US);
    assert_true(t.n_steps > 1);
    before = o;
    reply_often(&t, &o, 10, 40000 * US);
    assert_memory_equal(&o, &before, sizeof o);
}

/* Each batch takes 2 ms beside its tokens, and the first batches are too small for what comes. */
static double run_tuned(bool tunes, struct policy_options *found)
{
    struct tuner_bounds bounds = {100 * US, 2000 * US, 40, 1000, 0};
    sim_start(24, true);
    sim.policy.options.batch_tokens = 100;
    sim.policy.options.max_queue = N_REQUESTS;
    sim.batch_overhead = 2000 * US;
    sim.tunes = tunes;
    tuner_init(&sim.tuner, &bounds);
    for (size_t i = 0; i < 20; i++) {
        run_events(5000, 450 * US);
        const struct policy_options *o = &sim.policy.options;
        assert_true(!tunes || (o->window >= bounds.min_window && o->window <= bounds.max_window));
        assert_true(!tunes || (o->batch_tokens >= bounds.min_batch && o->batch_tokens <= bounds.max_batch));
    }
    *found = sim.policy.options;
    return (double)sim.latencies / (double)sim.n_done;
}

static void tuning_helps_and_repeats(void **state)
{
    (void)state;
    struct policy_options first, second, none;
    double tuned = run_tuned(true, &first), again = run_tuned(true, &second),
           untuned = run_tuned(false, &none);
    print_message("mean latency %.2f ms tuned (window %.2f ms, %zu tokens), %.2f ms else\n", 1e-6 * tuned,
                  1e-6 * (double)first.window, first.batch_tokens, 1e-6 * untuned);
    assert_memory_equal(&first, &second, sizeof first);
    assert_true(tuned == again);
    assert_true(tuned < 0.9 * untuned);
}

/* Clients that each send the next request with the reply to the last are computed together again. */
static void clients_are_waited_for(void **state)
{
    (void)state;
    sim_start(17, true);
    sim.one_class = true;
    for (size_t i = 0; i < 100; i++) {
        pass(sim.n_slices ? sim.batch_end : sim.now);
        while (sim.n_added - sim.n_done < 16) {
            arrive();
            pass(sim.now + 10 * US);
        }
    }
    print_message("%.1f requests a batch\n", (double)sim.n_added / (double)sim.n_batches);
    assert_true(sim.n_added > 14 * sim.n_batches);
}

static void window_ends(void **state)
{
    (void)state;
    sim_start(18, true);
    sim.policy.n_expected = 5;
    sim.policy.last_end = sim.now = 1000 * US;
    while (sim.n_added == 0)
        arrive();
    pass(sim.now); /* it is tokenized */
    assert_int_equal(policy_wake(&sim.policy), 2000 * US);
    pass(1999 * US);
    assert_int_equal(sim.n_batches, 0);
    pass(2000 * US);
    assert_int_equal(sim.n_batches, 1);
    assert_int_equal(sim.n_fast, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_reply_is_lost_or_doubled),
        cmocka_unit_test(order_of_arrival),
        cmocka_unit_test(bulk_does_not_starve),
        cmocka_unit_test(alone_is_fast),
        cmocka_unit_test(clients_are_waited_for),
        cmocka_unit_test(window_ends),
        cmocka_unit_test(lengths_together),
        cmocka_unit_test(first_texts_keep_their_place),
        cmocka_unit_test(depth_decides),
        cmocka_unit_test(depth_decides_as_told),
        cmocka_unit_test(a_goal_that_is_reached_is_left_alone),
        cmocka_unit_test(tuning_helps_and_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
