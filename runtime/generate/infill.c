#include "runtime/generate/infill.h"

#include "runtime/base/buffer.h"
#include "runtime/base/sizes.h"
#include "runtime/base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- marks ---- */

/* What they are called in the vocabularies of models that were trained on gaps. */
struct family {
    const char *prefix, *suffix, *middle, *project, *file;
    bool path_inside;
};
static const struct family families[] = {
    /* Qwen 2.5 Coder; CodeGemma has the first three */
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>", "<|file_sep|>", false},
    /* StarCoder 2, Granite Code; StarCoder and SantaCoder have the first three */
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<repo_name>", "<file_sep>", true},
    {"<fim-prefix>", "<fim-suffix>", "<fim-middle>", NULL, NULL, false},
    {"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", NULL, NULL, false}, /* DeepSeek */
    {"▁<PRE>", "▁<SUF>", "▁<MID>", NULL, NULL, false},                         /* Code Llama */
    {"<PRE>", "<SUF>", "<MID>", NULL, NULL, false},
    {"<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>", NULL, NULL, false}, /* GLM */
    {"<|prefix|>", "<|suffix|>", "<|middle|>", NULL, NULL, false},                /* Falcon H1 Coder */
    {"[PREFIX]", "[SUFFIX]", NULL, NULL, NULL,
     false}, /* Codestral: suffix, then prefix, as Mistral's own code */
};

/* What a model writes behind a filled gap, beside the marks themselves. */
static const char *const other_ends[] = {"<|fim_pad|>", "<fim_pad>", "<fim-pad>",         "▁<EOT>",
                                         "<EOT>",       "<|EOT|>",   "<|file_separator|>"};

static int32_t id_of(const struct hone_model *model, const char *name)
{
    return name ? tokenizer_id(model->tokenizer, (struct hone_text){name, strlen(name)}) : -1;
}

/* The id that one of two keys names, as files of today and older ones have it (-1 where the vocabulary has none such); else
 * that of the name. */
static int32_t mark(const struct hone_model *model, const char *key, const char *old_key, const char *name)
{
    const struct gguf *g = model->net.gguf;
    size_t id = SIZE_MAX, n_vocab = tokenizer_n_tokens(model->tokenizer);
    const char *named = gguf_find(g, key) ? key : old_key && gguf_find(g, old_key) ? old_key : NULL;
    if (!named)
        return id_of(model, name);
    return gguf_get_size(g, named, SIZE_MAX, &id, NULL) == HONE_OK && id < n_vocab ? (int32_t)id : -1;
}

/* The first family whose marks are all there; NULL: none. */
static const struct family *find_family(const struct hone_model *model)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *f = &families[i];
        if (id_of(model, f->prefix) >= 0 && id_of(model, f->suffix) >= 0 &&
            (!f->middle || id_of(model, f->middle) >= 0))
            return f;
    }
    return NULL;
}

static void add_end(struct infill_marks *m, int32_t id)
{
    if (id >= 0 && m->n_ends < INFILL_ENDS && !infill_is_end(m, id))
        m->ends[m->n_ends++] = id;
}

bool infill_is_end(const struct infill_marks *m, int32_t id)
{
    for (size_t i = 0; i < m->n_ends; i++)
        if (m->ends[i] == id)
            return true;
    return false;
}

bool infill_find(struct infill_marks *m, const struct hone_model *model)
{
    static const struct family none = {0};
    const struct family *family = find_family(model), *f = family ? family : &none;
    *m = (struct infill_marks){
        .prefix = mark(model, "tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id", f->prefix),
        .suffix = mark(model, "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id", f->suffix),
        .middle = mark(model, "tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id", f->middle),
        .project = mark(model, "tokenizer.ggml.fim_rep_token_id", NULL, f->project),
        .file = mark(model, "tokenizer.ggml.fim_sep_token_id", NULL, f->file),
        .path_inside = f->path_inside,
    };
    if (m->prefix < 0 || m->suffix < 0 || (m->middle < 0 && (!family || family->middle)))
        return false;
    const int32_t marks[] = {m->prefix, m->suffix, m->middle, m->project, m->file};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        add_end(m, marks[i]);
    add_end(m, mark(model, "tokenizer.ggml.fim_pad_token_id", NULL, NULL));
    for (size_t i = 0; i < sizeof other_ends / sizeof *other_ends; i++)
        add_end(m, id_of(model, other_ends[i]));
    return true;
}

bool hone_model_infills(const struct hone_model *model)
{
    struct infill_marks marks;
    return model->info.task == HONE_TASK_GENERATE && !model->info.has_decoder && infill_find(&marks, model);
}

/* ---- the prompt ---- */

struct maker {
    const struct hone_model *model;
    const struct infill_marks *marks;
    struct tok_encoding e;
    struct buffer ids;
    size_t
        n_space; /* tokens of SPACE_MARK alone, where the tokenizer puts a space in front of texts; else 0 */
    bool failed;
    struct hone_error why;
};

/* A character that joins nothing behind it: what SentencePiece puts in front of a text stands in front of this. */
static const char SPACE_MARK[] = "☺";

static void put(struct maker *m, int32_t id)
{
    if (id >= 0)
        buffer_append(&m->ids, &id, sizeof id);
}

