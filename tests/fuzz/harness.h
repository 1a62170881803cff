/* What a fuzz target is: a function over bytes, seeds to begin with and, where bytes alone do not get far, a change that
 * keeps their form. The same target runs under libFuzzer (libfuzzer.c; `make fuzz`) and, over seeded damage, in `make test`
 * (driver.c). A target that finds something wrong aborts. */
#ifndef TESTS_FUZZ_HARNESS_H
#define TESTS_FUZZ_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <hone/hone.h>

/* ---- by the target ---- */

void fuzz_input(const uint8_t *data, size_t size);

/* Seed i in malloc'ed memory; NULL: there are no more. */
uint8_t *fuzz_seed(size_t i, size_t *size);

/* Changes data in a way that leaves its form as it is; returns the new size, 0 where it has no such form. Random numbers
 * are those of tests/guard.h. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity);

/* ---- for targets ---- */

#define FUZZ_CHECK(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s is not so\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* A path that reads as these bytes, until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* The path of a file in a folder that this process has to itself, and the folders that lead to it: `name` may have slashes. What
 * lies there goes with the process. */
#define FUZZ_PATH 512
const char *fuzz_place(char path[FUZZ_PATH], const char *name);
/* The file has these bytes, or is not there any more (data NULL). */
void fuzz_write(const char *path, const void *data, size_t size);

/* What stands before a byte, which is taken off together with that; all of it where the byte is not there. For inputs of
 * several parts. */
struct hone_text fuzz_part(struct hone_text *rest, char separator);

/* A seed from a file; NULL: it is not there. */
uint8_t *fuzz_load(const char *path, size_t *size);

/* fuzz_seed of texts, which may have NULs in them: FUZZ_SEEDS(FUZZ_TEXT("a\0b"), FUZZ_TEXT("c")); and of files. */
struct fuzz_text {
    const char *text;
    size_t size;
};
uint8_t *fuzz_copy(const struct fuzz_text *seed, size_t *size);
#define FUZZ_TEXT(literal)                                                                                   \
    {                                                                                                        \
        literal, sizeof literal - 1                                                                          \
    }
#define FUZZ_SEEDS(...)                                                                                      \
    uint8_t *fuzz_seed(size_t i, size_t *size)                                                               \
    {                                                                                                        \
        static const struct fuzz_text seeds[] = {__VA_ARGS__};                                               \
        return i < sizeof seeds / sizeof *seeds ? fuzz_copy(&seeds[i], size) : NULL;                         \
    }
#define FUZZ_SEED_FILES(...)                                                                                 \
    uint8_t *fuzz_seed(size_t i, size_t *size)                                                               \
    {                                                                                                        \
        static const char *const files[] = {__VA_ARGS__};                                                    \
        return i < sizeof files / sizeof *files ? fuzz_load(files[i], size) : NULL;                          \
    }

/* fuzz_shape where bytes have no form, or that of another function. */
#define FUZZ_NO_SHAPE                                                                                        \
    size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)                                           \
    {                                                                                                        \
        (void)data, (void)size, (void)capacity;                                                              \
        return 0;                                                                                            \
    }
#define FUZZ_SHAPE_OF(function)                                                                              \
    size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)                                           \
    {                                                                                                        \
        return function(data, size, capacity);                                                               \
    }

/* fuzz_shape of JSON; of the header of a safetensors file, with its length; of GGUF files. */
size_t fuzz_shape_json(uint8_t *data, size_t size, size_t capacity);
size_t fuzz_shape_safetensors(uint8_t *data, size_t size, size_t capacity);
size_t fuzz_shape_gguf(uint8_t *data, size_t size, size_t capacity);
/* Of the n bytes from `at` on, as another one does it; returns the new size of the whole, or 0. */
typedef size_t fuzz_shaper(uint8_t *data, size_t size, size_t capacity);
size_t fuzz_shape_within(uint8_t *data, size_t size, size_t capacity, size_t at, size_t n,
                         fuzz_shaper *shape);
/* Of JSON that is one of several parts with NULs between them, from `at` on. */
size_t fuzz_shape_parts(uint8_t *data, size_t size, size_t capacity, size_t at);

#endif
