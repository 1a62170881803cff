/* Which experts a token goes through, where a damaged model's scores are no numbers: each is chosen once at most, since its rows
 * have room for each token once. */
#include "runtime/nn/experts/router.h"
#include "tests/support.h"

#include <math.h>
#include <string.h>

enum { N_EXPERTS = 8, N_USED = 4 };

static void check_distinct(const struct net *m, const float *scores)
{
    const struct layer l = {0};
    float own[N_EXPERTS], room[2 * N_EXPERTS], chosen[N_USED], weights[N_USED];
    unsigned seen = 0;
    memcpy(own, scores, sizeof own);
    experts_choose(m, &l, own, room, chosen, weights);
    for (size_t k = 0; k < N_USED; k++) {
        assert_true(chosen[k] >= 0 && chosen[k] < N_EXPERTS);
        assert_int_equal(seen & 1u << (unsigned)chosen[k], 0);
        seen |= 1u << (unsigned)chosen[k];
    }
}

static void no_numbers(void **state)
{
    (void)state;
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    struct net m = {.kernels = kernels_get()};
    m.hp.n_experts = N_EXPERTS;
    m.hp.n_experts_used = N_USED;
    m.hp.experts_scale = 1;
    for (m.hp.routing = ROUTE_SOFTMAX; m.hp.routing <= ROUTE_SPARSE; m.hp.routing++)
        for (size_t groups = 1; groups <= 4; groups *= 2)
            for (unsigned which = 0; which < 1u << N_EXPERTS; which++) {
                float scores[N_EXPERTS];
                m.hp.n_expert_groups = groups;
                m.hp.n_groups_used = groups > 1 ? groups / 2 : groups;
                for (size_t i = 0; i < N_EXPERTS; i++)
                    scores[i] = which >> i & 1 ? odd[(i + groups) % 3] : (float)i / 3;
                check_distinct(&m, scores);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
