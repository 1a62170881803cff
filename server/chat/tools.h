/* Calls of tools in a model's answers. Which form they have is asked of the chat template, by what it makes of an answer
 * with a call in it. A call is one only by the name of a tool that was offered. */
#ifndef SERVER_CHAT_TOOLS_H
#define SERVER_CHAT_TOOLS_H

#include "server/http/reply_buffer.h"

#include <jansson.h>

enum tool_syntax {
    TOOL_JSON, /* {"name": ..., "arguments": {...}}, or a list of these: Hermes, Qwen, Llama 3, Mistral, Granite, Command R */
    TOOL_NAMED,  /* the name, and then its arguments as JSON: DeepSeek, later Mistral, Kimi, gpt-oss */
    TOOL_PYTHON, /* a list of calls as Python writes them: Llama 4, LFM2 */
    TOOL_TAGS,   /* the name, and then each argument between tags of its own: Qwen3-Coder, GLM, MiniMax */
};

#define TOOL_MARK 128 /* bytes */

/* What stands around the parts of a call. Marks are as they are in an answer's text, in which special tokens are none. */
struct tool_form {
    enum tool_syntax syntax;
    char prompt[TOOL_MARK]; /* what a prompt ends with so that JSON of a call follows */
    char open[TOOL_MARK];   /* before a call: before JSON or its list, or before the name; may be empty */
    char close[TOOL_MARK];  /* behind it; may be empty */
    /* Mistral's [TOOL_CALLS], which is a special token and so no text, but not in every vocabulary: a list at the
     * beginning of an answer is one of calls without it. */
    bool bare;
    char name[32], arguments[32];                /* TOOL_JSON: the keys */
    char wrap[TOOL_MARK], wrap_close[TOOL_MARK]; /* TOOL_TAGS: what may stand around open and close */
    char key_open[TOOL_MARK],
        key_close[TOOL_MARK];    /* TOOL_TAGS: around the name of an argument; its value follows, */
    char value_close[TOOL_MARK]; /* up to this */
};

/* false: the model's template has no tools, or writes calls in a form that is not known here. */
bool tool_form_of(const struct hone_model *model, const struct hone_model *vocab, struct tool_form *out);

/* How many bytes of an unfinished answer are surely no part of a call. */
size_t tools_plain(const struct tool_form *form, const json_t *tools, const char *text, size_t size);

/* The calls of these tools in an answer, as OpenAI writes them: [{"id", "type": "function", "function": {"name",
 * "arguments"}}]; NULL: there are none. *plain: bytes of the text before them; *rest: bytes up to the end of the last one.
 * The ids begin with the first six letters of `id` and have nine, as Mistral wants them. */
json_t *tools_parse(const struct tool_form *form, const json_t *tools, const char *id, const char *text,
                    size_t size, size_t *plain, size_t *rest);

/* The JSON Schema of a call of one of these tools, or of the one with that name (NULL: any): malloc'ed text, or NULL. */
char *tools_schema(const struct tool_form *form, const json_t *tools, const char *name);

#endif
