#include "tokenizer/files/file_memory.h"
#include "tokenizer/files/preset.h"
#include "tokenizer/files/tokenizer_json.h"

#include <stdlib.h>
#include <string.h>

/* Splits the text at line ends; *n counts on. With tokens NULL it only counts. */
static size_t read_lines(struct hone_text text, struct file_memory *m)
{
    size_t n = 0;
    for (size_t at = 0; at < text.size; n++) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.size - at);
        size_t size = end ? (size_t)(end - line) : text.size - at;
        at += size + 1;
        if (size && line[size - 1] == '\r')
            size--;
        if (m)
            file_set_token(m, n, (struct hone_text){m->text + (line - text.data), size}, TOK_NORMAL);
    }
    return n;
}

bool tok_vocab_txt_read(struct hone_text lines, const struct vocab_txt_options *options,
                        struct tokenizer_file *out, struct hone_error *err)
{
    struct file_memory *m = calloc(1, sizeof *m);
    *out = (struct tokenizer_file){.memory = m};
    if (!m || !tok_file_allocate(m, read_lines(lines, NULL), false) || !(m->text = malloc(lines.size + 1))) {
        tok_no_memory(err);
        goto error;
    }
    memcpy(m->text, lines.data, lines.size);
    read_lines(lines, m);
    struct tok_preset p = tok_file_find_ids(m);
    const int32_t specials[] = {p.pad, p.unk, p.cls, p.sep, p.mask};
    json_t *added = json_array();
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        if (specials[i] < 0)
            continue;
        m->types[specials[i]] = specials[i] == p.unk ? TOK_UNKNOWN : TOK_CONTROL;
        json_array_append_new(added,
                              tok_preset_added_token(m->tokens[specials[i]], specials[i], true, false));
    }
    struct tok_vocab vocab = {.n_tokens = m->n, .tokens = m->tokens};
    json_t *pipeline = tok_preset_bert(&p, &vocab, options->do_lower_case, options->tokenize_chinese_chars,
                                       options->strip_accents, added);
    m->pipeline = pipeline ? json_dumps(pipeline, JSON_COMPACT) : NULL;
    json_decref(pipeline);
    if (!m->pipeline) {
        tok_fail(err, HONE_BAD_MODEL, "vocab.txt lacks [UNK], [CLS] or [SEP]");
        goto error;
    }
    tok_file_show(m, out);
    out->ids.model = "bert";
    return true;
error:
    tok_file_release(out);
    return false;
}
