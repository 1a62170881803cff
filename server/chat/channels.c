#include "server/chat/channels.h"

#include "server/chat/tool_reader.h"
#include "server/http/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char message[] = "<|message|>", channel[] = "<|channel|>";
const char *const channel_marks[] = {"<|channel|>",   "<|message|>", "<|start|>",  "<|end|>",
                                     "<|constrain|>", "<|call|>",    "<|return|>", NULL};

bool channels_are_in(struct hone_text t)
{
    static const char analysis[] = "<|channel|>analysis<|message|>";
    return t.data && memmem(t.data, t.size, analysis, sizeof analysis - 1);
}

/* A message: its head is text[begin, body), and its text ends at `end`, or later where it is not `closed`. */
struct segment {
    size_t body, end, next;
    bool closed;
};

/* The first mark that ends a message's text, from i on; size: none. */
static size_t find_end(const struct answer *a, size_t i, size_t *behind)
{
    static const char *const marks[] = {"<|end|>", "<|call|>", "<|return|>", "<|start|>", "<|channel|>"};
    size_t found = a->text.size;
    *behind = a->text.size;
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
        const char *at = memmem(a->text.data + i, a->text.size - i, marks[k], strlen(marks[k]));
        size_t place = at ? (size_t)(at - a->text.data) : found;
        if (place >= found)
            continue;
        found = place;
        *behind = k < 3 ? place + strlen(marks[k]) : place;
    }
    return found;
}

/* How many bytes at the end of the text, from i on, may be the beginning of a mark. */
static size_t held_back(const struct answer *a, size_t i)
{
    const char *at = memrchr(a->text.data + i, '<', a->text.size - i);
    size_t n = at ? (size_t)(a->text.data + a->text.size - at) : 0;
    bool may = false;
    for (size_t k = 0; n > 0 && channel_marks[k]; k++)
        may = may || strncmp(channel_marks[k], at, n) == 0;
    return may ? n : 0;
}

static bool find_segment(const struct answer *a, bool whole, struct segment *s)
{
    const char *data = a->text.data + a->at;
    size_t size = a->text.size - a->at;
    const char *head = memmem(data, size, message, sizeof message - 1);
    if (!head && !whole)
        return false;
    if (!head) { /* it ends within a head, or is said plainly */
        *s = (struct segment){.body = size >= 2 && memcmp(data, "<|", 2) == 0 ? a->text.size : a->at,
                              .end = a->text.size,
                              .next = a->text.size,
                              .closed = true};
        return true;
    }
    s->body = (size_t)(head - a->text.data) + sizeof message - 1;
    s->end = find_end(a, s->body, &s->next);
    s->closed = whole || s->end < a->text.size;
    if (!s->closed)
        s->end -= held_back(a, s->body);
    return true;
}

/* The offered tool that the head names as its recipient: to=functions.NAME; NULL: none. */
static const json_t *recipient(const struct answer *a, const struct answer_form *form, size_t end)
{
    struct tool_reader r = {.tools = form->tools, .text = a->text.data, .size = end};
    static const char to[] = "to=", space[] = "functions.";
    size_t n, at = tool_find(&r, a->at, to);
    if (!form->tools || at == end)
        return NULL;
    at += sizeof to - 1;
    at += tool_is_at(&r, at, space) ? sizeof space - 1 : 0;
    return tool_offered_at(&r, at, &n);
}

static bool is_thought(const struct answer *a, size_t body)
{
    static const char analysis[] = "analysis";
    const char *at = memmem(a->text.data + a->at, body - a->at, channel, sizeof channel - 1);
    const char *name = at ? at + sizeof channel - 1 : NULL;
    return name && (size_t)(a->text.data + body - name) >= sizeof analysis - 1 &&
           memcmp(name, analysis, sizeof analysis - 1) == 0;
}

static void tell_more(struct answer *a, struct answer_part *part, const char *text, size_t size,
                      answer_teller teller, void *arg)
{
    if (size > a->n_arguments) {
        part->text = (struct hone_text){text + a->n_arguments, size - a->n_arguments};
        teller(arg, part);
        a->n_arguments = size;
    }
}

static void tell_call(struct answer *a, const struct answer_form *form, const struct segment *s,
                      const json_t *function, bool complete, answer_teller teller, void *arg)
{
    char id[16], *arguments = json_text_compact((struct hone_text){a->text.data + s->body, s->end - s->body});
    struct answer_part part = {.kind = ANSWER_CALL,
                               .name = json_string_value(json_object_get(function, "name"))};
    a->failed = a->failed || !arguments;
    if (!arguments || (form->one_call && a->n_calls > 0 && !a->open)) {
        free(arguments);
        return;
    }
    if (!a->open) {
        snprintf(id, sizeof id, "%.6s%03zu", form->id + a->number % 16, a->n_calls % 1000);
        part.id = id;
        part.call = a->n_calls++;
        a->open = a->called = true;
        teller(arg, &part);
    }
    part = (struct answer_part){.kind = ANSWER_ARGUMENTS, .call = a->n_calls - 1};
    tell_more(a, &part, arguments, strlen(arguments), teller, arg);
    json_t *valid = complete ? json_loads(arguments, JSON_DECODE_INT_AS_REAL, NULL) : NULL;
    if (valid) {
        part = (struct answer_part){.kind = ANSWER_CALLED, .call = a->n_calls - 1};
        teller(arg, &part);
        a->open = false;
    }
    json_decref(valid);
    free(arguments);
}

void channels_tell(struct answer *a, const struct answer_form *form, bool whole, answer_teller teller,
                   void *arg)
{
    struct segment s;
    while (a->at < a->text.size && find_segment(a, whole, &s)) {
        const json_t *function = recipient(a, form, s.body);
        struct answer_part part = {.kind = is_thought(a, s.body) ? ANSWER_THOUGHT : ANSWER_TEXT};
        if (function)
            tell_call(a, form, &s, function, s.closed, teller, arg);
        else
            tell_more(a, &part, a->text.data + s.body, s.end - s.body, teller, arg);
        if (!s.closed)
            return;
        a->at = s.next;
        a->n_arguments = 0;
    }
}
