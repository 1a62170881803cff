/* A target under libFuzzer. With HONE_FUZZ_CORPUS its seeds are put there first. */
#include "tests/fuzz/harness.h"
#include "tests/guard.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *folder = getenv("HONE_FUZZ_CORPUS");
    uint8_t *data;
    size_t size;
    (void)argc, (void)argv;
    for (size_t i = 0; folder && (data = fuzz_seed(i, &size)); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
        FILE *f = access(path, F_OK) == 0 ? NULL : fopen(path, "wb");
        if (f) {
            fwrite(data, 1, size, f);
            fclose(f);
        }
        free(data);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input(data, size);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned seed)
{
    size_t shaped = seed % 3 ? 0 : fuzz_shape(data, size, capacity);
    return shaped ? shaped : LLVMFuzzerMutate(data, size, capacity);
}
