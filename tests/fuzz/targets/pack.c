/* Packed weights, and what is kept beside them, by somebody who may write the cache: whatever lies there, the model computes
 * what it computes without a cache. The first byte says which file the others are. */
#include "tests/fuzz/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <hone.h>
#include <hone/files.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 8, N_VECTOR = 4096 };

static char model[160], folder[128]; /* a file; where its packed weights are */

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

static void path_of(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", folder, name);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    char path[PATH_MAX];
    path_of(path, sizeof path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
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
    path_of(path, sizeof path, name);
    FUZZ_CHECK(n_files < MOST);
    snprintf(files[n_files].name, sizeof files->name, "%s", name);
    files[n_files].data = fuzz_load(path, &files[n_files].size);
    n_files++;
}

static void delete (const char *name)
{
    char path[PATH_MAX];
    path_of(path, sizeof path, name);
    unlink(path);
}

static void clean_up(void)
{
    char path[160];
    for_each(delete);
    rmdir(folder);
    unlink(model);
    for (int i = 0; i < 2; i++) { /* hone, and what holds it */
        snprintf(path, sizeof path, "%s", folder);
        *strrchr(folder, '/') = 0;
        rmdir(folder);
    }
}

/* Two runs, since a model file is remembered at the second one only. */
static void set_up(void)
{
    static float vector[N_VECTOR];
    size_t n;
    if (*folder)
        return;
    snprintf(folder, sizeof folder, "%s/fuzz-pack-%d", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
             (int)getpid());
    mkdir(folder, 0700);
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("HONE_CACHE", "1", 1);
    snprintf(model, sizeof model, "%s/model.gguf", folder);
    strcat(folder, "/hone/weights");
    FUZZ_CHECK(hone_convert("tests/fixtures/bert-embed", model, NULL, NULL) == HONE_OK);
    atexit(clean_up);
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
    for (size_t i = 0; i < n_files; i++)
        if (i == *data % n_files)
            write_file(files[i].name, data + 1, size - 1);
        else
            write_file(files[i].name, files[i].data, files[i].size);
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
