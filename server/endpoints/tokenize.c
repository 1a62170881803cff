/* Texts to token ids and back: /tokenize of llama.cpp ("content") and of text-embeddings-inference ("inputs"), which the
 * field tells apart, /detokenize of the former, /decode of the latter. Nothing here waits for a model: each has a
 * tokenizer beside it. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

/* A token's own text, also of those that are left out of texts. To be freed with hone_free; NULL: out of memory. */
static char *piece_of(const struct hone_model *vocab, int32_t id, size_t *size)
{
    char *text = NULL;
    *size = 0;
    return hone_detokenize_input(vocab, &id, 1, false, &text, size, NULL) == HONE_OK ? text : NULL;
}

/* ---- to ids ---- */

struct tokenize_tokens {
    struct texts texts;
    int32_t *ids;
    size_t *starts;  /* [n + 1] */
    size_t held;     /* bytes that are counted for it */
    size_t n_placed; /* tokens that were written with their places */
};

static void release(void *state)
{
    struct tokenize_tokens *t = state;
    free(t->texts.items);
    hone_free(t->ids);
    hone_free(t->starts);
}

/* What a byte of text may take while its tokens are found, without and with their places, which each step of a tokenizer's
 * pipeline keeps for each byte; and what a token is in an answer. Of 15 MB with a token for every other byte, finding took
 * 120 and 580 MB, and answers were 23 MB of ids, 186 of pieces and 585 with places. */
enum { FIND_BYTES = 8, FIND_PLACES_BYTES = 48, ID_BYTES = 12, PIECE_BYTES = 48, PLACE_BYTES = 88 };

static size_t bytes_of(const struct texts *texts)
{
    size_t bytes = 0;
    for (size_t i = 0; i < texts->n; i++)
        bytes += texts->items[i].size;
    return bytes;
}

/* What was held for finding tokens is free for the answer. */
static bool hold(struct http_request *r, struct tokenize_tokens *t, size_t bytes)
{
    size_t more = bytes > t->held ? bytes - t->held : 0;
    if (!http_hold(r, more))
        return false;
    t->held += more;
    return true;
}

static bool tokenize(struct http_request *r, struct tokenize_tokens *t, bool add_special)
{
    struct hone_error err;
    if (!hold(r, t, FIND_BYTES * bytes_of(&t->texts)))
        return false;
    if (hone_tokenize(r->model->light, t->texts.items, NULL, t->texts.n, add_special, &t->ids, &t->starts,
                      NULL, &err) == HONE_OK)
        return true;
    http_fail_with(r, &err);
    return false;
}

/* A token's text is the part of the input that it stands for; its own where it stands for none. */
static void write_tei_token(struct http_request *r, struct hone_text input, int32_t id, struct hone_span span)
{
    char *own = NULL;
    struct hone_text text;
    bool special = span.start == SIZE_MAX;
    if (special) {
        text.data = own = piece_of(r->model->light, id, &text.size);
        r->out.failed |= !own;
    } else
        text = (struct hone_text){input.data + span.start, span.end - span.start};
    reply_buffer_format(&r->out, "{\"id\":%d,\"text\":", id);
    reply_buffer_json_text(&r->out, text);
    if (special)
        reply_buffer_text(&r->out, ",\"special\":true,\"start\":null,\"stop\":null}");
    else
        reply_buffer_format(&r->out, ",\"special\":false,\"start\":%zu,\"stop\":%zu}", span.start, span.end);
    hone_free(own);
}

static bool write_tei_tokens(struct http_request *r, struct tokenize_tokens *t, struct hone_text input,
                             bool add_special)
{
    int32_t *ids;
    struct hone_span *spans;
    struct hone_error err;
    size_t n;
    if (hone_tokenize_spans(r->model->light, &input, add_special, &ids, &spans, &n, &err) != HONE_OK) {
        http_fail_with(r, &err);
        return false;
    }
    t->n_placed += n;
    bool fits = hold(r, t, PLACE_BYTES * t->n_placed);
    for (size_t i = 0; i < n && fits; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_tei_token(r, input, ids[i], spans[i]);
    }
    hone_free(ids);
    hone_free(spans);
    return fits;
}

static void tei_tokenize(struct fields *f, struct tokenize_tokens *t)
{
    struct http_request *r = f->r;
    bool add_special = true;
    r->dialect = DIALECT_TEI;
    field_bool(f, "add_special_tokens", &add_special);
    field_texts(f, "inputs", &t->texts);
    if (f->failed || !hold(r, t, FIND_PLACES_BYTES * bytes_of(&t->texts)))
        return;
    for (size_t i = 0; i < t->texts.n; i++) {
        reply_buffer_text(&r->out, i ? "],[" : "[[");
        if (!write_tei_tokens(r, t, t->texts.items[i], add_special))
            return;
    }
    reply_buffer_text(&r->out, "]]");
    http_reply(r, 200);
}

