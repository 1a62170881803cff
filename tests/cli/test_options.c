/* The table of options names commands that there are, and no command gets two of one name. */
#include "cli/commands.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

static bool is_command(const char *name, size_t n)
{
    for (const struct command *c = command_table; c->name; c++)
        if (strlen(c->name) == n && memcmp(c->name, name, n) == 0)
            return true;
    return false;
}

static void check_names(const char *option, const char *commands)
{
    for (const char *name = commands; name && *name; name += strspn(name, ", ")) {
        size_t n = strcspn(name, ",");
        if (!is_command(name, n))
            fail_msg("--%s is of '%.*s', which is no command", option, (int)n, name);
        name += n;
    }
}

static void every_name_is_a_command(void **state)
{
    (void)state;
    for (const struct option_row *row = option_table; row->name; row++) {
        check_names(row->name, row->commands);
        check_names(row->name, row->required);
        for (const struct option_variant *v = row->variants; v && v->commands; v++)
            check_names(row->name, v->commands);
    }
}

static const struct option_spec *find(const struct option_specs *specs, const char *name)
{
    for (size_t i = 0; i < specs->n; i++)
        if (strcmp(specs->items[i].name, name) == 0)
            return &specs->items[i];
    return NULL;
}

static void check_command(const struct command *c)
{
    struct option_specs specs;
    options_of(c, &specs);
    assert_true(specs.n > 0 && specs.n <= OPTIONS_MAX);
    assert_non_null(find(&specs, "help"));
    for (size_t i = 0; i < specs.n; i++)
        for (size_t k = 0; k < i; k++) {
            const struct option_spec *a = &specs.items[i], *b = &specs.items[k];
            if (strcmp(a->name, b->name) == 0 || (a->letter && a->letter == b->letter))
                fail_msg("hone %s: --%s and --%s", c->name, a->name, b->name);
        }
    for (const struct option_row *row = option_table; row->name; row++) {
        const struct option_spec *spec = find(&specs, row->name);
        if (option_lists(row->required, c))
            assert_true(spec && spec->required);
        for (const struct option_variant *v = row->variants; v && v->commands; v++)
            if (option_lists(v->commands, c)) {
                assert_string_equal(spec->help, v->help);
                if (v->after) /* which must be there */
                    assert_string_equal(spec[-1].name, v->after);
            }
    }
}

static void each_command_has_its_own(void **state)
{
    (void)state;
    for (const struct command *c = command_table; c->name; c++)
        check_command(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_a_command),
        cmocka_unit_test(each_command_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
