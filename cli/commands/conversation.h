/* What was said in a chat. */
#ifndef CLI_COMMANDS_CONVERSATION_H
#define CLI_COMMANDS_CONVERSATION_H

#include <hone.h>

struct chat_conversation {
    struct hone_message *messages; /* [n]; contents are its own */
    size_t n, capacity;
};

/* Adds a message; role must outlive it. false: out of memory, which has been reported. */
bool conversation_say(struct chat_conversation *c, const char *role, struct hone_text text);
/* Keeps the first n messages. */
void conversation_cut(struct chat_conversation *c, size_t n);
/* Messages before the last one of that role; c->n where there is none. */
size_t conversation_last(const struct chat_conversation *c, const char *role);
void conversation_release(struct chat_conversation *c);

#endif