/* A piece that is no whole characters is its bytes, as llama.cpp has it. */
static void write_llama_piece(struct http_request *r, int32_t id)
{
    size_t size = 0;
    char *text = piece_of(r->model->light, id, &size);
    r->out.failed |= !text;
    json_t *string = text ? json_stringn(text, size) : NULL;
    reply_buffer_format(&r->out, "{\"id\":%d,\"piece\":", id);
    if (string) {
        reply_buffer_json_text(&r->out, (struct hone_text){text, size});
    } else {
        reply_buffer_text(&r->out, "[");
        for (size_t i = 0; i < size; i++)
            reply_buffer_format(&r->out, "%s%d", i ? "," : "", (unsigned char)text[i]);
        reply_buffer_text(&r->out, "]");
    }
    reply_buffer_text(&r->out, "}");
    json_decref(string);
    hone_free(text);
}

static void llama_tokenize(struct fields *f, struct tokenize_tokens *t)
{
    struct http_request *r = f->r;
    bool add_special = false, with_pieces = false;
    field_required(f, "content");
    field_bool(f, "add_special", &add_special);
    field_bool(f, "with_pieces", &with_pieces);
    field_texts(f, "content", &t->texts);
    if (f->failed || !tokenize(r, t, add_special) ||
        !hold(r, t, (with_pieces ? PIECE_BYTES : ID_BYTES) * t->starts[t->texts.n]))
        return;
    reply_buffer_text(&r->out, "{\"tokens\":[");
    for (size_t k = 0; k < t->starts[t->texts.n]; k++) {
        reply_buffer_text(&r->out, k ? "," : "");
        if (with_pieces)
            write_llama_piece(r, t->ids[k]);
        else
            reply_buffer_format(&r->out, "%d", t->ids[k]);
    }
    reply_buffer_text(&r->out, "]}");
    http_reply(r, 200);
}

static bool any_model(struct fields *f)
{
    struct hone_text model = {0};
    field_text(f, "model", &model);
    return !f->failed && http_model(f->r, model, HONE_TASK_NONE);
}

void tokenize_handle(struct http_request *r)
{
    struct fields f = fields_of(r);
    if (field_get(&f, "inputs"))
        r->dialect = DIALECT_TEI;
    struct tokenize_tokens *t = http_state(r, sizeof *t, release);
    if (!t || !any_model(&f))
        return;
    if (r->dialect == DIALECT_TEI)
        tei_tokenize(&f, t);
    else
        llama_tokenize(&f, t);
}

/* ---- to texts ---- */

/* What a byte of tokens may take: in two buffers while they are decoded, and, in JSON, up to "\\u0001". */
enum { TEXT_BYTES = 8 };

/* The text of ids, as JSON. */
static void write_ids(struct fields *f, const struct ids *ids, bool skip_special)
{
    struct http_request *r = f->r;
    struct hone_error err;
    char *text = NULL;
    size_t size = hone_detokenize_size(r->model->light, ids->items, ids->n);
    f->failed |= !http_hold(r, size < SIZE_MAX / TEXT_BYTES ? TEXT_BYTES * size : SIZE_MAX);
    if (f->failed)
        return;
    if (hone_detokenize(r->model->light, ids->items, ids->n, skip_special, &text, &size, &err) == HONE_OK) {
        reply_buffer_json_text(&r->out, (struct hone_text){text, size});
    } else {
        http_fail_with(r, &err);
        f->failed = true;
    }
    hone_free(text);
}

static void write_text(struct fields *f, const char *name, const json_t *list, bool skip_special)
{
    struct ids ids = {0};
    if (json_is_array(list) && json_array_size(list) == 0) {
        reply_buffer_text(&f->r->out, "\"\"");
        return;
    }
    field_ids(f, name, list, f->r->model->info->n_vocab, &ids);
    if (!f->failed)
        write_ids(f, &ids, skip_special);
    free(ids.items);
}

void llama_detokenize_handle(struct http_request *r)
{
    struct fields f = fields_of(r);
    field_required(&f, "tokens");
    if (!any_model(&f))
        return;
    reply_buffer_text(&r->out, "{\"content\":");
    write_text(&f, "tokens", field_get(&f, "tokens"), false);
    reply_buffer_text(&r->out, "}");
    if (!f.failed)
        http_reply(r, 200);
}

/* "ids" is a list of ids, or a list of such lists. */
void tei_decode_handle(struct http_request *r)
{
    struct fields f = fields_of(r);
    bool skip_special = true;
    field_required(&f, "ids");
    field_bool(&f, "skip_special_tokens", &skip_special);
    if (!any_model(&f))
        return;
    const json_t *ids = field_get(&f, "ids");
    bool alone = !json_is_array(json_array_get(ids, 0));
    size_t n = alone ? 1 : json_array_size(ids);
    if (n > r->service->settings.max_batch)
        field_fail(&f, PROBLEM_BATCH, "ids", "has %zu entries, of at most %zu", n,
                   r->service->settings.max_batch);
    for (size_t i = 0; i < n && !f.failed; i++) {
        reply_buffer_text(&r->out, i ? "," : "[");
        write_text(&f, "ids", alone ? ids : json_array_get(ids, i), skip_special);
    }
    reply_buffer_text(&r->out, "]");
    if (!f.failed)
        http_reply(r, 200);
}
