/* The small files of a Hugging Face folder, as a JSON object of them: refused with a sentence, or a model that computes. Files
 * that the object does not name, and all that is large, are those of the fixture that "from" numbers; null stands for a file
 * that is not there, and a string for one that is no JSON. */
#include "tests/exercise.h"
#include "tests/fuzz/harness.h"

#include "runtime/base/json.h"

#include <hone.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char *const fixtures[] = {"bert-embed",
                                       "causal",
                                       "colbert",
                                       "modernbert-classify",
                                       "t5",
                                       "splade",
                                       "deberta-classify",
                                       "gemma",
                                       "qwen2-moe",
                                       "gpt2",
                                       "fill-bert",
                                       "nli",
                                       "phi3",
                                       "sentence/modules-norm/model",
                                       "ner-bert",
                                       "llama-yarn",
                                       "nomic",
                                       "jina",
                                       "gliner-bert",
                                       "answer-bert",
                                       "falcon",
                                       "mpt",
                                       "jamba"};
enum { N_FIXTURES = sizeof fixtures / sizeof *fixtures };

static const char *const names[] = {"config.json",
                                    "gliner_config.json",
                                    "tokenizer_config.json",
                                    "tokenizer.json",
                                    "vocab.txt",
                                    "vocab.json",
                                    "merges.txt",
                                    "special_tokens_map.json",
                                    "added_tokens.json",
                                    "generation_config.json",
                                    "chat_template.jinja",
                                    "chat_template.json",
                                    "modules.json",
                                    "sentence_bert_config.json",
                                    "config_sentence_transformers.json",
                                    "1_Pooling/config.json",
                                    "1_Dense/config.json",
                                    "1_SpladePooling/config.json",
                                    "2_Dense/config.json",
                                    "artifact.metadata",
                                    "model.safetensors.index.json",
                                    "model.safetensors",
                                    "1_Dense/model.safetensors",
                                    "2_Dense/model.safetensors",
                                    "spiece.model",
                                    "tokenizer.model"};
enum { N_NAMES = sizeof names / sizeof *names };

static void write_file(const char *path, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_write(value, JSON_ENCODE_ANY);
    fuzz_write(path, text ? text : json_string_value(value), text ? strlen(text) : json_string_length(value));
    free(text);
}

static void make_folder(const json_t *input)
{
    char name[128], path[FUZZ_PATH], source[FUZZ_PATH], root[FUZZ_PATH / 2];
    size_t from = (size_t)json_integer_value(json_object_get(input, "from")) % N_FIXTURES;
    FUZZ_CHECK(getcwd(root, sizeof root));
    for (size_t i = 0; i < N_NAMES; i++) {
        const json_t *value = json_object_get(input, names[i]);
        snprintf(name, sizeof name, "model/%s", names[i]);
        fuzz_write(fuzz_place(path, name), NULL, 0);
        snprintf(source, sizeof source, "%s/tests/fixtures/%s/%s", root, fixtures[from], names[i]);
        if (value && !json_is_null(value))
            write_file(path, value);
        else if (!value && access(source, R_OK) == 0)
            FUZZ_CHECK(symlink(source, path) == 0);
    }
}

void fuzz_input(const uint8_t *data, size_t size)
{
    struct hone_error err = {0};
    struct hone_model *model;
    char folder[FUZZ_PATH];
    struct outcome outcomes[EXERCISE_N];
    const struct hone_options options = {.n_threads = 1, .no_cache = true};
    json_t *input = json_read((const char *)data, size, JSON_ALLOW_NUL, NULL);
    if (json_is_object(input)) {
        make_folder(input);
        enum hone_status status = hone_model_open(&model, fuzz_place(folder, "model"), &options, &err);
        FUZZ_CHECK(status == HONE_OK || *err.message);
        if (model) {
            exercise_model(model, outcomes);
            for (size_t i = 0; i < EXERCISE_N; i++)
                FUZZ_CHECK(outcomes[i].status == HONE_OK || *outcomes[i].sentence);
            hone_model_close(&model);
        }
    }
    json_decref(input);
}

/* All small files of a fixture. */
uint8_t *fuzz_seed(size_t i, size_t *size)
{
    enum { SMALL = 4000 };
    char path[PATH_MAX];
    if (i >= N_FIXTURES)
        return NULL;
    json_t *input = json_pack("{s:i}", "from", (int)i);
    for (size_t k = 0; k < N_NAMES; k++) {
        size_t n;
        snprintf(path, sizeof path, "tests/fixtures/%s/%s", fixtures[i], names[k]);
        char *data = (char *)fuzz_load(path, &n);
        json_t *value = data && n <= SMALL ? json_read(data, n, 0, NULL) : NULL;
        if (!value && data && n <= SMALL)
            value = json_stringn(data, n);
        if (value)
            json_object_set_new(input, names[k], value);
        free(data);
    }
    char *text = json_write(input, JSON_COMPACT);
    json_decref(input);
    *size = text ? strlen(text) : 0;
    return (uint8_t *)text;
}

FUZZ_SHAPE_OF(fuzz_shape_json)
