/* Hashes of tables: under a secret that each process has its own of. */
#include "runtime/base/hash.h"
#include "tests/support.h"

#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#define TEXT "a name that somebody chose"

struct hashes {
    uint64_t bytes, seeded, number;
};

static struct hashes make(void)
{
    return (struct hashes){hash_bytes(TEXT, sizeof TEXT), hash_seeded(TEXT, sizeof TEXT, 1),
                           hash_number(hash_key_make(), 1)};
}

/* In a process that has asked for no hash yet. */
static struct hashes of_child(void)
{
    struct hashes h;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        h = make();
        _exit(write(ends[1], &h, sizeof h) == sizeof h ? 0 : 1);
    }
    assert_int_equal(read(ends[0], &h, sizeof h), sizeof h);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
    return h;
}

static void test_secret(void **state)
{
    (void)state;
    const struct hashes a = of_child(), b = of_child(), own = make(), again = make();
    assert_true(a.bytes != b.bytes && a.seeded != b.seeded && a.number != b.number);
    assert_memory_equal(&own, &again, sizeof own);
    assert_true(own.bytes != XXH3_64bits(TEXT, sizeof TEXT) &&
                own.seeded != XXH3_64bits_withSeed(TEXT, sizeof TEXT, 1));
    assert_true(own.seeded != hash_seeded(TEXT, sizeof TEXT, 2));
}

/* Names of every length that XXH3 treats apart fall into the slots of a table as evenly as chance has it. */
static void test_even(void **state)
{
    enum { SLOTS = 256, EACH = 64 };
    static unsigned counts[3][SLOTS];
    static char name[600];
    const struct hash_key key = hash_key_make();
    (void)state;
    for (uint32_t i = 0; i < SLOTS * EACH; i++) {
        memcpy(name, &i, sizeof i);
        counts[0][hash_bytes(name, 4 + i % (sizeof name - 4)) % SLOTS]++;
        counts[1][hash_seeded(name, 4 + i % (sizeof name - 4), 7) % SLOTS]++;
        counts[2][hash_number(key, (uint64_t)i << 32 | (SLOTS - i)) % SLOTS]++;
    }
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < SLOTS; i++)
            assert_in_range(counts[k][i], EACH / 4, EACH * 3); /* chance: 64, at most 5 sigma of 8 off */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
