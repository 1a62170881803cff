#include "tokenizer/stages/decoder.h"

#include "runtime/base/utf8.h"
#include "tokenizer/stages/bytelevel.h"

#include <stdlib.h>

#define REPLACEMENT "\xef\xbf\xbd"

struct decoder_step {
    void (*run)(const struct decoder_step *step, const struct strings *in, struct strings *out);
    char *from,
        *to; /* WordPiece: prefix; Replace; Metaspace and Strip: a character; BPEDecoder: suffix. Owned */
    size_t from_size, to_size;
    bool flag;          /* WordPiece: clean up; Metaspace: drop the first space */
    size_t start, stop; /* Strip: how many at most */
};

static size_t n_strings(const struct strings *s)
{
    return s->ends.size / sizeof(size_t);
}

static struct hone_text string_at(const struct strings *s, size_t i)
{
    const size_t *ends = (const size_t *)(const void *)s->ends.data;
    size_t start = i ? ends[i - 1] : 0;
    return (struct hone_text){s->bytes.data + start, ends[i] - start};
}

/* Ends the string whose bytes were appended. */
static void end_string(struct strings *s)
{
    buffer_append(&s->ends, &s->bytes.size, sizeof s->bytes.size);
}

void tok_strings_add(struct strings *s, struct hone_text text)
{
    buffer_append(&s->bytes, text.data, text.size);
    end_string(s);
}

void tok_strings_release(struct strings *s)
{
    buffer_release(&s->bytes);
    buffer_release(&s->ends);
}

static bool starts_with(struct hone_text text, const char *with, size_t size)
{
    return size == 0 || (text.size >= size && memcmp(text.data, with, size) == 0);
}

static void replace_all(struct buffer *out, struct hone_text text, const char *from, size_t from_size,
                        const char *to, size_t to_size)
{
    const char *p = text.data, *end = p + text.size, *match;
    while (from_size && p < end && (match = memmem(p, (size_t)(end - p), from, from_size))) {
        buffer_append(out, p, (size_t)(match - p));
        buffer_append(out, to, to_size);
        p = match + from_size;
    }
    buffer_append(out, p, (size_t)(end - p));
}

