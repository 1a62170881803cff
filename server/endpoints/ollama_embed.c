/* POST /api/embed, and /api/embeddings, which came before it. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/generate/ollama.h"
#include "server/service.h"

struct embeds {
    struct work work;
    bool single; /* the older form */
    uint64_t began;
};

static void answer(struct http_request *r)
{
    const struct embeds *e = r->state;
    const struct work *w = &e->work;
    if (!work_fits(r, w))
        return;
    if (e->single) {
        reply_buffer_text(&r->out, "{\"embedding\":");
        reply_buffer_json_floats(&r->out, w->values, w->width);
        reply_buffer_text(&r->out, "}");
    } else {
        reply_buffer_text(&r->out, "{\"model\":");
        reply_buffer_json_string(&r->out, r->model->name);
        reply_buffer_text(&r->out, ",\"embeddings\":");
        work_write_rows(&r->out, w);
        reply_buffer_format(&r->out,
                            ",\"total_duration\":%llu,\"load_duration\":0,\"prompt_eval_count\":%zu}",
                            (unsigned long long)(clock_now(r->service->clock) - e->began), work_tokens(w));
    }
    http_reply(r, 200);
}

static void handle(struct http_request *r, const char *name, bool single)
{
    struct embeds *e = work_state(r, sizeof *e, work_release);
    struct fields f = fields_of(r);
    bool truncate = true;
    if (!e || !ollama_model(&f, HONE_TASK_EMBED))
        return;
    e->single = single;
    e->began = clock_now(r->service->clock);
    field_bool(&f, "truncate", &truncate);
    e->work.strict = !truncate;
    field_count(&f, "dimensions", 1, r->model->info->n_dims, &e->work.request.how.n_dims);
    /* Of the newer form they have the length 1, of the older one what the model makes of a text. */
    e->work.request.how.normalize = single ? -1 : 1;
    field_required(&f, name);
    field_texts(&f, name, &e->work.texts);
    work_texts(&e->work);
    const json_t *options = field_get(&f, "options"); /* of which none says anything here */
    if (!f.failed && fields_check_unknown(r, options, NULL))
        work_embed(r, &e->work, answer);
}

void ollama_embed_handle(struct http_request *r)
{
    handle(r, "input", false);
}

void ollama_embeddings_handle(struct http_request *r)
{
    handle(r, "prompt", true);
}
