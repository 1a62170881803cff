/* How servers are asked, and what their answers have: a row a path. Adding a dialect is adding a row. */
#ifndef CLI_LOAD_DIALECT_H
#define CLI_LOAD_DIALECT_H

#include "cli/load/plan.h"

#include <jansson.h>

#define LOAD_KINDS    "embed|rerank|classify|chat|completion"
#define LOAD_DIALECTS "openai|hone|tei|jina|cohere|ollama|llama.cpp|anthropic|responses"

enum load_shape {
    LOAD_TEXTS,     /* a list of texts */
    LOAD_DOCUMENTS, /* a query, and a list of texts */
    LOAD_MESSAGES,  /* a chat of one message */
    LOAD_PROMPT,    /* a text */
};

struct load_dialect {
    const char *kind, *name, *path;
    enum load_shape shape;
    const char *field;  /* that the texts are in, or the chat or prompt */
    const char *length; /* the field that bounds a generated text; "options.x": in an object */
    const char *extra;  /* further fields, as JSON without braces; NULL: none */
    /* Of an answer in one piece. */
    const char *has;   /* a name that is in every good answer; NULL: the answer is an array */
    const char *count; /* a name before the number of tokens; NULL: nobody tells */
    /* Of a streamed one: an object a line, behind "data:" or alone; paths as "choices.0.text". */
    const char *text[3]; /* where new text may be; NULL: no stream */
    const char *tokens;  /* where the number of tokens is */
    const char *end; /* what the last object has: "done" (true) or "type=message_stop"; NULL: a line [DONE] */
};

/* The row of a path that the URL's path ends in, or of kind and dialect (NULL: the first of that kind); *prefix: the
 * length of what stands before. NULL: reported. */
const struct load_dialect *load_dialect_find(const char *path, const char *kind, const char *name,
                                             size_t *prefix);

bool load_dialect_streams(const struct load_dialect *d);

/* A request's body, in memory of its own: n texts, the first of them the query where there is one. model NULL: not
 * named. NULL: no memory, or a text is no UTF-8. */
char *load_dialect_body(const struct load_dialect *d, const char *const *texts, size_t n, const char *model,
                        size_t max_tokens);

/* Whether a whole answer is what was asked for, and how many tokens it tells of (0: it does not). */
bool load_dialect_check(const struct load_dialect *d, const char *body, size_t size, size_t *n_tokens);

/* What a line of a streamed answer is. */
struct load_event {
    bool has_text, is_end, is_error;
    size_t n_tokens; /* told so far; 0: not */
};
struct load_event load_dialect_line(const struct load_dialect *d, const char *line, size_t size);

#endif
