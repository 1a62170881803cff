/* A request to /v1/chat/completions. */
#ifndef SERVER_ENDPOINTS_OPENAI_CHAT_H
#define SERVER_ENDPOINTS_OPENAI_CHAT_H

#include "server/endpoints/openai.h"
#include "server/endpoints/tools.h"

struct chat {
    struct openai openai;
    struct tool_form form; /* of calls, where answers are looked through for them */
    bool calls;
};

/* Reads what it has beside openai_read: lengths, logprobs, response_format, and the conversation with its tools, of which
 * the prompt is made. */
void chat_read(struct fields *f, struct chat *chat);

#endif
