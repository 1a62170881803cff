/* hone classify with a model that labels tokens: what each text names. */
#ifndef CLI_COMMANDS_CLASSIFY_TOKENS_H
#define CLI_COMMANDS_CLASSIFY_TOKENS_H

#include "cli/run.h"

/* Computes and writes all lines of an open run; run->status says how it went. */
void classify_tokens_lines(struct run *run);

#endif
