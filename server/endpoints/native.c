/* POST /api/v1/embed: {"texts": ["...", ...]}, and "model", "prompt", "input_type", "normalize",
 * "dimensions" if need be. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

static void answer(struct http_request *r)
{
    const struct work *w = r->state;
    if (!work_fits(r, w) || work_reply_raw(r, w))
        return;
    reply_buffer_text(&r->out, "{\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_format(&r->out, ",\"dimensions\":%zu,\"embeddings\":", w->width);
    work_write_rows(&r->out, w);
    reply_buffer_text(&r->out, ",");
    work_write_usage(&r->out, w);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

void native_embed_handle(struct http_request *r)
{
    struct work *w = work_state(r, sizeof *w, work_release);
    struct hone_text model = {0};
    bool normalize = true;
    if (!w)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_EMBED))
        return;
    field_bool(&f, "normalize", &normalize);
    if (field_get(&f, "normalize"))
        w->request.how.normalize = normalize;
    field_name(&f, "prompt", &w->request.how.prompt);
    work_input_type(&f, w);
    field_count(&f, "dimensions", 1, r->model->info->n_dims, &w->request.how.n_dims);
    field_required(&f, "texts");
    field_texts(&f, "texts", &w->texts);
    work_texts(w);
    if (!f.failed)
        work_embed(r, w, answer);
}
