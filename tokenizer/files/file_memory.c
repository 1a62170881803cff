#include "tokenizer/files/file_memory.h"

#include "runtime/base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_SIZE 24 /* of a made-up token, with its NUL */

bool tok_file_allocate(struct file_memory *m, size_t n, bool scores)
{
    m->n = n;
    m->tokens = calloc(n + 1, sizeof *m->tokens);
    m->types = calloc(n + 1, sizeof *m->types);
    m->names = calloc(n + 1, NAME_SIZE);
    m->scores = scores ? calloc(n + 1, sizeof *m->scores) : NULL;
    return m->tokens && m->types && m->names && (!scores || m->scores);
}

void tok_file_name_holes(struct file_memory *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->types[i])
            continue;
        char *name = m->names + i * NAME_SIZE;
        int size = snprintf(name, NAME_SIZE, "[unused%zu]", i);
        file_set_token(m, i, (struct hone_text){name, (size_t)size}, TOK_UNUSED);
    }
}

static int32_t find_token(const struct file_memory *m, const char *const *names)
{
    for (; *names; names++)
        for (size_t i = 0; i < m->n; i++)
            if (text_is(m->tokens[i], *names))
                return (int32_t)i;
    return -1;
}

struct tok_preset tok_file_find_ids(const struct file_memory *m)
{
    static const char *const bos[] = {"<s>", "<bos>", "<|begin_of_text|>", NULL};
    static const char *const eos[] = {"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", NULL};
    static const char *const unk[] = {"[UNK]", "<unk>", NULL}, *const sep[] = {"[SEP]", "</s>", NULL};
    static const char *const pad[] = {"[PAD]", "<pad>", NULL}, *const cls[] = {"[CLS]", "<s>", NULL};
    static const char *const mask[] = {"[MASK]", "<mask>", NULL};
    return (struct tok_preset){
        .model = "",
        .pre = "",
        .bos = find_token(m, bos),
        .eos = find_token(m, eos),
        .unk = find_token(m, unk),
        .sep = find_token(m, sep),
        .pad = find_token(m, pad),
        .cls = find_token(m, cls),
        .mask = find_token(m, mask),
    };
}

void tok_file_show(const struct file_memory *m, struct tokenizer_file *out)
{
    out->vocab = (struct tok_vocab){
        .n_tokens = m->n,
        .tokens = m->tokens,
        .scores = m->scores,
        .types = m->types,
        .merges = m->merges,
        .n_merges = m->n_merges,
        .charsmap = {m->charsmap.data, m->charsmap.size},
        .truncate_left = m->truncate_left,
        .pieces = m->pieces ? &m->pieces->vocab : NULL,
        .leading_codes = m->leading_codes,
    };
    out->pipeline = (struct hone_text){m->pipeline, strlen(m->pipeline)};
    out->ids = tok_file_find_ids(m);
}

void tok_file_release(struct tokenizer_file *file)
{
    struct file_memory *m = file->memory;
    if (m) {
        json_decref(m->root);
        free(m->tokens);
        free(m->types);
        free(m->names);
        free(m->scores);
        free(m->merges);
        free(m->pipeline);
        free(m->text);
        if (m->pieces)
            tok_file_release(m->pieces);
        free(m->pieces);
        buffer_release(&m->charsmap);
        free(m);
    }
    *file = (struct tokenizer_file){0};
}
