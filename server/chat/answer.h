/* An answer taken apart as it comes: what was thought, what is said, and calls of tools, bit by bit. Whoever tells it, at
 * once or as a whole, gets the same parts in the same order; more of a text follows as further parts. */
#ifndef SERVER_CHAT_ANSWER_H
#define SERVER_CHAT_ANSWER_H

#include "server/chat/reasoning.h"
#include "server/chat/tools.h"

struct channel_form;

/* What answers to a request may consist of. What it points to lives as long as that. */
struct answer_form {
    struct reasoning reasoning;
    struct tool_form calls;
    const json_t *tools; /* that were offered; NULL: no calls are looked for */
    bool one_call;       /* others are left out */
    const struct channel_form
        *channels;  /* it has a form of channels.h, instead of the others; NULL: it has not */
    const char *id; /* of at least 22 letters, of which calls' ids are made */
};

enum answer_kind {
    ANSWER_THOUGHT,
    ANSWER_TEXT,
    ANSWER_CALL,      /* one begins: its id and its name; the text is empty */
    ANSWER_ARGUMENTS, /* JSON */
    ANSWER_CALLED,    /* it ends; not one that the answer ends within */
};

/* It lives during the call that tells it. */
struct answer_part {
    enum answer_kind kind;
    struct hone_text text;
    size_t call; /* from 0 */
    const char *id, *name;
};

typedef void (*answer_teller)(void *arg, const struct answer_part *part);

/* Zero but for its number is one of which nothing has come. */
struct answer {
    size_t number; /* among those to a request */
    struct reply_buffer text;
    size_t n_thought,
        at; /* bytes of the text up to which thoughts were told, and up to which everything was */
    size_t n_calls, n_here,
        n_arguments; /* calls that were told; of these, those behind `at`; bytes of the last one's arguments that were told */
    bool said, called,
        open; /* something was said since the last call; there was a call; the last call's end was not told yet */
    bool failed; /* no memory */
};

/* More of it. */
void answer_add(struct answer *a, const struct answer_form *form, struct hone_text more, answer_teller teller,
                void *arg);
/* All has come. */
void answer_end(struct answer *a, const struct answer_form *form, answer_teller teller, void *arg);
void answer_release(struct answer *a);

/* As a whole: what was thought, said and called, in order. */
struct answer_item {
    enum answer_kind kind;    /* ANSWER_THOUGHT, ANSWER_TEXT, ANSWER_CALL */
    struct reply_buffer text; /* of a call: its arguments */
    char id[16], *name;       /* of a call */
    bool whole;               /* a call is */
};
struct answered {
    struct answer_item *items; /* [n] */
    size_t n;
    bool called; /* and the last call is whole, so that it can be made */
    bool failed; /* no memory */
};
void answer_take(const struct answer_form *form, size_t number, struct hone_text text, struct answered *out);
void answered_release(struct answered *a);
/* All texts of that kind, one behind the other. */
struct reply_buffer answered_text(const struct answered *a, enum answer_kind kind);

#endif
