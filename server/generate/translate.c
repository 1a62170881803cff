/* LibreTranslate's dialect (docs.libretranslate.com/api): POST /translate, GET /languages; POST /detect is not done. */
#include "runtime/base/text.h"
#include "server/endpoints/endpoints.h"
#include "server/generate/choices.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

struct translations {
    struct choices choices; /* of all sentences */
    struct hone_beams beams;
    struct texts texts;       /* as the client has them */
    struct hone_text *spaces; /* behind each sentence */
    size_t *n_sentences;      /* of each text */
    bool alone;               /* one text, not a list of them */
};

static void release(void *state)
{
    struct translations *t = state;
    free(t->texts.items);
    free(t->spaces);
    free(t->n_sentences);
    choices_release(&t->choices);
}

/* ---- the answer ---- */

static void write_text(struct reply_buffer *out, const struct translations *t, size_t *sentence, size_t n)
{
    struct reply_buffer text = {0};
    for (size_t end = *sentence + n; *sentence < end; (*sentence)++) {
        const struct hone_generated *g = choice_result(&t->choices.items[*sentence]);
        reply_buffer_write(&text, g->text, g->text_size);
        reply_buffer_write(&text, t->spaces[*sentence].data, t->spaces[*sentence].size);
    }
    reply_buffer_json_text(out, (struct hone_text){text.data ? text.data : "", text.size});
    out->failed = out->failed || text.failed;
    reply_buffer_release(&text);
}

static void answer(struct http_request *r)
{
    const struct translations *t = r->state;
    size_t sentence = 0;
    reply_buffer_text(&r->out, t->alone ? "{\"translatedText\":" : "{\"translatedText\":[");
    for (size_t i = 0; i < t->texts.n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_text(&r->out, t, &sentence, t->n_sentences[i]);
    }
    reply_buffer_text(&r->out, t->alone ? "}" : "]}");
    http_reply(r, 200);
}

/* ---- the request ---- */

/* The sentences of all texts, as prompts. */
static bool split(struct translations *t)
{
    struct hone_text rest, sentence, space;
    struct choices *c = &t->choices;
    size_t n = 0;
    t->n_sentences = calloc(t->texts.n + 1, sizeof *t->n_sentences);
    for (int pass = 0; pass < 2 && t->n_sentences; pass++) {
        if (pass == 1) {
            c->texts.items = calloc(n + 1, sizeof *c->texts.items);
            t->spaces = calloc(n + 1, sizeof *t->spaces);
            if (!c->texts.items || !t->spaces)
                return false;
        }
        n = 0;
        for (size_t i = 0; i < t->texts.n; i++) {
            size_t first = n;
            for (rest = t->texts.items[i]; hone_next_sentence(&rest, &sentence, &space); n++) {
                if (pass == 1) {
                    c->texts.items[n] = sentence;
                    t->spaces[n] = space;
                }
            }
            t->n_sentences[i] = n - first;
        }
    }
    c->texts.n = c->n_prompts = n;
    return t->n_sentences != NULL;
}

/* Whether the model has that language on that side, as it or ISO 639-1 calls it. */
static bool has_language(const struct hone_model *model, struct hone_text code, bool from)
{
    struct hone_language l;
    for (size_t i = 0; hone_model_language(model, i, &l); i++)
        for (int k = 0; k < 2; k++) {
            const char *name = k ? l.iso : l.code;
            if ((from ? l.from : l.to) && code.size == strlen(name) &&
                strncasecmp(code.data, name, code.size) == 0)
                return true;
        }
    return false;
}

static void read_language(struct fields *f, const char *name, bool from, struct hone_text *out)
{
    field_required(f, name);
    field_text(f, name, out);
    if (f->failed)
        return;
    if (from && text_is(*out, "auto"))
        field_fail(f, PROBLEM_FIELD, name, "cannot be 'auto': languages are not detected here");
    else if (!has_language(f->r->model->light, *out, from))
        field_fail(f, PROBLEM_FIELD, name,
                   "is '%.32s', which '%s' does not translate %s; /languages has those", out->data,
                   f->r->model->name, from ? "from" : "to");
}

/* What is not done is refused, so that nobody takes something else for it. */
static void refuse_others(struct fields *f)
{
    struct hone_text format = {"text", 4};
    size_t alternatives = 0;
    field_text(f, "format", &format);
    if (!text_is(format, "text"))
        field_fail(f, PROBLEM_FIELD, "format", "must be 'text'");
    field_count(f, "alternatives", 0, INT32_MAX, &alternatives);
    if (alternatives > 0)
        field_fail(f, PROBLEM_FIELD, "alternatives", "must be 0");
}

void translate_handle(struct http_request *r)
{
    struct translations *t = choices_state(r, sizeof *t, release);
    struct fields f = fields_of(r);
    struct hone_text model = {0};
    if (!t)
        return;
    struct choices *c = &t->choices;
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_GENERATE))
        return;
    field_required(&f, "q");
    t->alone = json_is_string(field_get(&f, "q"));
    field_texts(&f, "q", &t->texts);
    read_language(&f, "source", true, &c->like.from);
    read_language(&f, "target", false, &c->like.to);
    refuse_others(&f);
    c->like.sampling.temperature = 0;
    if (hone_model_beams(r->model->light, &t->beams))
        c->like.beams = &t->beams;
    if (f.failed)
        return;
    if (!split(t))
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for sentences");
    else if (c->n_prompts == 0)
        answer(r);
    else
        choices_submit(r, c, answer);
}

/* ---- languages ---- */

static void write_targets(struct reply_buffer *out, const struct hone_model *model)
{
    struct hone_language l;
    bool first = true;
    for (size_t i = 0; hone_model_language(model, i, &l); i++)
        if (l.to) {
            reply_buffer_text(out, first ? "" : ",");
            reply_buffer_json_string(out, l.code);
            first = false;
        }
}

void languages_handle(struct http_request *r)
{
    struct hone_language l;
    bool first = true;
    if (!http_model(r, (struct hone_text){0}, HONE_TASK_GENERATE))
        return;
    const struct hone_model *model = r->model->light;
    reply_buffer_text(&r->out, "[");
    for (size_t i = 0; hone_model_language(model, i, &l); i++)
        if (l.from) {
            reply_buffer_text(&r->out, first ? "{\"code\":" : ",{\"code\":");
            reply_buffer_json_string(&r->out, l.code);
            reply_buffer_text(&r->out, ",\"name\":");
            reply_buffer_json_string(&r->out, l.name);
            reply_buffer_text(&r->out, ",\"targets\":[");
            write_targets(&r->out, model);
            reply_buffer_text(&r->out, "]}");
            first = false;
        }
    reply_buffer_text(&r->out, "]");
    http_reply(r, 200);
}

void detect_handle(struct http_request *r)
{
    http_fail(r, PROBLEM_TASK, NULL, "languages are not detected here: name the source language");
}
