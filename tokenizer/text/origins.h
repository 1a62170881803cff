/* Where text that was changed comes from: for each of its bytes, the bytes of the caller's text that the character there
 * was made of. A buffer that has origins is told of each character that is appended to it, by whoever appends it, and so
 * through all steps. As tokenizers has it, what is inserted comes from the character before it, and what several
 * characters become from the first of them. */
#ifndef TOKENIZER_TEXT_ORIGINS_H
#define TOKENIZER_TEXT_ORIGINS_H

#include "runtime/base/buffer.h"
#include "runtime/base/error.h"
#include "tokenizer/text/span.h"

struct origins {
    const struct tok_span *in; /* of the bytes of the text that is being changed */
    struct buffer spans;       /* of struct tok_span, for each byte of the buffer */
};

/* Begins with an empty text; in: NULL if nobody asks where it comes from. */
void tok_origins_begin(struct buffer *text, struct origins *origins, const struct tok_span *in);

/* Of each byte of the buffer; NULL: nobody asks. */
static inline const struct tok_span *origins_of(const struct buffer *text)
{
    return text->origins ? (const struct tok_span *)(const void *)text->origins->spans.data : NULL;
}

/* Of the bytes that have no origin yet the first comes from the character at `from` in the text that is being changed,
 * each other from `step` bytes further on. The text has origins. */
void tok_origins_append(struct buffer *text, size_t from, size_t step);

/* What has been appended comes from the character at `from`. */
static inline void origins_note(struct buffer *text, size_t from)
{
    if (text->origins)
        tok_origins_append(text, from, 0);
}

/* What has been appended is what stands from `from` on. */
static inline void origins_keep(struct buffer *text, size_t from)
{
    if (text->origins)
        tok_origins_append(text, from, 1);
}

/* Of a text as the caller gave it, with each maximal invalid part as U+FFFD. false: no memory, or 4 GB of text. */
bool tok_origins_of_text(struct buffer *spans, struct hone_text text);

#endif
