/* GET /v1/models and /v1/models/NAME: platform.openai.com/docs/api-reference/models */
#include "server/endpoints/endpoints.h"
#include "server/figures/snapshot.h"
#include "server/service.h"

#include <string.h>

static void write_model(struct reply_buffer *out, const struct served_model *m)
{
    reply_buffer_text(out, "{\"id\":");
    reply_buffer_json_string(out, m->name);
    reply_buffer_format(
        out,
        ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"hone\",\"max_model_len\":%zu,"
        "\"meta\":{\"task\":\"%s\",\"n_params\":%zu,\"n_vocab\":%zu,\"n_embd\":%zu,\"compute\":\"%s\"}}",
        (long long)m->opened, m->info->max_length, task_names[m->info->task], m->info->n_params,
        m->info->n_vocab, m->info->n_embd, m->info->compute);
}

void openai_models_handle(struct http_request *r)
{
    const struct models *models = &r->service->models;
    reply_buffer_text(&r->out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < models->n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_model(&r->out, models->items[i]);
    }
    reply_buffer_text(&r->out, "]}");
    http_reply(r, 200);
}

void openai_model_handle(struct http_request *r)
{
    if (!http_model(r, (struct hone_text){r->rest, strlen(r->rest)}, HONE_TASK_NONE))
        return;
    write_model(&r->out, r->model);
    http_reply(r, 200);
}
