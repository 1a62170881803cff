/* Jinja templates, as far as the chat templates of language models use them, with the result that Python's jinja2 gives
 * them in the environment of Hugging Face's transformers: a sandbox without changes to lists and dicts, trim_blocks,
 * lstrip_blocks, break and continue, {% generation %}, its own tojson, raise_exception and strftime_now.
 * What is not supported is refused by name: tags when the template is read, filters, tests, jinja_functions and methods, as
 * templates have some in branches for other programs, when they are come to.
 *
 * A template is immutable: any number of threads may render one. Templates are not trusted: the work, memory, output
 * and nesting of one rendering are bounded (run.h). */
#ifndef TOKENIZER_TEMPLATE_TEMPLATE_H
#define TOKENIZER_TEMPLATE_TEMPLATE_H

#include "runtime/base/error.h"

#include <jansson.h>

struct jinja;

/* NULL on failure, with a sentence that names the line and what was not understood. The source may be freed then. */
struct jinja *jinja_new(struct hone_text source, struct hone_error *err);
void jinja_free(struct jinja *t);

/* What one rendering may do, in bytes read or written; a node of the template counts as some. A chat of a megabyte stays far
 * below, and it is less than a second. */
#define JINJA_WORK ((uint64_t)1 << 28)

/* *work: what may still be done, of which this rendering takes its part. variables: an object; those it does not hold are undefined. now: what strftime_now shows, in seconds since 1970, as
 * local time. *out: malloc'ed, NUL-terminated, *size bytes without the NUL, valid UTF-8. What raise_exception() says
 * comes as it is; other sentences name the line. */
bool jinja_render(const struct jinja *t, const json_t *variables, int64_t now, uint64_t *work, char **out,
                  size_t *size, struct hone_error *err);

#endif
