#include "tokenizer/stages/pre_tokenizer.h"

#include "runtime/base/utf8.h"
#include "tokenizer/stages/bert.h"
#include "tokenizer/stages/bytelevel.h"
#include "tokenizer/stages/split.h"
#include "tokenizer/text/unicode.h"

#include <stdlib.h>

struct pre_step {
    bool (*run)(const struct pre_step *step, struct tok_piece piece, struct pre_work *work, struct sink sink);
    enum split_behavior behavior;
    struct tok_pattern *pattern; /* owned */
    bool invert;                 /* Split: what matches is not the delimiter */
    bool prefix_space;           /* ByteLevel: a space before what has none */
    bool bytes;                  /* ByteLevel: hand out bytes */
    uint32_t point;              /* a delimiter, or Metaspace's replacement */
    size_t length;               /* FixedLength: characters */
    enum { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER } prepend; /* Metaspace */
    bool split;                                                    /* Metaspace */
};

static bool run_bert(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                     struct sink sink)
{
    (void)step, (void)work;
    return tok_bert_split(piece, sink);
}

static bool has_property(const void *property, uint32_t point)
{
    return unicode_properties(point) & *(const uint32_t *)property;
}

static bool run_white_space_split(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                                  struct sink sink)
{
    static const uint32_t space = UC_SPACE;
    (void)step, (void)work;
    return tok_split_characters(piece, has_property, &space, SPLIT_REMOVED, sink);
}

static bool run_punctuation(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                            struct sink sink)
{
    static const uint32_t punctuation = UC_PUNCT;
    (void)work;
    return tok_split_characters(piece, has_property, &punctuation, step->behavior, sink);
}

static bool run_digits(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                       struct sink sink)
{
    static const uint32_t numeric = UC_NUMERIC;
    (void)work;
    return tok_split_characters(piece, has_property, &numeric, step->behavior, sink);
}

static bool is_point(const void *delimiter, uint32_t point)
{
    return point == *(const uint32_t *)delimiter;
}

static bool run_delimiter(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                          struct sink sink)
{
    (void)work;
    return tok_split_characters(piece, is_point, &step->point, SPLIT_REMOVED, sink);
}

