/* What llama.cpp's server tells of itself and of its model: /props, /slots, /apply-template. */
#include "server/endpoints/endpoints.h"
#include "server/generate/conversation.h"
#include "server/service.h"

#include <string.h>

#define USUAL_SLOTS 16 /* texts generated at once, if nobody says */

static size_t n_slots(const struct http_request *r)
{
    size_t n = r->service->settings.max_parallel;
    return n ? n : USUAL_SLOTS;
}

/* The model that a query names, ?model=NAME, or the first one for the task. */
static bool find_model(struct http_request *r, enum hone_task task)
{
    const char *name = http_query(r, "model");
    return http_model(r, (struct hone_text){name, name ? strlen(name) : 0}, task);
}

void llama_props_handle(struct http_request *r)
{
    bool generates = !http_query(r, "model") &&
                     models_find(&r->service->models, (struct hone_text){0}, HONE_TASK_GENERATE);
    if (!find_model(r, generates ? HONE_TASK_GENERATE : HONE_TASK_NONE))
        return;
    const struct served_model *m = r->model;
    reply_buffer_format(
        &r->out, "{\"default_generation_settings\":{\"n_ctx\":%zu},\"total_slots\":%zu,\"model_alias\":",
        m->info->max_length, n_slots(r));
    reply_buffer_json_string(&r->out, m->name);
    reply_buffer_text(&r->out, ",\"model_path\":");
    reply_buffer_json_string(&r->out, m->path);
    reply_buffer_text(&r->out, ",\"modalities\":{\"vision\":false,\"audio\":false},\"chat_template\":");
    reply_buffer_json_text(&r->out, m->info->chat_template);
    reply_buffer_text(&r->out, ",\"build_info\":\"hone-" HONE_VERSION "\"}");
    http_reply(r, 200);
}

/* Texts share one cache, so that a slot is no more than a place among those that are generated at once. */
void llama_slots_handle(struct http_request *r)
{
    struct hone_scheduler_stats stats;
    if (!find_model(r, HONE_TASK_GENERATE))
        return;
    models_stats(&r->service->models, r->model, &stats);
    reply_buffer_text(&r->out, "[");
    for (size_t i = 0; i < n_slots(r); i++)
        reply_buffer_format(&r->out, "%s{\"id\":%zu,\"n_ctx\":%zu,\"is_processing\":%s}", i ? "," : "", i,
                            r->model->info->max_length, i < stats.generation.n_active ? "true" : "false");
    reply_buffer_text(&r->out, "]");
    http_reply(r, 200);
}

void llama_apply_template_handle(struct http_request *r)
{
    struct fields f = fields_of(r);
    struct conversation conversation = CONVERSATION_AS_USUAL;
    struct hone_text model = {0};
    char *text;
    size_t size;
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_GENERATE))
        return;
    conversation_read(&f, &conversation);
    conversation_prompt(&f, &conversation, &text, &size);
    conversation_clear(&conversation);
    if (!text)
        return;
    reply_buffer_text(&r->out, "{\"prompt\":");
    reply_buffer_json_text(&r->out, (struct hone_text){text, size});
    reply_buffer_text(&r->out, "}");
    hone_free(text);
    http_reply(r, 200);
}
