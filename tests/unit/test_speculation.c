/* Drafts, right or wrong, never change the text. */
#include "runtime/generate/sampling/draft_policy.h"
#include "runtime/generate/sampling/sampler.h"
#include "runtime/generate/sampling/speculation.h"
#include "tests/guard.h"
#include "tests/support.h"

#include <string.h>

enum { N_VOCAB = 50, N_PROMPT = 20, N_TOKENS = 220, MAX_DRAFT = 12, END = 33 };

/* A model whose logits depend on the last three tokens, with a liking for going round. */
static void logits_of(const int32_t *tokens, size_t n, float *logits)
{
    uint64_t h = (uint64_t)tokens[n - 1] * 31 + (uint64_t)tokens[n - 2] % 7 + (uint64_t)tokens[n - 3] % 2;
    for (size_t i = 0; i < N_VOCAB; i++) {
        uint64_t x = (h * N_VOCAB + i + 1) * 0x9e3779b97f4a7c15u;
        logits[i] = (float)((x ^ x >> 29) * 0xbf58476d1ce4e5b9u >> 40) / (1 << 22);
    }
    logits[(tokens[n - 1] + 1) % 17] += 3;
}

struct run {
    struct sampler *sampler;
    struct sampler_scratch scratch;
    int32_t tokens[N_TOKENS + MAX_DRAFT + 1];
    size_t n;
};

static enum hone_status choose(void *arg, size_t i, int32_t *id, bool *is_last, struct hone_error *err)
{
    struct run *r = arg;
    float logits[N_VOCAB];
    logits_of(r->tokens, r->n + i, logits);
    struct sampler_input in = {logits, r->tokens, r->n + i, NULL};
    enum hone_status status = sampler_sample(r->sampler, &in, &r->scratch, id, err);
    r->tokens[r->n + i] = *id;
    *is_last = *id == END || r->n + i + 1 >= N_TOKENS;
    return status;
}

enum drafter { NO_DRAFT, LOOKUP, RANDOM, ORACLE };

static size_t make_draft(enum drafter drafter, const struct run *r, const struct run *whole, int32_t *draft,
                         size_t n)
{
    if (drafter == NO_DRAFT)
        return 0;
    if (drafter == LOOKUP)
        return lookup_draft(r->tokens, r->n, 1, 4, draft, n, NULL);
    for (size_t i = 0; i < n; i++)
        draft[i] =
            drafter == RANDOM || r->n + i >= N_TOKENS ? (int32_t)random_below(17) : whole->tokens[r->n + i];
    return n;
}

/* Returns the number of steps. */
static size_t generate(struct run *r, const struct sampler_params *params, enum drafter drafter,
                       const struct run *whole)
{
    struct hone_error err;
    struct draft_length length = {.min = 1, .max = MAX_DRAFT};
    size_t n_steps = 0;
    bool is_over = false;
    *r = (struct run){.n = N_PROMPT};
    for (int32_t i = 0; i < N_PROMPT; i++)
        r->tokens[i] = i % 9;
    assert_ok(sampler_new(&r->sampler, params, N_VOCAB, &err), &err);
    for (; !is_over; n_steps++) {
        int32_t draft[MAX_DRAFT], chosen[MAX_DRAFT + 1];
        size_t n_chosen, n = make_draft(drafter, r, whole, draft, draft_length_next(&length));
        assert_ok(speculation_verify(draft, n, choose, r, chosen, &n_chosen, &err), &err);
        assert_true(n_chosen >= 1 && n_chosen <= n + 1);
        assert_memory_equal(chosen, r->tokens + r->n, n_chosen * sizeof *chosen);
        draft_length_learn(&length, n, n_chosen - 1);
        assert_in_range(draft_length_next(&length), 1, MAX_DRAFT);
        r->n += n_chosen;
        is_over = r->n >= N_TOKENS || r->tokens[r->n - 1] == END;
    }
    sampler_free(r->sampler);
    sampler_scratch_release(&r->scratch);
    return n_steps;
}

