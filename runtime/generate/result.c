#include "runtime/generate/result.h"

#include "runtime/base/text.h"

#include <stdlib.h>
#include <string.h>

enum hone_status result_init(struct result *r, struct hone_generated *out, const struct tokenizer *tokenizer,
                             const struct hone_generation *g, size_t max_tokens, struct hone_error *err)
{
    *r = (struct result){.out = out};
    if (g->logprobs) {
        out->logprobs = calloc(max_tokens + 1, sizeof *out->logprobs);
        out->top = calloc(max_tokens * g->n_logprobs + 1, sizeof *out->top);
        if (!out->logprobs || !out->top)
            return hone_no_memory(err, "log-probabilities", max_tokens * g->n_logprobs * sizeof *out->top);
    }
    enum hone_status status = text_stream_new(&r->stream, tokenizer, true, g->stops, g->n_stops, err);
    if (status == HONE_OK)
        text_stream_show(r->stream, g->shown, g->n_shown);
    return status;
}

void result_release(struct result *r)
{
    text_stream_free(r->stream);
    free(r->text);
    *r = (struct result){0};
}

static enum hone_status append(struct result *r, struct hone_text text, struct hone_error *err)
{
    if (r->text_size + text.size + 1 > r->capacity) {
        size_t capacity = 2 * (r->text_size + text.size) + 64;
        char *grown = realloc(r->text, capacity);
        if (!grown)
            return hone_no_memory(err, "a text", capacity);
        r->text = grown;
        r->capacity = capacity;
    }
    *text_put(r->text + r->text_size, text) = 0;
    r->text_size += text.size;
    return HONE_OK;
}

enum hone_status result_push(struct result *r, int32_t id, struct hone_text *text, bool *stopped,
                             struct hone_error *err)
{
    enum hone_status status = text_stream_push(r->stream, id, text, stopped, err);
    return status == HONE_OK ? append(r, *text, err) : status;
}

enum hone_status result_end(struct result *r, const int32_t *ids, size_t n, enum hone_finish why,
                            struct hone_text *rest, struct hone_error *err)
{
    bool stopped = false;
    struct hone_generated *out = r->out;
    enum hone_status status = text_stream_end(r->stream, rest, &stopped, err);
    if (status == HONE_OK)
        status = append(r, *rest, err);
    if (status == HONE_OK && !(out->ids = malloc((n + 1) * sizeof *ids)))
        status = hone_no_memory(err, "tokens", n * sizeof *ids);
    if (status != HONE_OK)
        return status;
    memcpy(out->ids, ids, n * sizeof *ids);
    out->n_ids = n;
    out->text = r->text;
    out->text_size = r->text_size;
    out->finish = stopped ? HONE_FINISH_STOP : why;
    r->text = NULL;
    return HONE_OK;
}

void result_release_generated(struct hone_generated *out)
{
    free(out->ids);
    free(out->text);
    free(out->logprobs);
    free(out->top);
    *out = (struct hone_generated){0};
}
