/* What names a model among the keys that several processes share in Redis: two models must never have one name, or results
 * of one would be given for the other. */
#include "runtime/serve/caches.h"
#include "tests/support.h"

#include <hone.h>
#include <stdlib.h>
#include <string.h>

static struct shared_key digest_of(const char *path, enum hone_compute compute)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {.compute = compute};
    struct shared_key key = {0};
    assert_ok(hone_model_open(&model, path, &options, &err), &err);
    assert_true(caches_digest_model(&key, model));
    hone_model_close(&model);
    return key;
}

static bool same(struct shared_key a, struct shared_key b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void names_of_models(void **state)
{
    (void)state;
#ifndef HONE_HIREDIS
    skip(); /* nothing is shared */
#endif
    const struct shared_key one = digest_of(fixture("bert-embed"), HONE_COMPUTE_F32);
    assert_true(same(one, digest_of(fixture("bert-embed"), HONE_COMPUTE_F32)));
    assert_false(same(one, digest_of(fixture("bert-embed"), HONE_COMPUTE_INT8)));
    assert_false(same(one, digest_of(fixture("bert-classify"), HONE_COMPUTE_F32)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
