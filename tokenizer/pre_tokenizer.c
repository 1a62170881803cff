#include "tokenizer/pre_tokenizer.h"

#include "tokenizer/bert.h"
#include "tokenizer/split.h"
#include "tokenizer/unicode.h"
#include "tokenizer/utf8.h"

#include <stdlib.h>

/* work: a buffer of the step's own, for text that it changes. */
struct pre_step {
    bool (*run)(const struct pre_step *step, struct piece piece, struct buffer *work, struct sink sink);
    enum split_behavior behavior;
    uint32_t point; /* a delimiter */
    size_t length;  /* FixedLength: characters */
};

static bool run_bert(const struct pre_step *step, struct piece piece, struct buffer *work, struct sink sink)
{
    (void)step, (void)work;
    return bert_split(piece, sink);
}

static bool has_property(const void *property, uint32_t point)
{
    return unicode_properties(point) & *(const uint32_t *)property;
}

static bool run_white_space_split(const struct pre_step *step, struct piece piece, struct buffer *work,
                                  struct sink sink)
{
    static const uint32_t space = UC_SPACE;
    (void)step, (void)work;
    return split_characters(piece, has_property, &space, SPLIT_REMOVED, sink);
}

static bool run_punctuation(const struct pre_step *step, struct piece piece, struct buffer *work,
                            struct sink sink)
{
    static const uint32_t punctuation = UC_PUNCT;
    (void)work;
    return split_characters(piece, has_property, &punctuation, step->behavior, sink);
}

static bool run_digits(const struct pre_step *step, struct piece piece, struct buffer *work, struct sink sink)
{
    static const uint32_t numeric = UC_NUMERIC;
    (void)work;
    return split_characters(piece, has_property, &numeric, step->behavior, sink);
}

static bool is_point(const void *delimiter, uint32_t point)
{
    return point == *(const uint32_t *)delimiter;
}

static bool run_delimiter(const struct pre_step *step, struct piece piece, struct buffer *work,
                          struct sink sink)
{
    (void)work;
    return split_characters(piece, is_point, &step->point, SPLIT_REMOVED, sink);
}

static bool run_fixed_length(const struct pre_step *step, struct piece piece, struct buffer *work,
                             struct sink sink)
{
    (void)work;
    for (size_t at = 0; at < piece.size;) {
        size_t start = at;
        for (size_t i = 0; i < step->length && at < piece.size; i++)
            at += utf8_size(piece.data[at]);
        if (!piece_part(piece, start, at, sink))
            return false;
    }
    return true;
}

/* Runs of word characters, and runs of what is neither those nor white space. */
static bool run_white_space(const struct pre_step *step, struct piece piece, struct buffer *work,
                            struct sink sink)
{
    size_t start = 0;
    uint32_t before = UC_SPACE;
    (void)step, (void)work;
    for (const char *p = piece.data, *end = p + piece.size; p < end;) {
        size_t at = (size_t)(p - piece.data);
        uint32_t kind = unicode_properties(utf8_next(&p)) & (UC_WORD | UC_SPACE);
        if (kind == before)
            continue;
        if (before != UC_SPACE && !piece_part(piece, start, at, sink))
            return false;
        start = at;
        before = kind;
    }
    return before == UC_SPACE || piece_part(piece, start, piece.size, sink);
}

static bool init_parameters(struct pre_step *step, const json_t *spec, struct complaint *c)
{
    if (step->run == run_digits)
        step->behavior = component_bool(spec, "individual_digits", false) ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
    else if (!split_behavior(spec, SPLIT_ISOLATED, &step->behavior, c))
        return false;
    if (step->run == run_fixed_length) {
        const json_t *length = json_object_get(spec, "length");
        step->length = length ? (size_t)json_integer_value(length) : 5;
        if (step->length == 0)
            return tok_fail(c->why, c->why_size, "FixedLength: the length must not be 0");
    }
    if (step->run == run_delimiter) {
        struct tok_text delimiter;
        if (!component_char(spec, "delimiter", &delimiter, c))
            return false;
        step->point = utf8_next(&delimiter.data);
    }
    return true;
}

static bool init_step(struct pre_step *step, const json_t *spec, struct complaint *c)
{
    static const struct {
        const char *type;
        bool (*run)(const struct pre_step *, struct piece, struct buffer *, struct sink);
    } kinds[] = {
        {"BertPreTokenizer", run_bert},
        {"WhitespaceSplit", run_white_space_split},
        {"Whitespace", run_white_space},
        {"Punctuation", run_punctuation},
        {"Digits", run_digits},
        {"CharDelimiterSplit", run_delimiter},
        {"FixedLength", run_fixed_length},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(component_type(spec), kinds[i].type) == 0) {
            step->run = kinds[i].run;
            return init_parameters(step, spec, c);
        }
    }
    return component_refuse(c, "pre-tokenizer", spec);
}

bool pre_tokenizer_init(struct pre_tokenizer *p, const json_t *spec, struct complaint *c)
{
    const json_t *specs[COMPONENT_MAX_STEPS];
    int n_steps = component_steps(spec, "pretokenizers", specs, c);
    if (n_steps <= 0)
        return n_steps == 0;
    p->steps = calloc((size_t)n_steps, sizeof *p->steps);
    if (!p->steps)
        return tok_no_memory(c->why, c->why_size);
    p->n_steps = (size_t)n_steps;
    for (size_t i = 0; i < p->n_steps; i++)
        if (!init_step(&p->steps[i], specs[i], c))
            return false;
    return true;
}

void pre_tokenizer_release(struct pre_tokenizer *p)
{
    free(p->steps);
    *p = (struct pre_tokenizer){0};
}

bool pre_scratch_reserve(struct pre_scratch *scratch, const struct pre_tokenizer *p)
{
    if (scratch->n_buffers >= p->n_steps)
        return true;
    struct buffer *buffers = realloc(scratch->buffers, p->n_steps * sizeof *buffers);
    if (!buffers)
        return false;
    memset(buffers + scratch->n_buffers, 0, (p->n_steps - scratch->n_buffers) * sizeof *buffers);
    scratch->buffers = buffers;
    scratch->n_buffers = p->n_steps;
    return true;
}

void pre_scratch_release(struct pre_scratch *scratch)
{
    for (size_t i = 0; i < scratch->n_buffers; i++)
        buffer_release(&scratch->buffers[i]);
    free(scratch->buffers);
    *scratch = (struct pre_scratch){0};
}

/* The steps from `step` on, as a sink for the one before. */
struct rest {
    const struct pre_tokenizer *p;
    struct pre_scratch *scratch;
    struct sink sink;
    size_t step;
};

static bool take_rest(void *arg, struct piece piece)
{
    const struct rest *rest = arg;
    const struct pre_step *step = &rest->p->steps[rest->step];
    struct rest next = *rest;
    next.step++;
    struct sink sink = next.step == rest->p->n_steps ? rest->sink : (struct sink){take_rest, &next};
    return step->run(step, piece, &rest->scratch->buffers[rest->step], sink);
}

bool pre_tokenizer_run(const struct pre_tokenizer *p, struct piece piece, struct pre_scratch *scratch,
                       struct sink sink)
{
    struct rest rest = {p, scratch, sink, 0};
    if (piece.size == 0)
        return true;
    return p->n_steps ? take_rest(&rest, piece) : sink.take(sink.arg, piece);
}
