/* hone generate with files: a text for each prompt or chat that they hold. */
#ifndef CLI_COMMANDS_GENERATE_FILE_H
#define CLI_COMMANDS_GENERATE_FILE_H

#include "cli/commands/generation.h"
#include "cli/io/output.h"

/* Goes on with each prompt of options->operands, many at once, as `how` says, and writes {"index": 0, ...} a line, in order;
 * write_one writes what follows of a result, up to the end of the line. */
enum hone_status generate_file(const struct options *options, struct cli_generation *how,
                               void (*write_one)(struct output *o, const struct hone_generation *g,
                                                 const struct hone_generated *r));

#endif
