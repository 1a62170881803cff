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
    TOOL_BARE,   /* the name, and then an object whose keys stand bare and texts between marks: Gemma 4 */
    TOOL_TAGS,   /* the name, and then each argument between tags of its own: Qwen3-Coder, GLM, MiniMax */
    TOOL_NESTED, /* the name, and then each argument, and what is in it, in an element of its name: MiniMax M3 */
};

#define TOOL_MARK 128 /* bytes */

/* What stands around the parts of a call, as the template has it: those special tokens must be text in answers. */
struct tool_form {
    enum tool_syntax syntax;
    char prompt[TOOL_MARK]; /* what a prompt ends with so that JSON of a call follows */
    char open[TOOL_MARK];   /* before a call: before JSON or its list, or before the name; may be empty */
    char close[TOOL_MARK];  /* behind it; may be empty */
    /* Mistral's [TOOL_CALLS], which is a special token and so no text, but not in every vocabulary: a list at the
     * beginning of an answer is one of calls without it. */
    bool bare;
    char name[32],
        arguments[32]; /* TOOL_JSON: the keys; or both empty: the name is the arguments' key (Apertus) */
    char wrap[TOOL_MARK], wrap_close[TOOL_MARK];    /* TOOL_TAGS: what may stand around open and close */
    char key_open[TOOL_MARK], key_close[TOOL_MARK]; /* TOOL_TAGS: around the name of an argument; */
    bool
        attributes; /* what is behind a name goes on up to the tag's end; then, or else at once, its value follows, */
    char value_close[TOOL_MARK]; /* up to this; TOOL_BARE: around texts */
};

/* false: the model's template has no tools, or writes calls in a form that is not known here. */
bool tool_form_of(const struct hone_model *model, struct tool_form *out);

/* Whether calls are JSON or Python, and nothing stands before them. */
bool tool_form_is_unmarked(const struct tool_form *form);

/* Where calls are looked for: an answer so far. */
struct tool_text {
    const struct tool_form *form;
    const json_t *tools; /* that were offered */
    const char *text;
    size_t size;
    const char *id;  /* the first six letters of calls' ids, which have nine, as Mistral wants them */
    size_t n_before; /* calls that were found before */
    bool
        fresh; /* nothing was said before this place, or nothing since the last call: a call without a mark may stand here */
    bool
        lenient; /* a client was told that a call begins here: it stays one, even where what follows has a mistake */
};

/* What is found. MAYBE: what follows tells whether there is a call. BEGUN: there is, and more of it, or the mark behind
 * it, may follow. */
enum tool_found { TOOL_NONE, TOOL_MAYBE, TOOL_BEGUN, TOOL_WHOLE };

struct tool_next {
    enum tool_found found;
    size_t begin, end; /* of the text: nothing before `begin` is a call; the calls end at `end` */
    /* To be released; NULL: none. As OpenAI writes them: [{"id", "type": "function", "function": {"name", "arguments"}}] */
    json_t *calls;
    bool
        cut; /* the arguments of the last one are not complete: what is there of them is the beginning of any whole */
};

/* The next call from there on, or calls, where they stand in a list. */
struct tool_next tools_next(const struct tool_text *t, size_t from);

/* The JSON Schema of a call of one of these tools, or of the one with that name (NULL: any): malloc'ed text, or NULL. */
char *tools_schema(const struct tool_form *form, const json_t *tools, const char *name);

#endif
