/* What is served: /info of text-embeddings-inference. */
#include "server/endpoints/endpoints.h"
#include "server/service.h"

#include <string.h>

/* The model that a query names, ?model=NAME, or the first one. */
static bool find_model(struct http_request *r)
{
    const char *name = http_query(r, "model");
    return http_model(r, (struct hone_text){name, name ? strlen(name) : 0}, HONE_TASK_NONE);
}

static void write_labels(struct reply_buffer *out, const struct served_model *m)
{
    reply_buffer_text(out, "{\"id2label\":{");
    for (size_t i = 0; i < m->info->n_labels; i++) {
        reply_buffer_format(out, "%s\"%zu\":", i ? "," : "", i);
        reply_buffer_json_string(out, hone_model_label(m->light, i));
    }
    reply_buffer_text(out, "},\"label2id\":{");
    for (size_t i = 0; i < m->info->n_labels; i++) {
        reply_buffer_text(out, i ? "," : "");
        reply_buffer_json_string(out, hone_model_label(m->light, i));
        reply_buffer_format(out, ":%zu", i);
    }
    reply_buffer_text(out, "}}");
}

static void write_type(struct reply_buffer *out, const struct served_model *m)
{
    if (m->info->task == HONE_TASK_EMBED) {
        reply_buffer_format(out, "{\"embedding\":{\"pooling\":\"%s\"}}", m->info->pooling);
    } else if (m->info->task == HONE_TASK_CLASSIFY || m->info->task == HONE_TASK_CLASSIFY_TOKENS) {
        bool reranks = m->info->task == HONE_TASK_CLASSIFY && m->info->n_labels == 1;
        reply_buffer_text(out, reranks ? "{\"reranker\":" : "{\"classifier\":");
        write_labels(out, m);
        reply_buffer_text(out, "}");
    } else if (m->info->task == HONE_TASK_FIND_SPANS) {
        reply_buffer_text(out, "{\"span_finder\":{}}");
    } else if (m->info->task == HONE_TASK_RERANK) {
        reply_buffer_text(out,
                          "{\"reranker\":{\"id2label\":{\"0\":\"LABEL_0\"},\"label2id\":{\"LABEL_0\":0}}}");
    } else if (m->info->task == HONE_TASK_ANSWER) {
        reply_buffer_text(out, "{\"answerer\":{}}");
    } else {
        reply_buffer_text(out, "{\"generator\":{}}");
    }
}

void tei_info_handle(struct http_request *r)
{
    if (!find_model(r))
        return;
    const struct served_model *m = r->model;
    const struct settings *s = &r->service->settings;
    reply_buffer_text(&r->out, "{\"model_id\":");
    reply_buffer_json_string(&r->out, m->name);
    reply_buffer_format(&r->out,
                        ",\"model_sha\":null,\"model_dtype\":\"%s\",\"model_type\":", m->info->compute);
    write_type(&r->out, m);
    reply_buffer_format(&r->out,
                        ",\"max_concurrent_requests\":%zu,\"max_input_length\":%zu,\"max_batch_tokens\":%zu,"
                        "\"max_batch_requests\":null,\"max_client_batch_size\":%zu,\"auto_truncate\":false,"
                        "\"tokenization_workers\":%zu,\"version\":\"" HONE_VERSION "\",\"sha\":null,"
                        "\"docker_label\":null,\"served_by\":\"hone\"}",
                        s->max_requests, m->info->max_length, s->batch_tokens ? s->batch_tokens : 4096,
                        s->max_batch, s->tokenizer_workers ? s->tokenizer_workers : 1);
    http_reply(r, 200);
}
