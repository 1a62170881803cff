/* Seeded damage for fuzz tests. */
#ifndef TESTS_MUTATE_H
#define TESTS_MUTATE_H

#include <stddef.h>

/* Changes data in one to four places: bytes, boundary numbers, pieces taken out or doubled, a cut. Returns the new
 * size, at most capacity. Random numbers are those of tests/guard.h. */
size_t mutate(unsigned char *data, size_t size, size_t capacity);

/* How often a fuzz test shall try: HONE_FUZZ_RUNS, or `runs`. */
size_t fuzz_runs(size_t runs);

#endif
