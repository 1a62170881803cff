#include "tokenizer/normalizer.h"

#include "tokenizer/bytelevel.h"
#include "tokenizer/unicode.h"
#include "tokenizer/utf8.h"

#include <stdlib.h>

struct normalizer_step {
    void (*run)(const struct normalizer_step *step, struct tok_text text, struct buffer *out, bool *front);
    struct bert_normalizer bert;
    int form;         /* UC_NFC... */
    bool left, right; /* Strip */
    char *from, *to;  /* Replace, Prepend; owned */
    size_t from_size, to_size;
};

static void run_bert(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                     bool *front)
{
    bert_normalize(&step->bert, text, out, front);
}

static void run_form(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                     bool *front)
{
    (void)front;
    unicode_normalize(out, step->form, text.data, text.size);
}

static void run_lowercase(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                          bool *front)
{
    (void)step, (void)front;
    for (const char *p = text.data, *end = p + text.size; p < end;) {
        const char *at = p;
        uint32_t point = utf8_next(&p), lower[2];
        if (!(unicode_properties(point) & UC_CASED)) {
            buffer_append(out, at, (size_t)(p - at));
            continue;
        }
        unsigned n = unicode_lower(point, lower);
        for (unsigned i = 0; i < n; i++)
            buffer_point(out, lower[i]);
    }
}

static bool is_space(uint32_t point)
{
    return unicode_properties(point) & UC_SPACE;
}

static void run_strip(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                      bool *front)
{
    const char *start = text.data, *end = text.data + text.size;
    for (const char *p = start; step->left && p < end && is_space(utf8_next(&p));)
        start = p;
    while (step->right && end > start) {
        const char *last = utf8_before(end), *p = last;
        if (!is_space(utf8_next(&p)))
            break;
        end = last;
    }
    *front &= start == text.data;
    buffer_append(out, start, (size_t)(end - start));
}

static void run_strip_accents(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                              bool *front)
{
    (void)step;
    for (const char *p = text.data, *end = p + text.size; p < end;) {
        const char *at = p;
        if (!(unicode_properties(utf8_next(&p)) & UC_ACCENT))
            buffer_append(out, at, (size_t)(p - at));
        else if (at == text.data)
            *front = false;
    }
}

/* SentencePiece's "nmt" rules: control characters go, all kinds of space become ' '. */
static void run_nmt(const struct normalizer_step *step, struct tok_text text, struct buffer *out, bool *front)
{
    (void)step;
    for (const char *p = text.data, *end = p + text.size; p < end;) {
        const char *at = p;
        uint32_t c = utf8_next(&p);
        bool gone =
            (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
        bool space = c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 ||
                     (c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                     c == 0xfeff || c == 0xfffd;
        if (gone && at == text.data)
            *front = false;
        if (space)
            buffer_byte(out, ' ');
        else if (!gone)
            buffer_append(out, at, (size_t)(p - at));
    }
}

static void run_replace(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                        bool *front)
{
    const char *p = text.data, *end = p + text.size, *match;
    while (p < end && (match = memmem(p, (size_t)(end - p), step->from, step->from_size))) {
        if (match == text.data && !step->to_size)
            *front = false;
        buffer_append(out, p, (size_t)(match - p));
        buffer_append(out, step->to, step->to_size);
        p = match + step->from_size;
    }
    buffer_append(out, p, (size_t)(end - p));
}

static void run_prepend(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                        bool *front)
{
    (void)front;
    if (text.size)
        buffer_append(out, step->to, step->to_size);
    buffer_append(out, text.data, text.size);
}

static void run_byte_level(const struct normalizer_step *step, struct tok_text text, struct buffer *out,
                           bool *front)
{
    (void)step, (void)front;
    bytelevel_append(out, text.data, text.size);
}

static char *copy(struct tok_text text, size_t *size)
{
    char *data = malloc(text.size + 1);
    if (data) {
        memcpy(data, text.data, text.size);
        data[text.size] = 0;
    }
    *size = text.size;
    return data;
}

static bool init_replace(struct normalizer_step *step, const json_t *spec, struct complaint *c)
{
    const json_t *pattern = json_object_get(spec, "pattern");
    struct tok_text string = component_text(pattern, "String");
    if (!string.size)
        return tok_fail(c->why, c->why_size, "Replace: only a pattern that is a string is supported");
    step->run = run_replace;
    step->from = copy(string, &step->from_size);
    step->to = copy(component_text(spec, "content"), &step->to_size);
    return (step->from && step->to) || tok_no_memory(c->why, c->why_size);
}

static bool init_prepend(struct normalizer_step *step, const json_t *spec, struct complaint *c)
{
    step->run = run_prepend;
    step->to = copy(component_text(spec, "prepend"), &step->to_size);
    return step->to || tok_no_memory(c->why, c->why_size);
}

static bool init_step(struct normalizer_step *step, const json_t *spec, struct complaint *c)
{
    static const struct {
        const char *type;
        void (*run)(const struct normalizer_step *, struct tok_text, struct buffer *, bool *);
        int form;
    } kinds[] = {
        {"BertNormalizer", run_bert, 0},
        {"NFC", run_form, UC_NFC},
        {"NFD", run_form, UC_NFD},
        {"NFKC", run_form, UC_NFKC},
        {"NFKD", run_form, UC_NFKD},
        {"Lowercase", run_lowercase, 0},
        {"Strip", run_strip, 0},
        {"StripAccents", run_strip_accents, 0},
        {"Nmt", run_nmt, 0},
        {"ByteLevel", run_byte_level, 0},
    };
    const char *type = component_type(spec);
    if (strcmp(type, "Replace") == 0)
        return init_replace(step, spec, c);
    if (strcmp(type, "Prepend") == 0)
        return init_prepend(step, spec, c);
    bert_normalizer_init(&step->bert, spec);
    step->left = component_bool(spec, "strip_left", false);
    step->right = component_bool(spec, "strip_right", false);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(type, kinds[i].type) == 0) {
            step->run = kinds[i].run;
            step->form = kinds[i].form;
            return true;
        }
    }
    return component_refuse(c, "normalizer", spec);
}

bool normalizer_init(struct normalizer *n, const json_t *spec, struct complaint *c)
{
    const json_t *specs[COMPONENT_MAX_STEPS];
    int n_steps = component_steps(spec, "normalizers", specs, c);
    if (n_steps <= 0)
        return n_steps == 0;
    n->steps = calloc((size_t)n_steps, sizeof *n->steps);
    if (!n->steps)
        return tok_no_memory(c->why, c->why_size);
    n->n_steps = (size_t)n_steps;
    for (size_t i = 0; i < n->n_steps; i++)
        if (!init_step(&n->steps[i], specs[i], c))
            return false;
    return true;
}

void normalizer_release(struct normalizer *n)
{
    for (size_t i = 0; i < n->n_steps; i++) {
        free(n->steps[i].from);
        free(n->steps[i].to);
    }
    free(n->steps);
    *n = (struct normalizer){0};
}

void normalizer_run(const struct normalizer *n, struct tok_text text, struct buffer work[2],
                    struct tok_text *out, bool *front)
{
    *out = text;
    for (size_t i = 0; i < n->n_steps; i++) {
        struct buffer *to = &work[i % 2];
        buffer_clear(to);
        n->steps[i].run(&n->steps[i], *out, to, front);
        *out = (struct tok_text){to->data, to->size};
        if (to->failed)
            return;
    }
}
