/* What text-embeddings-inference answers with vectors: POST /embed, /embed_all, /embed_sparse, /similarity.
 * huggingface.github.io/text-embeddings-inference */
#include "server/endpoints/tei.h"
#include "server/endpoints/endpoints.h"
#include "server/routes.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

void tei_truncation(struct fields *f, struct work *w)
{
    bool truncate = false;
    int side = 0;
    field_bool(f, "truncate", &truncate);
    field_choice(f, "truncation_direction", "Right|Left", &side);
    w->strict = !truncate;
    w->request.how.cut = side ? HONE_SIDE_LEFT : HONE_SIDE_RIGHT;
}

bool tei_begin(struct fields *f, struct fields *how, struct work *w, enum hone_task task)
{
    struct hone_text model = {0};
    field_text(f, "model", &model);
    tei_truncation(how, w);
    work_prompt_name(how, w);
    f->failed = f->failed || how->failed;
    if (f->failed || !http_model(f->r, model, task))
        return false;
    work_choose_prompt(f->r, w);
    return true;
}

/* ---- / ---- */

/* What clients are for that know no paths: Hugging Face's InferenceClient. It does what the path for such fields, or for
 * such a model, does. */
void tei_root_handle(struct http_request *r)
{
    struct fields f = fields_of(r);
    const struct route *other;
    struct hone_text name = {0};
    field_text(&f, "model", &name);
    if (f.failed || !http_model(r, name, HONE_TASK_NONE))
        return;
    const char *path = field_get(&f, "texts") || r->model->info->task == HONE_TASK_RERANK ? "/rerank"
                       : json_is_object(field_get(&f, "inputs"))                          ? "/similarity"
                       : r->model->info->task == HONE_TASK_CLASSIFY                       ? "/predict"
                       : strcmp(r->model->info->pooling, "splade") == 0                   ? "/embed_sparse"
                                                                                          : "/embed";
    r->route = route_find("POST", path, &other);
    r->route->handle(r);
}

/* ---- /embed ---- */

static void answer_rows(struct http_request *r)
{
    const struct work *w = r->state;
    if (!work_fits(r, w) || work_reply_raw(r, w))
        return;
    work_write_rows(&r->out, w);
    http_reply(r, 200);
}

void tei_embed_handle(struct http_request *r)
{
    struct work *w = work_state(r, sizeof *w, work_release);
    bool normalize = true;
    if (!w)
        return;
    struct fields f = fields_of(r);
    if (!tei_begin(&f, &f, w, HONE_TASK_EMBED))
        return;
    field_bool(&f, "normalize", &normalize);
    field_count(&f, "dimensions", 1, r->model->info->n_dims, &w->request.how.n_dims);
    w->request.how.normalize = normalize;
    work_inputs(&f, "inputs", w);
    if (!f.failed)
        work_embed(r, w, answer_rows);
}

/* ---- /embed_all, /embed_sparse ---- */

struct tei_ragged {
    struct work work;
    float *rows; /* of /embed_all */
    struct hone_word *words;
    size_t *starts; /* [n + 1] */
    size_t n_dims;
};

static void release_ragged(void *state)
{
    struct tei_ragged *g = state;
    hone_free(g->rows);
    hone_free(g->words);
    hone_free(g->starts);
    work_release(&g->work);
}

/* What a number of a vector and a word's weight take in an answer, as measured: "-0.0123456," and
 * {"index":1234,"value":0.0123456}, */
enum { NUMBER_BYTES = 11, WORD_BYTES = 36 };

/* Vectors of all tokens are hundreds of times as large as their texts. So they are counted before they are computed, by the
 * tokens that the model will read. */
static bool hold_rows(struct http_request *r, const struct tei_ragged *g)
{
    const size_t set = r->model->options.max_length, own = r->model->info->max_length;
    const size_t most = set > 0 && set < own ? set : own; /* it may not be in memory yet */
    struct hone_error err;
    size_t *starts = NULL, tokens = 0;
    int32_t *ids = NULL;
    for (size_t i = 0; i < g->work.n && g->work.ids; i++)
        tokens += g->work.ids[i].n < most ? g->work.ids[i].n : most;
    if (!g->work.ids && hone_tokenize(r->model->light, g->work.texts.items, NULL, g->work.n, true, &ids,
                                      &starts, NULL, &err) != HONE_OK) {
        http_fail_with(r, &err);
        return false;
    }
    for (size_t i = 0; i < g->work.n && starts; i++)
        tokens += starts[i + 1] - starts[i] < most ? starts[i + 1] - starts[i] : most;
    hone_free(ids);
    hone_free(starts);
    return http_hold(r, tokens * g->n_dims * (sizeof *g->rows + NUMBER_BYTES));
}

