/* What a template would leave out of a conversation without a word. */
#ifndef TOKENIZER_TEMPLATE_CHAT_LOSSES_H
#define TOKENIZER_TEMPLATE_CHAT_LOSSES_H

#include "runtime/base/error.h"

#include <jansson.h>

/* Copies of messages and tools in which every text, every call's name and every tool's name is another word (names only
 * where `names` says so). NULL: no memory. */
json_t *losses_mark_messages(const json_t *messages, bool names);
json_t *losses_mark_tools(const json_t *tools);

/* Whether all of these words are in the text that a template made of the copies; if not, a sentence says which message or
 * tool was left out. */
bool losses_check(const json_t *messages, const json_t *tools, bool names, const char *text,
                  struct hone_error *err);

#endif
