/* POST /rerank, /v1/rerank, /v2/rerank. Whose form it is, the fields tell: "texts" are TEI's, the path /v2 and
 * "rank_fields", "max_chunks_per_doc", "max_tokens_per_doc" and "priority" are Cohere's, the rest is Jina's. Answers to
 * Jina and Cohere 1, which look alike, have the fields of both.
 * docs.cohere.com/reference/rerank, api.jina.ai/redoc, huggingface.github.io/text-embeddings-inference */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/tei.h"
#include "server/http/unique.h"
#include "server/service.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct rerank {
    struct work work;
    struct reply_buffer *joined; /* [n]: documents of several fields, as one text */
    const json_t *documents;     /* as they came */
    size_t *order;               /* [n] by falling score */
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
    for (size_t i = 0; k->joined && i < k->work.n; i++)
        reply_buffer_release(&k->joined[i]);
    free(k->joined);
    free(k->order);
    free(k->done);
    work_release(&k->work);
}

/* ---- the request ---- */

/* "name: value" a line, of those of a document's fields that count. */
static void join(struct fields *f, const json_t *document, const json_t *names, struct reply_buffer *out)
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
    if (out->failed || out->size == 0)
        field_fail(f, out->failed ? PROBLEM_MEMORY : PROBLEM_FIELD, "documents",
                   "must have the fields that 'rank_fields' names");
}

static void read_document(struct fields *f, struct rerank *k, size_t i, const json_t *names)
{
    const json_t *document = json_array_get(k->documents, i);
    const json_t *text = json_is_object(document) ? json_object_get(document, "text") : document;
    if (json_is_object(document) && json_array_size(names) > 0) {
        join(f, document, names, &k->joined[i]);
        k->work.texts.items[i] = (struct hone_text){k->joined[i].data, k->joined[i].size};
    } else if (json_is_string(text)) {
        k->work.texts.items[i] = (struct hone_text){json_string_value(text), json_string_length(text)};
    } else {
        field_fail(f, PROBLEM_FIELD, "documents", "must be strings, or objects with a string 'text'");
    }
}

static void read_documents(struct fields *f, struct rerank *k)
{
    field_required(f, "documents");
    k->documents = field_get(f, "documents");
    const json_t *names = field_get(f, "rank_fields");
    size_t n = json_array_size(k->documents);
    if (k->documents && !json_is_array(k->documents))
        field_fail(f, PROBLEM_FIELD, "documents", "must be a list");
    k->work.texts.items = field_reserve(f, "documents", n, sizeof *k->work.texts.items);
    k->joined = field_reserve(f, "documents", n, sizeof *k->joined);
    k->work.n = k->work.texts.n = k->joined ? n : 0;
    for (size_t i = 0; i < k->work.n; i++)
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
    field_texts(f, "texts", &k->work.texts);
    if (k->work.texts.alone)
        field_fail(f, PROBLEM_FIELD, "texts", "must be a list");
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

/* Where time was over: what has a score in front, the rest as it came. */
static void sort(const struct rerank *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->work.n; i++)
        if (!k->done || k->done[i])
            k->order[n++] = i;
    qsort_r(k->order, n, sizeof *k->order, by_falling_score, k->work.values);
    for (size_t i = 0, at = n; i < k->work.n; i++)
        if (k->done && !k->done[i])
            k->order[at++] = i;
}

static void write_document(struct reply_buffer *out, const struct rerank *k, size_t i)
{
    const json_t *document = json_array_get(k->documents, i);
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

static void write_tei(struct reply_buffer *out, const struct rerank *k)
{
    for (size_t rank = 0; rank < k->work.n; rank++) {
        size_t i = k->order[rank];
        reply_buffer_format(out, "%s{\"index\":%zu,\"score\":", rank ? "," : "[", i);
        write_score(out, k, i);
        if (k->with_documents) {
            reply_buffer_text(out, ",\"text\":");
            reply_buffer_json_text(out, k->work.texts.items[i]);
        }
        reply_buffer_text(out, "}");
    }
    reply_buffer_text(out, "]");
}

static void write_other(struct http_request *r, const struct rerank *k)
{
    struct reply_buffer *out = &r->out;
    size_t n = k->top_n < k->work.n ? k->top_n : k->work.n;
    unique_write(out, "{\"id\":\"");
    reply_buffer_text(out, "\",\"results\":[");
    for (size_t rank = 0; rank < n; rank++) {
        size_t i = k->order[rank];
        reply_buffer_format(out, "%s{\"index\":%zu,\"relevance_score\":", rank ? "," : "", i);
        write_score(out, k, i);
        if (k->with_documents)
            write_document(out, k, i);
        reply_buffer_text(out, "}");
    }
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
    if (!work_fits(r, &k->work))
        return;
    sort(k);
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
    if (r->dialect == DIALECT_TEI)
        read_tei(&f, k);
    else
        read_other(&f, k);
    if (f.failed || !rerank_model(r, model))
        return;
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
