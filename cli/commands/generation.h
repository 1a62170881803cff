/* How texts are gone on with, from the options of hone generate and hone chat. */
#ifndef CLI_COMMANDS_GENERATION_H
#define CLI_COMMANDS_GENERATION_H

#include "cli/options.h"

struct cli_generation {
    struct hone_generation g; /* all but the prompt; it points into what is below */
    struct hone_beams beams;
    struct hone_text stops[OPTION_LIST_MAX];
    struct hone_bias biases[OPTION_LIST_MAX];
    char *grammar, *json_schema;
    struct hone_model *draft_model;
};

/* Reads files and opens the draft model. What is wrong has been reported; generation_close in any case. */
enum hone_status generation_open(struct cli_generation *generation, const struct options *options);
/* What the options leave to the model: how it searches. Before the texts; the model is open. */
void generation_search(struct cli_generation *generation, const struct options *options,
                       const struct hone_model *model);
void generation_close(struct cli_generation *generation);

#endif
