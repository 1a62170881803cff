/* POST /api/v1/fill-mask: {"texts": ["... [MASK] ...", ...]}, and "model", "top_n" if need be: words that fit. */
#include "server/endpoints/endpoints.h"
#include "server/endpoints/work.h"
#include "server/service.h"

#define USUAL_WORDS 5    /* as many as transformers' pipeline tells */
#define MOST_WORDS  1000 /* of a mask: an answer is some MB at most */

struct fill_masks {
    struct work work;
    struct hone_word *words;
    size_t *starts; /* [n + 1] */
};

static void release(void *state)
{
    struct fill_masks *f = state;
    hone_free(f->words);
    hone_free(f->starts);
    work_release(&f->work);
}

static void write_word(struct http_request *r, const struct hone_word *word)
{
    char *text;
    size_t size;
    struct hone_error err;
    if (hone_detokenize(r->model->light, &word->id, 1, false, &text, &size, &err) != HONE_OK)
        text = NULL;
    reply_buffer_text(&r->out, "{\"token\":");
    reply_buffer_json_text(&r->out, (struct hone_text){text ? text : "", text ? size : 0});
    reply_buffer_format(&r->out, ",\"id\":%d,\"score\":", word->id);
    reply_buffer_json_float(&r->out, word->weight);
    reply_buffer_text(&r->out, "}");
    hone_free(text);
}

static void write_text(struct http_request *r, const struct fill_masks *f, size_t i)
{
    size_t first = f->starts[i], end = f->starts[i + 1], n_words = f->work.request.how.n_dims;
    reply_buffer_text(&r->out, i ? ",[" : "[");
    for (size_t k = first; k < end; k++) {
        bool begins = (k - first) % n_words == 0;
        reply_buffer_text(&r->out, begins ? (k > first ? "],[" : "[") : ",");
        write_word(r, &f->words[k]);
    }
    reply_buffer_text(&r->out, end > first ? "]]" : "]");
}

static void answer(struct http_request *r)
{
    const struct fill_masks *f = r->state;
    if (!work_fits(r, &f->work))
        return;
    reply_buffer_text(&r->out, "{\"model\":");
    reply_buffer_json_string(&r->out, r->model->name);
    reply_buffer_text(&r->out, ",\"masks\":[");
    for (size_t i = 0; i < f->work.n; i++)
        write_text(r, f, i);
    reply_buffer_text(&r->out, "],");
    work_write_usage(&r->out, &f->work);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

void fill_masks_handle(struct http_request *r)
{
    struct fill_masks *m = work_state(r, sizeof *m, release);
    struct hone_text model = {0};
    if (!m)
        return;
    struct fields f = fields_of(r);
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_EMBED))
        return;
    size_t n_vocab = r->model->info->n_vocab, most = n_vocab < MOST_WORDS ? n_vocab : MOST_WORDS;
    m->work.request.how.n_dims = USUAL_WORDS < most ? USUAL_WORDS : most;
    field_count(&f, "top_n", 1, most, &m->work.request.how.n_dims);
    field_required(&f, "texts");
    field_texts(&f, "texts", &m->work.texts);
    work_texts(&m->work);
    m->work.request.out_words = &m->words;
    m->work.request.out_starts = &m->starts;
    if (!f.failed && !r->model->info->fills_masks)
        field_fail(&f, PROBLEM_TASK, "model", "must tell words; '%s' has no head for them", r->model->name);
    if (!f.failed)
        work_submit(r, &m->work, HONE_REQUEST_FILL_MASKS, 0, answer);
}
