/* hone embed's results that have a length of their own for each text: a vector a token, weights of words. */
#ifndef CLI_COMMANDS_EMBED_RAGGED_H
#define CLI_COMMANDS_EMBED_RAGGED_H

#include "cli/run.h"

/* Computes and writes all lines. What goes wrong has been reported and is in run->status. */
void ragged_tokens(struct run *run);
void ragged_words(struct run *run);
/* These beside one vector a text, of a model that makes all at once. */
void ragged_all(struct run *run);

#endif
