/* How far the work is, by a clock that the test owns. */
#include "cli/io/progress.h"
#include "runtime/base/clock.h"
#include "tests/support.h"

#include <string.h>
#include <unistd.h>

static uint64_t milliseconds;

static uint64_t now(void *arg)
{
    (void)arg;
    return milliseconds * 1000000;
}

/* What standard error gets of it. */
static void catch_words(char *out, size_t size, void (*run)(void))
{
    int ends[2], old = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    run();
    dup2(old, STDERR_FILENO);
    close(old);
    close(ends[1]);
    ssize_t n = read(ends[0], out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    close(ends[0]);
}

static void three_minutes(void)
{
    progress_start("texts", false);
    for (size_t i = 1; i <= 199; i++) {
        milliseconds += 1000;
        progress_show(10 * i, (double)i / 1800);
    }
    progress_hide();
}

static void a_line_a_minute(void **state)
{
    static const struct clock clock = {.now = now};
    char words[4096];
    (void)state;
    progress_go_by(&clock);
    catch_words(words, sizeof words, three_minutes);
    size_t n = 0;
    for (const char *line = words; (line = strchr(line, '\n')); line++)
        n++;
    assert_int_equal(n, 3);
    assert_ptr_equal(strstr(words, "hone: 600 texts  10/s  29:00 left  (3%)\n"), words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_line_a_minute)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
