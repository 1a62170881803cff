/* A target in `make test`: its seeds, the files that are named (crashes of old), and seeded damage of the seeds.
 * HONE_FUZZ_RUNS: how much (2000). */
#include "tests/fuzz/harness.h"
#include "tests/guard.h"
#include "tests/mutate.h"

#include <string.h>

enum { CAPACITY = 1 << 20 };

static void damage(const uint8_t *seed, size_t size, size_t runs, uint8_t *data)
{
    for (size_t i = 0; i < runs; i++) {
        size_t n = size;
        memcpy(data, seed, size);
        size_t shaped = random_below(3) == 0 ? fuzz_shape(data, n, CAPACITY) : 0;
        n = shaped ? shaped : mutate(data, n, CAPACITY);
        fuzz_input(data, n);
    }
}

int main(int argc, char **argv)
{
    size_t size, n_seeds = 0, runs = fuzz_runs(2000);
    uint8_t *seed, *data = malloc(CAPACITY);
    for (int i = 1; i < argc; i++)
        if ((seed = fuzz_load(argv[i], &size))) {
            fuzz_input(seed, size);
            free(seed);
        }
    while ((seed = fuzz_seed(n_seeds, &size))) {
        fuzz_input(seed, size);
        free(seed);
        n_seeds++;
    }
    for (size_t i = 0; i < n_seeds && data; i++) {
        seed = fuzz_seed(i, &size);
        damage(seed, size, runs / n_seeds, data);
        free(seed);
    }
    free(data);
    printf("1..1\nok 1 - %zu seeds, %zu damaged inputs\n", n_seeds, runs); /* TAP */
    return n_seeds == 0;
}
