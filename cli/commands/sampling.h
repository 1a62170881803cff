/* How the next token is chosen, from the options. */
#ifndef CLI_COMMANDS_SAMPLING_H
#define CLI_COMMANDS_SAMPLING_H

#include "cli/options.h"

/* What is wrong has been reported. */
enum hone_status sampling_read(const struct options *options, struct hone_sampling *out);

#endif
