/* A chat: what a conversation becomes, and how its answers are told, in whatever dialect. A handler's state begins with a
 * struct chat, which chat_state makes; it reads its dialect's fields and makes a struct conversation of them, or several
 * where the dialect has a list of them. */
#ifndef SERVER_GENERATE_CHAT_H
#define SERVER_GENERATE_CHAT_H

#include "server/generate/choices.h"
#include "server/generate/conversation.h"

struct chat;

/* How a dialect tells an answer: what it appends to *out. While texts come that is on the scheduler's thread. */
struct chat_dialect {
    /* Before anything else of it. */
    void (*begin)(struct reply_buffer *out, struct chat *chat, const struct choice *c);
    /* What is new, once for each token at least where log-probabilities are wanted (a text that may be empty). token: what
     * it came of; NULL: it was told already. */
    void (*part)(struct reply_buffer *out, struct chat *chat, const struct choice *c,
                 const struct answer_part *part, const struct hone_token *token);
    void (*end)(struct reply_buffer *out, struct chat *chat, const struct choice *c, const char *finish);
    /* After the end of all. NULL: nothing. */
    void (*close)(struct reply_buffer *out, struct chat *chat);
    /* All of it at once. */
    void (*whole)(struct reply_buffer *out, struct chat *chat);
    /* What went wrong after the first event. NULL: as the dialect's errors are. */
    void (*fail)(struct reply_buffer *out, struct chat *chat, const char *sentence);
    /* Its own part of the state. NULL: there is nothing. */
    void (*release)(struct chat *chat);
};

struct chat {
    struct choices choices;
    struct answer_form form;
    bool *
        begun; /* [n_prompts] whether each prompt ends within a thought; owned. The rest of the form is of all */
    json_t *tools;                 /* owned */
    struct hone_thinking thinking; /* of the last prompt, where `limits` says that it is limited */
    bool limits;
    const struct chat_dialect *dialect;
};

/* A state that begins with a struct chat, as http_state. */
void *chat_state(struct http_request *r, size_t size, const struct chat_dialect *dialect);

/* What choices_read reads, and the model's settings where the client says nothing, must be there already. Makes the prompt of
 * the conversation, with what holds of its answers; once for each conversation. */
void chat_open(struct fields *f, struct chat *chat, const struct conversation *conversation);

void chat_submit(struct fields *f, struct chat *chat);

/* An answer that is complete. Returns why it ended: "stop", "length", "tool_calls". */
const char *chat_take(const struct chat *chat, const struct choice *c, struct answered *out);

#endif
