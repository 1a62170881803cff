/* A conversation as the text that a model was trained to read.
 *
 * A chat template is a Jinja template (tokenizer/template/template.h) that comes with the model. Messages come as chat
 * clients send them: {"role", "content", ...}, where the content is a text or a list of parts
 * {"type": "text", "text": ...}. Templates differ in what they read, so each gets what it can: this is found out once, by
 * rendering small conversations (chat/abilities.h). A template is immutable and can be used by any number of threads. */
#ifndef TOKENIZER_TEMPLATE_CHAT_TEMPLATE_H
#define TOKENIZER_TEMPLATE_CHAT_TEMPLATE_H

#include "runtime/base/error.h"

#include <jansson.h>

struct chat_template;

/* NULL on failure, with a sentence that names the line and what was not understood. The source may be freed then. */
struct chat_template *chat_template_new(struct hone_text source, struct hone_error *err);
void chat_template_free(struct chat_template *t);

struct chat_request {
    const json_t *messages;     /* an array of objects */
    const json_t *tools;        /* an array of objects; NULL or empty: none */
    const json_t *documents;    /* likewise */
    bool add_generation_prompt; /* end with the start of the assistant's answer */
    bool continue_last;         /* end within the last message, which is the assistant's, instead */
    const json_t *variables; /* an object, or NULL: bos_token, eos_token, date_string, enable_thinking... */
    bool as_it_is;           /* messages are not changed on their way */
    int64_t now;             /* seconds since 1970, for templates that show the date; local time */
};

/* What of a message is changed on its way, as transformers and servers do:
 *   - the content, as said above: a text into one part, or parts into one text, with a newline between them; none at all
 *     into an empty text, or, beside calls, into what the template reads there: null, an empty text, or none;
 *   - fields that say nothing (null, an empty list of calls) are left out;
 *   - a role "developer" becomes "system" where the template does not know it;
 *   - system messages one behind the other become one, where the template shows one alone;
 *   - the arguments of a tool call become an object, or JSON text, by what the template writes down;
 *   - a text beside calls becomes a message before them where the template would leave it out;
 *   - ids of calls become nine letters and digits, and results get their tools' names, where the template wants that;
 *   - reasoning_content, thinking and reasoning are the same: what one of them says, the first two say.
 * A part that is no text is refused, with the number of its message, and so is what the template would leave out: a
 * message's text, a call, a tool.
 * *out: malloc'ed, NUL-terminated, *size bytes without the NUL, valid UTF-8. On failure a sentence: that of the
 * template's own raise_exception, or one that names the line. */
bool chat_template_render(const struct chat_template *t, const struct chat_request *request, char **out,
                          size_t *size, struct hone_error *err);

#endif
