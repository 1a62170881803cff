#include "server/generate/openai.h"
#include "server/service.h"

static void read_stream_options(struct fields *f, bool *usage)
{
    const json_t *value = field_get(f, "stream_options");
    if (value && !json_is_object(value)) {
        field_fail(f, PROBLEM_FIELD, "stream_options", "must be an object");
        return;
    }
    struct fields options = fields_in(f->r, value);
    field_bool(&options, "include_usage", usage);
    f->failed = f->failed || options.failed;
}

bool openai_open(struct fields *f, struct choices *c)
{
    struct hone_text model = {0};
    /* Where OpenAI's defaults are others: it draws among all tokens, and its penalties look back to the beginning. */
    c->like.sampling.temperature = 1;
    c->like.sampling.top_p = 1;
    c->like.sampling.top_k = 0;
    c->like.sampling.min_p = 0;
    c->like.sampling.penalty_last_n = SIZE_MAX;
    c->n_each = 1;
    field_text(f, "model", &model);
    return !f->failed && http_model(f->r, model, HONE_TASK_GENERATE);
}

bool openai_read(struct fields *f, struct choices *c, bool *usage)
{
    if (!openai_open(f, c))
        return false;
    field_count(f, "n", 1, OPENAI_CHOICES, &c->n_each);
    read_stream_options(f, usage);
    choices_read(f, c);
    return !f->failed;
}

void openai_begin(struct reply_buffer *out, const struct choices *c, const char *prefix, const char *object)
{
    reply_buffer_format(out, "{\"id\":\"%s-%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", prefix, c->id,
                        object, c->created);
    reply_buffer_json_string(out, c->r->model->name);
    reply_buffer_text(out, ",\"system_fingerprint\":\"hone-" HONE_VERSION "\",\"choices\":[");
}

void openai_begin_event(struct reply_buffer *out, const struct choices *c, const char *prefix,
                        const char *object)
{
    reply_buffer_text(out, "data: ");
    openai_begin(out, c, prefix, object);
}

void openai_end_event(struct reply_buffer *out, bool usage)
{
    reply_buffer_text(out, usage ? "],\"usage\":null}\n\n" : "]}\n\n");
}

void openai_write_usage(struct reply_buffer *out, const struct choices *c)
{
    struct choices_usage u = choices_usage(c);
    if (c->r->timed_out)
        reply_buffer_text(out, "\"timed_out\":true,");
    reply_buffer_format(out,
                        "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
                        "\"prompt_tokens_details\":{\"cached_tokens\":%zu}}",
                        u.n_prompt, u.n_generated, u.n_prompt + u.n_generated, u.n_cached);
}

void openai_end_stream(struct reply_buffer *out, const struct choices *c, const char *prefix,
                       const char *object, bool usage)
{
    if (usage) {
        openai_begin_event(out, c, prefix, object);
        reply_buffer_text(out, "],");
        openai_write_usage(out, c);
        reply_buffer_text(out, "}\n\n");
    }
    reply_buffer_text(out, "data: [DONE]\n\n");
}
