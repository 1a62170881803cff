/* How a scheduler shares its time (tests/simulation.h): between embeddings and texts that are generated, and between those
 * and prompts. */
#include "tests/simulation.h"

#include <stdlib.h>

/* ---- both kinds of work ---- */

enum { N_FLOOD = 30 };
static size_t n_embedded;

static void embed_again(struct sim_request *s)
{
    assert_int_equal(s->status, HONE_OK);
    n_embedded++;
    sim_submit(s);
}

/* Clients that embed without a pause, and one text that is generated: each kind gets about half of the time, and no token
 * waits for longer than a batch, which takes no longer than two steps. */
static void a_flood_does_not_starve_generation(void **state)
{
    (void)state;
    sim_open(sim_options(0, 2000));
    struct sim_request *flood[N_FLOOD], *text = sim_generation(3, 100);
    uint64_t begun = sim.now;
    n_embedded = 0;
    for (size_t i = 0; i < N_FLOOD; i++) {
        flood[i] = sim_embedding(10 + i);
        flood[i]->again = embed_again;
        sim_submit(flood[i]);
    }
    sim_pass_time(begun + 100 * SIM_MS);
    assert_true(n_embedded >= N_FLOOD);
    sim_submit(text);
    begun = sim.now;
    sim_pass_time(begun + 1500 * SIM_MS);
    assert_int_equal(text->status, HONE_OK);
    assert_int_equal(text->n_tokens, 100);
    uint64_t step = sim.a_pass + sim.a_token, least = sim.a_pass + (64 + 40) * sim.a_token;
    print_message("%zu embedded; a token waited for %.1f ms at most, the last came after %.1f\n", n_embedded,
                  1e-6 * (double)sim_longest_gap(text, 0), 1e-6 * (double)(text->replied - begun));
    /* The cap of a batch is two steps, but for LEAST_CAP tokens of it. */
    assert_true(sim_longest_gap(text, 0) <= least + 2 * step);
    uint64_t batches = text->replied - begun - 100 * step;
    assert_true(batches > 100 * step / 2);         /* those who embed went on, too */
    assert_true(batches < 100 * step + 2 * least); /* but had no more than half of the time */
    for (size_t i = 0; i < N_FLOOD; i++)
        flood[i]->again = NULL;
    sim_pass_time(sim.now + 500 * SIM_MS);
    for (size_t i = 0; i < N_FLOOD; i++)
        sim_release(flood[i]);
    sim_release(text);
    sim_close();
}

static void generation_does_not_starve_embeddings(void **state)
{
    (void)state;
    sim_open(sim_options(4, 2000));
    struct sim_request *texts[4], *one = sim_embedding(20);
    uint64_t begun = sim.now;
    for (size_t i = 0; i < 4; i++) {
        texts[i] = sim_generation(3 + i, 300);
        sim_submit(texts[i]);
    }
    sim_pass_time(begun + 50 * SIM_MS);
    sim_submit(one);
    begun = sim.now;
    sim_pass_time(begun + 50 * SIM_MS);
    assert_int_equal(one->status, HONE_OK);
    assert_true(one->replied <= begun + 2 * (sim.a_pass + 4 * sim.a_token) + sim.a_pass + 24 * sim.a_token);
    sim_pass_time(begun + 2000 * SIM_MS);
    for (size_t i = 0; i < 4; i++)
        sim_release(texts[i]);
    sim_release(one);
    sim_close();
}

/* ---- prompts ---- */

/* A long prompt beside a text that writes at most doubles its steps, once both have been measured. */
static void prompts_are_cut_in_pieces(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *writes = sim_generation(40, 200), *reads = sim_generation(1500, 1);
    uint64_t step = sim.a_pass + sim.a_token, begun = sim.now;
    sim_submit(writes);
    sim_pass_time(begun + 40 * SIM_MS); /* which is measured */
    size_t n_before = writes->n_tokens, first = sim.n_passes;
    assert_true(n_before > 20);
    sim_submit(reads);
    sim_pass_time(begun + 400 * SIM_MS);
    assert_int_equal(reads->status, HONE_OK);
    assert_int_equal(writes->n_tokens, 200);
    size_t n_pieces = 0, longest = 0;
    for (size_t i = first; i < sim.n_passes; i++) {
        n_pieces += sim.passes[i].n_tokens > 1;
        longest = sim.passes[i].n_tokens > longest ? sim.passes[i].n_tokens : longest;
    }
    print_message(
        "%zu pieces of a prompt of 1500 tokens, the longest of %zu; a token waited for %.2f ms at most\n",
        n_pieces, longest - 1, 1e-6 * (double)sim_longest_gap(writes, n_before - 1));
    assert_true(sim_longest_gap(writes, n_before - 1) <= 21 * step / 10);
    assert_true(n_pieces >= 1500 / 12 && n_pieces < 1500 / 8 + 2); /* 11 tokens cost a step */
    sim_release(writes);
    sim_release(reads);
    sim_close();
}

/* Alone it may treble a step, for the sake of one that comes meanwhile. */
static void a_prompt_alone_has_larger_pieces(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *before = sim_generation(40, 30), *reads = sim_generation(1000, 1),
                       *comes = sim_generation(3, 1);
    uint64_t begun = sim.now, step = sim.a_pass + sim.a_token;
    sim_submit(before);
    sim_pass_time(begun + 100 * SIM_MS);
    assert_int_equal(before->status, HONE_OK);
    size_t first = sim.n_passes;
    sim_submit(reads);
    sim_pass_time(sim.now + 10 * SIM_MS);
    for (size_t i = first; i < sim.n_passes; i++)
        assert_in_range(sim.passes[i].n_tokens, 15, 25);
    sim_submit(comes);
    begun = sim.now;
    sim_pass_time(begun + 400 * SIM_MS);
    assert_int_equal(reads->status, HONE_OK);
    assert_int_equal(comes->status, HONE_OK);
    assert_true(comes->replied - begun <= 5 * step); /* what was begun, and a step of its own */
    sim_release(before);
    sim_release(reads);
    sim_release(comes);
    sim_close();
}

/* While nothing has been measured, a text that writes has at most 32 tokens of others beside it. */
static void short_prompts_do_not_wait_for_long_ones(void **state)
{
    (void)state;
    sim_open(sim_options(0, 1000));
    struct sim_request *large = sim_generation(1200, 1), *small = sim_generation(6, 1);
    sim_submit(large);
    sim_submit(small);
    uint64_t begun = sim.now;
    sim_pass_time(begun + 500 * SIM_MS);
    assert_true(small->replied < large->replied);
    assert_int_equal(small->replied, sim.passes[0].ended); /* in the first step, whole */
    assert_int_equal(sim.passes[0].n_tokens, 32);
    sim_release(large);
    sim_release(small);
    sim_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_does_not_starve_generation),
        cmocka_unit_test(generation_does_not_starve_embeddings),
        cmocka_unit_test(prompts_are_cut_in_pieces),
        cmocka_unit_test(a_prompt_alone_has_larger_pieces),
        cmocka_unit_test(short_prompts_do_not_wait_for_long_ones),
    };
    return cmocka_run_group_tests(tests, sim_set_up, sim_tear_down);
}
