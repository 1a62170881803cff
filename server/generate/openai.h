/* What OpenAI's two endpoints that generate have in common. */
#ifndef SERVER_GENERATE_OPENAI_H
#define SERVER_GENERATE_OPENAI_H

#include "server/generate/choices.h"

#define OPENAI_CHOICES 128 /* n, at most */

struct openai {
    struct choices choices;
    bool include_usage; /* a last event of a stream tells it */
};

/* As OpenAI has it where the client says nothing; then model, n, stream_options and what choices_read reads. false:
 * that has been answered. */
bool openai_read(struct fields *f, struct openai *o);

/* {"id": "...", "object": "...", "created": 1, "model": "...", "system_fingerprint": "...", "choices": [ */
void openai_begin(struct reply_buffer *out, const struct openai *o, const char *prefix, const char *object);
/* The same as an event of a stream, and its end. */
void openai_begin_event(struct reply_buffer *out, const struct openai *o, const char *prefix,
                        const char *object);
void openai_end_event(struct reply_buffer *out, const struct openai *o);

/* "usage": {...} */
void openai_write_usage(struct reply_buffer *out, const struct openai *o);
/* The last events of a stream: usage where it is wanted, and [DONE]. */
void openai_end_stream(struct reply_buffer *out, const struct openai *o, const char *prefix,
                       const char *object);

#endif
