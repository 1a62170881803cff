#include "tests/fuzz/harness.h"

#include "runtime/base/json.h"
#include "runtime/gguf/gguf.h"
#include "tests/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd >= 0)
        close(fd);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

static char folder[FUZZ_PATH / 2];

static int remove_one(const char *path, const struct stat *info, int what, struct FTW *where)
{
    (void)info, (void)what, (void)where;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_place(char path[FUZZ_PATH], const char *name)
{
    if (!*folder) {
        snprintf(folder, sizeof folder, "%s/fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        FUZZ_CHECK(mkdtemp(folder));
        atexit(remove_folder);
    }
    FUZZ_CHECK(snprintf(path, FUZZ_PATH, "%s/%s", folder, name) < FUZZ_PATH);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        FUZZ_CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    return path;
}

void fuzz_write(const char *path, const void *data, size_t size)
{
    unlink(path);
    if (!data)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

struct hone_text fuzz_part(struct hone_text *rest, char separator)
{
    const char *end = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    struct hone_text part = {rest->data, end ? (size_t)(end - rest->data) : rest->size};
    rest->data += part.size + (end != NULL);
    rest->size -= part.size + (end != NULL);
    return part;
}

uint8_t *fuzz_load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    uint8_t *data = malloc(1 << 20);
    *size = data ? fread(data, 1, 1 << 20, f) : 0;
    fclose(f);
    return data;
}

uint8_t *fuzz_copy(const struct fuzz_text *seed, size_t *size)
{
    uint8_t *copy = malloc(seed->size + 1);
    *size = seed->size;
    return copy ? memcpy(copy, seed->text, seed->size) : NULL;
}

/* ---- JSON ---- */

static size_t count(const json_t *json)
{
    size_t n = 1, i;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)json, key, value)
        n += count(value);
    json_array_foreach (json, i, value)
        n += count(value);
    return n;
}

/* The at-th value, counted as count() does; the first is the root. */
static json_t *find(json_t *json, size_t *at)
{
    size_t i;
    const char *key;
    json_t *value, *found = NULL;
    if ((*at)-- == 0)
        return json;
    json_object_foreach (json, key, value)
        if (!found)
            found = find(value, at);
    json_array_foreach (json, i, value)
        if (!found)
            found = find(value, at);
    return found;
}

