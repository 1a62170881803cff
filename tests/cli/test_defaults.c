/* The numbers that --help calls the defaults are those of the library. */
#include "cli/options.h"
#include "tests/support.h"

#include <hone/generate.h>
#include <stdio.h>
#include <string.h>

static const char *help_of(const char *name)
{
    for (const struct option_row *s = option_table; s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s->help;
    fail_msg("there is no --%s", name);
    return NULL;
}

static void sampling(void **state)
{
    (void)state;
    const struct hone_sampling s = HONE_SAMPLING_DEFAULTS;
    const struct {
        const char *name;
        double value;
    } rows[] = {
        {"temp", (double)s.temperature},
        {"top-k", (double)s.top_k},
        {"top-p", (double)s.top_p},
        {"min-p", (double)s.min_p},
        {"typical-p", (double)s.typical_p},
        {"repeat-penalty", (double)s.repetition_penalty},
        {"presence-penalty", (double)s.presence_penalty},
        {"frequency-penalty", (double)s.frequency_penalty},
        {"repeat-last-n", (double)s.penalty_last_n},
        {"dry", (double)s.dry_multiplier},
        {"dry-base", (double)s.dry_base},
        {"dry-length", (double)s.dry_allowed_length},
        {"mirostat-tau", (double)s.mirostat_tau},
        {"mirostat-eta", (double)s.mirostat_eta},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *help = help_of(rows[i].name), *number = strchr(help, '(');
        double told;
        if (!number || sscanf(number, "(%lf", &told) != 1 || (float)told != (float)rows[i].value)
            fail_msg("--%s: \"%s\", but the default is %g", rows[i].name, help, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sampling)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
