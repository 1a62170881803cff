/* A struct hone_generated on its way: its text comes token by token. */
#ifndef RUNTIME_GENERATE_RESULT_H
#define RUNTIME_GENERATE_RESULT_H

#include "runtime/generate/sampling/text_stream.h"

#include <hone/generate.h>

struct result {
    struct hone_generated *out; /* ids, text and finish are filled at the end */
    struct text_stream *stream;
    char *text;
    size_t text_size, capacity;
};

/* n_logprobs: room for those of max_tokens tokens; logprobs says whether there are any. Release in any case. */
enum hone_status result_init(struct result *r, struct hone_generated *out, const struct tokenizer *tokenizer,
                             const struct hone_generation *g, size_t max_tokens, struct hone_error *err);
void result_release(struct result *r);

/* Another token. *text: what is certain now, until the next call. *stopped: a stop string has come. */
enum hone_status result_push(struct result *r, int32_t id, struct hone_text *text, bool *stopped,
                             struct hone_error *err);
/* The end: *rest is what was held back. ids [n] are copied. */
enum hone_status result_end(struct result *r, const int32_t *ids, size_t n, enum hone_finish why,
                            struct hone_text *rest, struct hone_error *err);

/* What result_init and result_end allocated in it. */
void result_release_generated(struct hone_generated *out);

#endif