static void test_same_text(void **state)
{
    (void)state;
    size_t n_steps[4] = {0};
    for (int kind = 0; kind < 24; kind++) {
        struct sampler_params p = {.sampling = HONE_SAMPLING_DEFAULTS};
        static struct run whole, other;
        p.sampling.temperature = kind == 0 ? 0 : 0.3f;
        p.sampling.seed = (uint64_t)kind;
        p.sampling.mirostat = kind % 3;
        p.sampling.mirostat_tau = 1;
        p.sampling.repetition_penalty = kind % 2 ? 1.05f : 1;
        p.sampling.dry_multiplier = kind % 4 == 3 ? 0.5f : 0;
        n_steps[NO_DRAFT] += generate(&whole, &p, NO_DRAFT, NULL);
        for (int drafter = LOOKUP; drafter <= ORACLE; drafter++) {
            n_steps[drafter] += generate(&other, &p, (enum drafter)drafter, &whole);
            assert_int_equal(other.n, whole.n);
            assert_memory_equal(other.tokens, whole.tokens, whole.n * sizeof *whole.tokens);
        }
    }
    print_message("steps: %zu without drafts, %zu by lookup, %zu random, %zu perfect\n", n_steps[NO_DRAFT],
                  n_steps[LOOKUP], n_steps[RANDOM], n_steps[ORACLE]);
    assert_true(n_steps[ORACLE] < n_steps[NO_DRAFT] / 4 && n_steps[LOOKUP] < n_steps[NO_DRAFT]);
}

static void test_lookup(void **state)
{
    (void)state;
    const int32_t a[] = {1, 2, 3, 4, 9, 2, 3, 5, 8, 2, 3};
    int32_t draft[6];
    assert_int_equal(lookup_draft(a, 11, 2, 3, draft, 3, NULL), 3); /* the later of two equally long ones */
    assert_memory_equal(draft, ((int32_t[]){5, 8, 2}), 12);
    const int32_t b[] = {7, 1, 2, 3, 6, 1, 2, 3, 5, 9, 2, 3, 4, 1, 2, 3};
    assert_int_equal(lookup_draft(b, 16, 1, 4, draft, 2, NULL), 2);
    assert_memory_equal(draft, ((int32_t[]){5, 9}), 8);
    assert_int_equal(lookup_draft(b, 16, 4, 8, draft, 2, NULL), 0); /* 1 2 3 is too short */
    const int32_t c[] = {5, 6, 5, 6, 5, 6};
    assert_int_equal(lookup_draft(c, 6, 1, 3, draft, 6, NULL), 6); /* on and on */
    assert_memory_equal(draft, ((int32_t[]){5, 6, 5, 6, 5, 6}), 24);
    assert_int_equal(lookup_draft(c, 1, 1, 3, draft, 6, NULL), 0);
    assert_int_equal(lookup_draft(c, 0, 1, 3, draft, 6, NULL), 0);
    assert_int_equal(lookup_draft(c, 6, 1, 3, draft, 0, NULL), 0);
    const int32_t d[] = {1, 2, 3};
    assert_int_equal(lookup_draft(d, 3, 0, 3, draft, 6, NULL), 0);
}

static void test_vocab(void **state)
{
    (void)state;
    struct hone_error err = {0};
    const struct hone_text a[] = {{"x", 1}, {"yy", 2}, {"z", 1}}, b[] = {{"x", 1}, {"yz", 2}};
    assert_ok(draft_vocab_check(a, 3, a, 2, &err), &err);
    assert_int_equal(draft_vocab_check(a, 3, b, 2, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "token 1"));
}

/* ---- whether guesses pay ------------------------------------------------------------------------------------------ */

/* Machines: what a step of so many rows takes, at its best. */
static double flat(size_t n_rows) /* memory is what it waits for */
{
    return 1 + 0.02 * (double)n_rows;
}
static double rising(size_t n_rows) /* each row is computed by itself */
{
    return (double)n_rows;
}
static double steep(size_t n_rows) /* several rows take a slow way */
{
    return n_rows == 1 ? 1 : 1 + (double)n_rows;
}
static double stairs(size_t n_rows) /* rows are computed by fours */
{
    return 0.5 + 0.5 * (double)((n_rows + 3) / 4);
}
static double halves(size_t n_rows)
{
    return 0.5 + 0.5 * (double)n_rows;
}

