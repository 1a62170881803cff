#include "cli/options.h"
#include "cli/choice.h"
#include "cli/io/report.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool command_is_in(const struct command *command, const char *group)
{
    size_t n = strlen(group);
    return strncmp(command->name, group, n) == 0 && command->name[n] == ' ';
}

const struct command *command_find(char *const *words, int n_words, int *n_taken)
{
    for (const struct command *c = command_table; c->name && n_words > 0; c++) {
        bool in_group = command_is_in(c, words[0]);
        *n_taken = in_group ? 2 : 1;
        if (strcmp(c->name, words[0]) == 0 ||
            (in_group && n_words > 1 && strcmp(strchr(c->name, ' ') + 1, words[1]) == 0))
            return c;
    }
    return NULL;
}

enum hone_status command_unknown(const char *word)
{
    for (const struct command *c = command_table; c->name; c++)
        if (command_is_in(c, word))
            return report_error(HONE_USAGE,
                                "'%s' alone is no command, '%s' is one; 'hone %s --help' lists them", word,
                                c->name, word);
    return report_error(HONE_USAGE, "there is no command '%s'; 'hone help' lists them", word);
}

static enum hone_status set_option(const struct option_spec *option, const char *value, struct options *out)
{
    void *field = (char *)out + option->offset;
    char *end;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return HONE_OK;
    case OPTION_CHOICE:
        if (!choice_has(option->value, value))
            return report_error(HONE_USAGE, "--%s must be one of %s, not '%s'", option->name, option->value,
                                value);
        *(const char **)field = value;
        return HONE_OK;
    case OPTION_TEXT:
        *(const char **)field = value;
        return HONE_OK;
    case OPTION_NUMBER: {
        struct option_number *number = field;
        number->given = true;
        number->value = strtod(value, &end);
        if (end == value || *end || !isfinite(number->value))
            return report_error(HONE_USAGE, "--%s must be a number, not '%s'", option->name, value);
        return HONE_OK;
    }
    case OPTION_LIST: {
        struct option_list *list = field;
        if (list->n == OPTION_LIST_MAX)
            return report_error(HONE_USAGE, "--%s was given more than %d times", option->name,
                                OPTION_LIST_MAX);
        list->items[list->n++] = value;
        return HONE_OK;
    }
    case OPTION_MODELS: {
        struct setting_flags *flags = field;
        if (flags->n_models == SETTINGS_MAX_MODELS)
            return report_error(HONE_USAGE, "there are more than %d models", SETTINGS_MAX_MODELS);
        flags->models[flags->n_models++] = value;
        return HONE_OK;
    }
    case OPTION_COUNT:
        errno = 0;
        unsigned long n = strtoul(value, &end, 10);
        if (!isdigit((unsigned char)*value) || *end || errno || n == 0 || n > INT32_MAX)
            return report_error(HONE_USAGE, "--%s must be a whole number from 1 to %d, not '%s'",
                                option->name, INT32_MAX, value);
        *(size_t *)field = n;
        return HONE_OK;
    }
    return HONE_USAGE;
}

/* getopt's, of one command. */
struct getopt_tables {
    struct option_specs specs;
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 2];
};

static void make_tables(const struct command *command, struct getopt_tables *t)
{
    char *letter = t->letters;
    *letter++ = ':'; /* tell a missing value apart */
    options_of(command, &t->specs);
    for (size_t i = 0; i < t->specs.n; i++) {
        const struct option_spec *o = &t->specs.items[i];
        t->longs[i] =
            (struct option){o->name, o->value ? required_argument : no_argument, NULL, 256 + (int)i};
        if (o->letter) {
            *letter++ = o->letter;
            if (o->value)
                *letter++ = ':';
        }
    }
    t->longs[t->specs.n] = (struct option){0};
    *letter = '\0';
}

static const struct option_spec *find_spec(const struct getopt_tables *t, int code)
{
    if (code >= 256)
        return &t->specs.items[code - 256];
    for (size_t i = 0; i < t->specs.n; i++)
        if (t->specs.items[i].letter == code)
            return &t->specs.items[i];
    return NULL;
}

static enum hone_status usage(const struct command *command, const char *problem, const char *what)
{
    return report_error(HONE_USAGE, "%s%s; 'hone %s --help' lists the options", problem, what, command->name);
}

static enum hone_status bad_option(const struct command *command, int code, char **argv)
{
    char letter[] = {'-', (char)optopt, '\0'};
    const char *word = argv[optind - 1];
    bool is_letter = optopt > 0 && optopt < 256;
    if (code == ':')
        return usage(command, "there is no value after ", is_letter ? letter : word);
    if (optopt >= 256)
        return usage(command, "no value is taken by ", word);
    return usage(command, "there is no option ", is_letter ? letter : word);
}

/* How many words `operand` shows, and in *n_needed those without brackets. */
static int count_operands(const char *operand, int *n_needed)
{
    int n = 0;
    *n_needed = 0;
    for (const char *p = operand; p && *p; p += strcspn(p, " "), p += *p == ' ') {
        n++;
        *n_needed += *p != '[';
    }
    return n;
}

static enum hone_status take_operand(const struct command *command, int argc, char **argv,
                                     struct options *out)
{
    int n = argc - optind, n_needed, n_taken = count_operands(command->operand, &n_needed);
    bool any_number = command->operand && strstr(command->operand, "...");
    if (n > n_taken && !any_number)
        return usage(command, "one argument too many: ", argv[optind + n_taken]);
    if (n < n_needed)
        return usage(command, "missing: ", command->operand);
    out->operand = n > 0 ? argv[optind] : NULL;
    out->operands = argv + optind;
    out->n_operands = n;
    return HONE_OK;
}

static enum hone_status check_required(const struct command *command, const struct option_specs *specs,
                                       const struct options *out)
{
    for (const struct option_spec *o = specs->items; o < specs->items + specs->n; o++)
        if (o->required && !*(const char *const *)((const char *)out + o->offset)) {
            char what[64] = {'-', o->letter, ' '};
            strncat(what, o->value, sizeof what - 4);
            return usage(command, "missing: ", what);
        }
    return HONE_OK;
}

enum hone_status options_parse(const struct command *command, int argc, char **argv, struct options *out)
{
    struct getopt_tables t = {0};
    int code;
    make_tables(command, &t);
    memset(out, 0, sizeof *out);
    out->command = command;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
        if (code == '?' || code == ':')
            return bad_option(command, code, argv);
        enum hone_status status = set_option(find_spec(&t, code), optarg, out);
        if (status != HONE_OK)
            return status;
    }
    if (out->help)
        return HONE_OK;
    enum hone_status status = take_operand(command, argc, argv, out);
    return status == HONE_OK ? check_required(command, &t.specs, out) : status;
}
