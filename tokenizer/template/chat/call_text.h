/* Calls of tools as the text that the model wrote, for templates that tell it how to write them and then have no place for
 * those that it wrote: they show the text of a message alone. */
#ifndef TOKENIZER_TEMPLATE_CHAT_CALL_TEXT_H
#define TOKENIZER_TEMPLATE_CHAT_CALL_TEXT_H

#include <jansson.h>
#include <stdbool.h>

struct call_form_text;

/* By what a template says of tools. NULL: it is none of those that are known. */
const struct call_form_text *call_text_form(const char *instructions);

/* The calls of a message become its text, behind what it says: `content` is a text then, `tool_calls` gone. false: no memory. */
bool call_text_write(const struct call_form_text *form, json_t *message);

#endif
