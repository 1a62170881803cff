#include "tests/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

void *load_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened; tests run in the repository's folder", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    data[*size] = '\0';
    fclose(file);
    return data;
}

void store_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

uint64_t file_digest(const char *path)
{
    size_t size;
    if (access(path, F_OK) != 0)
        return 0;
    char *data = load_file(path, &size);
    uint64_t digest = XXH3_64bits(data, size);
    free(data);
    return digest;
}

static char temp_dir[64];
static pid_t temp_owner;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void remove_temp_dir(void)
{
    if (getpid() == temp_owner)
        nftw(temp_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_temp_dir(void)
{
    if (temp_owner)
        return;
    /* Memory, where there is some to put files in: the fuzz tests write tens of thousands. */
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(temp_dir, sizeof temp_dir, "%s/hone-test-XXXXXX", parent);
    assert_non_null(mkdtemp(temp_dir));
    temp_owner = getpid();
    atexit(remove_temp_dir);
}

const char *temp_path(const char *name)
{
    static char paths[16][256];
    static unsigned n;
    make_temp_dir();
    char *path = paths[n++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", temp_dir, name);
    return path;
}

size_t count_temp_files(void)
{
    make_temp_dir();
    DIR *dir = opendir(temp_dir);
    assert_non_null(dir);
    size_t n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2; /* "." and ".." */
}
