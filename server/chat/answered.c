/* Answers as a whole. */
#include "server/chat/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct answer_item *add_item(struct answered *a, enum answer_kind kind)
{
    struct answer_item *items = realloc(a->items, (a->n + 1) * sizeof *items);
    if (!items) {
        a->failed = true;
        return NULL;
    }
    a->items = items;
    items[a->n] = (struct answer_item){.kind = kind};
    return &items[a->n++];
}

static void gather(void *arg, const struct answer_part *part)
{
    struct answered *a = arg;
    struct answer_item *item = a->n > 0 ? &a->items[a->n - 1] : NULL;
    bool of_call = part->kind == ANSWER_ARGUMENTS || part->kind == ANSWER_CALLED;
    if (a->failed || (of_call && !item))
        return;
    if (!of_call && (!item || item->kind != part->kind || part->kind == ANSWER_CALL))
        item = add_item(a, part->kind);
    if (!item)
        return;
    reply_buffer_write(&item->text, part->text.data, part->text.size);
    if (part->kind == ANSWER_CALL) {
        snprintf(item->id, sizeof item->id, "%s", part->id);
        item->name = strdup(part->name);
        a->called = false;
    }
    if (part->kind == ANSWER_CALLED)
        item->whole = a->called = true;
    a->failed = a->failed || item->text.failed || (item->kind == ANSWER_CALL && !item->name);
}

void answer_take(const struct answer_form *form, size_t number, struct hone_text text, struct answered *out)
{
    struct answer a = {.number = number, .text = {.data = (char *)text.data, .size = text.size}};
    *out = (struct answered){0};
    answer_end(&a, form, gather, out);
}

void answered_release(struct answered *a)
{
    for (size_t i = 0; i < a->n; i++) {
        reply_buffer_release(&a->items[i].text);
        free(a->items[i].name);
    }
    free(a->items);
}

struct reply_buffer answered_text(const struct answered *a, enum answer_kind kind)
{
    struct reply_buffer out = {0};
    for (size_t i = 0; i < a->n; i++)
        if (a->items[i].kind == kind)
            reply_buffer_write(&out, a->items[i].text.data, a->items[i].text.size);
    return out;
}
