/* A request to /v1/chat/completions. */
#ifndef SERVER_GENERATE_OPENAI_CHAT_H
#define SERVER_GENERATE_OPENAI_CHAT_H

#include "server/chat/reasoning.h"
#include "server/chat/tools.h"
#include "server/generate/openai.h"

struct chat {
    struct openai openai;
    struct tool_form form; /* of calls, where answers are looked through for them */
    bool calls, one_call;  /* one: others are left out */
    const json_t *tools;   /* those that were offered; the request's */
    struct reasoning reasoning;
};

/* Reads what it has beside openai_read: lengths, logprobs, response_format, and the conversation with its tools, of which
 * the prompt is made. */
void chat_read(struct fields *f, struct chat *chat);

#endif
