/* A GGUF file: refused with a sentence, or shown key by key. What begins otherwise is a model in two files: how many bytes the
 * first one has, and both. */
#include "runtime/gguf/gguf.h"
#include "tests/fuzz/harness.h"

#include <hone/files.h>
#include <string.h>

typedef uint32_t part_size; /* in the input, little-endian as the machine is */

static const char *write_parts(const uint8_t *data, size_t size)
{
    static char first[FUZZ_PATH], second[FUZZ_PATH];
    part_size n;
    memcpy(&n, data, sizeof n);
    data += sizeof n;
    size -= sizeof n;
    n = n < size ? n : (part_size)size;
    fuzz_write(fuzz_place(first, "m-00001-of-00002.gguf"), data, n);
    fuzz_write(fuzz_place(second, "m-00002-of-00002.gguf"), data + n, size - n);
    return size % 2 ? first : second;
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct hone_file *file;
    const bool one = size < sizeof(part_size) || memcmp(data, "GGUF", 4) == 0;
    enum hone_status status =
        hone_file_open(&file, one ? fuzz_file(data, size) : write_parts(data, size), &err);
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

static struct gguf *new_part(size_t i)
{
    static const float values[] = {1, 2, 3, 4};
    struct gguf *g = gguf_new("part");
    const struct gguf_tensor t = {.name = i ? "b" : "a",
                                  .type = quant_type_by_id(QUANT_F32),
                                  .n_dims = 2,
                                  .dims = {2, 2, 1, 1},
                                  .data = values};
    const uint16_t no = (uint16_t)i, count = 2;
    const int32_t n_tensors = 2;
    FUZZ_CHECK(
        g && gguf_set_string(g, "general.architecture", "llama") &&
        gguf_set_value(g, "split.no", &(struct gguf_value){.type = GGUF_U16, .n = 1, .data = &no}) &&
        gguf_set_value(g, "split.count", &(struct gguf_value){.type = GGUF_U16, .n = 1, .data = &count}) &&
        gguf_set_value(g, "split.tensors.count",
                       &(struct gguf_value){.type = GGUF_I32, .n = 1, .data = &n_tensors}) &&
        gguf_add_tensor(g, &t));
    return g;
}

static uint8_t *seed_parts(size_t *size)
{
    enum { ROOM = 1 << 16 };
    uint8_t *data = malloc(ROOM);
    FUZZ_CHECK(data);
    *size = sizeof(part_size);
    for (size_t i = 0; i < 2; i++) {
        char path[FUZZ_PATH];
        size_t n = 0;
        struct gguf *g = new_part(i);
        FUZZ_CHECK(gguf_write(g, fuzz_place(path, "seed.gguf"), NULL, NULL) == HONE_OK);
        gguf_close(&g);
        uint8_t *part = fuzz_load(path, &n);
        FUZZ_CHECK(part && *size + n <= ROOM);
        memcpy(data + *size, part, n);
        free(part);
        if (i == 0)
            memcpy(data, &(part_size){(part_size)n}, sizeof(part_size));
        *size += n;
    }
    return data;
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    return i == 0   ? fuzz_load("tests/fixtures/python.gguf", size)
           : i == 1 ? fuzz_load("tests/fixtures/t5-gguf/model.gguf", size)
           : i == 2 ? seed_parts(size)
                    : NULL;
}

/* Of the first part, whose size then changes, or of all. */
size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    part_size n;
    if (size < sizeof n || memcmp(data, "GGUF", 4) == 0)
        return fuzz_shape_gguf(data, size, capacity);
    memcpy(&n, data, sizeof n);
    if (n > size - sizeof n)
        return 0;
    const size_t shaped = fuzz_shape_within(data, size, capacity, sizeof n, n, fuzz_shape_gguf);
    if (shaped)
        memcpy(data, &(part_size){(part_size)(n + shaped - size)}, sizeof n);
    return shaped;
}
