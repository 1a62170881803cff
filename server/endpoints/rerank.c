/* POST /rerank, /v1/rerank, /v2/rerank. Whose form it is, the fields tell: "texts" are TEI's, the path /v2 and
 * "rank_fields", "max_chunks_per_doc", "max_tokens_per_doc" and "priority" are Cohere's, the rest is Jina's. Answers to
 * Jina and Cohere 1, which look alike, have the fields of both.
 * docs.cohere.com/reference/rerank, api.jina.ai/redoc, huggingface.github.io/text-embeddings-inference */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/tei.h"
#include "server/http/unique.h"
#include "server/service.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One that is refused while the others are answered, and why. */
struct bad_document {
    size_t index;
    char why[96];
};

struct rerank {
    struct work work;         /* of the documents that are scored, which may be fewer than came */
    size_t *index;            /* [work.n] of each among all that came */
    struct bad_document *bad; /* [n_bad] those that are refused; owned */
    size_t n_bad;
    bool skip;                   /* a document that cannot be scored is refused alone */
    struct reply_buffer *joined; /* [n_joined]: documents of several fields, as one text */
    size_t n_joined;
    const json_t *documents; /* as they came */
    size_t *order;           /* [n_order] of those in `work`, by falling score */
    size_t n_order;
    size_t top_n;
    int version; /* of Cohere's form */
    bool with_documents, raw;
    bool partial;    /* where time is over, what is scored by then is the answer */
    bool *done;      /* [n] NULL unless `partial`: whether it is scored */
    bool are_logits; /* that are told as scores: logits keep an order that scores near 1 lose */
};

static void release(void *state)
{
    struct rerank *k = state;
    for (size_t i = 0; k->joined && i < k->n_joined; i++)
        reply_buffer_release(&k->joined[i]);
    free(k->joined);
    free(k->index);
    free(k->bad);
    free(k->order);
    free(k->done);
    work_release(&k->work);
}

/* ---- the request ---- */

/* A document that cannot be read: it alone is refused, or the request. */
static void refuse(struct fields *f, struct rerank *k, const char *field, size_t i, const char *why)
{
    if (!k->skip) {
        field_fail(f, PROBLEM_FIELD, field, "has a document, %zu, that %s", i, why);
        return;
    }
    k->bad[k->n_bad].index = i;
    snprintf(k->bad[k->n_bad++].why, sizeof k->bad->why, "the document %s", why);
}

/* "name: value" a line, of those of a document's fields that count. False: there is none of them. */
static bool join(struct fields *f, const json_t *document, const json_t *names, struct reply_buffer *out)
{
    size_t i;
    const json_t *name;
    json_array_foreach (names, i, name) {
        const json_t *value = json_object_get(document, json_string_value(name));
        if (!json_is_string(value))
            continue;
        reply_buffer_format(out, "%s%s: ", out->size ? "\n" : "", json_string_value(name));
        reply_buffer_write(out, json_string_value(value), json_string_length(value));
    }
    if (out->failed)
        field_fail(f, PROBLEM_MEMORY, "documents", "is too much for the memory there is");
    return out->size > 0;
}

static void add(struct rerank *k, size_t i, struct hone_text text)
{
    k->index[k->work.texts.n] = i;
    k->work.texts.items[k->work.texts.n++] = text;
}

static void read_document(struct fields *f, struct rerank *k, size_t i, const json_t *names)
{
    const json_t *document = json_array_get(k->documents, i);
    const json_t *text = json_is_object(document) ? json_object_get(document, "text") : document;
    if (json_is_object(document) && json_array_size(names) > 0) {
        struct reply_buffer *joined = &k->joined[i];
        if (join(f, document, names, joined))
            add(k, i, (struct hone_text){joined->data, joined->size});
        else
            refuse(f, k, "documents", i, "has none of the fields that 'rank_fields' names");
    } else if (json_is_string(text)) {
        add(k, i, (struct hone_text){json_string_value(text), json_string_length(text)});
    } else {
        refuse(f, k, "documents", i, "is no string, and no object with a string 'text'");
    }
}

/* Room for n of them. */
static bool reserve(struct fields *f, struct rerank *k, const char *name, size_t n)
{
    k->work.texts.items = field_reserve(f, name, n, sizeof *k->work.texts.items);
    k->index = field_reserve(f, name, n, sizeof *k->index);
    k->bad = field_reserve(f, name, n, sizeof *k->bad);
    return k->work.texts.items && k->index && k->bad;
}

