/* The manual, from the tables of options.h: for a terminal and as a man page. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/options.h"

/* `hone help`, `hone help COMMAND` and `hone help --man`. */
enum hone_status help_run(const struct options *options);

/* What --help shows of one command, or of the program (NULL), on standard output. */
enum hone_status help_show(const struct command *command);

/* Whether several commands' names begin with that word, and what they are. */
bool help_has_group(const char *word);
enum hone_status help_show_group(const char *word);

/* The page for man, in roff. */
enum hone_status help_show_man(void);

/* "-t, --threads=N", into `out`. */
#define HELP_TERM_SIZE 80
void help_term(const struct option_spec *option, char out[HELP_TERM_SIZE]);

/* What holds for all commands: title, text, ..., NULL at the end. */
extern const char *const help_topics[];

#endif
