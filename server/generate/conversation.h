/* What a client has said so far, whatever the dialect, and the text that the model's own chat template makes of it. */
#ifndef SERVER_GENERATE_CONVERSATION_H
#define SERVER_GENERATE_CONVERSATION_H

#include "server/http/fields.h"

enum tool_choice { CHOICE_NONE, CHOICE_AUTO, CHOICE_REQUIRED };

/* Everything as OpenAI writes it; other dialects are translated into that. */
struct conversation {
    const char *field;        /* what the client calls the messages */
    json_t *messages, *tools; /* lists; owned. tools NULL: none */
    json_t *variables;        /* an object: what else the template looks at; owned; or NULL */
    enum tool_choice choice;
    const char *function; /* that must be called; NULL: any */
    bool one_call;        /* at most */
    bool no_answer;       /* the prompt does not end with the beginning of an answer; */
    bool continue_last;   /* or within the last message, which the model goes on with */
};

#define CONVERSATION_AS_USUAL                                                                                \
    {                                                                                                        \
        .field = "messages", .choice = CHOICE_AUTO                                                           \
    }

/* Reads messages, tools, tool_choice, chat_template_kwargs and the like, as OpenAI names them. */
void conversation_read(struct fields *f, struct conversation *c);

/* How much is to be thought, by the names that templates have for it: "none", "low", "medium", "high". */
void conversation_set_effort(struct conversation *c, const char *effort);

/* The text; *text is to be freed with hone_free; NULL: that has been answered. */
void conversation_prompt(struct fields *f, const struct conversation *c, char **text, size_t *size);

void conversation_clear(struct conversation *c);

#endif
