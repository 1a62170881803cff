/* POST /api/v1/embed: {"texts": ["...", ...]}, and "model", "prompt", "input_type", "task", "normalize", "dimensions", "outputs" if need
 * be. */
#include "runtime/base/text.h"
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

struct native_embed {
    struct work work;
    bool words, tokens; /* beside the dense vectors */
    float *rows;
    struct hone_word *weights;
    size_t *row_starts, *word_starts; /* [n + 1] */
};

static void release(void *state)
{
    struct native_embed *e = state;
    hone_free(e->rows);
    hone_free(e->weights);
    hone_free(e->row_starts);
    hone_free(e->word_starts);
    work_release(&e->work);
}

static void write_words(struct reply_buffer *out, const struct native_embed *e, size_t i)
{
    for (size_t k = e->word_starts[i]; k < e->word_starts[i + 1]; k++) {
        reply_buffer_format(out, "%s{\"index\":%d,\"value\":", k > e->word_starts[i] ? "," : "",
                            e->weights[k].id);
        reply_buffer_json_float(out, e->weights[k].weight);
        reply_buffer_text(out, "}");
    }
}

static void write_tokens(struct reply_buffer *out, const struct native_embed *e, size_t i, size_t width)
{
    for (size_t k = e->row_starts[i]; k < e->row_starts[i + 1]; k++) {
        reply_buffer_text(out, k > e->row_starts[i] ? "," : "");
        reply_buffer_json_floats(out, e->rows + k * width, width);
    }
}

static void write_others(struct http_request *r, const struct native_embed *e)
{
    struct reply_buffer *out = &r->out;
    for (size_t i = 0; i < e->work.n && e->words; i++) {
        reply_buffer_text(out, i ? "],[" : ",\"sparse\":[[");
        write_words(out, e, i);
    }
    reply_buffer_text(out, e->words ? "]]" : "");
    for (size_t i = 0; i < e->work.n && e->tokens; i++) {
        reply_buffer_text(out, i ? "],[" : ",\"tokens\":[[");
        write_tokens(out, e, i, r->model->info->n_token_dims);
    }
    reply_buffer_text(out, e->tokens ? "]]" : "");
}

static void answer(struct http_request *r)
{
    const struct native_embed *e = r->state;
    const struct work *w = &e->work;
    if (!work_fits(r, w) || work_reply_raw(r, w))
        return;
    reply_buffer_text(&r->out, "{\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_format(&r->out, ",\"dimensions\":%zu,\"embeddings\":", w->width);
    work_write_rows(&r->out, w);
    write_others(r, e);
    reply_buffer_text(&r->out, ",");
    work_write_usage(&r->out, w);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

/* What is made of a text beside its vector. */
static void read_outputs(struct fields *f, struct native_embed *e)
{
    struct texts names = {0};
    field_texts(f, "outputs", &names);
    for (size_t i = 0; i < names.n; i++) {
        const struct hone_text name = names.items[i];
        bool sparse = text_is(name, "sparse");
        bool tokens = text_is(name, "tokens");
        if (!sparse && !tokens && !text_is(name, "dense"))
            field_fail(f, PROBLEM_FIELD, "outputs", "must be some of \"dense\", \"sparse\" and \"tokens\"");
        e->words = e->words || sparse;
        e->tokens = e->tokens || tokens;
    }
    free(names.items);
}

static void submit(struct http_request *r, struct native_embed *e)
{
    struct hone_request *request = &e->work.request;
    size_t n_dims = request->how.n_dims;
    if (!e->words && !e->tokens) {
        work_embed(r, &e->work, answer);
        return;
    }
    if (e->tokens) {
        request->out_rows = &e->rows;
        request->out_starts = &e->row_starts;
    }
    if (e->words) {
        request->out_words = &e->weights;
        request->out_word_starts = &e->word_starts;
    }
    work_submit(r, &e->work, HONE_REQUEST_EMBED_HYBRID, n_dims ? n_dims : r->model->info->n_dims, answer);
}

void native_embed_handle(struct http_request *r)
{
    struct native_embed *e = work_state(r, sizeof *e, release);
    struct hone_text model = {0};
    bool normalize = true;
    if (!e)
        return;
    struct work *w = &e->work;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_EMBED))
        return;
    field_bool(&f, "normalize", &normalize);
    if (field_get(&f, "normalize"))
        w->request.how.normalize = normalize;
    field_name(&f, "prompt", &w->request.how.prompt);
    work_input_type(&f, w);
    work_task(&f, w);
    read_outputs(&f, e);
    field_count(&f, "dimensions", 1, r->model->info->n_dims, &w->request.how.n_dims);
    field_required(&f, "texts");
    field_texts(&f, "texts", &w->texts);
    work_texts(w);
    if (!f.failed)
        submit(r, e);
}
