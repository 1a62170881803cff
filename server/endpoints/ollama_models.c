/* What Ollama's clients ask about models: /api/tags, /api/ps, /api/show, /api/version. */
#include "server/endpoints/endpoints.h"
#include "server/generate/ollama.h"
#include "server/service.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static void write_time(struct reply_buffer *out, const char *name, time_t when)
{
    struct tm tm;
    char text[32];
    gmtime_r(&when, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    reply_buffer_format(out, ",\"%s\":\"%s\"", name, text);
}

static void write_count(struct reply_buffer *out, size_t n)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "B"}, {1e6, "M"}, {1e3, "K"}};
    for (size_t i = 0; i < 3; i++)
        if ((double)n >= units[i].unit) {
            reply_buffer_format(out, "\"%.1f%s\"", (double)n / units[i].unit, units[i].name);
            return;
        }
    reply_buffer_format(out, "\"%zu\"", n);
}

static void write_details(struct reply_buffer *out, const struct served_model *m)
{
    size_t n = strlen(m->path);
    bool gguf = n > 5 && strcmp(m->path + n - 5, ".gguf") == 0;
    reply_buffer_format(out, "\"details\":{\"parent_model\":\"\",\"format\":\"%s\",\"family\":",
                        gguf ? "gguf" : "safetensors");
    reply_buffer_json_string(out, m->info->architecture);
    reply_buffer_text(out, ",\"families\":[");
    reply_buffer_json_string(out, m->info->architecture);
    reply_buffer_text(out, "],\"parameter_size\":");
    write_count(out, m->info->n_params);
    reply_buffer_format(out, ",\"quantization_level\":\"%s\"}", m->info->compute);
}

static void write_model(struct reply_buffer *out, const struct served_model *m, bool loaded)
{
    reply_buffer_text(out, "{\"name\":");
    reply_buffer_json_string(out, m->name);
    reply_buffer_text(out, ",\"model\":");
    reply_buffer_json_string(out, m->name);
    write_time(out, "modified_at", m->files.modified);
    reply_buffer_format(out, ",\"size\":%" PRIu64 ",\"digest\":\"\",", m->files.bytes);
    write_details(out, m);
    if (loaded) {
        write_time(out, "expires_at", (time_t)4102444800); /* 2100: it stays as long as the server */
        reply_buffer_format(out, ",\"size_vram\":0,\"context_length\":%zu", m->info->max_length);
    }
    reply_buffer_text(out, "}");
}

static void write_models(struct http_request *r, bool loaded)
{
    const struct models *models = &r->service->models;
    reply_buffer_text(&r->out, "{\"models\":[");
    for (size_t i = 0; i < models->n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_model(&r->out, models->items[i], loaded);
    }
    reply_buffer_text(&r->out, "]}");
    http_reply(r, 200);
}

void ollama_tags_handle(struct http_request *r)
{
    write_models(r, false);
}

void ollama_ps_handle(struct http_request *r)
{
    write_models(r, true);
}

void ollama_version_handle(struct http_request *r)
{
    reply_buffer_text(&r->out, "{\"version\":\"" HONE_VERSION "\"}");
    http_reply(r, 200);
}

/* What clients switch on by it. */
static void write_capabilities(struct reply_buffer *out, const struct served_model *m)
{

    bool generates = models_can(m, HONE_TASK_GENERATE);
    const char *const names[] = {generates ? "completion" : NULL,
                                 generates && m->chat.has_calls ? "tools" : NULL,
                                 generates && m->chat.reasoning.open ? "thinking" : NULL,
                                 m->info->task == HONE_TASK_EMBED ? "embedding" : NULL};
    size_t n = 0;
    reply_buffer_text(out, "\"capabilities\":[");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i])
            reply_buffer_format(out, "%s\"%s\"", n++ ? "," : "", names[i]);
    reply_buffer_text(out, "]");
}

void ollama_show_handle(struct http_request *r)
{
    struct fields f = fields_of(r);
    bool verbose = false;
    field_bool(&f, "verbose", &verbose);
    if (f.failed || !ollama_model(&f, HONE_TASK_NONE))
        return;
    const struct served_model *m = r->model;
    const struct hone_model_info *info = m->info;
    reply_buffer_text(&r->out, "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":");
    reply_buffer_json_text(&r->out,
                           info->chat_template.data ? info->chat_template : (struct hone_text){"", 0});
    reply_buffer_text(&r->out, ",");
    write_details(&r->out, m);
    reply_buffer_text(&r->out, ",\"model_info\":{\"general.architecture\":");
    reply_buffer_json_string(&r->out, info->architecture);
    reply_buffer_format(&r->out, ",\"general.parameter_count\":%zu", info->n_params);
    const struct {
        const char *name;
        size_t value;
    } numbers[] = {{"context_length", info->max_length},
                   {"embedding_length", info->n_embd},
                   {"block_count", info->n_layers},
                   {"attention.head_count", info->n_heads},
                   {"attention.head_count_kv", info->n_kv_heads},
                   {"feed_forward_length", info->n_ff},
                   {"vocab_size", info->n_vocab}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        reply_buffer_format(&r->out, ",\"%s.%s\":%zu", info->architecture, numbers[i].name, numbers[i].value);
    reply_buffer_text(&r->out, "},");
    write_capabilities(&r->out, m);
    write_time(&r->out, "modified_at", m->files.modified);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}
