/* What tells that a model's files have changed: parts, folders, and the model that an adapter is of. */
#include "server/model_files.h"
#include "tests/support.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/hone-files-XXXXXX";

static const char *at(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static uint64_t print_of(const char *name)
{
    struct model_files now;
    assert_true(model_files_look(&now, at(name)));
    assert_int_not_equal(now.print, 0);
    return now.print;
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[PATH_MAX];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command); /* NOLINT(cert-env33-c): a path of our own */
}

static void folders(void **state)
{
    (void)state;
    struct model_files f;
    assert_false(model_files_look(&f, at("nothing")));
    mkdir(at("m"), 0700);
    mkdir(at("m/1_Pooling"), 0700);
    put("m/config.json", "{}");
    put("m/1_Pooling/config.json", "{}");
    uint64_t before = print_of("m");
    assert_int_equal(print_of("m"), before);
    put("m/1_Pooling/config.json", "{} ");
    assert_int_not_equal(print_of("m"), before);
    before = print_of("m");
    put("m/.hidden", "x");
    assert_int_equal(print_of("m"), before);
    assert_true(model_files_look(&f, at("m")));
    assert_int_equal(f.bytes, 5);
}

static void parts(void **state)
{
    (void)state;
    put("p-00001-of-00002.gguf", "a");
    put("p-00002-of-00002.gguf", "b");
    uint64_t before = print_of("p-00001-of-00002.gguf");
    put("p-00002-of-00002.gguf", "longer");
    assert_int_not_equal(print_of("p-00001-of-00002.gguf"), before);
}

static void name_base(const char *name)
{
    char text[PATH_MAX + 64], path[PATH_MAX];
    snprintf(path, sizeof path, "%s", at(name));
    snprintf(text, sizeof text, "{\"base_model_name_or_path\": \"%s\"}", path);
    put("adapter/adapter_config.json", text);
}

static void adapters(void **state)
{
    (void)state;
    mkdir(at("base"), 0700);
    mkdir(at("adapter"), 0700);
    put("base/model.safetensors", "weights");
    name_base("base");
    uint64_t before = print_of("adapter");
    assert_int_equal(print_of("adapter"), before);
    put("base/model.safetensors", "other weights");
    assert_int_not_equal(print_of("adapter"), before);
    /* It leads in a circle, to a file, to nothing, is no JSON, is a folder: that says nothing of a base. */
    char text[PATH_MAX + 64], path[PATH_MAX];
    snprintf(path, sizeof path, "%s", at("adapter"));
    snprintf(text, sizeof text, "{\"base_model_name_or_path\": \"%s\"}", path);
    put("base/adapter_config.json", text);
    print_of("adapter");
    name_base("adapter");
    print_of("adapter");
    name_base("base/model.safetensors");
    print_of("adapter");
    put("adapter/adapter_config.json", "{\"base_model_name_or_path\": 5}");
    print_of("adapter");
    put("adapter/adapter_config.json", "[[[");
    print_of("adapter");
    assert_int_equal(unlink(at("adapter/adapter_config.json")), 0);
    assert_int_equal(mkfifo(at("adapter/adapter_config.json"), 0600), 0);
    print_of("adapter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(folders), cmocka_unit_test(parts),
                                       cmocka_unit_test(adapters)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
