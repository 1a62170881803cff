#include "server/chat/channels.h"

#include "server/chat/tool_reader.h"
#include "server/http/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char message[] = "<|message|>";

static const struct channel_form forms[] = {{.sign = "<|channel|>analysis<|message|>",
                                             .thought = "<|channel|>analysis",
                                             .thought_begin = "<|channel|>analysis<|message|>",
                                             .thought_end = "<|end|>",
                                             .answer = "<|end|><|start|>assistant<|channel|>final<|message|>",
                                             .closing = {"<|end|>", "<|call|>", "<|return|>"},
                                             .opening = {"<|start|>", "<|channel|>"},
                                             .marks = {"<|channel|>", "<|message|>", "<|start|>", "<|end|>",
                                                       "<|constrain|>", "<|call|>", "<|return|>"}},
                                            {.sign = "<|start|>assistant to=self<|message|>",
                                             .thought = "to=self<|message|>",
                                             .thought_begin = "to=self<|message|>",
                                             .thought_end = "<|eom|>",
                                             .answer = "<|eom|><|start|>assistant to=user<|message|>",
                                             .closing = {"<|eom|>", "<|eot|>"},
                                             .opening = {"<|start|>"},
                                             .marks = {"<|message|>", "<|start|>", "<|eom|>", "<|eot|>"},
                                             .tagged = true}};

const struct channel_form *channels_of(struct hone_text t)
{
    for (size_t i = 0; t.data && i < sizeof forms / sizeof *forms; i++)
        if (memmem(t.data, t.size, forms[i].sign, strlen(forms[i].sign)))
            return &forms[i];
    return NULL;
}

/* A message: its head is text[begin, body), and its text ends at `end`, or later where it is not `closed`. */
struct segment {
    size_t body, end, next;
    bool closed;
};

/* Whether one of the marks stands before *found, from i on, which then is there. */
static bool find_mark(const struct answer *a, const char *const *marks, size_t i, size_t *found, size_t *size)
{
    bool is_found = false;
    for (size_t k = 0; marks[k]; k++) {
        const char *at = memmem(a->text.data + i, *found - i, marks[k], strlen(marks[k]));
        *found = at ? (size_t)(at - a->text.data) : *found;
        *size = at ? strlen(marks[k]) : *size;
        is_found = is_found || at;
    }
    return is_found;
}

/* Where a message's text ends, from i on; size: it does not yet. */
static size_t find_end(const struct answer *a, const struct channel_form *c, size_t i, size_t *behind)
{
    size_t found = a->text.size, size = 0, opening = 0;
    bool closed = find_mark(a, c->closing, i, &found, &size);
    if (find_mark(a, c->opening, i, &found, &opening))
        closed = false;
    *behind = found + (closed ? size : 0);
    return found;
}

/* How many bytes at the end of the text, from i on, may be the beginning of a mark. */
static size_t held_back(const struct answer *a, const struct channel_form *c, size_t i)
{
    const char *at = memrchr(a->text.data + i, '<', a->text.size - i);
    size_t n = at ? (size_t)(a->text.data + a->text.size - at) : 0;
    bool may = false;
    for (size_t k = 0; n > 0 && c->marks[k]; k++)
        may = may || strncmp(c->marks[k], at, n) == 0;
    return may ? n : 0;
}

/* Whether what the text ends with, of this size, is a head that is not whole, and nothing that is said. */
static bool is_head(const char *text, size_t size)
{
    static const char mark[] = "<|", to[] = " to=";
    return (size >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) ||
           (size >= sizeof to - 1 && memcmp(text, to, sizeof to - 1) == 0);
}

