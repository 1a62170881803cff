/* Numbers read back as they were, and are as short as can be. */
#include "cli/number.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of_float(float x)
{
    static char text[NUMBER_MAX + 1];
    text[number_write_float(text, x)] = '\0';
    return text;
}

static float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void check_reads_back(float x)
{
    float y = strtof(text_of_float(x), NULL);
    if (memcmp(&x, &y, sizeof x) != 0)
        fail_msg("%a is written as %s", (double)x, text_of_float(x));
}

static void reads_back(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 5003)
        if (isfinite(float_of_bits((uint32_t)bits)))
            check_reads_back(float_of_bits((uint32_t)bits));
    /* Around powers of two and of ten, where intervals change. */
    for (int e = -126; e < 127; e++)
        for (int step = -2; step <= 2; step++)
            check_reads_back(float_of_bits((uint32_t)(((e + 127) << 23) + step)));
    for (float x = 1e-9f; x < 1e12f; x *= 10) {
        check_reads_back(x);
        check_reads_back(nextafterf(x, 0));
        check_reads_back(nextafterf(x, INFINITY));
    }
}

/* No decimal with fewer digits reads back as x. */
static void check_shortest(float x)
{
    char shorter[64];
    const char *text = text_of_float(x), *p = text + strspn(text, "-0.");
    int n_digits = 0;
    size_t trailing = 0;
    for (; *p; p++)
        if (*p != '.') {
            n_digits++;
            trailing = *p == '0' ? trailing + 1 : 0;
        }
    n_digits -= (int)trailing;
    if (n_digits < 2)
        return;
    snprintf(shorter, sizeof shorter, "%.*e", n_digits - 2, (double)x);
    if (strtof(shorter, NULL) == x)
        fail_msg("%s could be %s", text, shorter);
}

static void is_shortest(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int i = 0; i < 200000; i++) {
        random = random * 1664525 + 1013904223;
        float x = float_of_bits((random & 0x807fffff) | (uint32_t)(104 + i % 47) << 23); /* 2^-23 to 2^24 */
        check_shortest(x);
    }
}

static void known_values(void **state)
{
    (void)state;
    static const struct {
        float x;
        const char *text;
    } known[] = {
        {0.0f, "0"},
        {-0.0f, "-0"},
        {1.0f, "1"},
        {-0.5f, "-0.5"},
        {0.1f, "0.1"},
        {100.0f, "100"},
        {16777216.0f, "16777216"},
        {0.3f, "0.3"},
        {1e-7f, "0.0000001"},
        {3.14159274f, "3.1415927"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_string_equal(text_of_float(known[i].x), known[i].text);
    assert_non_null(strstr(text_of_float(NAN), "nan"));
}

static void integers(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 9, 10, 99, 100, 30521, INT32_MAX, INT64_MAX, INT64_MIN};
    char text[NUMBER_MAX + 1], wanted[NUMBER_MAX + 1];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        text[number_write_int(text, values[i])] = '\0';
        snprintf(wanted, sizeof wanted, "%lld", (long long)values[i]);
        assert_string_equal(text, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(is_shortest),
        cmocka_unit_test(known_values),
        cmocka_unit_test(integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
