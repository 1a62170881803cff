/* LoRA adapters beside a small Llama: refused with a sentence, or added to it. The first byte says which form: a GGUF file; or
 * PEFT's folder, as its adapter_config.json, a NUL and its adapter_model.safetensors. */
#include "runtime/gguf/gguf.h"
#include "runtime/load/lora/lora.h"
#include "tests/fuzz/harness.h"

#include <hone/files.h>
#include <string.h>

static char base[FUZZ_PATH], dir[FUZZ_PATH], config[FUZZ_PATH], weights[FUZZ_PATH];

static void set_up(void)
{
    if (*base)
        return;
    fuzz_place(config, "adapter/adapter_config.json");
    fuzz_place(weights, "adapter/adapter_model.safetensors");
    fuzz_place(dir, "adapter");
    FUZZ_CHECK(hone_convert("tests/fixtures/causal", fuzz_place(base, "base.gguf"), NULL, NULL) == HONE_OK);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct gguf *g;
    const char *path = dir;
    set_up();
    if (size == 0)
        return;
    struct hone_text rest = {(const char *)data + 1, size - 1};
    if (*data % 2) {
        path = fuzz_file(data + 1, size - 1);
    } else {
        struct hone_text part = fuzz_part(&rest, 0);
        fuzz_write(config, part.data, part.size);
        fuzz_write(weights, rest.data, rest.size);
    }
    FUZZ_CHECK(gguf_open(&g, base, &err) == HONE_OK);
    FUZZ_CHECK(lora_merge(g, path, 1, &err) == HONE_OK || *err.message);
    gguf_close(&g);
}

enum { RANK = 2, N = 32, N_FLOATS = RANK * N }; /* of attn_v and its two factors */

static const float *some_floats(void)
{
    static float x[N_FLOATS];
    for (size_t i = 0; i < N_FLOATS; i++)
        x[i] = (float)(i % 7) / 7 - 0.5F;
    return x;
}

static uint8_t *seed_folder(size_t *size)
{
    static const char json[] =
        "0{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4,\"bias\":\"none\",\"use_rslora\":false,"
        "\"fan_in_fan_out\":false,\"modules_to_save\":null,\"target_modules\":[\"v_proj\"]}";
    char header[512];
    const int n = snprintf(header, sizeof header,
                           "{\"base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight\":{\"dtype\":"
                           "\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]},"
                           "\"base_model.model.model.layers.0.self_attn.v_proj.lora_B.weight\":{\"dtype\":"
                           "\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%d,%d]}}   ",
                           RANK, N, 4 * N_FLOATS, N, RANK, 4 * N_FLOATS, 8 * N_FLOATS) /
                  4 * 4;
    const uint64_t n_header = (uint64_t)n;
    uint8_t *data = malloc(sizeof json + sizeof n_header + sizeof header + 8 * N_FLOATS), *at = data;
    FUZZ_CHECK(data);
    at = (uint8_t *)mempcpy(at, json, sizeof json); /* with its NUL */
    at = (uint8_t *)mempcpy(at, &n_header, sizeof n_header);
    at = (uint8_t *)mempcpy(at, header, n_header);
    for (int i = 0; i < 2; i++)
        at = (uint8_t *)mempcpy(at, some_floats(), 4 * N_FLOATS);
    *size = (size_t)(at - data);
    return data;
}

static uint8_t *seed_gguf(size_t *size)
{
    char path[FUZZ_PATH];
    const struct gguf_tensor a = {.name = "blk.0.attn_v.weight.lora_a",
                                  .type = quant_type_by_id(QUANT_F32),
                                  .n_dims = 2,
                                  .dims = {N, RANK, 1, 1},
                                  .data = some_floats()},
                             b = {.name = "blk.0.attn_v.weight.lora_b",
                                  .type = a.type,
                                  .n_dims = 2,
                                  .dims = {RANK, N, 1, 1},
                                  .data = some_floats()};
    struct gguf *g = gguf_new(fuzz_place(path, "seed.gguf"));
    FUZZ_CHECK(g && gguf_set_string(g, "general.architecture", "llama") &&
               gguf_set_string(g, "general.type", "adapter") && gguf_set_string(g, "adapter.type", "lora") &&
               gguf_set_f32(g, "adapter.lora.alpha", 4) && gguf_add_tensor(g, &a) && gguf_add_tensor(g, &b));
    FUZZ_CHECK(gguf_write(g, path, NULL, NULL) == HONE_OK);
    gguf_close(&g);
    uint8_t *data = fuzz_load(path, size);
    FUZZ_CHECK(data);
    memmove(data + 1, data, *size);
    *data = '1';
    ++*size;
    return data;
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    return i == 0 ? seed_folder(size) : i == 1 ? seed_gguf(size) : NULL;
}

size_t fuzz_shape(uint8_t *data, size_t size, size_t capacity)
{
    if (size < 2)
        return 0;
    if (*data % 2)
        return fuzz_shape_within(data, size, capacity, 1, size - 1, fuzz_shape_gguf);
    const uint8_t *end = memchr(data + 1, 0, size - 1);
    const size_t n = end ? (size_t)(end - data) : size;
    return size % 2 && end
               ? fuzz_shape_within(data, size, capacity, n + 1, size - n - 1, fuzz_shape_safetensors)
               : fuzz_shape_within(data, size, capacity, 1, n - 1, fuzz_shape_json);
}