static json_t *any_value(json_t *root)
{
    static const double numbers[] = {0, -1, 1, 255, 65536, 4294967296.0, 1e300, 0.5};
    size_t at = random_below(count(root));
    switch (random_below(6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean((int)random_below(2));
    case 2:
        return json_integer((json_int_t)random_bits() >> random_below(64));
    case 3:
        return json_real(numbers[random_below(sizeof numbers / sizeof *numbers)]);
    case 4:
        return random_below(2) ? json_object() : json_array();
    default:
        return json_deep_copy(find(root, &at));
    }
}

/* A member is taken away, or gets another value, or stands where another one stood. */
static void change(json_t *root)
{
    size_t at = random_below(count(root));
    json_t *place = find(root, &at);
    size_t n = json_is_object(place) ? json_object_size(place) : json_array_size(place);
    size_t k = n ? random_below(n) : 0;
    if (json_is_array(place) && n) {
        if (random_below(3) == 0)
            json_array_remove(place, k);
        else
            json_array_set_new(place, k, any_value(root));
    } else if (json_is_object(place) && n) {
        void *i = json_object_iter(place);
        while (k-- > 0)
            i = json_object_iter_next(place, i);
        if (random_below(3) == 0)
            json_object_del(place, json_object_iter_key(i));
        else
            json_object_iter_set_new(place, i, any_value(root));
    }
}

size_t fuzz_shape_json(uint8_t *data, size_t size, size_t capacity)
{
    json_t *root = json_read((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!root)
        return 0;
    for (size_t n = random_below(3) + 1; n > 0; n--)
        change(root);
    char *text = json_write(root, JSON_ENCODE_ANY | JSON_COMPACT);
    size = text ? strlen(text) : 0;
    if (size > capacity)
        size = 0;
    if (size)
        memcpy(data, text, size);
    free(text);
    json_decref(root);
    return size;
}

/* ---- within others ---- */

size_t fuzz_shape_within(uint8_t *data, size_t size, size_t capacity, size_t at, size_t n, fuzz_shaper *shape)
{
    const size_t n_tail = size - at - n;
    uint8_t *tail = malloc(n_tail + 1);
    if (!tail)
        return 0;
    memcpy(tail, data + at + n, n_tail);
    size_t shaped = at + n_tail < capacity ? shape(data + at, n, capacity - at - n_tail) : 0;
    if (shaped)
        memcpy(data + at + shaped, tail, n_tail);
    free(tail);
    return shaped ? at + shaped + n_tail : 0;
}

size_t fuzz_shape_parts(uint8_t *data, size_t size, size_t capacity, size_t at)
{
    size_t n_parts = 1;
    for (size_t i = at; i < size; i++)
        n_parts += data[i] == 0;
    struct hone_text rest = {(const char *)data + at, size > at ? size - at : 0}, part = {0};
    for (size_t i = random_below(n_parts) + 1; i > 0; i--)
        part = fuzz_part(&rest, 0);
    return part.size ? fuzz_shape_within(data, size, capacity, (size_t)((const uint8_t *)part.data - data),
                                         part.size, fuzz_shape_json)
                     : 0;
}

size_t fuzz_shape_safetensors(uint8_t *data, size_t size, size_t capacity)
{
    uint64_t n;
    if (size < sizeof n)
        return 0;
    memcpy(&n, data, sizeof n);
    if (n > size - sizeof n)
        return 0;
    size_t shaped = fuzz_shape_within(data, size, capacity, sizeof n, (size_t)n, fuzz_shape_json);
    n += shaped ? shaped - size : 0;
    memcpy(data, &n, sizeof n);
    return shaped;
}

/* ---- GGUF ---- */

static bool set_value(struct gguf *to, const char *key, const struct gguf_value *old)
{
    static const char *const names[] = {"none", "mean",  "gelu", "silu", "yarn",
                                        "bert", "llama", "gpt2", "t5",   ""};
    const uint32_t small = (uint32_t)random_below(12);
    if (old->type == GGUF_STRING && !old->is_array)
        return gguf_set_string(to, key, names[random_below(sizeof names / sizeof *names)]);
    if (old->is_array)
        return gguf_set_value(to, key,
                              &(struct gguf_value){.type = old->type,
                                                   .is_array = true,
                                                   .n = random_below(old->n + 1),
                                                   .data = old->data,
                                                   .strings = old->strings});
    if (old->type == GGUF_F32)
        return gguf_set_f32(to, key, random_below(2) ? (float)small : -1 / (float)small);
    return gguf_set_u32(to, key, random_below(2) ? small : (uint32_t)random_bits());
}

/* A copy with one key changed or left out, or one tensor of another shape. */
static bool copy_changed(struct gguf *to, const struct gguf *from)
{
    size_t n_keys = gguf_n_keys(from), n_tensors = gguf_n_tensors(from);
    size_t key = random_below(n_keys + 1), tensor = random_below(4) ? n_tensors : random_below(n_tensors + 1);
    bool drop = random_below(4) == 0, ok = true;
    for (size_t i = 0; i < n_keys && ok; i++) {
        const struct gguf_value *v = gguf_value_at(from, i);
        if (i == key)
            ok = drop || set_value(to, gguf_key(from, i), v);
        else
            ok = gguf_set_value(to, gguf_key(from, i), v);
    }
    for (size_t i = 0; i < n_tensors && ok; i++) {
        struct gguf_tensor t = *gguf_tensor_at(from, i);
        uint64_t *last = &t.dims[t.n_dims ? t.n_dims - 1 : 0];
        if (i == tensor && *last > 1)
            *last -= 1;
        else if (i == tensor)
            continue;
        ok = gguf_add_tensor(to, &t);
    }
    return ok;
}

size_t fuzz_shape_gguf(uint8_t *data, size_t size, size_t capacity)
{
    static char path[PATH_MAX];
    struct gguf *from, *to;
    size_t out = 0;
    snprintf(path, sizeof path, "%s/fuzz-%d.gguf", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
             (int)getpid());
    if (gguf_open(&from, fuzz_file(data, size), NULL) != HONE_OK)
        return 0;
    to = gguf_new(path);
    if (to && copy_changed(to, from) && gguf_write(to, path, NULL, NULL) == HONE_OK) {
        uint8_t *copy = fuzz_load(path, &out);
        out = copy && out <= capacity ? out : 0;
        if (out)
            memcpy(data, copy, out);
        free(copy);
    }
    unlink(path);
    gguf_close(&to);
    gguf_close(&from);
    return out;
}