static bool find_segment(const struct answer *a, const struct channel_form *c, bool whole, struct segment *s)
{
    const char *data = a->text.data + a->at;
    size_t size = a->text.size - a->at;
    const char *head = memmem(data, size, message, sizeof message - 1);
    if (!head && !whole)
        return false;
    if (!head) { /* it ends within a head, or is said plainly */
        *s = (struct segment){.body = is_head(data, size) ? a->text.size : a->at,
                              .end = a->text.size,
                              .next = a->text.size,
                              .closed = true};
        return true;
    }
    s->body = (size_t)(head - a->text.data) + sizeof message - 1;
    s->end = find_end(a, c, s->body, &s->next);
    s->closed = whole || s->end < a->text.size;
    if (!s->closed)
        s->end -= held_back(a, c, s->body);
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

static bool is_thought(const struct answer *a, const struct channel_form *c, size_t body)
{
    return memmem(a->text.data + a->at, body - a->at, c->thought, strlen(c->thought)) != NULL;
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

/* A call of a message as it came so far: the number-th in it. */
struct said_call {
    size_t number;
    const char *name, *arguments; /* JSON, or the beginning of one */
    bool ends;                    /* no more of it comes */
};

static void tell_call(struct answer *a, const struct answer_form *form, const struct said_call *c,
                      answer_teller teller, void *arg)
{
    char id[16];
    struct answer_part part = {.kind = ANSWER_CALL, .name = c->name};
    if (form->one_call && a->n_calls - a->n_here + c->number > 0)
        return;
    if (c->number == a->n_here) {
        snprintf(id, sizeof id, "%.6s%03zu", form->id + a->number % 16, a->n_calls % 1000);
        part.id = id;
        part.call = a->n_calls++;
        a->n_here++;
        a->n_arguments = 0;
        a->open = a->called = true;
        teller(arg, &part);
    }
    if (c->number + 1 < a->n_here || !a->open) /* all of it was told */
        return;
    part = (struct answer_part){.kind = ANSWER_ARGUMENTS, .call = a->n_calls - 1};
    tell_more(a, &part, c->arguments, strlen(c->arguments), teller, arg);
    json_t *valid = c->ends ? json_loads(c->arguments, JSON_DECODE_INT_AS_REAL, NULL) : NULL;
    if (valid) {
        part = (struct answer_part){.kind = ANSWER_CALLED, .call = a->n_calls - 1};
        teller(arg, &part);
        a->open = false;
    }
    json_decref(valid);
}

/* A message's calls, of which each has its arguments between tags; the first one is to whom the message is. */
static void tell_tagged(struct answer *a, const struct answer_form *form, const struct segment *s,
                        const char *name, answer_teller teller, void *arg)
{
    struct said_call call = {.number = 0};
    struct tool_next next = {.end = s->body};
    do {
        struct tool_text text = {.form = &form->calls,
                                 .tools = form->tools,
                                 .text = a->text.data,
                                 .size = s->end,
                                 .id = form->id,
                                 .lenient = call.number < a->n_here};
        next = tools_next(&text, next.end);
        const json_t *function = json_object_get(json_array_get(next.calls, 0), "function");
        const char *its = json_string_value(json_object_get(function, "name"));
        const char *arguments = json_string_value(json_object_get(function, "arguments"));
        call.name = call.number == 0 ? name : its;
        call.arguments = arguments ? arguments : "";
        call.ends = next.found == TOOL_WHOLE || s->closed;
        if (call.name)
            tell_call(a, form, &call, teller, arg);
        call.number++;
        json_decref(next.calls);
    } while (next.found == TOOL_WHOLE);
}

static void tell_calls(struct answer *a, const struct answer_form *form, const struct segment *s,
                       const json_t *function, answer_teller teller, void *arg)
{
    const char *name = json_string_value(json_object_get(function, "name"));
    if (form->channels->tagged) {
        tell_tagged(a, form, s, name, teller, arg);
        return;
    }
    char *arguments = json_text_compact((struct hone_text){a->text.data + s->body, s->end - s->body});
    const struct said_call call = {.name = name, .arguments = arguments, .ends = s->closed};
    a->failed = a->failed || !arguments;
    if (arguments)
        tell_call(a, form, &call, teller, arg);
    free(arguments);
}

void channels_tell(struct answer *a, const struct answer_form *form, bool whole, answer_teller teller,
                   void *arg)
{
    const struct channel_form *c = form->channels;
    struct segment s;
    while (a->at < a->text.size && find_segment(a, c, whole, &s)) {
        bool thought = is_thought(a, c, s.body);
        const json_t *function = thought && c->tagged ? NULL : recipient(a, form, s.body);
        struct answer_part part = {.kind = thought ? ANSWER_THOUGHT : ANSWER_TEXT};
        if (function)
            tell_calls(a, form, &s, function, teller, arg);
        else
            tell_more(a, &part, a->text.data + s.body, s.end - s.body, teller, arg);
        if (!s.closed)
            return;
        a->at = s.next;
        a->n_arguments = a->n_here = 0;
    }
}
