/* The hash table and the list by last use, beside a plain array that does the same slowly. */
#include "runtime/base/tables/lru.h"

#include "tests/support.h"

#include <stdlib.h>

#define N_KEYS 64

struct thing {
    struct lru_entry lru;
    unsigned key;
};

static unsigned n_released, last_released;

static bool same_key(const struct hash_node *node, const void *key)
{
    return ((const struct thing *)node)->key == *(const unsigned *)key;
}

static void release(struct lru_entry *entry)
{
    n_released++;
    last_released = ((struct thing *)entry)->key;
    free(entry);
}

static struct thing *find(const struct lru *lru, unsigned key, uint64_t hash)
{
    return (struct thing *)lru_find(lru, hash, &key);
}

static bool add(struct lru *lru, unsigned key, uint64_t hash, size_t bytes)
{
    struct thing *thing = malloc(sizeof *thing);
    *thing = (struct thing){.key = key};
    bool is_kept = lru_add(lru, &thing->lru, hash, bytes);
    if (!is_kept)
        free(thing);
    return is_kept;
}

static void test_used_longest_ago_goes(void **state)
{
    (void)state;
    struct lru lru = {.max_bytes = 100, .same = same_key, .release = release};
    n_released = 0;
    for (unsigned key = 1; key <= 3; key++)
        assert_true(add(&lru, key, key, 30));
    assert_int_equal(lru.n_bytes, 90);
    assert_int_equal(n_released, 0);
    lru_use(&lru, &find(&lru, 1, 1)->lru);
    assert_non_null(find(&lru, 2, 2)); /* finding alone is no use */
    assert_true(add(&lru, 4, 4, 30));
    assert_int_equal(n_released, 1);
    assert_int_equal(last_released, 2);
    assert_null(find(&lru, 2, 2));
    assert_true(add(&lru, 5, 5, 100)); /* exactly what there is */
    assert_int_equal(lru_count(&lru), 1);
    assert_int_equal(lru.n_evicted, 4);
    assert_false(add(&lru, 6, 6, 101));
    assert_non_null(find(&lru, 5, 5)); /* nothing went for what would not fit anyway */
    lru_clear(&lru);
    assert_int_equal(lru.n_evicted, 4); /* not for want of room */
    assert_int_equal(lru.n_bytes, 0);
}

static void test_number_of_entries(void **state)
{
    (void)state;
    struct lru lru = {.max_bytes = SIZE_MAX, .max_entries = 2, .same = same_key, .release = release};
    for (unsigned key = 0; key < 5; key++)
        assert_true(add(&lru, key, key, 1));
    assert_int_equal(lru_count(&lru), 2);
    assert_non_null(find(&lru, 3, 3));
    assert_non_null(find(&lru, 4, 4));
    lru_clear(&lru);
}

/* When each of the keys was used last, 0: it is not there. */
struct model {
    unsigned used[N_KEYS], now;
    size_t bytes[N_KEYS];
};

static size_t model_bytes(const struct model *m)
{
    size_t sum = 0;
    for (size_t i = 0; i < N_KEYS; i++)
        sum += m->used[i] ? m->bytes[i] : 0;
    return sum;
}

static void model_add(struct model *m, unsigned key, size_t bytes, size_t max_bytes)
{
    m->used[key] = ++m->now;
    m->bytes[key] = bytes;
    while (model_bytes(m) > max_bytes) {
        unsigned oldest = key;
        for (unsigned i = 0; i < N_KEYS; i++)
            if (m->used[i] && m->used[i] < m->used[oldest])
                oldest = i;
        m->used[oldest] = 0;
    }
}

/* One hash for eight keys each: what is compared decides, and chains lose members at any place. */
static uint64_t shared_hash(unsigned key)
{
    return (uint64_t)(key % 8) * 0x9e3779b97f4a7c15u;
}

static void test_same_as_the_slow_one(void **state)
{
    (void)state;
    struct lru lru = {.max_bytes = 500, .same = same_key, .release = release};
    struct model m = {0};
    srand(1);
    for (int step = 0; step < 20000; step++) {
        unsigned key = (unsigned)rand() % N_KEYS;
        struct thing *found = find(&lru, key, shared_hash(key));
        assert_int_equal(found != NULL, m.used[key] != 0);
        if (!found) {
            size_t bytes = (size_t)rand() % 40 + 1;
            assert_true(add(&lru, key, shared_hash(key), bytes));
            model_add(&m, key, bytes, lru.max_bytes);
        } else if (rand() % 8 == 0) {
            lru_remove(&lru, &found->lru);
            m.used[key] = 0;
        } else {
            lru_use(&lru, &found->lru);
            m.used[key] = ++m.now;
        }
        assert_int_equal(lru.n_bytes, model_bytes(&m));
    }
    lru_clear(&lru);
}

/* Through many times that it grows. */
static void test_many(void **state)
{
    (void)state;
    struct lru lru = {.max_bytes = SIZE_MAX, .same = same_key, .release = release};
    for (unsigned key = 0; key < 10000; key++)
        assert_true(add(&lru, key, key * 0x9e3779b97f4a7c15u, 1));
    for (unsigned key = 0; key < 10000; key++)
        assert_int_equal(find(&lru, key, key * 0x9e3779b97f4a7c15u)->key, key);
    assert_null(find(&lru, 10000, 5 * 0x9e3779b97f4a7c15u));
    n_released = 0;
    lru_clear(&lru);
    assert_int_equal(n_released, 10000);
    assert_null(find(&lru, 1, 0x9e3779b97f4a7c15u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_used_longest_ago_goes),
        cmocka_unit_test(test_number_of_entries),
        cmocka_unit_test(test_same_as_the_slow_one),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
