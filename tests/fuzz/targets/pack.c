/* Packed weights, and what is kept beside them, by somebody who may write the cache: whatever lies there, the model computes
 * what it computes without a cache. The first byte says which file the others are. */
#include "tests/fuzz/harness.h"

#include <dirent.h>
#include <hone.h>
#include <hone/files.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 8, N_VECTOR = 4096 };

static char model[FUZZ_PATH], folder[FUZZ_PATH]; /* a file; where its packed weights are */

static struct {
    char name[NAME_MAX + 1];
    uint8_t *data;
    size_t size;
} files[MOST]; /* as the model itself writes them */
static size_t n_files;

static void compute(bool cached, float *vector, size_t *n)
{
    struct hone_model *m;
    struct hone_error err = {0};
    struct hone_text text = {"a b", 3};
    const struct hone_options options = {.n_threads = 1, .compute = HONE_COMPUTE_INT8, .no_cache = !cached};
    FUZZ_CHECK(hone_model_open(&m, model, &options, &err) == HONE_OK);
    *n = hone_model_info(m)->n_dims;
    FUZZ_CHECK(*n <= N_VECTOR);
    FUZZ_CHECK(hone_embed(m, &text, 1, NULL, vector, NULL, &err) == HONE_OK);
    hone_model_close(&m);
}

static void path_of(char path[PATH_MAX], const char *name)
{
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
}

/* Calls `each` for every file in the folder. */
static void for_each(void (*each)(const char *name))
{
    DIR *d = opendir(folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        if (*e->d_name != '.')
            each(e->d_name);
    if (d)
        closedir(d);
}

static void keep(const char *name)
{
    char path[PATH_MAX];
    path_of(path, name);
    FUZZ_CHECK(n_files < MOST);
    snprintf(files[n_files].name, sizeof files->name, "%s", name);
    files[n_files].data = fuzz_load(path, &files[n_files].size);
    n_files++;
}

static void delete (const char *name)
{
    char path[PATH_MAX];
    path_of(path, name);
    unlink(path);
}

/* Two runs, since a model file is remembered at the second one only. */
static void set_up(void)
{
    static float vector[N_VECTOR];
    size_t n;
    if (*folder)
        return;
    setenv("XDG_CACHE_HOME", fuzz_place(folder, "cache"), 1);
    setenv("HONE_CACHE", "1", 1);
    fuzz_place(folder, "cache/hone/weights");
    fuzz_place(model, "model.gguf");
    FUZZ_CHECK(hone_convert("tests/fixtures/bert-embed", model, NULL, NULL) == HONE_OK);
    compute(true, vector, &n);
    compute(true, vector, &n);
    for_each(keep);
    FUZZ_CHECK(n_files > 0);
}

void fuzz_input(const uint8_t *data, size_t size)
{
    static float expected[N_VECTOR], vector[N_VECTOR];
    static size_t n_expected;
    size_t n;
    set_up();
    if (!n_expected)
        compute(false, expected, &n_expected);
    if (size == 0)
        return;
    for_each(delete);
    for (size_t i = 0; i < n_files; i++) {
        char path[PATH_MAX];
        const bool ours = i == *data % n_files;
        path_of(path, files[i].name);
        fuzz_write(path, ours ? data + 1 : files[i].data, ours ? size - 1 : files[i].size);
    }
    compute(true, vector, &n);
    FUZZ_CHECK(n == n_expected && memcmp(vector, expected, n * sizeof *vector) == 0);
}

uint8_t *fuzz_seed(size_t i, size_t *size)
{
    set_up();
    uint8_t *data = i < n_files ? malloc(files[i].size + 1) : NULL;
    if (!data)
        return NULL;
    *data = (uint8_t)i;
    memcpy(data + 1, files[i].data, files[i].size);
    *size = files[i].size + 1;
    return data;
}

FUZZ_NO_SHAPE
