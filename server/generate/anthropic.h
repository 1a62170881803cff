/* Anthropic's Messages: docs.anthropic.com/en/api/messages */
#ifndef SERVER_GENERATE_ANTHROPIC_H
#define SERVER_GENERATE_ANTHROPIC_H

#include "server/generate/choices.h"
#include "server/generate/conversation.h"

/* system, messages, tools, tool_choice and thinking as OpenAI writes them. *budget: tokens of thoughts, where *limits. */
void anthropic_read(struct fields *f, struct conversation *c, size_t *budget, bool *limits);

/* output_config and output_format: the form of the answer, how much is thought. */
void anthropic_read_output(struct fields *f, struct choices *choices, struct conversation *c);

#endif
