#include "runtime/nn/tuning.h"

#include "kernels/kernels.h"

#include <hone/bench.h>
#include <pthread.h>
#include <sys/stat.h>

static const struct tuning of_vectors = {
    .f32 = {{256 * 1024, 512}, {256 * 1024, 512}},
    .int8 = {{256 * 1024, 512}, {256 * 1024, 512}},
    .task_tokens = 512,
};

/* Tiles compute so fast that weights must meet many rows each time they come from the last cache or the memory: 512
 * operations a byte and more. Processors that have them have 2 MB of second-level cache. */
static const struct tuning of_tiles = {
    .f32 = {{256 * 1024, 512}, {256 * 1024, 512}},
    .int8 = {{1024 * 1024, 512}, {1024 * 1024, 512}},
    .task_tokens = 512,
};

const struct tuning *tuning_default(void)
{
    return kernels_get()->i8_block == I8_LONG ? &of_tiles : &of_vectors;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct tuning profile;
static const struct tuning *in_use;
static char profile_path[TUNING_PATH];
static struct hone_error problem;

static void read_profile(void)
{
    struct stat st;
    const struct tuning *use = tuning_default();
    if (tuning_path(profile_path, &problem) != HONE_OK || stat(profile_path, &st) != 0)
        problem.message[0] = 0; /* there is none */
    else if (tuning_load(&profile, profile_path, &problem) == HONE_OK)
        use = &profile;
    __atomic_store_n(&in_use, use, __ATOMIC_RELEASE);
}

const struct tuning *tuning_get(void)
{
    pthread_once(&once, read_profile);
    return __atomic_load_n(&in_use, __ATOMIC_ACQUIRE);
}

void tuning_use(const struct tuning *t)
{
    pthread_once(&once, read_profile);
    __atomic_store_n(&in_use, t, __ATOMIC_RELEASE);
}

void tuning_adopt(const struct tuning *t)
{
    tuning_use(tuning_default());
    profile = *t;
    problem.message[0] = 0;
    tuning_use(&profile);
}

const char *hone_tuning(const char **why_not)
{
    pthread_once(&once, read_profile);
    if (why_not)
        *why_not = *problem.message ? problem.message : NULL;
    return tuning_get() == tuning_default() ? NULL : profile_path;
}
