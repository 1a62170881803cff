/* A tuning profile: refused with a sentence, or what is written of it is read as the same. */
#include "runtime/nn/tuning.h"
#include "tests/fuzz/harness.h"

#include <string.h>
#include <unistd.h>

static void path_of(char *path, size_t size)
{
    snprintf(path, size, "/tmp/fuzz-tuning-%d.json", (int)getpid());
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct tuning t, again;
    struct hone_error err = {0};
    char path[64];
    memset(&t, 0, sizeof t);
    memset(&again, 0, sizeof again);
    if (tuning_load(&t, fuzz_file(data, size), &err) != HONE_OK) {
        FUZZ_CHECK(*err.message);
        return;
    }
    FUZZ_CHECK(t.task_tokens > 0);
    for (int i = 0; i < TUNING_CLASSES; i++)
        FUZZ_CHECK(t.f32[i].bytes > 0 && t.f32[i].cols % TUNING_UNIT == 0 && t.int8[i].cols > 0);
    path_of(path, sizeof path);
    FUZZ_CHECK(tuning_save(&t, path, &err) == HONE_OK && tuning_load(&again, path, &err) == HONE_OK);
    FUZZ_CHECK(memcmp(&t, &again, sizeof t) == 0);
    unlink(path);
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    char path[64];
    path_of(path, sizeof path);
    uint8_t *data =
        i == 0 && tuning_save(tuning_default(), path, NULL) == HONE_OK ? fuzz_load(path, size) : NULL;
    unlink(path);
    return data;
}

FUZZ_SHAPE_OF(fuzz_shape_json)
