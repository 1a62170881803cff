/* Messages as clients send them, in the form that a template reads. */
#ifndef TOKENIZER_TEMPLATE_CHAT_MESSAGES_H
#define TOKENIZER_TEMPLATE_CHAT_MESSAGES_H

#include "tokenizer/template/chat/abilities.h"

/* A new list; chat_template.h says what is changed. NULL on failure, with a sentence that names the message. */
json_t *messages_convert(const struct abilities *a, const json_t *messages, struct hone_error *err);

/* A new list of the tools, each with what the template wants of it: where they have none, an empty description and
 * parameters without properties. NULL: out of memory. */
json_t *messages_convert_tools(const struct abilities *a, const json_t *tools);

#endif
