/* An importance matrix: refused with a sentence, or finite and not negative. */
#include "runtime/tools/imatrix.h"
#include "tests/fuzz/harness.h"

#include <math.h>
#include <string.h>

enum { N = 32 };

void fuzz_input(const uint8_t *data, size_t size)
{
    static const struct gguf_tensor matrix = {.name = "m", .n_dims = 2, .dims = {N, 4, 1, 1}};
    struct imatrix *im;
    struct hone_error err = {0};
    const float *values = NULL;
    enum hone_status status = imatrix_open(&im, fuzz_file(data, size), &err);
    FUZZ_CHECK((status == HONE_OK) == (im != NULL) && (im || *err.message));
    if (im && imatrix_find(im, &matrix, &values, &err) == HONE_OK)
        for (int i = 0; values && i < N; i++)
            FUZZ_CHECK(isfinite(values[i]) && values[i] >= 0);
    imatrix_close(&im);
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    static const int32_t head[] = {1, 1}, numbers[] = {2, N};
    *size = sizeof head + 1 + sizeof numbers + N * sizeof(float);
    uint8_t *data = i == 0 ? calloc(1, *size) : NULL;
    if (!data)
        return NULL;
    memcpy(data, head, sizeof head);
    data[sizeof head] = 'm';
    memcpy(data + sizeof head + 1, numbers, sizeof numbers);
    return data;
}

FUZZ_SHAPE_OF(fuzz_shape_gguf)
