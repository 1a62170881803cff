#include "tokenizer/stages/normalizer.h"

#include "runtime/base/utf8.h"
#include "tokenizer/stages/bytelevel.h"
#include "tokenizer/text/unicode.h"

#include <stdlib.h>

/* One step's work on one text. */
struct normalizer_job {
    struct hone_text text;
    struct buffer *out;
    struct pattern_scratch *pattern;
    bool front, failed;
};

struct normalizer_step {
    void (*run)(const struct normalizer_step *step, struct normalizer_job *job);
    struct bert_normalizer bert;
    int form;                    /* UC_NFC... */
    bool left, right;            /* Strip */
    struct tok_pattern *pattern; /* Replace; owned, as is what follows */
    char *content;               /* Replace, Prepend */
    size_t content_size;
    struct charsmap charsmap; /* Precompiled */
};

/* The part [start, end) of the text stays as it is. */
static void keep(struct normalizer_job *job, size_t start, size_t end)
{
    buffer_append(job->out, job->text.data + start, end - start);
    origins_keep(job->out, start);
}

static void run_bert(const struct normalizer_step *step, struct normalizer_job *job)
{
    tok_bert_normalize(&step->bert, job->text, job->out, &job->front);
}

static void run_form(const struct normalizer_step *step, struct normalizer_job *job)
{
    unicode_normalize(job->out, step->form, job->text.data, job->text.size);
}

static void run_lowercase(const struct normalizer_step *step, struct normalizer_job *job)
{
    (void)step;
    for (const char *p = job->text.data, *end = p + job->text.size; p < end;) {
        size_t at = (size_t)(p - job->text.data);
        uint32_t point = utf8_next(&p), lower[2];
        if (!(unicode_properties(point) & UC_CASED)) {
            keep(job, at, (size_t)(p - job->text.data));
            continue;
        }
        unsigned n = unicode_lower(point, lower);
        for (unsigned i = 0; i < n; i++)
            buffer_point(job->out, lower[i]);
        origins_note(job->out, at);
    }
}

static bool is_space(const char *p)
{
    return unicode_properties(utf8_next(&p)) & UC_SPACE;
}

static void run_strip(const struct normalizer_step *step, struct normalizer_job *job)
{
    const char *start = job->text.data, *end = start + job->text.size;
    while (step->left && start < end && is_space(start))
        start += utf8_size(*start);
    while (step->right && end > start && is_space(utf8_before(end)))
        end = utf8_before(end);
    job->front &= start == job->text.data;
    keep(job, (size_t)(start - job->text.data), (size_t)(end - job->text.data));
}

static void run_strip_accents(const struct normalizer_step *step, struct normalizer_job *job)
{
    (void)step;
    for (const char *p = job->text.data, *end = p + job->text.size; p < end;) {
        size_t at = (size_t)(p - job->text.data);
        if (!(unicode_properties(utf8_next(&p)) & UC_ACCENT))
            keep(job, at, (size_t)(p - job->text.data));
        else if (at == 0)
            job->front = false;
    }
}

