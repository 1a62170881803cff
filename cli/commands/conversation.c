#include "cli/commands/conversation.h"

#include "cli/io/report.h"
#include "runtime/base/text.h"

#include <stdlib.h>
#include <string.h>

bool conversation_say(struct chat_conversation *c, const char *role, struct hone_text text)
{
    size_t capacity = c->n == c->capacity ? 2 * c->capacity + 8 : c->capacity;
    struct hone_message *grown = realloc(c->messages, capacity * sizeof *grown);
    c->messages = grown ? grown : c->messages;
    char *copy = malloc(text.size + 1);
    if (!grown || !copy) {
        free(copy);
        report_error(HONE_FAILED, "out of memory");
        return false;
    }
    c->capacity = capacity;
    text_put(copy, text);
    c->messages[c->n++] = (struct hone_message){role, {copy, text.size}};
    return true;
}

void conversation_cut(struct chat_conversation *c, size_t n)
{
    while (c->n > n)
        free((char *)c->messages[--c->n].content.data);
}

size_t conversation_last(const struct chat_conversation *c, const char *role)
{
    for (size_t i = c->n; i-- > 0;)
        if (strcmp(c->messages[i].role, role) == 0)
            return i;
    return c->n;
}

void conversation_release(struct chat_conversation *c)
{
    conversation_cut(c, 0);
    free(c->messages);
    c->messages = NULL;
}
