/* Answers that are messages, each to somebody and with a head: gpt-oss writes them in channels,
 * <|channel|>analysis<|message|>...<|end|><|start|>assistant..., and Muse Glimmer by whom they are to,
 *  to=self<|message|>...<|eom|><|start|>assistant to=user... What is said in the channel analysis, or to itself, is thought; a
 * message to a tool that was offered is a call, whatever its channel; the rest is said. */
#ifndef SERVER_CHAT_CHANNELS_H
#define SERVER_CHAT_CHANNELS_H

#include "server/chat/answer.h"

struct channel_form {
    const char *sign;                        /* templates that write answers so have this in them */
    const char *thought;                     /* the head of what is thought has this in it */
    const char *thought_begin, *thought_end; /* what stands around it, where answers begin with it; */
    const char *answer;                      /* and then begins what is said: where thoughts are cut short */
    const char *closing[4];                  /* what ends a message; NULL at the end */
    const char *opening[3];                  /* or begins the next one, likewise */
    const char *marks[8];                    /* the special tokens that all is made of, likewise */
    bool tagged; /* arguments stand between tags, as tool_form has them; else they are JSON */
};

/* The one that the template writes; NULL: none. */
const struct channel_form *channels_of(struct hone_text chat_template);

/* What is new; whole: nothing more comes. */
void channels_tell(struct answer *a, const struct answer_form *form, bool whole, answer_teller teller,
                   void *arg);

#endif
