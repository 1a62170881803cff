/* Tokens in, text out, as soon as it is sure: whole characters only (a token may end in the middle of one), without
 * what a stop string takes away, holding back what may be the beginning of one.
 *
 * All that was handed out, joined, is what tokenizer_decode makes of all the tokens, up to the stop string; where the
 * tokens are no valid UTF-8 the number of U+FFFD may differ, because nothing is ever taken back.
 */
#ifndef RUNTIME_GENERATE_SAMPLING_TEXT_STREAM_H
#define RUNTIME_GENERATE_SAMPLING_TEXT_STREAM_H

#include "runtime/base/error.h"
#include "tokenizer/tokenizer.h"

struct text_stream;

/* The tokenizer must outlive it; the stop strings are copied (limits: stop.h). skip_special: special tokens are no
 * text. On success *out is the caller's; on failure it is NULL. */
enum hone_status text_stream_new(struct text_stream **out, const struct tokenizer *tokenizer,
                                 bool skip_special, const struct hone_text *stops, size_t n_stops,
                                 struct hone_error *err);
/* Special tokens that are text all the same; ids are the caller's while it lives. Before the first token. */
void text_stream_show(struct text_stream *s, const int32_t *ids, size_t n);
void text_stream_free(struct text_stream *s); /* NULL is allowed */

/* Takes one token. *text: what may be shown now, until the next call. *stopped: a stop string has come; the stream is
 * over. */
enum hone_status text_stream_push(struct text_stream *s, int32_t id, struct hone_text *text, bool *stopped,
                                  struct hone_error *err);

/* The tokens are over: *text is what was held back, until the stream is freed. A stop string may still be found in
 * it. */
enum hone_status text_stream_end(struct text_stream *s, struct hone_text *text, bool *stopped,
                                 struct hone_error *err);

#endif