static bool nmt_drops(uint32_t c)
{
    return (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
}

static bool nmt_is_space(uint32_t c)
{
    return c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 || (c >= 0x200b && c <= 0x200f) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
}

/* SentencePiece's "nmt" rules: control characters go, all kinds of space become ' '. */
static void run_nmt(const struct normalizer_step *step, struct normalizer_job *job)
{
    (void)step;
    for (const char *p = job->text.data, *end = p + job->text.size; p < end;) {
        size_t at = (size_t)(p - job->text.data);
        uint32_t c = utf8_next(&p);
        if (nmt_is_space(c))
            buffer_byte(job->out, ' ');
        else if (!nmt_drops(c))
            buffer_append(job->out, job->text.data + at, (size_t)(p - job->text.data) - at);
        else if (at == 0)
            job->front = false;
        origins_note(job->out, at);
    }
}

static void run_replace(const struct normalizer_step *step, struct normalizer_job *job)
{
    struct pattern_search search;
    size_t done = 0, start, end;
    tok_pattern_begin(&search, step->pattern, job->text.data, job->text.size, job->pattern);
    while (job->text.size && !job->out->failed && tok_pattern_next(&search, &start, &end)) {
        keep(job, done, start);
        buffer_append(job->out, step->content, step->content_size);
        origins_note(job->out, end ? end - 1 : 0);
        if (start == 0 && end > 0 && !step->content_size)
            job->front = false;
        done = end;
    }
    keep(job, done, job->text.size);
    job->failed |= search.failed;
}

static void run_prepend(const struct normalizer_step *step, struct normalizer_job *job)
{
    if (job->text.size)
        buffer_append(job->out, step->content, step->content_size);
    origins_note(job->out, 0);
    keep(job, 0, job->text.size);
}

static void run_byte_level(const struct normalizer_step *step, struct normalizer_job *job)
{
    (void)step;
    tok_bytelevel_append(job->out, job->text.data, job->text.size);
}

static void run_precompiled(const struct normalizer_step *step, struct normalizer_job *job)
{
    tok_charsmap_apply(&step->charsmap, job->text, job->out);
}

static bool keep_content(struct normalizer_step *step, struct hone_text content, struct complaint *c)
{
    step->content = malloc(content.size + 1);
    if (!step->content)
        return tok_no_memory(c->err);
    memcpy(step->content, content.data, content.size);
    step->content_size = content.size;
    return true;
}

static bool init_charsmap(struct normalizer_step *step, const json_t *spec, struct hone_text charsmap,
                          struct complaint *c)
{
    struct buffer decoded = {0};
    bool ok = true;
    if (json_object_get(spec, "precompiled_charsmap")) {
        ok = tok_base64_decode(tok_component_text(spec, "precompiled_charsmap"), &decoded);
        charsmap = (struct hone_text){decoded.data, decoded.size};
    }
    ok = ok ? tok_charsmap_init(&step->charsmap, charsmap, c)
            : tok_fail(c->err, HONE_BAD_MODEL, "Precompiled: the map of characters is not base64");
    buffer_release(&decoded);
    return ok;
}

static bool init_parameters(struct normalizer_step *step, const json_t *spec, struct hone_text charsmap,
                            struct complaint *c)
{
    if (step->run == run_precompiled)
        return init_charsmap(step, spec, charsmap, c);
    if (step->run == run_bert)
        tok_bert_normalizer_init(&step->bert, spec);
    step->left = tok_component_bool(spec, "strip_left", false);
    step->right = tok_component_bool(spec, "strip_right", false);
    if (step->run == run_prepend)
        return keep_content(step, tok_component_text(spec, "prepend"), c);
    if (step->run != run_replace)
        return true;
    step->pattern = tok_pattern_new(json_object_get(spec, "pattern"), "Replace", c);
    return step->pattern && keep_content(step, tok_component_text(spec, "content"), c);
}

static bool init_step(struct normalizer_step *step, const json_t *spec, struct hone_text charsmap,
                      struct complaint *c)
{
    static const struct {
        const char *type;
        void (*run)(const struct normalizer_step *, struct normalizer_job *);
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
        {"Replace", run_replace, 0},
        {"Prepend", run_prepend, 0},
        {"ByteLevel", run_byte_level, 0},
        {"Precompiled", run_precompiled, 0},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(tok_component_type(spec), kinds[i].type) == 0) {
            step->run = kinds[i].run;
            step->form = kinds[i].form;
            return init_parameters(step, spec, charsmap, c);
        }
    }
    return tok_component_refuse(c, "normalizer", spec);
}

bool tok_normalizer_init(struct normalizer *n, const json_t *spec, struct hone_text charsmap,
                         struct complaint *c)
{
    const json_t *specs[COMPONENT_MAX_STEPS];
    int n_steps = tok_component_steps(spec, "normalizers", specs, c);
    if (n_steps <= 0)
        return n_steps == 0;
    n->steps = calloc((size_t)n_steps, sizeof *n->steps);
    if (!n->steps)
        return tok_no_memory(c->err);
    n->n_steps = (size_t)n_steps;
    for (size_t i = 0; i < n->n_steps; i++)
        if (!init_step(&n->steps[i], specs[i], charsmap, c))
            return false;
    return true;
}

void tok_normalizer_release(struct normalizer *n)
{
    for (size_t i = 0; i < n->n_steps; i++) {
        tok_pattern_free(n->steps[i].pattern);
        free(n->steps[i].content);
        tok_charsmap_release(&n->steps[i].charsmap);
    }
    free(n->steps);
    *n = (struct normalizer){0};
}

void tok_normalizer_scratch_release(struct normalizer_scratch *s)
{
    for (int i = 0; i < 2; i++) {
        buffer_release(&s->work[i]);
        buffer_release(&s->origins[i].spans);
    }
    tok_pattern_scratch_release(&s->pattern);
}

void tok_normalizer_run(const struct normalizer *n, struct tok_piece *piece, struct normalizer_scratch *s)
{
    struct normalizer_job job = {{piece->data, piece->size}, NULL, &s->pattern, piece->front, false};
    for (size_t i = 0; i < n->n_steps && !job.failed; i++) {
        job.out = &s->work[i % 2];
        tok_origins_begin(job.out, &s->origins[i % 2], piece->origins);
        effort_begin(s->effort, job.out, job.text.size);
        n->steps[i].run(&n->steps[i], &job);
        job.failed |= !effort_end(s->effort, job.out, job.text.size);
        job.text = (struct hone_text){job.out->data, job.out->size};
        piece->origins = origins_of(job.out);
    }
    piece->data = job.text.data;
    piece->size = job.text.size;
    piece->front = job.front;
    s->failed = job.failed;
}