static void read_documents(struct fields *f, struct rerank *k)
{
    field_required(f, "documents");
    k->documents = field_get(f, "documents");
    const json_t *names = field_get(f, "rank_fields");
    size_t n = json_array_size(k->documents);
    if (k->documents && !json_is_array(k->documents))
        field_fail(f, PROBLEM_FIELD, "documents", "must be a list");
    k->joined = field_reserve(f, "documents", n, sizeof *k->joined);
    k->n_joined = k->joined ? n : 0;
    bool has_room = reserve(f, k, "documents", n);
    for (size_t i = 0; has_room && i < n; i++)
        read_document(f, k, i, names);
    work_texts(&k->work);
}

static enum dialect dialect_of(const struct http_request *r)
{
    static const char *const of_cohere[] = {"rank_fields", "max_chunks_per_doc", "max_tokens_per_doc",
                                            "priority"};
    if (json_object_get(r->json, "texts"))
        return DIALECT_TEI;
    for (size_t i = 0; i < sizeof of_cohere / sizeof *of_cohere; i++)
        if (json_object_get(r->json, of_cohere[i]))
            return DIALECT_COHERE;
    return r->route->dialect;
}

static void read_tei(struct fields *f, struct rerank *k)
{
    k->top_n = SIZE_MAX;
    field_required(f, "texts");
    const json_t *texts = field_get(f, "texts");
    size_t n = json_array_size(texts);
    if (texts && !json_is_array(texts))
        field_fail(f, PROBLEM_FIELD, "texts", "must be a list");
    bool has_room = reserve(f, k, "texts", n);
    for (size_t i = 0; has_room && i < n; i++) {
        const json_t *text = json_array_get(texts, i);
        if (json_is_string(text))
            add(k, i, (struct hone_text){json_string_value(text), json_string_length(text)});
        else
            refuse(f, k, "texts", i, "is no string");
    }
    work_texts(&k->work);
    field_bool(f, "return_text", &k->with_documents);
    field_bool(f, "raw_scores", &k->raw);
    tei_truncation(f, &k->work);
}

static void read_other(struct fields *f, struct rerank *k)
{
    k->top_n = SIZE_MAX;
    k->version = f->r->route->path[2] == '2' ? 2 : 1;
    k->with_documents = f->r->dialect == DIALECT_JINA;
    read_documents(f, k);
    field_count(f, "top_n", 1, SIZE_MAX / 2, &k->top_n);
    field_bool(f, "return_documents", &k->with_documents);
}

/* ---- the answer ---- */

static int by_falling_score(const void *a, const void *b, void *scores)
{
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    float x = ((const float *)scores)[i], y = ((const float *)scores)[j];
    return x != y ? (x < y ? 1 : -1) : (i > j) - (i < j);
}

/* A document that is too long, where those are refused alone. */
static bool is_refused(const struct http_request *r, const struct rerank *k, size_t i)
{
    return k->skip && work_is_too_long(r, &k->work, i);
}

/* Where time was over: what has a score in front, the rest as it came. What is refused has no place. */
static void sort(const struct http_request *r, struct rerank *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->work.n; i++)
        if ((!k->done || k->done[i]) && !is_refused(r, k, i))
            k->order[n++] = i;
    if (n > 0)
        qsort_r(k->order, n, sizeof *k->order, by_falling_score, k->work.values);
    for (size_t i = 0; i < k->work.n; i++)
        if (k->done && !k->done[i] && !is_refused(r, k, i))
            k->order[n++] = i;
    k->n_order = n;
}

static void note_too_long(const struct http_request *r, struct rerank *k)
{
    for (size_t i = 0; i < k->work.n; i++) {
        if (!is_refused(r, k, i))
            continue;
        struct bad_document *b = &k->bad[k->n_bad++];
        b->index = k->index[i];
        snprintf(b->why, sizeof b->why, "the document is longer than the %zu tokens that the model reads",
                 work_most_tokens(r, &k->work));
    }
}

static void write_document(struct reply_buffer *out, const struct rerank *k, size_t i)
{
    const json_t *document = json_array_get(k->documents, k->index[i]);
    char *object = json_is_object(document) ? json_dumps(document, JSON_COMPACT) : NULL;
    reply_buffer_text(out, ",\"document\":");
    if (object) {
        reply_buffer_text(out, object);
    } else {
        reply_buffer_text(out, "{\"text\":");
        reply_buffer_json_text(out, k->work.texts.items[i]);
        reply_buffer_text(out, "}");
    }
    free(object);
}

static void write_score(struct reply_buffer *out, const struct rerank *k, size_t i)
{
    if (k->done && !k->done[i])
        reply_buffer_text(out, "0,\"scored\":false");
    else if (k->are_logits)
        reply_buffer_json_sigmoid(out, k->work.values[i]);
    else
        reply_buffer_json_float(out, k->work.values[i]);
}

