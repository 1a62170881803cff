/* A safetensors file: refused with a sentence, or every tensor lies in it. */
#include "runtime/load/import/safetensors.h"
#include "tests/fuzz/harness.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder(void)
{
    static char path[64];
    if (!*path) {
        snprintf(path, sizeof path, "/tmp/fuzz-safetensors-XXXXXX");
        FUZZ_CHECK(mkdtemp(path));
    }
    return path;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    char link[128];
    struct safetensors *s;
    struct hone_error err = {0};
    snprintf(link, sizeof link, "%s/model.safetensors", folder());
    unlink(link);
    FUZZ_CHECK(symlink(fuzz_file(data, size), link) == 0);
    enum hone_status status = safetensors_open(&s, folder(), &err);
    FUZZ_CHECK(status == HONE_OK || *err.message);
    for (size_t i = 0; s && i < safetensors_n(s); i++) {
        const struct safetensor *t = safetensors_at(s, i);
        size_t n = t->type ? t->size / t->type->block_size : 0;
        float *x = malloc((n + 1) * sizeof *x);
        if (n && x)
            t->type->dequantize(x, t->data, n);
        free(x);
    }
    safetensors_close(&s);
    unlink(link);
    rmdir(folder());
    mkdir(folder(), 0700);
}

FUZZ_SEED_FILES("tests/fixtures/safetensors/single/model.safetensors")

/* The header, and its length. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    uint64_t n;
    if (size < sizeof n)
        return 0;
    memcpy(&n, data, sizeof n);
    if (n > size - sizeof n || capacity < size)
        return 0;
    size_t rest = size - sizeof n - (size_t)n;
    uint8_t *tail = malloc(rest + 1);
    memcpy(tail, data + sizeof n + n, rest);
    size_t shaped = fuzz_shape_json(data + sizeof n, (size_t)n, capacity - sizeof n - rest);
    if (shaped) {
        n = shaped;
        memcpy(data, &n, sizeof n);
        memcpy(data + sizeof n + shaped, tail, rest);
    }
    free(tail);
    return shaped ? sizeof n + shaped + rest : 0;
}