static bool run_fixed_length(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
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
static bool run_white_space(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
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

static bool run_split(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                      struct sink sink)
{
    struct splitter s = {.whole = piece, .sink = sink, .behavior = step->behavior};
    struct pattern_search search;
    size_t done = 0, start, end;
    tok_pattern_begin(&search, step->pattern, piece.data, piece.size, &work->pattern);
    while (tok_pattern_next(&search, &start, &end)) {
        if (start > done && !tok_splitter_stretch(&s, done, start, step->invert))
            return false;
        if (!tok_splitter_stretch(&s, start, end, !step->invert))
            return false;
        done = end;
    }
    if (search.failed || (done < piece.size && !tok_splitter_stretch(&s, done, piece.size, step->invert)))
        return false;
    return tok_splitter_finish(&s);
}

static void begin_text(const struct tok_piece *piece, const struct pre_work *work, struct buffer *text,
                       struct origins *origins)
{
    tok_origins_begin(text, origins, piece->origins);
    effort_begin(work->effort, text, piece->size);
}

/* From now on the piece is what `text` holds. */
static bool take_text(struct tok_piece *piece, const struct pre_work *work, const struct buffer *text)
{
    bool fits = effort_end(work->effort, text, piece->size);
    piece->data = text->data;
    piece->size = text->size;
    piece->origins = origins_of(text);
    return fits;
}

static bool prepend_space(struct tok_piece *piece, struct pre_work *work)
{
    struct buffer *text = &work->first;
    begin_text(piece, work, text, &work->first_origins);
    buffer_byte(text, ' ');
    origins_note(text, 0);
    buffer_append(text, piece->data, piece->size);
    origins_keep(text, 0);
    return take_text(piece, work, text);
}

struct byte_sink {
    struct pre_work *work;
    struct sink sink;
};

static bool take_as_characters(void *arg, struct tok_piece piece)
{
    const struct byte_sink *s = arg;
    struct buffer *text = &s->work->second;
    begin_text(&piece, s->work, text, &s->work->second_origins);
    tok_bytelevel_append(text, piece.data, piece.size);
    return take_text(&piece, s->work, text) && s->sink.take(s->sink.arg, piece);
}

static bool run_byte_level(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                           struct sink sink)
{
    struct byte_sink characters = {work, sink};
    if (step->prefix_space && piece.data[0] != ' ' && !prepend_space(&piece, work))
        return false;
    if (!step->bytes)
        sink = (struct sink){take_as_characters, &characters};
    return step->pattern ? run_split(step, piece, work, sink) : sink.take(sink.arg, piece);
}

/* Spaces become the replacement, which begins a new word each time. */
static bool run_metaspace(const struct pre_step *step, struct tok_piece piece, struct pre_work *work,
                          struct sink sink)
{
    struct buffer *text = &work->first;
    char mark[4];
    size_t size = utf8_encode(step->point, mark);
    bool marked = piece.data[0] == ' ' || (piece.size >= size && memcmp(piece.data, mark, size) == 0);
    begin_text(&piece, work, text, &work->first_origins);
    if (!marked && (step->prepend == PREPEND_ALWAYS || (step->prepend == PREPEND_FIRST && piece.front)))
        buffer_append(text, mark, size);
    origins_note(text, 0);
    for (const char *p = piece.data, *end = p + piece.size; p < end;) {
        const char *space = memchr(p, ' ', (size_t)(end - p));
        const char *stop = space ? space : end;
        buffer_append(text, p, (size_t)(stop - p));
        origins_keep(text, (size_t)(p - piece.data));
        if (space)
            buffer_append(text, mark, size);
        origins_note(text, (size_t)(stop - piece.data));
        p = space ? space + 1 : end;
    }
    if (!take_text(&piece, work, text))
        return false;
    return step->split ? tok_split_characters(piece, is_point, &step->point, SPLIT_MERGED_NEXT, sink)
                       : sink.take(sink.arg, piece);
}

static bool read_point(struct pre_step *step, const json_t *spec, const char *key, struct complaint *c)
{
    struct hone_text character;
    if (!tok_component_char(spec, key, &character, c))
        return false;
    step->point = utf8_next(&character.data);
    return true;
}

static bool init_metaspace(struct pre_step *step, const json_t *spec, struct complaint *c)
{
    static const char *const schemes[] = {"always", "first", "never"};
    struct hone_text scheme = tok_component_text(spec, "prepend_scheme");
    step->split = tok_component_bool(spec, "split", true);
    if (!tok_component_bool(spec, "add_prefix_space", true)) /* as older files say it */
        scheme = (struct hone_text){"never", 5};
    for (int i = 0; i < 3; i++) {
        if (!scheme.size || strcmp(scheme.data, schemes[i]) == 0) {
            step->prepend = i;
            return read_point(step, spec, "replacement", c);
        }
    }
    return tok_fail(c->err, HONE_BAD_MODEL, "Metaspace: the prepend_scheme \"%.100s\" is not supported",
                    scheme.data);
}

static bool init_byte_level(struct pre_step *step, const json_t *spec, struct complaint *c)
{
    step->prefix_space = tok_component_bool(spec, "add_prefix_space", true);
    step->behavior = SPLIT_ISOLATED;
    return !tok_component_bool(spec, "use_regex", true) || (step->pattern = tok_pattern_gpt2(c));
}

static bool init_fixed_length(struct pre_step *step, const json_t *spec, struct complaint *c)
{
    const json_t *length = json_object_get(spec, "length");
    step->length = length ? (size_t)json_integer_value(length) : 5;
    return step->length || tok_fail(c->err, HONE_BAD_MODEL, "FixedLength: the length must not be 0");
}

static bool init_parameters(struct pre_step *step, const json_t *spec, struct complaint *c)
{
    if (step->run == run_digits)
        step->behavior =
            tok_component_bool(spec, "individual_digits", false) ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
    else if (!tok_split_behavior(spec, SPLIT_ISOLATED, &step->behavior, c))
        return false;
    if (step->run == run_split) {
        step->invert = tok_component_bool(spec, "invert", false);
        step->pattern = tok_pattern_new(json_object_get(spec, "pattern"), "Split", c);
        return step->pattern;
    }
    if (step->run == run_byte_level)
        return init_byte_level(step, spec, c);
    if (step->run == run_metaspace)
        return init_metaspace(step, spec, c);
    if (step->run == run_fixed_length)
        return init_fixed_length(step, spec, c);
    return step->run != run_delimiter || read_point(step, spec, "delimiter", c);
}

static bool init_step(struct pre_step *step, const json_t *spec, struct complaint *c)
{
    static const struct {
        const char *type;
        bool (*run)(const struct pre_step *, struct tok_piece, struct pre_work *, struct sink);
    } kinds[] = {
        {"BertPreTokenizer", run_bert},
        {"WhitespaceSplit", run_white_space_split},
        {"Whitespace", run_white_space},
        {"Punctuation", run_punctuation},
        {"Digits", run_digits},
        {"CharDelimiterSplit", run_delimiter},
        {"FixedLength", run_fixed_length},
        {"Split", run_split},
        {"ByteLevel", run_byte_level},
        {"Metaspace", run_metaspace},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(tok_component_type(spec), kinds[i].type) == 0) {
            step->run = kinds[i].run;
            return init_parameters(step, spec, c);
        }
    }
    return tok_component_refuse(c, "pre-tokenizer", spec);
}

bool tok_pre_tokenizer_init(struct pre_tokenizer *p, const json_t *spec, struct complaint *c)
{
    const json_t *specs[COMPONENT_MAX_STEPS];
    int n_steps = tok_component_steps(spec, "pretokenizers", specs, c);
    if (n_steps <= 0)
        return n_steps == 0;
    p->steps = calloc((size_t)n_steps, sizeof *p->steps);
    if (!p->steps)
        return tok_no_memory(c->err);
    p->n_steps = (size_t)n_steps;
    for (size_t i = 0; i < p->n_steps; i++)
        if (!init_step(&p->steps[i], specs[i], c))
            return false;
    return true;
}

bool tok_pre_tokenizer_give_bytes(struct pre_tokenizer *p)
{
    struct pre_step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;
    if (!last || last->run != run_byte_level)
        return false;
    last->bytes = true;
    return true;
}

void tok_pre_tokenizer_release(struct pre_tokenizer *p)
{
    for (size_t i = 0; i < p->n_steps; i++)
        tok_pattern_free(p->steps[i].pattern);
    free(p->steps);
    *p = (struct pre_tokenizer){0};
}

bool tok_pre_scratch_begin(struct pre_scratch *scratch, const struct pre_tokenizer *p,
                           struct tok_effort *effort)
{
    if (scratch->n < p->n_steps) {
        struct pre_work *works = realloc(scratch->works, p->n_steps * sizeof *works);
        if (!works)
            return false;
        memset(works + scratch->n, 0, (p->n_steps - scratch->n) * sizeof *works);
        scratch->works = works;
        scratch->n = p->n_steps;
    }
    for (size_t i = 0; i < scratch->n; i++) {
        tok_pattern_scratch_begin(&scratch->works[i].pattern);
        scratch->works[i].effort = effort;
    }
    return true;
}

void tok_pre_scratch_release(struct pre_scratch *scratch)
{
    for (size_t i = 0; i < scratch->n; i++) {
        buffer_release(&scratch->works[i].first);
        buffer_release(&scratch->works[i].second);
        buffer_release(&scratch->works[i].first_origins.spans);
        buffer_release(&scratch->works[i].second_origins.spans);
        tok_pattern_scratch_release(&scratch->works[i].pattern);
    }
    free(scratch->works);
    *scratch = (struct pre_scratch){0};
}

/* The steps from `step` on, as a sink for the one before. */
struct rest {
    const struct pre_tokenizer *p;
    struct pre_scratch *scratch;
    struct sink sink;
    size_t step;
};

static bool take_rest(void *arg, struct tok_piece piece)
{
    const struct rest *rest = arg;
    const struct pre_step *step = &rest->p->steps[rest->step];
    struct rest next = *rest;
    next.step++;
    struct sink sink = next.step == rest->p->n_steps ? rest->sink : (struct sink){take_rest, &next};
    return step->run(step, piece, &rest->scratch->works[rest->step], sink);
}

bool tok_pre_tokenizer_run(const struct pre_tokenizer *p, struct tok_piece piece, struct pre_scratch *scratch,
                           struct sink sink)
{
    struct rest rest = {p, scratch, sink, 0};
    if (piece.size == 0)
        return true;
    return p->n_steps ? take_rest(&rest, piece) : sink.take(sink.arg, piece);
}
