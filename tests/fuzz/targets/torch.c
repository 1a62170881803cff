/* What torch.save wrote, as an archive or in the older form: refused with a sentence, or tensors that lie in the file. */
#include "runtime/load/import/torch_file.h"
#include "runtime/load/import/zip.h"
#include "tests/fuzz/harness.h"
#include "tests/guard.h"
#include "tests/mutate.h"

#include <string.h>

static struct {
    const uint8_t *data;
    size_t size;
} file;

static enum hone_status take(void *arg, const struct pickle_tensor *t, const void *data, uint64_t size,
                             struct hone_error *err)
{
    uint64_t n = t->item_size;
    uint8_t *sum = arg;
    (void)err;
    FUZZ_CHECK(t->n_dims <= PICKLE_MAX_DIMS && t->dtype);
    for (unsigned i = 0; i < t->n_dims; i++)
        n *= t->dims[i];
    FUZZ_CHECK(n == size);
    for (size_t i = 0; i < t->name.size; i++)
        *sum ^= (uint8_t)t->name.data[i];
    for (uint64_t i = 0; i < size; i++)
        *sum ^= ((const uint8_t *)data)[i];
    FUZZ_CHECK(size == 0 ||
               ((const uint8_t *)data >= file.data && (const uint8_t *)data + size <= file.data + file.size));
    return HONE_OK;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    uint8_t sum = 0;
    file.data = data;
    file.size = size;
    FUZZ_CHECK(torch_file_read(data, size, "fuzz", take, &sum, &err) == HONE_OK || *err.message);
}

FUZZ_SEED_FILES("tests/fixtures/torch/archive.bin", "tests/fixtures/torch/protocol-4.bin",
                "tests/fixtures/torch/older.bin", "tests/fixtures/torch/older-no-key.bin")

/* The pickle of an archive, at its size, so that the list of entries stays right. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    struct zip zip;
    const char *found;
    size_t n;
    (void)capacity;
    if (!zip_is(data, size) || zip_read(&zip, data, size, "", NULL) != HONE_OK)
        return 0;
    bool has = zip_find(&zip, "data.pkl", &found, &n, "", NULL) == HONE_OK && found && n > 0;
    zip_release(&zip);
    if (!has)
        return 0;
    uint8_t *pickle = malloc(2 * n + 64);
    if (!pickle)
        return 0;
    memcpy(pickle, found, n);
    memset(pickle + n, '.', n + 64);
    mutate(pickle, n, 2 * n + 64);
    memcpy(data + (found - (const char *)data), pickle, n);
    free(pickle);
    return size;
}
