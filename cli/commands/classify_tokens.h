/* hone classify with a model that labels tokens, or spans of them: what each text names. */
#ifndef CLI_COMMANDS_CLASSIFY_TOKENS_H
#define CLI_COMMANDS_CLASSIFY_TOKENS_H

#include "cli/run.h"

/* Computes and writes all lines of an open run; run->status says how it went. */
void classify_tokens_lines(struct run *run);

/* The same with labels of the user's own, of a model that finds these in texts. */
void classify_spans_lines(struct run *run, const struct hone_text *labels, size_t n_labels);

#endif
