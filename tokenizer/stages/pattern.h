/* What delimiters look like: a string or a regular expression of a pipeline.
 *
 * tokenizers has Oniguruma match them, in Ruby's syntax; here it is PCRE2. What is not the same in both is translated or
 * refused. The well-known expressions of byte-level vocabularies are matched by hand (words.h), which is faster. */
#ifndef TOKENIZER_STAGES_PATTERN_H
#define TOKENIZER_STAGES_PATTERN_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"

struct tok_pattern;

/* What a thread needs to match; zero-initialise. */
struct pattern_scratch {
    void *data, *context, *stack; /* PCRE2's */
    struct buffer subject;
    uint64_t work; /* that may be done yet */
    size_t passed; /* where the item stood that was tried last */
};
/* A text begins, all of whose stretches share what matching may cost. */
void tok_pattern_scratch_begin(struct pattern_scratch *s);
void tok_pattern_scratch_release(struct pattern_scratch *s);

/* spec: {"String": ...} or {"Regex": ...}, of the component `what`. NULL on failure. */
struct tok_pattern *tok_pattern_new(const json_t *spec, const char *what, struct complaint *c);
/* The expression of GPT-2, which ByteLevel has built in. */
struct tok_pattern *tok_pattern_gpt2(struct complaint *c);
void tok_pattern_free(struct tok_pattern *p);

/* A search through one text. */
struct pattern_search {
    const struct tok_pattern *pattern;
    struct pattern_scratch *scratch;
    const char *text, *subject; /* subject: what PCRE2 is shown */
    size_t size, at, last_end;
    bool failed; /* no memory, or an expression that takes too long */
};

void tok_pattern_begin(struct pattern_search *search, const struct tok_pattern *p, const char *text,
                       size_t size, struct pattern_scratch *scratch);
/* The next match, [*start, *end); false: there is none, or the search failed. */
bool tok_pattern_next(struct pattern_search *search, size_t *start, size_t *end);

#endif
