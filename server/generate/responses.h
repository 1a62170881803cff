/* OpenAI's Responses: platform.openai.com/docs/api-reference/responses */
#ifndef SERVER_GENERATE_RESPONSES_H
#define SERVER_GENERATE_RESPONSES_H

#include "server/generate/choices.h"
#include "server/generate/conversation.h"

/* input, instructions, tools, tool_choice, reasoning and text: the conversation, and the form of the answer. What needs
 * answers to be stored is refused. */
void responses_read(struct fields *f, struct choices *choices, struct conversation *c);

#endif
