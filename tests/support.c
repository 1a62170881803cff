#include "tests/support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[4096];

const char *fixture(const char *name)
{
    snprintf(path, sizeof path, "tests/fixtures/%s", name);
    return path;
}

const char *shared(const char *name)
{
    const char *root = getenv("HONE_SHARED");
    snprintf(path, sizeof path, "%s/%s", root ? root : "../shared", name);
    if (access(path, R_OK) == 0)
        return path;
    print_message("%s is not there\n", path);
    return NULL;
}

static char folder[] = "/tmp/hone-test-XXXXXX";

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s could not be removed\n", folder);
}

char *temporary(const char *name)
{
    static int made;
    if (!made) {
        if (!mkdtemp(folder)) {
            print_error("no temporary folder\n");
            fail();
        }
        atexit(remove_folder);
        made = 1;
    }
    char *out = malloc(sizeof folder + strlen(name) + 2);
    assert_non_null(out);
    sprintf(out, "%s/%s", folder, name);
    return out;
}

char *hub_folder(const char *like)
{
    char from[8192], to[8192];
    snprintf(from, sizeof from, "%s/config.hub.json", like);
    if (access(from, R_OK) != 0)
        return NULL;
    char *here = realpath(like, NULL), *out = temporary("hub-XXXXXX");
    DIR *dir = here && mkdtemp(out) ? opendir(here) : NULL;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = strcmp(entry->d_name, "config.hub.json") == 0 ? "config.json" : entry->d_name;
        snprintf(from, sizeof from, "%s/%s", here, entry->d_name);
        snprintf(to, sizeof to, "%s/%s", out, name);
        if (*entry->d_name != '.' && strcmp(entry->d_name, "config.json") != 0)
            assert_int_equal(symlink(from, to), 0);
    }
    closedir(dir);
    free(here);
    return out;
}

json_t *read_json(const char *file)
{
    json_error_t err;
    json_t *json = json_load_file(file, 0, &err);
    if (!json) {
        print_error("%s: %s\n", file, err.text);
        fail();
    }
    return json;
}

double number_at(const json_t *rows, size_t row, size_t col)
{
    return json_number_value(json_array_get(json_array_get(rows, row), col));
}

struct hone_text text_of(const json_t *string)
{
    return (struct hone_text){json_string_value(string), json_string_length(string)};
}

void assert_ok(enum hone_status status, const struct hone_error *err)
{
    if (status == HONE_OK)
        return;
    print_error("status %d: %s\n", status, err->message);
    fail();
}