/* What looks like a mark in code is code: text never leaves its place. */
static bool encode(struct maker *m, struct hone_text text)
{
    const struct tok_options plain = {
        .plain = true, .plain_ids = m->marks->ends, .n_plain_ids = m->marks->n_ends};
    m->failed = m->failed || !tokenizer_encode(m->model->tokenizer, text, NULL, &plain, &m->e, &m->why);
    return !m->failed;
}

static void put_text(struct maker *m, struct hone_text text)
{
    if (text.size > 0 && encode(m, text))
        buffer_append(&m->ids, m->e.ids, m->e.n * sizeof *m->e.ids);
}

/* Text that goes on in the middle of a line: without the space that some tokenizers put in front of each text. */
static void put_rest(struct maker *m, struct hone_text text)
{
    size_t n = sizeof SPACE_MARK - 1;
    char *marked = m->n_space > 0 && text.size > 0 ? malloc(n + text.size) : NULL;
    if (m->n_space == 0 || text.size == 0) {
        put_text(m, text);
        return;
    }
    if (!marked) {
        m->failed = true;
        hone_no_memory(&m->why, "a text", n + text.size);
        return;
    }
    memcpy(marked, SPACE_MARK, n);
    text_put(marked + n, text);
    if (encode(m, (struct hone_text){marked, n + text.size}) && m->e.n >= m->n_space)
        buffer_append(&m->ids, m->e.ids + m->n_space, (m->e.n - m->n_space) * sizeof *m->e.ids);
    free(marked);
}

static void find_space(struct maker *m)
{
    struct hone_text first = {"", 0};
    if (encode(m, (struct hone_text){SPACE_MARK, sizeof SPACE_MARK - 1}) && m->e.n > 1)
        first = tokenizer_token(m->model->tokenizer, m->e.ids[0]);
    if (text_is(first, "▁"))
        m->n_space = m->e.n;
}

/* What the model puts in front of a text, which is at most its start token. */
static void put_start(struct maker *m)
{
    size_t bos = SIZE_MAX;
    const struct tok_options special = {.add_special = true};
    if (gguf_get_size(m->model->net.gguf, "tokenizer.ggml.bos_token_id", SIZE_MAX, &bos, NULL) != HONE_OK)
        return;
    m->failed = m->failed || !tokenizer_encode(m->model->tokenizer, (struct hone_text){"", 0}, NULL, &special,
                                               &m->e, &m->why);
    if (!m->failed && m->e.n > 0 && (size_t)m->e.ids[0] == bos)
        put(m, m->e.ids[0]);
}

static void put_line(struct maker *m, struct hone_text text)
{
    put_rest(m, text);
    put_rest(m, (struct hone_text){"\n", 1});
}

/* Other files of the project, as the model was trained to read them; where it was not, parted as llama.cpp does it. */
static void put_files(struct maker *m, const struct hone_infill *in)
{
    static const char snippet[] = "\n\n--- snippet ---\n\n";
    const struct infill_marks *marks = m->marks;
    if (in->n_files == 0)
        return;
    put(m, in->project.size > 0 ? marks->project : -1);
    if (marks->project >= 0 && in->project.size > 0)
        put_line(m, in->project);
    for (size_t i = 0; i < in->n_files; i++) {
        put(m, marks->file);
        if (marks->file >= 0)
            put_line(m, in->files[i].name);
        else
            put_rest(m, (struct hone_text){snippet, sizeof snippet - 1});
        put_rest(m, in->files[i].text);
    }
    put(m, marks->file);
    if (marks->file >= 0 && !marks->path_inside)
        put_line(m, in->name);
}

static void put_gap(struct maker *m, struct hone_text prefix, const struct hone_infill *in)
{
    const struct infill_marks *marks = m->marks;
    if (marks->middle < 0) {
        put(m, marks->suffix);
        put_rest(m, in->suffix);
        put(m, marks->prefix);
        put_text(m, prefix);
        return;
    }
    put(m, marks->prefix);
    if (in->n_files > 0 && marks->file >= 0 && marks->path_inside)
        put_line(m, in->name);
    put_text(m, prefix);
    put(m, marks->suffix);
    put_rest(m, in->suffix);
    put(m, marks->middle);
}

enum hone_status infill_prompt(const struct hone_model *model, const struct infill_marks *marks,
                               struct hone_text prefix, const struct hone_infill *infill, int32_t **ids,
                               size_t *n, struct hone_error *err)
{
    struct maker m = {.model = model, .marks = marks};
    struct hone_infill in = HONE_INFILL_DEFAULTS;
    enum hone_status status = sizes_take(&in, sizeof in, infill, "hone_infill", err);
    if (status != HONE_OK)
        return status;
    find_space(&m);
    put_start(&m);
    put_files(&m, &in);
    put_gap(&m, prefix, &in);
    tok_encoding_release(&m.e);
    if (!m.failed && !m.ids.failed) {
        *ids = (int32_t *)(void *)m.ids.data; /* the buffer's memory is malloc's */
        *n = m.ids.size / sizeof **ids;
        return HONE_OK;
    }
    buffer_release(&m.ids);
    return m.failed ? hone_fail(err, m.why.status, "%s", m.why.message)
                    : hone_no_memory(err, "tokens", m.ids.size);
}
