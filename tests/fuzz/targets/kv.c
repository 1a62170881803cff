/* Keys and values that were saved: refused with a sentence, or the model goes on with them. Where the target keeps the form of
 * an input, its checksum is right. */
#include "tests/fuzz/harness.h"
#include "tests/guard.h"
#include "tests/mutate.h"

#include <hone.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { N_IDS = 40, SUM = sizeof(uint64_t) };

static struct hone_model *model(void)
{
    static struct hone_model *m;
    const struct hone_options options = {.n_threads = 1, .no_cache = true};
    if (!m)
        FUZZ_CHECK(hone_model_open(&m, "tests/fixtures/causal", &options, NULL) == HONE_OK);
    return m;
}

static void prompt(int32_t *ids)
{
    for (int i = 0; i < N_IDS; i++)
        ids[i] = 5 + i % 30;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    size_t n = 0;
    int32_t ids[N_IDS];
    if (hone_kv_load(model(), fuzz_file(data, size), &n, &err) != HONE_OK) {
        FUZZ_CHECK(*err.message);
        return;
    }
    prompt(ids);
    struct hone_generation g = {.ids = ids, .n_ids = N_IDS, .max_tokens = 3};
    g.sampling = (struct hone_sampling)HONE_SAMPLING_DEFAULTS;
    FUZZ_CHECK(hone_generate(model(), &g, 1, NULL, &err) == HONE_OK || *err.message);
    hone_generation_release(&g);
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    char path[64];
    int32_t ids[N_IDS];
    size_t n;
    snprintf(path, sizeof path, "/tmp/fuzz-kv-%d", (int)getpid());
    prompt(ids);
    struct hone_generation g = {.ids = ids, .n_ids = N_IDS, .max_tokens = 1};
    g.sampling = (struct hone_sampling)HONE_SAMPLING_DEFAULTS;
    if (i > 1 || hone_generate(model(), &g, 1, NULL, NULL) != HONE_OK)
        return NULL;
    hone_generation_release(&g);
    uint8_t *data =
        hone_kv_save(model(), ids, i ? 3 : N_IDS, path, &n, NULL) == HONE_OK ? fuzz_load(path, size) : NULL;
    unlink(path);
    return data;
}

size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    size = mutate(data, size, capacity);
    if (size < SUM)
        return 0;
    uint64_t sum = XXH3_64bits(data, size - SUM);
    memcpy(data + size - SUM, &sum, SUM);
    return size;
}
