/* A GGUF file: refused with a sentence, or shown key by key. */
#include "tests/fuzz/harness.h"

#include <hone/files.h>
#include <string.h>

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct hone_file *file;
    enum hone_status status = hone_file_open(&file, fuzz_file(data, size), &err);
    FUZZ_CHECK(status == HONE_OK || (status == HONE_BAD_MODEL && *err.message));
    for (size_t i = 0; file && i < hone_file_n_keys(file); i++) {
        char *value;
        FUZZ_CHECK(hone_file_key(file, i, &value) && value);
        hone_free(value);
    }
    for (size_t i = 0; file && i < hone_file_n_tensors(file); i++)
        FUZZ_CHECK(hone_file_tensor(file, i).size > 0);
    hone_file_close(&file);
}

FUZZ_SEED_FILES("tests/fixtures/python.gguf", "tests/fixtures/t5-gguf/model.gguf")

FUZZ_SHAPE_OF(fuzz_shape_gguf)
