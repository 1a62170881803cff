/* A safetensors file: refused with a sentence, or every tensor lies in it. */
#include "runtime/load/import/safetensors.h"
#include "tests/fuzz/harness.h"

void fuzz_input(const uint8_t *data, size_t size)
{
    char path[FUZZ_PATH], folder[FUZZ_PATH];
    struct safetensors *s;
    struct hone_error err = {0};
    fuzz_write(fuzz_place(path, "model/model.safetensors"), data, size);
    enum hone_status status = safetensors_open(&s, fuzz_place(folder, "model"), &err);
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
}

FUZZ_SEED_FILES("tests/fixtures/safetensors/single/model.safetensors")

FUZZ_SHAPE_OF(fuzz_shape_safetensors)
