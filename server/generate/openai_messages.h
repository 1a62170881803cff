/* Messages in forms that OpenAI's interface has had, or has beside the usual one. */
#ifndef SERVER_GENERATE_OPENAI_MESSAGES_H
#define SERVER_GENERATE_OPENAI_MESSAGES_H

#include <jansson.h>

/* The messages with what is said in other forms in the usual ones: a `function_call` and the result of the role `function`
 * as calls of tools, and refusals as text. A new reference; NULL: no memory. What is no list stays as it is. */
json_t *openai_messages_read(json_t *messages);

#endif
