/* Damaged JSON Schemas: each is refused with a sentence or becomes a grammar. */
#include "runtime/generate/grammar/schema.h"
#include "tests/guard.h"
#include "tests/mutate.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static void test_damaged(void **state)
{
    (void)state;
    json_t *file = read_json(fixture("schemas.json")), *cases = json_object_get(file, "schemas");
    size_t n_made = 0, runs = fuzz_runs(20000);
    for (size_t i = 0; i < runs; i++) {
        static unsigned char data[8192];
        struct hone_error err = {0};
        struct grammar *g;
        json_t *item = json_array_get(cases, random_below(json_array_size(cases)));
        char *text = json_dumps(json_object_get(item, "schema"), JSON_ENCODE_ANY);
        size_t size = strlen(text);
        memcpy(data, text, size);
        free(text);
        size = mutate(data, size, sizeof data);
        enum hone_status status =
            grammar_from_schema(&g, (struct hone_text){(char *)data, size}, NULL, NULL, &err);
        if (status) {
            assert_int_equal(status, HONE_USAGE);
            assert_true(strlen(err.message) > 0);
            continue;
        }
        n_made++;
        grammar_free(g);
    }
    print_message("%zu of %zu schemas became grammars\n", n_made, runs);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
