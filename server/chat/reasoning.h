/* What a model thinks before it answers, between marks of its own. */
#ifndef SERVER_CHAT_REASONING_H
#define SERVER_CHAT_REASONING_H

#include <hone.h>

struct reasoning {
    const char *open, *close; /* NULL: the model has no such marks */
    bool begun;               /* the prompt ends with the first of them */
};

/* By what the chat template mentions, and how the prompt ends. */
struct reasoning reasoning_of(struct hone_text chat_template, struct hone_text prompt);

/* Of an answer so far: text[begin, end) is thought, without blanks around it, and text[content...] is said. What may be the
 * beginning of a mark belongs to neither, unless the answer is `whole`. */
struct thoughts {
    size_t begin, end, content;
};
struct thoughts reasoning_split(const struct reasoning *r, const char *text, size_t size, bool whole);

#endif