static void write_word(struct reply_buffer *out, const struct hone_word *word)
{
    reply_buffer_format(out, "{\"index\":%d,\"value\":", word->id);
    reply_buffer_json_float(out, word->weight);
    reply_buffer_text(out, "}");
}

static void answer_ragged(struct http_request *r)
{
    const struct tei_ragged *g = r->state;
    if (!work_fits(r, &g->work) ||
        (g->words && !http_hold(r, g->starts[g->work.n] * (sizeof *g->words + WORD_BYTES))))
        return;
    for (size_t i = 0; i < g->work.n; i++) {
        reply_buffer_text(&r->out, i ? "],[" : "[[");
        for (size_t k = g->starts[i]; k < g->starts[i + 1]; k++) {
            reply_buffer_text(&r->out, k > g->starts[i] ? "," : "");
            if (g->words)
                write_word(&r->out, &g->words[k]);
            else
                reply_buffer_json_floats(&r->out, g->rows + k * g->n_dims, g->n_dims);
        }
    }
    reply_buffer_text(&r->out, "]]");
    http_reply(r, 200);
}

static void handle_ragged(struct http_request *r, enum hone_request_kind kind)
{
    struct tei_ragged *g = work_state(r, sizeof *g, release_ragged);
    if (!g)
        return;
    struct fields f = fields_of(r);
    if (!tei_begin(&f, &f, &g->work, HONE_TASK_EMBED))
        return;
    work_inputs(&f, "inputs", &g->work);
    g->n_dims = r->model->info->n_token_dims;
    g->work.request.out_rows = &g->rows;
    g->work.request.out_words = &g->words;
    g->work.request.out_starts = &g->starts;
    if (!f.failed && (kind != HONE_REQUEST_EMBED_TOKENS || hold_rows(r, g)))
        work_submit(r, &g->work, kind, 0, answer_ragged);
}

void tei_embed_all_handle(struct http_request *r)
{
    handle_ragged(r, HONE_REQUEST_EMBED_TOKENS);
}

void tei_embed_sparse_handle(struct http_request *r)
{
    handle_ragged(r, HONE_REQUEST_EMBED_SPARSE);
}

/* ---- /similarity ---- */

/* The first text is the one that all others are compared with; their vectors have length 1. */
static void answer_similarity(struct http_request *r)
{
    const struct work *w = r->state;
    if (!work_fits(r, w))
        return;
    for (size_t i = 1; i < w->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < w->width; k++)
            sum += (double)w->values[k] * (double)w->values[i * w->width + k];
        reply_buffer_text(&r->out, i > 1 ? "," : "[");
        reply_buffer_json_float(&r->out, (float)sum);
    }
    reply_buffer_text(&r->out, "]");
    http_reply(r, 200);
}

static void read_sentences(struct fields *f, const json_t *inputs, struct work *w)
{
    struct fields inner = fields_in(f->r, inputs);
    struct texts sentences = {0};
    struct hone_text source = {0};
    field_required(&inner, "source_sentence");
    field_required(&inner, "sentences");
    field_text(&inner, "source_sentence", &source);
    field_texts(&inner, "sentences", &sentences);
    w->texts.items = inner.failed ? NULL : calloc(sentences.n + 1, sizeof *w->texts.items);
    if (w->texts.items) {
        w->texts.n = sentences.n + 1;
        w->texts.items[0] = source;
        for (size_t i = 0; i < sentences.n; i++)
            w->texts.items[i + 1] = sentences.items[i];
        work_texts(w);
    } else {
        field_fail(&inner, PROBLEM_MEMORY, "sentences", "are too many for the memory there is");
    }
    free(sentences.items);
    f->failed |= inner.failed;
}

void tei_similarity_handle(struct http_request *r)
{
    struct work *w = work_state(r, sizeof *w, work_release);
    if (!w)
        return;
    struct fields f = fields_of(r);
    const json_t *inputs = field_get(&f, "inputs"), *parameters = field_get(&f, "parameters");
    if (!json_is_object(inputs))
        field_fail(&f, PROBLEM_FIELD, "inputs", "must be an object");
    if (parameters && !json_is_object(parameters))
        field_fail(&f, PROBLEM_FIELD, "parameters", "must be an object");
    struct fields how = fields_in(r, parameters);
    how.asked = json_object();
    bool ready = !f.failed && tei_begin(&f, &how, w, HONE_TASK_EMBED);
    if (ready)
        read_sentences(&f, inputs, w);
    w->request.how.normalize = 1;
    if (ready && !f.failed && fields_check_unknown(r, parameters, how.asked))
        work_embed(r, w, answer_similarity);
    json_decref(how.asked);
}
