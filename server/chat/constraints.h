/* What clients say a text must look like, in the forms of OpenAI (response_format), llama.cpp (grammar, json_schema), vLLM
 * (structured_outputs, guided_...), SGLang (regex, ebnf), and TGI and huggingface_hub (grammar and response_format with a
 * value). One of them at most, at every path that generates; what cannot be held is refused by name. */
#ifndef SERVER_CHAT_CONSTRAINTS_H
#define SERVER_CHAT_CONSTRAINTS_H

#include "server/generate/choices.h"

/* Fills c->like.grammar or json_schema, and c->constraint. */
void constraints_read(struct fields *f, struct choices *c);

#endif
