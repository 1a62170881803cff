#include "server/chat/chat_form.h"

#include "server/chat/channels.h"

#include <stdlib.h>
#include <string.h>

/* Whether it is usually left out of texts. */
static bool is_special(const struct hone_model *vocab, int32_t id)
{
    char *bare = NULL, *whole = NULL;
    size_t n_bare = 1, n_whole = 0;
    bool told = hone_detokenize(vocab, &id, 1, true, &bare, &n_bare, NULL) == HONE_OK &&
                hone_detokenize(vocab, &id, 1, false, &whole, &n_whole, NULL) == HONE_OK;
    hone_free(bare);
    hone_free(whole);
    return told && n_bare == 0 && n_whole > 0;
}

static void add_shown(struct chat_form *form, int32_t id)
{
    for (size_t i = 0; i < form->n_shown; i++)
        if (form->shown[i] == id)
            return;
    if (form->n_shown < MOST_SHOWN)
        form->shown[form->n_shown++] = id;
}

/* The mark's special tokens are to be shown. Its tokens go to `out` [most], where there is one; 0: they are more, or none. */
static size_t read_mark(struct chat_form *form, const struct hone_model *vocab, const char *mark,
                        int32_t *out, size_t most)
{
    struct hone_text text = {mark, mark ? strlen(mark) : 0};
    struct hone_span *spans = NULL;
    int32_t *ids = NULL;
    size_t n = 0;
    if (text.size > 0 && hone_tokenize_spans(vocab, &text, false, &ids, &spans, &n, NULL) != HONE_OK)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_special(vocab, ids[i]))
            add_shown(form, ids[i]);
        if (i < most)
            out[i] = ids[i];
    }
    n = n <= most ? n : 0;
    hone_free(ids);
    hone_free(spans);
    return n;
}

void chat_form_find(const struct hone_model *model, const struct hone_model *vocab, struct chat_form *out)
{
    struct hone_text template = hone_model_info(model)->chat_template, none = {"", 0};
    *out = (struct chat_form){0};
    if (template.size == 0)
        return;
    out->has_calls = tool_form_of(model, &out->calls);
    out->reasoning = reasoning_of(template, none);
    const struct tool_form *c = &out->calls;
    const char *const marks[] = {c->open,     c->close,     c->wrap,        c->wrap_close,
                                 c->key_open, c->key_close, c->value_close, out->reasoning.open};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        read_mark(out, vocab, marks[i], NULL, 0);
    out->channels = channels_of(template);
    for (size_t i = 0; out->channels && out->channels->marks[i]; i++)
        read_mark(out, vocab, out->channels->marks[i], NULL, 0);
    out->n_close = read_mark(out, vocab, out->channels ? out->channels->answer : out->reasoning.close,
                             out->close, MOST_CLOSE);
}
