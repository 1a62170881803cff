/* POST /v1/embeddings: platform.openai.com/docs/api-reference/embeddings */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

struct embeddings {
    struct work work;
    int encoding; /* 0: float; 1: base64 */
};

static void answer(struct http_request *r)
{
    const struct embeddings *e = r->state;
    const struct work *w = &e->work;
    if (!work_fits(r, w) || work_reply_raw(r, w))
        return;
    reply_buffer_text(&r->out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < w->n; i++) {
        const float *row = w->values + i * w->width;
        reply_buffer_format(&r->out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "",
                            i);
        if (e->encoding)
            reply_buffer_json_base64(&r->out, row, w->width * sizeof *row);
        else
            reply_buffer_json_floats(&r->out, row, w->width);
        reply_buffer_text(&r->out, "}");
    }
    reply_buffer_text(&r->out, "],\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_text(&r->out, ",");
    work_write_usage(&r->out, w);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

void openai_embeddings_handle(struct http_request *r)
{
    struct embeddings *e = work_state(r, sizeof *e, work_release);
    struct hone_text model = {0};
    if (!e)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    field_choice(&f, "encoding_format", "float|base64", &e->encoding);
    work_prompt_name(&f, &e->work);
    work_input_type(&f, &e->work);
    if (f.failed || !http_model(r, model, HONE_TASK_EMBED))
        return;
    work_task(&f, &e->work);
    work_choose_prompt(r, &e->work);
    field_count(&f, "dimensions", 1, r->model->info->n_dims, &e->work.request.how.n_dims);
    work_inputs(&f, "input", &e->work);
    if (!f.failed)
        work_embed(r, &e->work, answer);
}
