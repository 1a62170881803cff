/* What a model's answers in chats consist of, found out once, when it is opened. */
#ifndef SERVER_CHAT_CHAT_FORM_H
#define SERVER_CHAT_CHAT_FORM_H

#include "server/chat/reasoning.h"
#include "server/chat/tools.h"

#define MOST_SHOWN 32 /* the marks of a form are two, of a few tokens each */
#define MOST_CLOSE 96 /* tokens: those of 60 characters, in a vocabulary of hardly more than bytes */

struct channel_form;

struct chat_form {
    const struct channel_form *channels; /* channels.h; NULL: none */
    bool has_calls;
    struct tool_form calls;
    struct reasoning reasoning;
    int32_t
        shown[MOST_SHOWN]; /* [n_shown] special tokens in the marks of both, which must be text to be found */
    size_t n_shown;
    int32_t close[MOST_CLOSE]; /* [n_close] tokens that end thoughts, so that the answer follows */
    size_t n_close;
};

/* vocab: the same model's tokenizer. */
void chat_form_find(const struct hone_model *model, const struct hone_model *vocab, struct chat_form *out);

#endif
