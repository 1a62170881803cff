/* A GGUF file as a model: refused with a sentence, or it computes all that it is for. */
#include "tests/exercise.h"
#include "tests/fuzz/harness.h"

#include <hone/files.h>
#include <string.h>
#include <unistd.h>

static const char *const folders[] = {"bert-embed", "causal",       "modernbert-classify",
                                      "t5",         "qwen3-rerank", "splade",
                                      "gliner",     "jamba",        "bloom"};

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct hone_model *model;
    struct outcome outcomes[EXERCISE_N];
    const struct hone_options options = {.n_threads = 1, .no_cache = true};
    enum hone_status status = hone_model_open(&model, fuzz_file(data, size), &options, &err);
    FUZZ_CHECK(status == HONE_OK || *err.message);
    if (!model)
        return;
    exercise_model(model, outcomes);
    for (size_t i = 0; i < EXERCISE_N; i++)
        FUZZ_CHECK(outcomes[i].status == HONE_OK || *outcomes[i].sentence);
    hone_model_close(&model);
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    char folder[128], path[128];
    if (i >= sizeof folders / sizeof *folders)
        return NULL;
    snprintf(folder, sizeof folder, "tests/fixtures/%s", folders[i]);
    snprintf(path, sizeof path, "/tmp/fuzz-seed-%d.gguf", (int)getpid());
    uint8_t *data =
        hone_convert(folder, path, i % 2 ? "q8_0" : NULL, NULL) == HONE_OK ? fuzz_load(path, size) : NULL;
    unlink(path);
    return data;
}

FUZZ_SHAPE_OF(fuzz_shape_gguf)