/* Behind all others, and whatever top_n is: the client asked to be told. `before`: something stands in front. */
static void write_refused(struct reply_buffer *out, const struct rerank *k, const char *score, bool before)
{
    for (size_t i = 0; i < k->n_bad; i++) {
        reply_buffer_format(out,
                            "%s{\"index\":%zu,\"%s\":0,\"scored\":false,\"error\":", before || i ? "," : "",
                            k->bad[i].index, score);
        reply_buffer_json_string(out, k->bad[i].why);
        reply_buffer_text(out, "}");
    }
}

static void write_tei(struct reply_buffer *out, const struct rerank *k)
{
    reply_buffer_text(out, "[");
    for (size_t rank = 0; rank < k->n_order; rank++) {
        size_t i = k->order[rank];
        reply_buffer_format(out, "%s{\"index\":%zu,\"score\":", rank ? "," : "", k->index[i]);
        write_score(out, k, i);
        if (k->with_documents) {
            reply_buffer_text(out, ",\"text\":");
            reply_buffer_json_text(out, k->work.texts.items[i]);
        }
        reply_buffer_text(out, "}");
    }
    write_refused(out, k, "score", k->n_order > 0);
    reply_buffer_text(out, "]");
}

static void write_other(struct http_request *r, const struct rerank *k)
{
    struct reply_buffer *out = &r->out;
    size_t n = k->top_n < k->n_order ? k->top_n : k->n_order;
    unique_write(out, "{\"id\":\"");
    reply_buffer_text(out, "\",\"results\":[");
    for (size_t rank = 0; rank < n; rank++) {
        size_t i = k->order[rank];
        reply_buffer_format(out, "%s{\"index\":%zu,\"relevance_score\":", rank ? "," : "", k->index[i]);
        write_score(out, k, i);
        if (k->with_documents)
            write_document(out, k, i);
        reply_buffer_text(out, "}");
    }
    write_refused(out, k, "relevance_score", n > 0);
    reply_buffer_text(out, r->timed_out ? "],\"timed_out\":true," : "],");
    if (k->version == 1) {
        reply_buffer_text(out, "\"model\":");
        reply_buffer_json_string(out, r->model->name);
        reply_buffer_text(out, ",");
        work_write_usage(out, &k->work);
        reply_buffer_text(out, ",");
    }
    reply_buffer_format(
        out, "\"meta\":{\"api_version\":{\"version\":\"%d\"},\"billed_units\":{\"search_units\":%zu}}}",
        k->version, (k->work.n + 99) / 100);
}

static void answer(struct http_request *r)
{
    struct rerank *k = r->state;
    if (!k->skip && !work_fits(r, &k->work))
        return;
    note_too_long(r, k);
    sort(r, k);
    r->has_own_name = r->dialect != DIALECT_TEI || r->timed_out;
    if (r->dialect == DIALECT_TEI)
        write_tei(&r->out, k);
    else
        write_other(r, k);
    http_reply(r, 200);
}

/* Nobody can score them: as they came, which is the order that whatever found them gave them. */
static void answer_unscored(struct fields *f, struct rerank *k)
{
    if (!k->done)
        k->done = field_reserve(f, "documents", k->work.n, sizeof *k->done);
    k->work.values = field_reserve(f, "documents", k->work.n, sizeof *k->work.values);
    k->work.n_tokens = field_reserve(f, "documents", k->work.n, sizeof *k->work.n_tokens);
    k->work.truncated = field_reserve(f, "documents", k->work.n, sizeof *k->work.truncated);
    if (!f->failed)
        answer(f->r);
}

void rerank_handle(struct http_request *r)
{
    struct hone_text model = {0};
    int bad = 0;
    r->dialect = dialect_of(r);
    struct rerank *k = work_state(r, sizeof *k, release);
    if (!k)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    field_required(&f, "query");
    field_text(&f, "query", &k->work.request.query);
    field_name(&f, "instruction", &k->work.request.how.instruction);
    k->partial = strcmp(r->service->settings.partial, "on") == 0;
    field_bool(&f, "partial", &k->partial);
    field_choice(&f, "bad_documents", "refuse|skip", &bad);
    k->skip = bad == 1;
    if (r->dialect == DIALECT_TEI)
        read_tei(&f, k);
    else
        read_other(&f, k);
    if (f.failed || !rerank_model(r, model))
        return;
    if (k->n_bad > 0 && k->work.n == 0) {
        answer(r);
        return;
    }
    k->order = field_reserve(&f, "documents", k->work.n, sizeof *k->order);
    k->done = k->partial ? field_reserve(&f, "documents", k->work.n, sizeof *k->done) : NULL;
    if (f.failed)
        return;
    k->work.request.partial = k->partial;
    k->work.request.out_done = k->done;
    k->are_logits = !k->raw && strcmp(r->model->info->activation, "sigmoid") == 0;
    k->work.request.how.raw = k->raw || k->are_logits;
    if (r->unscored)
        answer_unscored(&f, k);
    else
        work_submit(r, &k->work, HONE_REQUEST_RERANK, 1, answer);
}