/* Texts: whether the guess at a place is right. */
static bool never(size_t at)
{
    (void)at;
    return false;
}
static bool always(size_t at)
{
    (void)at;
    return true;
}
static bool seldom(size_t at)
{
    return at * 2654435761u % 100 < 15;
}
static bool often(size_t at)
{
    return at * 2654435761u % 100 < 80;
}
static bool by_turns(size_t at) /* whenever one has learned what it is like, it changes */
{
    return at / 70 % 2 == 0;
}

struct world {
    double (*machine)(size_t n_rows);
    bool (*text)(size_t at);
    size_t n_others; /* texts in the same steps, without guesses */
    bool noisy;      /* the machine is now slower, now faster, and stands still at times */
    double row_seconds;
};

static double takes(const struct world *w, size_t n_rows, size_t step)
{
    double best = w->machine(n_rows) / 100;
    if (!w->noisy)
        return best;
    return best * (0.9 + 0.2 * (double)(step * 40503u % 1000) / 1000) + (step % 97 == 96 ? 0.3 : 0);
}

/* The time of n tokens by the policy, and without guesses. */
static void simulate(const struct world *w, size_t n, double *with, double *without)
{
    struct draft_costs costs = {.row_seconds = w->row_seconds};
    struct draft_record record = {{0}, {0}};
    size_t base = 1 + w->n_others, step = 0;
    *with = *without = 0;
    for (size_t i = 0; i < n; i++)
        *without += takes(w, base, i);
    for (size_t at = 0; at < n; step++) {
        double chances[MAX_DRAFT];
        size_t n_right = 0;
        for (size_t i = 0; i < MAX_DRAFT; i++)
            chances[i] = draft_record_chance(&record, 2 + i);
        size_t n_draft = draft_costs_choose(&costs, base, chances, MAX_DRAFT);
        while (n_right < n_draft && w->text(at + n_right))
            n_right++;
        for (size_t i = 0; i < n_draft && i <= n_right; i++)
            draft_record_learn(&record, 2 + i, i < n_right);
        if (n_draft == 0)
            draft_record_learn(&record, 2, w->text(at));
        double seconds = takes(w, base + n_draft, step);
        draft_costs_learn(&costs, base + n_draft, n_draft, n_right, seconds);
        *with += seconds;
        at += 1 + n_right;
    }
    /* A step that brings others further is worth as much to them. */
    double saved = (*without / (double)n) * (double)(n - step) * (double)w->n_others / (double)base;
    *with += w->n_others > 0 ? saved : 0;
}

/* Never slower than 0.98 of what it is without guesses, whatever machine and text are like; and faster where it can be. */
static void test_policy(void **state)
{
    (void)state;
    static double (*const machines[])(size_t) = {flat, rising, steep, stairs, halves};
    static bool (*const texts[])(size_t) = {never, always, seldom, often, by_turns};
    double worst = 10, with, without;
    for (size_t i = 0; i < 5 * 5 * 2 * 3 * 3; i++) {
        struct world w = {machines[i % 5], texts[i / 5 % 5], i / 25 % 3 * 2, i / 75 % 2,
                          i / 150 ? 0.002 * (double)(i / 150) : 0};
        for (size_t n = 200; n <= 1000; n *= 5) {
            simulate(&w, n, &with, &without);
            worst = without / with < worst ? without / with : worst;
            if (without / with < 0.98)
                fail_msg("machine %zu, text %zu, %zu others, noise %d, %zu tokens: %.3f", i % 5, i / 5 % 5,
                         w.n_others, w.noisy, n, without / with);
        }
    }
    print_message("at worst %.3f", worst);
    for (size_t i = 0; i < 5; i++) {
        struct world w = {machines[i], often, 0, true, 0.002}, copies = {machines[i], always, 0, true, 0.002};
        simulate(&w, 1000, &with, &without);
        print_message("; machine %zu: %.2f", i, without / with);
        if (i == 0 || i == 3)
            assert_true(without / with > 1.8);
        simulate(&copies, 1000, &with, &without);
        print_message(" and %.2f", without / with);
        if (i == 0 || i == 3 || i == 4)
            assert_true(without / with > 1.5);
    }
    print_message("\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_text), cmocka_unit_test(test_lookup),
                                       cmocka_unit_test(test_policy), cmocka_unit_test(test_vocab)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
