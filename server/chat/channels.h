/* Answers in channels, as gpt-oss writes them: <|channel|>analysis<|message|>...<|end|><|start|>assistant... What is said in
 * the channel analysis is thought; a message to a tool that was offered is a call, whatever its channel; the rest is said. */
#ifndef SERVER_CHAT_CHANNELS_H
#define SERVER_CHAT_CHANNELS_H

#include "server/chat/answer.h"

/* Whether the template writes them. */
bool channels_are_in(struct hone_text chat_template);

/* The special tokens that they are made of; NULL at the end. */
extern const char *const channel_marks[];

/* What is new; whole: nothing more comes. */
void channels_tell(struct answer *a, const struct answer_form *form, bool whole, answer_teller teller,
                   void *arg);

#endif
