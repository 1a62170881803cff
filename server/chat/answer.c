#include "server/chat/answer.h"

#include "server/chat/channels.h"

#include <string.h>

/* Where and how an answer is told. */
struct telling {
    struct answer *a;
    const struct answer_form *form;
    answer_teller tell;
    void *arg;
    bool whole; /* nothing more comes */
};

static void tell(const struct telling *t, enum answer_kind kind, const char *text, size_t size)
{
    struct answer_part part = {.kind = kind, .text = {text, size}};
    if (size > 0)
        t->tell(t->arg, &part);
}

/* Blanks; and between calls that have no marks, what Llama 3 writes there. */
static size_t skip_blanks(const struct telling *t, size_t i)
{
    const struct answer *a = t->a;
    bool semicolon = a->called && tool_form_is_unmarked(&t->form->calls);
    while (i < a->text.size && (strchr(" \t\r\n", a->text.data[i]) || (semicolon && a->text.data[i] == ';')))
        i++;
    return i;
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

static void end_call(const struct telling *t)
{
    struct answer_part part = {.kind = ANSWER_CALLED, .call = t->a->n_calls - 1};
    if (t->a->open)
        t->tell(t->arg, &part);
    t->a->open = false;
}

/* What is new of a call: that it is there, and more of its arguments. */
static void tell_call(const struct telling *t, const json_t *call, bool is_new)
{
    struct answer *a = t->a;
    const json_t *function = json_object_get(call, "function");
    const char *arguments = json_string_value(json_object_get(function, "arguments"));
    size_t size = strlen(arguments);
    struct answer_part part = {.kind = ANSWER_CALL,
                               .call = a->n_calls - !is_new,
                               .id = json_string_value(json_object_get(call, "id")),
                               .name = json_string_value(json_object_get(function, "name"))};
    if (is_new) {
        end_call(t);
        t->tell(t->arg, &part);
        a->open = a->called = true;
        a->n_calls++;
        a->n_here++;
        a->n_arguments = 0;
    }
    part.kind = ANSWER_ARGUMENTS;
    part.text = (struct hone_text){arguments + a->n_arguments, size - a->n_arguments};
    if (size > a->n_arguments)
        t->tell(t->arg, &part);
    a->n_arguments = size;
}

/* The calls from a->at on, of which some may have been told. */
static void tell_calls(const struct telling *t, const struct tool_next *next)
{
    struct answer *a = t->a;
    size_t n = json_array_size(next->calls);
    for (size_t i = a->n_here > 0 ? a->n_here - 1 : 0;
         i < n && (!t->form->one_call || a->n_calls + i < 1 + a->n_here); i++)
        tell_call(t, json_array_get(next->calls, i), i >= a->n_here);
    if (!next->cut || n > a->n_here) /* what is cut is the last one, which may be left out */
        end_call(t);
}

/* ---- what is said ------------------------------------------------------------------------------------------------- */

/* Text from a->at on, up to `end`. Blanks alone wait for what follows: before a call, between two and behind the last one
 * they are none of the answer. */
static void tell_said(const struct telling *t, size_t end, bool call_follows)
{
    struct answer *a = t->a;
    bool blank = !a->said && skip_blanks(t, a->at) >= end, end_of_all = t->whole && end == a->text.size;
    if (blank && !call_follows && !(end_of_all && !a->called))
        return;
    if (!blank || !(call_follows || a->called)) {
        tell(t, ANSWER_TEXT, a->text.data + a->at, end - a->at);
        a->said = a->said || end > a->at;
    }
    a->at = end;
}

static struct tool_next find_next(const struct telling *t)
{
    struct answer *a = t->a;
    struct tool_text text = {.form = &t->form->calls,
                             .tools = t->form->tools,
                             .text = a->text.data,
                             .size = a->text.size,
                             .id = t->form->id + a->number % 16,
                             .n_before = a->n_calls - a->n_here,
                             .fresh = !a->said,
                             .lenient = a->n_here > 0};
    return tools_next(&text, a->at);
}

/* false: there is no more to be told now. */
static bool step(const struct telling *t)
{
    struct answer *a = t->a;
    struct tool_next next = find_next(t);
    bool is_call = next.found >= TOOL_BEGUN;
    if (next.found == TOOL_MAYBE && t->whole)
        next.begin = a->text.size; /* it was none */
    if (a->n_here == 0)
        tell_said(t, next.begin, is_call);
    if (is_call)
        tell_calls(t, &next);
    bool passed = is_call && (next.found == TOOL_WHOLE || t->whole);
    if (passed) {
        a->at = next.found == TOOL_WHOLE || !next.cut ? next.end : a->text.size;
        a->n_here = 0;
        a->said = false;
    }
    json_decref(next.calls);
    return passed && a->at < a->text.size;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

static void tell_news(const struct telling *t)
{
    struct answer *a = t->a;
    if (t->form->channels) {
        channels_tell(a, t->form, t->whole, t->tell, t->arg);
        return;
    }
    struct thoughts th = reasoning_split(&t->form->reasoning, a->text.data, a->text.size, t->whole);
    size_t thought = a->n_thought > th.begin ? a->n_thought : th.begin;
    if (th.end > thought) {
        tell(t, ANSWER_THOUGHT, a->text.data + thought, th.end - thought);
        a->n_thought = th.end;
    }
    if (th.content == a->text.size)
        return; /* nothing is said yet, or what may be a mark */
    a->at = a->at > th.content ? a->at : th.content;
    if (!t->form->tools && a->text.size > a->at) {
        tell(t, ANSWER_TEXT, a->text.data + a->at, a->text.size - a->at);
        a->at = a->text.size;
    }
    while (t->form->tools && a->at < a->text.size && step(t)) {
    }
}

void answer_add(struct answer *a, const struct answer_form *form, struct hone_text more, answer_teller teller,
                void *arg)
{
    reply_buffer_write(&a->text, more.data, more.size);
    a->failed = a->failed || a->text.failed;
    if (a->text.size > 0 && more.size > 0 && !a->failed)
        tell_news(&(struct telling){a, form, teller, arg, false});
}

void answer_end(struct answer *a, const struct answer_form *form, answer_teller teller, void *arg)
{
    struct telling t = {a, form, teller, arg, true};
    if (a->text.size > 0 && !a->failed)
        tell_news(&t);
}

void answer_release(struct answer *a)
{
    reply_buffer_release(&a->text);
}
