/* What a client has said so far, as text in the form of the model's own chat template. */
#ifndef SERVER_GENERATE_CONVERSATION_H
#define SERVER_GENERATE_CONVERSATION_H

#include "server/http/fields.h"

/* Reads messages, tools (unless without_tools) and chat_template_kwargs. *text is to be freed with hone_free; NULL:
 * that has been answered. */
void conversation_read(struct fields *f, bool without_tools, char **text, size_t *size);

#endif
