/* Folders of RoBERTa's kind without a tokenizer.json: vocab.json, merges.txt, added_tokens.json, special_tokens_map.json. */
#include "runtime/load/import/vocabulary.h"

#include "runtime/base/files.h"
#include "tokenizer/files/vocab_json.h"

#include <string.h>

struct bpe_parts {
    void *vocab, *merges;
    size_t vocab_size, merges_size;
    json_t *added, *specials;
};

static enum hone_status map_parts(const struct folder *f, struct bpe_parts *p, struct hone_error *err)
{
    enum hone_status status = folder_map(f, "vocab.json", &p->vocab, &p->vocab_size, err);
    if (status == HONE_OK && p->vocab)
        status = folder_map(f, "merges.txt", &p->merges, &p->merges_size, err);
    if (status == HONE_OK && p->merges)
        status = folder_json(f, "added_tokens.json", false, &p->added, err);
    if (status == HONE_OK && p->merges)
        status = folder_json(f, "special_tokens_map.json", false, &p->specials, err);
    return status;
}

static void release(struct bpe_parts *p)
{
    unmap_file(p->vocab, p->vocab_size);
    unmap_file(p->merges, p->merges_size);
    json_decref(p->added);
    json_decref(p->specials);
}

static bool is_roberta(const json_t *config)
{
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    return !class || strncmp(class, "Roberta", strlen("Roberta")) == 0;
}

enum hone_status vocabulary_read_bpe(const struct folder *f, const json_t *config, struct tokenizer_file *out,
                                     bool *found, struct hone_error *err)
{
    struct hone_error why = {0};
    struct bpe_parts p = {0};
    enum hone_status status = map_parts(f, &p, err);
    *found = status == HONE_OK && p.vocab && p.merges;
    if (*found && !is_roberta(config))
        status = hone_fail(err, HONE_BAD_MODEL,
                           "%s: a vocab.json of the class '%s' is not supported; save the tokenizer with "
                           "transformers, which writes a tokenizer.json",
                           f->dir, json_string_value(json_object_get(config, "tokenizer_class")));
    struct vocab_json_options options = {
        .added = p.added,
        .specials = p.specials ? p.specials : config,
        .add_prefix_space = json_is_true(json_object_get(config, "add_prefix_space")),
        .trim_offsets = !json_is_false(json_object_get(config, "trim_offsets")),
    };
    if (status == HONE_OK && *found &&
        !tok_vocab_json_read((struct hone_text){p.vocab, p.vocab_size},
                             (struct hone_text){p.merges, p.merges_size}, &options, out, &why))
        status = hone_fail(err, why.status, "%s/vocab.json: %s", f->dir, why.message);
    release(&p);
    return status;
}
