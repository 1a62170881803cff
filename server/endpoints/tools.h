/* Calls of tools in a model's answers. Which form they have is asked of the chat template, by what it makes of an
 * answer with a call in it. */
#ifndef SERVER_ENDPOINTS_TOOLS_H
#define SERVER_ENDPOINTS_TOOLS_H

#include "server/http/reply_buffer.h"

#include <jansson.h>

/* One of the forms that are known: text before a call, and behind it; what a call's arguments are named. */
struct tool_form {
    const char *open, *close;
    const char *arguments;
    bool list; /* several calls are a JSON list, instead of one behind the other */
};

/* NULL: the model's template has no tools, or writes calls in a form that is not known here. */
const struct tool_form *tool_form_of(const struct hone_model *model);

/* How many bytes of an unfinished answer are surely no part of a call. */
size_t tools_plain(const struct tool_form *form, const char *text, size_t size);

/* The calls in an answer, as OpenAI writes them: [{"id", "type": "function", "function": {"name", "arguments"}}]; NULL:
 * there are none. *plain: bytes of the text before them. The ids begin with the first six letters of `name` and have nine,
 * as Mistral wants them. */
json_t *tools_parse(const struct tool_form *form, const char *name, const char *text, size_t size,
                    size_t *plain);

/* The JSON Schema of a call of one of these tools, or of the one with that name (NULL: any): malloc'ed text, or NULL. */
char *tools_schema(const struct tool_form *form, const json_t *tools, const char *name);

#endif
