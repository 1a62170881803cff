/* Folders of translation models whose tokenizers transformers runs as Python: Marian's source.spm with vocab.json, and
 * M2M100's sentencepiece.bpe.model with vocab.json. */
#include "runtime/load/import/vocabulary.h"

#include "runtime/base/files.h"
#include "tokenizer/files/piece_vocab.h"

#include <string.h>

/* How one of the two classes is written. */
struct piece_class {
    const char *class, *arch, *model;
};
static const struct piece_class classes[] = {{"MarianTokenizer", "marian", "source.spm"},
                                             {"M2M100Tokenizer", "m2m100", "sentencepiece.bpe.model"}};

static const struct piece_class *class_of(const struct folder *f, const json_t *config)
{
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (class ? strcmp(class, classes[i].class) == 0 : strcmp(f->arch->name, classes[i].arch) == 0)
            return &classes[i];
    return NULL;
}

struct piece_files {
    void *model, *vocab;
    size_t model_size, vocab_size;
};

static enum hone_status read(const struct folder *f, const json_t *config, const struct piece_class *class,
                             const struct piece_files *files, struct tokenizer_file *out,
                             struct hone_error *err)
{
    struct hone_error why = {0};
    const char *set = json_string_value(json_object_get(config, "language_codes"));
    const char *source = json_string_value(json_object_get(config, "src_lang"));
    struct piece_vocab_options options = {.config = config, .leading_codes = class == &classes[0]};
    if (class == &classes[1]) {
        options.languages = tok_piece_languages(set ? set : "m2m100");
        options.source = source ? source : "en";
    }
    if (class == &classes[1] && !options.languages)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s/tokenizer_config.json: the language_codes '%.64s' are not known, expected m2m100 "
            "or wmt21",
            f->dir, set);
    if (json_is_true(json_object_get(config, "separate_vocabs")) && class != &classes[0])
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s/tokenizer_config.json: separate_vocabs, one vocabulary for each language, are not "
            "supported of the class %s",
            f->dir, class->class);
    if (tok_piece_vocab_read((struct hone_text){files->vocab, files->vocab_size},
                             (struct hone_text){files->model, files->model_size}, &options, out, &why))
        return HONE_OK;
    return hone_fail(err, why.status, "%s, %s and vocab.json: %s", f->dir, class->model, why.message);
}

enum hone_status vocabulary_read_pieces(const struct folder *f, const json_t *config,
                                        struct tokenizer_file *out, bool *found, struct hone_error *err)
{
    const struct piece_class *class = class_of(f, config);
    struct piece_files files = {0};
    enum hone_status status =
        class ? folder_map(f, class->model, &files.model, &files.model_size, err) : HONE_OK;
    if (status == HONE_OK && files.model)
        status = folder_map(f, "vocab.json", &files.vocab, &files.vocab_size, err);
    *found = status == HONE_OK && files.model && files.vocab;
    if (*found)
        status = read(f, config, class, &files, out, err);
    else if (status == HONE_OK && files.model)
        status =
            hone_fail(err, HONE_BAD_MODEL, "%s: there is %s, but no vocab.json with the ids of its pieces",
                      f->dir, class->model);
    unmap_file(files.model, files.model_size);
    unmap_file(files.vocab, files.vocab_size);
    return status;
}

enum hone_status vocabulary_read_target(const struct folder *f, const json_t *config,
                                        struct tokenizer_file *out, bool *found, struct hone_error *err)
{
    static const char name[] = "target_vocab.json";
    void *vocab;
    size_t size;
    struct hone_error why = {0};
    *found = false;
    if (class_of(f, config) != &classes[0] || !json_is_true(json_object_get(config, "separate_vocabs")))
        return HONE_OK;
    enum hone_status status = folder_map(f, name, &vocab, &size, err);
    if (status == HONE_OK && !vocab)
        status = hone_fail(err, HONE_BAD_MODEL, "%s: there is no %s, which separate_vocabs asks for", f->dir,
                           name);
    *found = status == HONE_OK && tok_piece_target_read((struct hone_text){vocab, size}, config, out, &why);
    if (status == HONE_OK && !*found)
        status = hone_fail(err, why.status, "%s: %s", f->dir, why.message);
    unmap_file(vocab, size);
    return status;
}

const char *vocabulary_read_model(const struct folder *f, const json_t *config)
{
    const struct piece_class *class = class_of(f, config);
    return class ? class->model : NULL;
}

/* ---- writing ---- */

enum hone_status vocabulary_set_pieces(struct folder *f, const struct tok_vocab *vocab,
                                       struct hone_error *err)
{
    const struct tok_vocab *pieces = vocab->pieces;
    static const char key[] = "hone.tokenizer.pieces";
    bool ok = !vocab->leading_codes || gguf_set_bool(f->g, "hone.tokenizer.leading_codes", true);
    if (pieces && ok)
        ok =
            gguf_set_texts(f->g, key, pieces->tokens, pieces->n_tokens) &&
            gguf_set_array(f->g, "hone.tokenizer.piece_scores", GGUF_F64, pieces->scores, pieces->n_tokens) &&
            gguf_set_array(f->g, "hone.tokenizer.piece_types", GGUF_I32, pieces->types, pieces->n_tokens);
    return folder_set(ok, key, err);
}
