/* hone: the command line. */
#include "cli/environment.h"
#include "cli/help.h"
#include "cli/io/report.h"
#include "cli/options.h"
#include "cli/version.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Known before anything can go wrong, so that wrong usage is told in the form that was asked for. */
static bool wants_json_errors(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json-errors") == 0)
            return true;
    return false;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static enum hone_status run_command(int argc, char **argv)
{
    struct options options;
    int n_words;
    const struct command *command = command_find(argv + 1, argc - 1, &n_words);
    if (!command && argc > 2 && is_help(argv[2]) && help_has_group(argv[1]))
        return help_show_group(argv[1]);
    if (!command)
        return command_unknown(argv[1]);
    report_command(command->name);
    enum hone_status status = options_parse(command, argc - n_words, argv + n_words, &options);
    if (status != HONE_OK)
        return status;
    if (options.help)
        return help_show(command);
    status = environment_check();
    return status == HONE_OK ? command->run(&options) : status;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write like any other */
    report_json(wants_json_errors(argc, argv));
    if (argc < 2)
        return report_error(HONE_USAGE, "a command is missing; 'hone help' lists them");
    if (strcmp(argv[1], "--version") == 0 && argc <= 3) {
        bool with_libraries = argc == 3 && (strcmp(argv[2], "-v") == 0 || strcmp(argv[2], "--verbose") == 0);
        if (argc == 3 && !with_libraries)
            return report_error(HONE_USAGE, "after --version only -v is known, not '%s'", argv[2]);
        return version_show(with_libraries);
    }
    if (is_help(argv[1]))
        return help_show(NULL);
    return run_command(argc, argv);
}
