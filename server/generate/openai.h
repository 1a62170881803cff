/* What OpenAI's two endpoints that generate have in common. */
#ifndef SERVER_GENERATE_OPENAI_H
#define SERVER_GENERATE_OPENAI_H

#include "server/generate/choices.h"

#define OPENAI_CHOICES 128 /* n, at most */

/* As OpenAI has it where the client says nothing; then the model. false: that has been answered. */
bool openai_open(struct fields *f, struct choices *c);
/* openai_open; then n, stream_options and what choices_read reads. *usage: a last event of a stream tells it. */
bool openai_read(struct fields *f, struct choices *c, bool *usage);

/* {"id": "...", "object": "...", "created": 1, "model": "...", "system_fingerprint": "...", "choices": [ */
void openai_begin(struct reply_buffer *out, const struct choices *c, const char *prefix, const char *object);
/* The same as an event of a stream, and its end. */
void openai_begin_event(struct reply_buffer *out, const struct choices *c, const char *prefix,
                        const char *object);
void openai_end_event(struct reply_buffer *out, bool usage);

/* "usage": {...} */
void openai_write_usage(struct reply_buffer *out, const struct choices *c);
/* The last events of a stream: usage where it is wanted, and [DONE]. */
void openai_end_stream(struct reply_buffer *out, const struct choices *c, const char *prefix,
                       const char *object, bool usage);

#endif
