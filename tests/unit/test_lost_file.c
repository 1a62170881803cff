/* A model file that is shortened while it is open: this model fails with a sentence and its results go nowhere, the
 * process and its other models go on. */
#include "tests/exercise.h"
#include "tests/files.h"
#include "tests/support.h"

#include "runtime/base/files.h"
#include "runtime/base/thread_pool.h"
#include "runtime/load/import/import.h"
#include "runtime/load/pack_cache.h"

#include <fcntl.h>
#include <glob.h>
#include <hone.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sigaction ours;

/* cmocka puts a handler of its own around every test. */
static void handle_faults(void)
{
    assert_int_equal(sigaction(SIGBUS, &ours, NULL), 0);
}

static struct hone_model *open_model(const char *path, enum hone_compute compute)
{
    struct hone_error err = {0};
    struct hone_model *model;
    assert_ok(hone_model_open(&model, path, &(struct hone_options){.n_threads = 2, .compute = compute}, &err),
              &err);
    return model;
}

static const char *converted(const char *folder)
{
    struct hone_error err = {0};
    const char *path = temp_path("model.gguf");
    assert_ok(hone_convert(fixture(folder), path, NULL, &err), &err);
    return path;
}

static size_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

/* One byte in the middle of the weights. */
static void change_pack(const char *folder)
{
    char pattern[600];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/hone/weights/*.pack", folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    FILE *f = fopen(found.gl_pathv[0], "r+b");
    assert_non_null(f);
    fseek(f, -(long)(size_of(found.gl_pathv[0]) / 3), SEEK_END);
    int byte = fgetc(f);
    fseek(f, -1, SEEK_CUR);
    fputc(byte ^ 1, f);
    fclose(f);
    globfree(&found);
}

/* Whatever computed before fails now, and says which file it was. */
static void loses(const char *folder, size_t left, enum hone_compute compute)
{
    struct outcome before[EXERCISE_N], after[EXERCISE_N], other[EXERCISE_N], still[EXERCISE_N];
    const char *path = converted(folder);
    struct hone_model *model = open_model(path, compute), *whole = open_model(fixture(folder), compute);
    exercise_model(model, before);
    exercise_model(whole, other);
    assert_int_equal(truncate(path, (off_t)(left ? left : size_of(path) - 1)), 0);
    exercise_model(model, after);
    exercise_model(whole, still);
    for (size_t i = 0; i < EXERCISE_N; i++) {
        assert_int_equal(still[i].status, other[i].status);
        assert_int_equal(still[i].digest, other[i].digest);
        if (before[i].status != HONE_OK)
            continue;
        assert_int_equal(after[i].status, HONE_FAILED);
        assert_non_null(strstr(after[i].sentence, "model.gguf"));
        assert_non_null(strstr(after[i].sentence, "shortened"));
    }
    hone_model_close(&model);
    hone_model_close(&whole);
}

static void embeddings(void **state)
{
    (void)state;
    handle_faults();
    loses("bert-embed", 1000, HONE_COMPUTE_F32);
    loses("bert-embed", 20000, HONE_COMPUTE_INT8);
    loses("bert-cross", 4096, HONE_COMPUTE_AUTO);
    loses("splade", 8192, HONE_COMPUTE_AUTO);
}

static void generation(void **state)
{
    (void)state;
    handle_faults();
    loses("causal", 1000, HONE_COMPUTE_AUTO);
    loses("t5", 4096, HONE_COMPUTE_AUTO);
}

/* A pack that is looked at when it is read: a byte that changed on the disk fails what computes with it, and the pack is
 * made anew. */
static void changed_pack(void **state)
{
    (void)state;
    handle_faults();
    struct outcome right[EXERCISE_N], now[EXERCISE_N];
    const char *path = converted("bert-embed");
    char folder[512];
    snprintf(folder, sizeof folder, "%s", temp_path("packs"));
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("HONE_CACHE", "1", 1);
    const size_t usual = pack_cache_whole_at_once;
    pack_cache_whole_at_once = 0;
    for (int i = 0; i < 5; i++) {
        struct hone_model *model = open_model(path, HONE_COMPUTE_INT8);
        if (i == 2) /* before anything was read */
            change_pack(folder);
        exercise_model(model, i == 0 ? right : now);
        for (size_t k = 0; k < EXERCISE_N && i > 0; k++) {
            assert_int_equal(now[k].status,
                             i == 2 && right[k].status == HONE_OK ? HONE_FAILED : right[k].status);
            if (i == 2 && right[k].status == HONE_OK)
                assert_non_null(strstr(now[k].sentence, "changed"));
            else if (i != 2)
                assert_int_equal(now[k].digest, right[k].digest);
        }
        hone_model_close(&model);
    }
    pack_cache_whole_at_once = usual;
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HONE_CACHE");
}

/* No page is lost then, and no signal comes: the last one is zero from the new end on. */
static void last_byte(void **state)
{
    (void)state;
    handle_faults();
    loses("bert-embed", 0, HONE_COMPUTE_F32);
}

static void while_converting(void **state)
{
    (void)state;
    handle_faults();
    struct hone_error err = {0};
    struct gguf *g;
    const char *path = converted("bert-embed");
    assert_ok(gguf_open(&g, path, &err), &err);
    assert_int_equal(truncate(path, 20000), 0);
    assert_int_equal(gguf_write(g, temp_path("copy.gguf"), NULL, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "shortened"));
    gguf_close(&g);
    assert_int_equal(access(temp_path("copy.gguf"), F_OK), -1);
}

enum { N_LOST = 64 }; /* pages */

struct lost_file {
    const char *bytes;
    size_t page;
    atomic_size_t *n_zeros;
};

/* From the last page on, since those behind one that is lost are not asked for again. */
static void touch_page(const void *arg, struct work_range pages)
{
    const struct lost_file *f = arg;
    for (size_t i = pages.first; i < pages.end; i++) {
        usleep(1000); /* so that others take some of them */
        *f->n_zeros += f->bytes[(N_LOST - 1 - i) * f->page] == 0;
    }
}

/* Threads that help have the fault as the caller would. */
static void threads_that_help(void **state)
{
    (void)state;
    handle_faults();
    struct hone_error err = {0};
    atomic_size_t n_zeros = 0;
    struct lost_file f = {NULL, (size_t)sysconf(_SC_PAGESIZE), &n_zeros};
    const char *path = temp_path("pages");
    char *full = malloc(N_LOST * f.page);
    void *map;
    size_t size;
    memset(full, 1, N_LOST * f.page);
    store_file(path, full, N_LOST * f.page);
    free(full);
    assert_ok(map_file(path, &map, &size, &err), &err);
    assert_int_equal(truncate(path, 0), 0);
    f.bytes = map;
    thread_pool_run(2, N_LOST, N_LOST, touch_page, &f);
    assert_int_equal(n_zeros, N_LOST);
    assert_false(map_file_is_whole(map));
    unmap_file(map, size);
}

/* Mapping and unmapping the same places again and again. */
static void places_are_used_again(void **state)
{
    (void)state;
    handle_faults();
    const char *path = temp_path("pages");
    static char page[8192] = "x";
    struct hone_error err = {0};
    for (int i = 0; i < 100; i++) {
        void *data[3];
        size_t size;
        store_file(path, page, sizeof page);
        for (int k = 0; k < 3; k++)
            assert_ok(map_file(path, &data[k], &size, &err), &err);
        assert_int_equal(truncate(path, 4096), 0);
        assert_int_equal(((volatile char *)data[1])[5000], 0);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(((char *)data[k])[0], 'x');
            assert_false(map_file_is_whole(data[k]));
            unmap_file(data[k], size);
        }
    }
}

