#include "server/generate/openai.h"
#include "server/service.h"

static void read_stream_options(struct fields *f, struct openai *o)
{
    const json_t *value = field_get(f, "stream_options");
    if (value && !json_is_object(value)) {
        field_fail(f, PROBLEM_FIELD, "stream_options", "must be an object");
        return;
    }
    struct fields options = fields_in(f->r, value);
    field_bool(&options, "include_usage", &o->include_usage);
    f->failed = f->failed || options.failed;
}

bool openai_read(struct fields *f, struct openai *o)
{
    struct choices *c = &o->choices;
    struct hone_text model = {0};
    /* Where OpenAI's defaults are others: it draws among all tokens, and its penalties look back to the beginning. */
    c->like.sampling.temperature = 1;
    c->like.sampling.top_p = 1;
    c->like.sampling.top_k = 0;
    c->like.sampling.min_p = 0;
    c->like.sampling.penalty_last_n = SIZE_MAX;
    c->n_each = 1;
    field_text(f, "model", &model);
    if (f->failed || !http_model(f->r, model, HONE_TASK_GENERATE))
        return false;
    field_count(f, "n", 1, OPENAI_CHOICES, &c->n_each);
    read_stream_options(f, o);
    choices_read(f, c);
    return !f->failed;
}

void openai_begin(struct reply_buffer *out, const struct openai *o, const char *prefix, const char *object)
{
    const struct choices *c = &o->choices;
    reply_buffer_format(out, "{\"id\":\"%s-%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", prefix, c->id,
                        object, c->created);
    reply_buffer_json_string(out, c->r->model->name);
    reply_buffer_text(out, ",\"system_fingerprint\":\"hone-" HONE_VERSION "\",\"choices\":[");
}

void openai_begin_event(struct reply_buffer *out, const struct openai *o, const char *prefix,
                        const char *object)
{
    reply_buffer_text(out, "data: ");
    openai_begin(out, o, prefix, object);
}

void openai_end_event(struct reply_buffer *out, const struct openai *o)
{
    reply_buffer_text(out, o->include_usage ? "],\"usage\":null}\n\n" : "]}\n\n");
}

void openai_write_usage(struct reply_buffer *out, const struct openai *o)
{
    struct choices_usage u = choices_usage(&o->choices);
    reply_buffer_format(out,
                        "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
                        "\"prompt_tokens_details\":{\"cached_tokens\":%zu}}",
                        u.n_prompt, u.n_generated, u.n_prompt + u.n_generated, u.n_cached);
}

void openai_end_stream(struct reply_buffer *out, const struct openai *o, const char *prefix,
                       const char *object)
{
    if (o->include_usage) {
        openai_begin_event(out, o, prefix, object);
        reply_buffer_text(out, "],");
        openai_write_usage(out, o);
        reply_buffer_text(out, "}\n\n");
    }
    reply_buffer_text(out, "data: [DONE]\n\n");
}
