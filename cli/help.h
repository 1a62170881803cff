/* The manual, from the tables of options.h: for a terminal and as a man page. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/options.h"

/* `hone help [COMMAND]`, with --man as a manual page; --completion writes what a shell needs to complete commands. */
enum hone_status help_run(const struct options *options);

/* What --help shows of one command, or of the program (NULL), on standard output. */
enum hone_status help_show(const struct command *command);

/* Whether several commands' names begin with that word, and what they are. */
bool help_has_group(const char *word);
enum hone_status help_show_group(const char *word);

/* The page for man, in roff: of one command, or of the program (NULL). */
enum hone_status help_show_man(const struct command *command);

/* What a shell ("bash", "zsh", "fish") reads to complete hone's commands, options and their values. */
enum hone_status help_show_completion(const char *shell);

/* "-t, --threads=N", into `out`. */
#define HELP_TERM_SIZE 80
void help_term(const struct option_spec *option, char out[HELP_TERM_SIZE]);

/* What holds for all commands: title, text, ..., NULL at the end. */
extern const char *const help_topics[];

#endif
