/* Profiles as files: a JSON object a CPU and instruction set. */
#include "runtime/base/cache_folder.h"
#include "runtime/base/files.h"
#include "runtime/base/json.h"
#include "runtime/base/machine.h"
#include "runtime/nn/tuning.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "hone tuning 1"
/* A file has some KB. What it says is what somebody may have written: blocks between a page and more than any core's cache,
 * and tasks of tokens whose memory can still be held by every thread. */
#define MAX_SIZE    (64 << 10)
#define LEAST_BYTES (4 << 10)
#define MOST_BYTES  (64 << 20)
#define MOST_COLS   (1 << 16)
#define LEAST_TASK  64
#define MOST_TASK   (1 << 16)

/* ---- where ---- */

/* Letters and digits of a name, lower case, with a hyphen for each run of others. */
static void put_plain(char *to, size_t size, const char *name)
{
    size_t n = 0;
    for (; *name && n + 1 < size; name++) {
        if (isalnum((unsigned char)*name))
            to[n++] = (char)tolower((unsigned char)*name);
        else if (n > 0 && to[n - 1] != '-')
            to[n++] = '-';
    }
    to[n] = 0;
}

enum hone_status tuning_path(char path[TUNING_PATH], struct hone_error *err)
{
    char cpu[128], level[32], name[sizeof cpu + sizeof level + 16];
    put_plain(cpu, sizeof cpu, hone_machine()->cpu);
    put_plain(level, sizeof level, hone_machine()->level);
    snprintf(name, sizeof name, "tuning-%s-%s.json", cpu, level);
    if (!cache_path(path, name))
        return hone_fail(err, HONE_FAILED,
                         "there is no folder for the tuning profile: set HOME or XDG_CACHE_HOME");
    return HONE_OK;
}

/* ---- reading ---- */

static enum hone_status bad(const char *path, const char *why, struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: %s; 'hone tune' makes it anew", path, why);
}

/* The size, at most MAX_SIZE + 1, or -1 with errno set. */
static ssize_t read_all(const char *path, char *text)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = 0, n = 0;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        while (size <= MAX_SIZE && (n = read(fd, text + size, (size_t)(MAX_SIZE + 1 - size))) > 0)
            size += n;
    } else {
        errno = EINVAL;
        n = -1;
    }
    int error = errno;
    close(fd);
    errno = error;
    return n < 0 ? -1 : size;
}

static bool read_size(const json_t *value, size_t least, size_t most, size_t unit, size_t *out)
{
    json_int_t n = json_integer_value(value); /* 0 where it is none */
    if (n < (json_int_t)least || n > (json_int_t)most || (size_t)n % unit != 0)
        return false;
    *out = (size_t)n;
    return true;
}

/* [{"bytes": ..., "cols": ...}, ...] */
static bool read_tiles(const json_t *array, struct tuning_tile tiles[TUNING_CLASSES])
{
    if (json_array_size(array) != TUNING_CLASSES)
        return false;
    for (size_t i = 0; i < TUNING_CLASSES; i++) {
        const json_t *tile = json_array_get(array, i);
        if (!read_size(json_object_get(tile, "bytes"), LEAST_BYTES, MOST_BYTES, 1, &tiles[i].bytes) ||
            !read_size(json_object_get(tile, "cols"), TUNING_UNIT, MOST_COLS, TUNING_UNIT, &tiles[i].cols))
            return false;
    }
    return true;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static enum hone_status read_profile(struct tuning *out, const json_t *root, const char *path,
                                     struct hone_error *err)
{
    struct tuning t;
    if (!is_text(json_object_get(root, "format"), FORMAT))
        return bad(path, "not a tuning profile of this version", err);
    if (!is_text(json_object_get(root, "cpu"), hone_machine()->cpu) ||
        !is_text(json_object_get(root, "level"), hone_machine()->level))
        return bad(path, "the tuning profile is another machine's", err);
    if (!read_tiles(json_object_get(root, "f32"), t.f32) ||
        !read_tiles(json_object_get(root, "int8"), t.int8) ||
        !read_size(json_object_get(root, "task_tokens"), LEAST_TASK, MOST_TASK, 1, &t.task_tokens))
        return bad(path, "the tuning profile is damaged: a size is missing or out of its bounds", err);
    *out = t;
    return HONE_OK;
}

enum hone_status tuning_load(struct tuning *out, const char *path, struct hone_error *err)
{
    char *text = malloc(MAX_SIZE + 1);
    if (!text)
        return hone_no_memory(err, "the tuning profile", MAX_SIZE + 1);
    enum hone_status status;
    ssize_t size = read_all(path, text);
    json_t *root = NULL;
    if (size < 0) {
        status = hone_fail(err, HONE_FAILED, "%s: cannot be read: %s", path, strerror(errno));
    } else if (size > MAX_SIZE || !(root = json_read(text, (size_t)size, JSON_REJECT_DUPLICATES, NULL))) {
        status = bad(path, "the tuning profile is damaged: no JSON object", err);
    } else {
        status = read_profile(out, root, path, err);
    }
    json_decref(root);
    free(text);
    return status;
}

/* ---- writing ---- */

static json_t *make_tiles(const struct tuning_tile tiles[TUNING_CLASSES])
{
    json_t *array = json_array();
    for (size_t i = 0; i < TUNING_CLASSES; i++)
        json_array_append_new(array, json_pack("{s:I, s:I}", "bytes", (json_int_t)tiles[i].bytes, "cols",
                                               (json_int_t)tiles[i].cols));
    return array;
}

enum hone_status tuning_save(const struct tuning *t, const char *path, struct hone_error *err)
{
    struct new_file file;
    if (strlen(path) >= TUNING_PATH)
        return hone_fail(err, HONE_FAILED, "the name of the tuning profile is too long");
    json_t *root = json_pack("{s:s, s:s, s:s, s:o, s:o, s:I}", "format", FORMAT, "cpu", hone_machine()->cpu,
                             "level", hone_machine()->level, "f32", make_tiles(t->f32), "int8",
                             make_tiles(t->int8), "task_tokens", (json_int_t)t->task_tokens);
    if (!root)
        return hone_no_memory(err, "the tuning profile", MAX_SIZE);
    cache_make_folders(path);
    enum hone_status status = new_file_open(&file, path, err);
    if (status == HONE_OK) {
        int failed = json_dumpf(root, file.stream, JSON_INDENT(2)) != 0 || putc('\n', file.stream) == EOF;
        status = new_file_close(&file, failed ? EIO : 0, err);
    }
    json_decref(root);
    return status;
}
