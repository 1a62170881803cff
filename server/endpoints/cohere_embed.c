/* POST /v1/embed, /v2/embed: docs.cohere.com/reference/embed */
#include "runtime/base/text.h"
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/http/unique.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

enum { FORM_FLOAT = 1, FORM_BASE64 = 2, FORM_BINARY = 4, FORM_UBINARY = 8 };

struct cohere_embed {
    struct work work;
    unsigned forms; /* 0: a version 1 that asked for none */
    int version;
};

/* ---- the answer ---- */

/* A bit a number, the first one the highest: whether it is above 0. Signed, as numpy's packbits less 128. */
static void write_bits(struct reply_buffer *out, const float *row, size_t n, int offset)
{
    for (size_t i = 0; i < n; i += 8) {
        int byte = 0;
        for (size_t k = 0; k < 8; k++)
            byte = byte << 1 | (i + k < n && row[i + k] > 0);
        reply_buffer_format(out, "%s%d", i ? "," : "[", byte - offset);
    }
    reply_buffer_text(out, "]");
}

static void write_row(struct reply_buffer *out, const struct work *w, size_t i, unsigned form)
{
    const float *row = w->values + i * w->width;
    reply_buffer_text(out, i ? "," : "");
    if (form == FORM_FLOAT)
        reply_buffer_json_floats(out, row, w->width);
    else if (form == FORM_BASE64)
        reply_buffer_json_base64(out, row, w->width * sizeof *row);
    else
        write_bits(out, row, w->width, form == FORM_BINARY ? 128 : 0);
}

static void write_forms(struct reply_buffer *out, const struct cohere_embed *e)
{
    static const char *const names[] = {"float", "base64", "binary", "ubinary"};
    bool first = true;
    reply_buffer_text(out, "{");
    for (unsigned k = 0; k < sizeof names / sizeof *names; k++) {
        if (!(e->forms & 1u << k))
            continue;
        reply_buffer_format(out, "%s\"%s\":[", first ? "" : ",", names[k]);
        for (size_t i = 0; i < e->work.n; i++)
            write_row(out, &e->work, i, 1u << k);
        reply_buffer_text(out, "]");
        first = false;
    }
    reply_buffer_text(out, "}");
}

static void answer(struct http_request *r)
{
    const struct cohere_embed *e = r->state;
    const struct work *w = &e->work;
    if (!work_fits(r, w))
        return;
    unique_write(&r->out, "{\"id\":\"");
    reply_buffer_text(&r->out, "\",\"texts\":[");
    for (size_t i = 0; i < w->n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        reply_buffer_json_text(&r->out, w->texts.items[i]);
    }
    reply_buffer_text(&r->out, "],\"embeddings\":");
    if (e->forms)
        write_forms(&r->out, e);
    else
        work_write_rows(&r->out, w);
    reply_buffer_format(
        &r->out,
        ",\"meta\":{\"api_version\":{\"version\":\"%d\"},\"billed_units\":{\"input_tokens\":%zu}},"
        "\"response_type\":\"%s\"}",
        e->version, work_tokens(w), e->forms ? "embeddings_by_type" : "embeddings_floats");
    http_reply(r, 200);
}

/* ---- the request ---- */

/* Bytes would need to know how far the model's numbers go. */
static void read_forms(struct fields *f, struct cohere_embed *e)
{
    static const struct {
        const char *name;
        unsigned form;
    } known[] = {
        {"float", FORM_FLOAT}, {"base64", FORM_BASE64}, {"binary", FORM_BINARY}, {"ubinary", FORM_UBINARY}};
    struct texts names = {0};
    field_texts(f, "embedding_types", &names);
    for (size_t i = 0; i < names.n; i++) {
        unsigned form = 0;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (text_is(names.items[i], known[k].name))
                form = known[k].form;
        if (form == 0)
            field_fail(f, PROBLEM_FIELD, "embedding_types",
                       "must be some of \"float\", \"base64\", \"binary\" and \"ubinary\"");
        e->forms |= form;
    }
    if (e->version == 2 && e->forms == 0)
        e->forms = FORM_FLOAT;
    free(names.items);
}

static void read_truncation(struct fields *f, struct work *w)
{
    int how = 0;
    field_choice(f, "truncate", "END|START|NONE", &how);
    w->strict = how == 2;
    w->request.how.cut = how == 1 ? HONE_SIDE_LEFT : HONE_SIDE_RIGHT;
}

void cohere_embed_handle(struct http_request *r)
{
    struct cohere_embed *e = work_state(r, sizeof *e, work_release);
    struct hone_text model = {0};
    if (!e)
        return;
    struct fields f = fields_of(r);
    e->version = r->route->path[2] == '2' ? 2 : 1;
    field_text(&f, "model", &model);
    work_input_type(&f, &e->work);
    read_truncation(&f, &e->work);
    read_forms(&f, e);
    if (field_get(&f, "images") || field_get(&f, "inputs"))
        field_fail(&f, PROBLEM_FIELD, "images", "are not read: only 'texts' are");
    if (f.failed || !http_model(r, model, HONE_TASK_EMBED))
        return;
    field_count(&f, "output_dimension", 1, r->model->info->n_dims, &e->work.request.how.n_dims);
    field_required(&f, "texts");
    field_texts(&f, "texts", &e->work.texts);
    work_texts(&e->work);
    if (!f.failed)
        work_embed(r, &e->work, answer);
}
