/* Files that appear when they are complete. */
#include "runtime/base/files.h"
#include "tests/files.h"
#include "tests/support.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool knows_nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_WRONLY, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* What a program that is killed at any moment leaves behind. */
static void nothing_before(void **state)
{
    (void)state;
    struct hone_error err;
    struct new_file f;
    const char *path = temp_path("file"), *folder = temp_path(".");
    for (int i = 0; i < 2; i++) {
        assert_ok(new_file_open(&f, path, &err), &err);
        fprintf(f.stream, "number %d", i);
        fflush(f.stream);
        if (knows_nameless(folder))
            assert_int_equal(count_temp_files(), i);
        assert_ok(new_file_close(&f, 0, &err), &err);
        assert_int_equal(count_temp_files(), 1);
    }
    char text[32] = "";
    FILE *in = fopen(path, "r");
    assert_non_null(fgets(text, sizeof text, in));
    fclose(in);
    assert_string_equal(text, "number 1");
    assert_ok(new_file_open(&f, path, &err), &err);
    assert_int_equal(new_file_close(&f, ENOSPC, &err), HONE_FAILED);
    assert_int_equal(count_temp_files(), 1);
}

static void no_place(void **state)
{
    (void)state;
    struct hone_error err;
    struct new_file f;
    assert_int_equal(new_file_open(&f, temp_path("no-folder/file"), &err), HONE_FAILED);
    assert_int_equal(new_file_open(&f, temp_path("."), &err), HONE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_before), cmocka_unit_test(no_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
