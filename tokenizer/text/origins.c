#include "tokenizer/text/origins.h"

#include "runtime/base/utf8.h"

#define REPLACEMENT 3 /* bytes of U+FFFD */

void tok_origins_begin(struct buffer *text, struct origins *origins, const struct tok_span *in)
{
    buffer_clear(text);
    buffer_clear(&origins->spans);
    origins->in = in;
    text->origins = in ? origins : NULL;
}

void tok_origins_append(struct buffer *text, size_t from, size_t step)
{
    struct origins *o = text->origins;
    if (text->failed)
        return;
    for (size_t at = o->spans.size / sizeof *o->in; at < text->size; at++, from += step)
        buffer_append(&o->spans, &o->in[from], sizeof *o->in);
    text->failed |= o->spans.failed;
}

bool tok_origins_of_text(struct buffer *spans, struct hone_text text)
{
    buffer_clear(spans);
    for (size_t at = 0, size; at < text.size && text.size <= TOK_SPAN_MAX && !spans->failed; at += size) {
        bool valid = utf8_character(text.data + at, text.size - at, &size);
        struct tok_span span = {.start = (uint32_t)at, .end = (uint32_t)(at + size) & TOK_SPAN_MAX};
        for (size_t i = 0; i < (valid ? size : REPLACEMENT); i++)
            buffer_append(spans, &span, sizeof span);
    }
    return !spans->failed && text.size <= TOK_SPAN_MAX && buffer_reserve(spans, 1);
}
