/* Lines of hone score that ask for a text: {"prompt": "..."} or {"messages": [...]}, and how it is chosen. */
#ifndef CLI_JOBS_SCORE_PROMPT_H
#define CLI_JOBS_SCORE_PROMPT_H

#include "cli/io/output.h"

#include <jansson.h>

#define SCORE_STOPS_MAX 16 /* four times what OpenAI's API takes */

struct score_prompt {
    struct hone_generation g;
    char *chat; /* what a conversation looks like to the model */
    struct hone_text stops[SCORE_STOPS_MAX];
    bool streams; /* it is told as it comes */
};

/* Whether the line asks for a text. */
bool score_prompt_is(const json_t *line);
/* Reads it; the line must outlive it. *why (256 bytes) says what is wrong. To be released in any case. */
bool score_prompt_read(struct score_prompt *p, const json_t *line, struct hone_model *model,
                       const struct hone_model_info *info, char *why);
/* ", "text": ..." and what else there is to tell of it. */
void score_prompt_write(const struct score_prompt *p, struct output *o);
void score_prompt_release(struct score_prompt *p);

#endif