/* That of main(), which was there before hone's. */
static void first_handler(int number)
{
    (void)number;
    _exit(42);
}

static int exit_of(void (*fault)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        fault();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void in_foreign_pages(void)
{
    int fd = open(temp_path("foreign"), O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4096) < 0)
        return;
    volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    if (ftruncate(fd, 0) == 0)
        (void)map[0];
}

static void by_hand(void)
{
    raise(SIGBUS);
}

/* A fault that is not in our files goes to whom it went before. */
static void foreign_fault(void **state)
{
    (void)state;
    handle_faults();
    assert_int_equal(exit_of(in_foreign_pages), 42);
    assert_int_equal(exit_of(by_hand), 42);
}

int main(void)
{
    void *data;
    size_t size;
    signal(SIGBUS, first_handler);
    if (map_file("Makefile", &data, &size, NULL) != HONE_OK || sigaction(SIGBUS, NULL, &ours) < 0)
        return 1;
    unmap_file(data, size);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings),        cmocka_unit_test(generation),
        cmocka_unit_test(last_byte),         cmocka_unit_test(while_converting),
        cmocka_unit_test(threads_that_help), cmocka_unit_test(places_are_used_again),
        cmocka_unit_test(foreign_fault),     cmocka_unit_test(changed_pack),
    };
    return cmocka_run_group_tests_name("lost files", tests, NULL, NULL);
}
