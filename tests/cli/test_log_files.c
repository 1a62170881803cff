/* The log of a service, in files that do not grow for ever. */
#include "cli/service/log_files.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/hone-log-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char name[128];
    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, i ? "%s.%d" : "%s", path, i);
        unlink(name);
    }
    return rmdir(folder);
}

/* Has it keep n lines, written in pieces of `piece` bytes, however these cut them. */
static void keep_lines(const struct log_files *f, int n, size_t piece)
{
    int ends[2];
    char *text = malloc((size_t)n * 64 + 1), *at = text;
    assert_non_null(text);
    for (int i = 0; i < n; i++)
        at += sprintf(at, "line %d of them%.*s\n", i, i % 20, "....................");
    assert_int_equal(pipe(ends), 0);
    int pid = log_files_keep(f, ends[0]);
    assert_true(pid > 0);
    close(ends[0]);
    for (char *out = text; out < at; out += piece) {
        size_t left = (size_t)(at - out), size = left < piece ? left : piece;
        assert_int_equal(write(ends[1], out, size), size);
    }
    close(ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    free(text);
}

/* Each file but the newest is as full as whole lines allow; numbers go on from one to the next, and end with the last. */
static void check_files(const struct log_files *f, int n_lines)
{
    static char text[1 << 16];
    char name[128];
    int wanted = -1, number = 0;
    for (size_t i = f->n_old + 1; i-- > 0;) {
        snprintf(name, sizeof name, i ? "%s.%zu" : "%s", path, i);
        FILE *in = fopen(name, "r");
        assert_non_null(in);
        size_t n = fread(text, 1, sizeof text - 1, in);
        fclose(in);
        text[n] = '\0';
        assert_true(n > 0 && n <= f->size && text[n - 1] == '\n');
        if (i)
            assert_true(n + 50 > f->size);
        for (char *line = text; *line; line = strchr(line, '\n') + 1) {
            assert_int_equal(sscanf(line, "line %d of them", &number), 1);
            if (wanted >= 0)
                assert_int_equal(number, wanted);
            wanted = number + 1;
        }
    }
    assert_int_equal(wanted, n_lines);
    snprintf(name, sizeof name, "%s.%zu", path, f->n_old + 1);
    assert_int_not_equal(access(name, F_OK), 0);
}

static void the_newest_lines_are_kept(void **state)
{
    static const size_t pieces[] = {1, 7, 64, 4096};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const struct log_files f = {.path = path, .size = 1000, .n_old = i};
        if (i)
            assert_int_equal(make_folder(NULL), 0);
        keep_lines(&f, 500, pieces[i]);
        check_files(&f, 500);
        assert_int_equal(remove_folder(NULL), 0);
    }
    assert_int_equal(make_folder(NULL), 0);
}

/* It goes on behind what is there. */
static void two_runs(void **state)
{
    const struct log_files f = {.path = path, .size = 1 << 20, .n_old = 2};
    struct stat file;
    (void)state;
    keep_lines(&f, 10, 64);
    assert_int_equal(stat(path, &file), 0);
    off_t once = file.st_size;
    keep_lines(&f, 10, 64);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, 2 * once);
    assert_int_equal(file.st_mode & 0777, 0600);
}

/* A line that is longer than the block in which lines are looked for, and than a file may be. */
static void a_line_without_an_end(void **state)
{
    const struct log_files f = {.path = path, .size = 1000, .n_old = 1};
    int ends[2];
    char *text = malloc(200000);
    struct stat file;
    (void)state;
    assert_non_null(text);
    memset(text, 'x', 200000);
    assert_int_equal(pipe(ends), 0);
    int pid = log_files_keep(&f, ends[0]);
    close(ends[0]);
    for (size_t at = 0; at < 200000; at += 1000)
        assert_int_equal(write(ends[1], text + at, 1000), 1000);
    assert_int_equal(write(ends[1], "\nend\n", 5), 5);
    close(ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    free(text);
    assert_int_equal(stat(path, &file), 0);
    assert_true(file.st_size <= 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_lines_are_kept, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(two_runs, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_line_without_an_end, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