/* Undoes what English word splitting does, one rule after the other. */
static void clean_up(struct buffer *text, size_t start, struct buffer *work)
{
    static const char *const rules[][2] = {
        {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct hone_text now = {text->data + start, text->size - start};
        if (!now.size || text->failed || !memmem(now.data, now.size, rules[i][0], strlen(rules[i][0])))
            continue;
        buffer_clear(work);
        replace_all(work, now, rules[i][0], strlen(rules[i][0]), rules[i][1], strlen(rules[i][1]));
        text->size = start;
        text->failed |= work->failed;
        buffer_append(text, work->data, work->size);
    }
}

static void run_wordpiece(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    struct buffer work = {0};
    for (size_t i = 0; i < n_strings(in); i++) {
        struct hone_text token = string_at(in, i);
        size_t start = out->bytes.size;
        if (i && starts_with(token, step->from, step->from_size)) {
            token.data += step->from_size;
            token.size -= step->from_size;
        } else if (i) {
            buffer_byte(&out->bytes, ' ');
        }
        buffer_append(&out->bytes, token.data, token.size);
        if (step->flag)
            clean_up(&out->bytes, start, &work);
        end_string(out);
    }
    buffer_release(&work);
}

/* All tokens become one string: the bytes that their characters stand for; a token with other characters, itself. */
static void run_byte_level(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    struct buffer bytes = {0};
    (void)step;
    for (size_t i = 0; i < n_strings(in); i++) {
        struct hone_text token = string_at(in, i);
        size_t start = bytes.size;
        for (const char *p = token.data; p < token.data + token.size;) {
            int byte = tok_bytelevel_byte(utf8_next(&p));
            if (byte < 0) {
                bytes.size = start;
                buffer_append(&bytes, token.data, token.size);
                break;
            }
            buffer_byte(&bytes, (char)byte);
        }
    }
    utf8_repair(&out->bytes, bytes.data, bytes.size);
    out->bytes.failed |= bytes.failed;
    end_string(out);
    buffer_release(&bytes);
}

static void run_metaspace(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    for (size_t i = 0; i < n_strings(in); i++) {
        struct hone_text token = string_at(in, i);
        bool space = i > 0 || !step->flag; /* in the first token it goes, wherever it stands */
        replace_all(&out->bytes, token, step->from, step->from_size, " ", space);
        end_string(out);
    }
}

static void run_replace(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    for (size_t i = 0; i < n_strings(in); i++) {
        replace_all(&out->bytes, string_at(in, i), step->from, step->from_size, step->to, step->to_size);
        end_string(out);
    }
}

/* The byte of a token "<0x41>"; -1: it is another token. */
static int byte_token(struct hone_text token)
{
    int value = 0;
    if (token.size != 6 || !starts_with(token, "<0x", 3) || token.data[5] != '>')
        return -1;
    for (int i = token.data[3] == '+' ? 4 : 3; i < 5; i++) { /* a sign is read, too */
        char c = token.data[i];
        int digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* A run of bytes is one string; as many U+FFFD where it is not UTF-8. */
static void end_bytes(struct buffer *bytes, struct strings *out)
{
    if (utf8_valid_prefix(bytes->data, bytes->size) == bytes->size) {
        if (bytes->size)
            tok_strings_add(out, (struct hone_text){bytes->data, bytes->size});
    } else {
        for (size_t i = 0; i < bytes->size; i++)
            tok_strings_add(out, (struct hone_text){REPLACEMENT, 3});
    }
    out->bytes.failed |= bytes->failed;
    buffer_clear(bytes);
}

static void run_byte_fallback(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    struct buffer bytes = {0};
    (void)step;
    for (size_t i = 0; i < n_strings(in); i++) {
        struct hone_text token = string_at(in, i);
        int byte = byte_token(token);
        if (byte >= 0) {
            buffer_byte(&bytes, (char)byte);
            continue;
        }
        end_bytes(&bytes, out);
        tok_strings_add(out, token);
    }
    end_bytes(&bytes, out);
    buffer_release(&bytes);
}

static void run_fuse(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    (void)step;
    tok_strings_add(out, (struct hone_text){in->bytes.data, in->bytes.size});
}

static void run_strip(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    for (size_t i = 0; i < n_strings(in); i++) {
        struct hone_text token = string_at(in, i);
        for (size_t k = 0; k < step->start && starts_with(token, step->from, step->from_size); k++) {
            token.data += step->from_size;
            token.size -= step->from_size;
        }
        for (size_t k = 0; k < step->stop && token.size >= step->from_size; k++) {
            if (memcmp(token.data + token.size - step->from_size, step->from, step->from_size) != 0)
                break;
            token.size -= step->from_size;
        }
        tok_strings_add(out, token);
    }
}

static void run_bpe(const struct decoder_step *step, const struct strings *in, struct strings *out)
{
    size_t n = n_strings(in);
    for (size_t i = 0; i < n; i++) {
        replace_all(&out->bytes, string_at(in, i), step->from, step->from_size, " ", i + 1 < n);
        end_string(out);
    }
}

static bool keep(char **to, size_t *to_size, struct hone_text text)
{
    *to = malloc(text.size + 1);
    if (!*to)
        return false;
    memcpy(*to, text.data, text.size);
    (*to)[text.size] = 0;
    *to_size = text.size;
    return true;
}

static bool init_parameters(struct decoder_step *step, const json_t *spec, struct complaint *c)
{
    struct hone_text from = {"", 0}, to = {"", 0};
    if (step->run == run_wordpiece) {
        from = tok_component_text(spec, "prefix");
        step->flag = tok_component_bool(spec, "cleanup", true);
    } else if (step->run == run_metaspace) {
        if (!tok_component_char(spec, "replacement", &from, c))
            return false;
        step->flag = tok_component_bool(spec, "add_prefix_space", true) &&
                     strcmp(tok_component_text(spec, "prepend_scheme").data, "never") != 0;
    } else if (step->run == run_replace) {
        from = tok_component_text(json_object_get(spec, "pattern"), "String");
        to = tok_component_text(spec, "content");
        if (!from.size)
            return tok_fail(c->err, HONE_BAD_MODEL,
                            "the decoder \"Replace\" is supported only with a string");
    } else if (step->run == run_strip) {
        json_int_t start = json_integer_value(json_object_get(spec, "start"));
        json_int_t stop = json_integer_value(json_object_get(spec, "stop"));
        if (!tok_component_char(spec, "content", &from, c))
            return false;
        step->start = start < 0 ? 0 : (size_t)start;
        step->stop = stop < 0 ? 0 : (size_t)stop;
    } else if (step->run == run_bpe) {
        from = tok_component_text(spec, "suffix");
    }
    return (keep(&step->from, &step->from_size, from) && keep(&step->to, &step->to_size, to)) ||
           tok_no_memory(c->err);
}

static bool init_step(struct decoder_step *step, const json_t *spec, struct complaint *c)
{
    static const struct {
        const char *type;
        void (*run)(const struct decoder_step *, const struct strings *, struct strings *);
    } kinds[] = {
        {"WordPiece", run_wordpiece},
        {"ByteLevel", run_byte_level},
        {"Metaspace", run_metaspace},
        {"Replace", run_replace},
        {"ByteFallback", run_byte_fallback},
        {"Fuse", run_fuse},
        {"Strip", run_strip},
        {"BPEDecoder", run_bpe},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(tok_component_type(spec), kinds[i].type) == 0) {
            step->run = kinds[i].run;
            return init_parameters(step, spec, c);
        }
    }
    return tok_component_refuse(c, "decoder", spec);
}

bool tok_decoder_init(struct tok_decoder *d, const json_t *spec, struct complaint *c)
{
    const json_t *specs[COMPONENT_MAX_STEPS];
    int n_steps = tok_component_steps(spec, "decoders", specs, c);
    if (n_steps < 0)
        return false;
    d->steps = calloc((size_t)n_steps + 1, sizeof *d->steps);
    if (!d->steps)
        return tok_no_memory(c->err);
    for (; d->n_steps < (size_t)n_steps; d->n_steps++)
        if (!init_step(&d->steps[d->n_steps], specs[d->n_steps], c)) {
            d->n_steps++;
            return false;
        }
    return true;
}

void tok_decoder_release(struct tok_decoder *d)
{
    for (size_t i = 0; i < d->n_steps; i++) {
        free(d->steps[i].from);
        free(d->steps[i].to);
    }
    free(d->steps);
    *d = (struct tok_decoder){0};
}

static void join_with_spaces(const struct strings *in, struct strings *out)
{
    for (size_t i = 0; i < n_strings(in); i++) {
        struct hone_text token = string_at(in, i);
        if (i)
            buffer_byte(&out->bytes, ' ');
        buffer_append(&out->bytes, token.data, token.size);
    }
}

bool tok_decoder_run(const struct tok_decoder *d, struct strings *tokens, struct tok_effort *effort)
{
    struct strings other = {0};
    bool failed = tokens->bytes.failed || tokens->ends.failed;
    for (size_t i = 0; i < (d->n_steps ? d->n_steps : 1) && !failed; i++) {
        buffer_clear(&other.bytes);
        buffer_clear(&other.ends);
        effort_begin(effort, &other.bytes, tokens->bytes.size + n_strings(tokens));
        if (d->n_steps)
            d->steps[i].run(&d->steps[i], tokens, &other);
        else
            join_with_spaces(tokens, &other);
        failed = !effort_end(effort, &other.bytes, tokens->bytes.size + n_strings(tokens));
        struct strings swap = *tokens;
        *tokens = other;
        other = swap;
        failed |= tokens->ends.failed;
    }
    tok_strings_release(&other);
    return !failed;
}
