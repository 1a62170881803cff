/* /api/v1/admin/models, for whoever has the admin key: GET lists the models, and what they take of the memory; POST with
 * {"action": "load" | "unload", "model": "NAME"} puts one into memory or out of it, and answers at once (202), since that takes
 * its time: the list tells when it is done. */
#include "server/endpoints/endpoints.h"
#include "server/figures/snapshot.h"
#include "server/http/fields.h"
#include "server/service.h"

static void write_need(struct reply_buffer *out, const struct served_model *m)
{
    const struct hone_need *n = &m->need;
    reply_buffer_format(out,
                        ",\"need\":{\"total\":%zu,\"weights\":%zu,\"tables\":%zu,\"vocabulary\":%zu,"
                        "\"activations\":%zu,\"kv_token\":%zu}",
                        m->managed.need, n->weights, n->tables, n->vocabulary, n->activations, n->kv_token);
}

static void write_model(struct http_request *r, struct served_model *m)
{
    static const char *const whens[] = {"start", "start", "background", "demand"};
    struct reply_buffer *out = &r->out;
    struct model_status s;
    manager_status(r->service->models.manager, &m->managed, &s);
    reply_buffer_text(out, "{\"name\":");
    reply_buffer_json_string(out, m->name);
    reply_buffer_text(out, ",\"path\":");
    reply_buffer_json_string(out, m->path);
    reply_buffer_format(
        out,
        ",\"task\":\"%s\",\"state\":\"%s\",\"load\":\"%s\",\"keep\":%s,\"requests\":%zu,"
        "\"waiting\":%zu,\"memory_bytes\":%zu,\"loads\":%llu,\"unloads\":%llu,\"failures\":%llu,"
        "\"load_seconds\":%.6g",
        task_names[m->info->task], model_state_names[s.state], whens[m->managed.when],
        s.keep ? "true" : "false", s.pins, s.n_waiting, s.held, (unsigned long long)s.n_loads,
        (unsigned long long)s.n_unloads, (unsigned long long)s.n_failures, s.load_seconds);
    write_need(out, m);
    if (s.state == MODEL_FAILED) {
        reply_buffer_text(out, ",\"error\":");
        reply_buffer_json_string(out, s.failure.message);
    }
    reply_buffer_text(out, "}");
}

void admin_models_handle(struct http_request *r)
{
    const struct models *models = &r->service->models;
    reply_buffer_format(&r->out, "{\"memory\":{\"budget\":%zu,\"used\":%zu},\"models\":[",
                        manager_budget(models->manager), manager_used(models->manager));
    for (size_t i = 0; i < models->n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_model(r, models->items[i]);
    }
    reply_buffer_text(&r->out, "]}");
    http_reply(r, 200);
}

void admin_change_handle(struct http_request *r)
{
    struct fields f = fields_of(r);
    struct hone_text model = {0};
    int action = 0;
    field_required(&f, "action");
    field_choice(&f, "action", "load|unload", &action);
    field_required(&f, "model");
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_NONE) || r->describing)
        return;
    (action == 0 ? manager_want : manager_unload)(r->service->models.manager, &r->model->managed);
    write_model(r, r->model);
    http_reply(r, 202);
}
