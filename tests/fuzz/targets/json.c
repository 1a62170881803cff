/* JSON: what is read is written and read again as the same. */
#include "runtime/base/json.h"
#include "tests/fuzz/harness.h"

#include <string.h>

/* A fuzzer sees what its input is compared with, and so learns the secret mark of long numbers, which begins with U+FDD0. */
static bool may_have_mark(const uint8_t *data, size_t size)
{
    return memmem(data, size, "\xef\xb7\x90", 3) || memmem(data, size, "fdd0", 4) ||
           memmem(data, size, "FDD0", 4);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    json_error_t error = {0};
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_LONG_INTEGERS;
    json_t *json = json_read((const char *)data, size, flags, &error);
    FUZZ_CHECK(json || *error.text);
    char *text = json && !may_have_mark(data, size) ? json_write(json, JSON_ENCODE_ANY) : NULL;
    if (text) {
        json_t *again = json_read(text, strlen(text), flags, &error);
        FUZZ_CHECK(again && json_equal(json, again));
        json_decref(again);
    }
    free(text);
    json_decref(json);
}

FUZZ_SEEDS(FUZZ_TEXT("{\"a\":[1,-2.5e3,true,null],\"b\\u00e9\":\"\\ud83d\\ude00\\n\"}"),
           FUZZ_TEXT("[[[{}]]]"), FUZZ_TEXT("-0"), FUZZ_TEXT("{\"a\":-123456789012345678901234567890}"))

FUZZ_SHAPE_OF(fuzz_shape_json)
