/* Several models in one file: what they have alike is packed once, and each computes what it computes alone. */
#include "tests/files.h"
#include "tests/support.h"

#include "runtime/base/files.h"
#include "runtime/infer/model.h"

#include <glob.h>
#include <hone.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_ROUTES 3
#define MAX_DIMS 256

static struct sigaction of_lost_pages; /* cmocka puts a handler of its own around every test */
static const char *const names[N_ROUTES] = {"a", "b", "c"};
static const struct hone_text text = {"a text that all of them read", 28};

/* What `model` is of once more; but for the first route one of its matrices is another one, and each has a name of its own. */
static struct gguf *copy_of(const struct hone_model *model, size_t route)
{
    const struct gguf *from = model->net.gguf;
    const struct dense *changed = &model->net.weights.layers[0].attn_out;
    struct gguf *to = gguf_new(names[route]);
    for (size_t i = 0; i < gguf_n_keys(from); i++)
        if (strcmp(gguf_key(from, i), "general.name") != 0)
            assert_true(gguf_set_value(to, gguf_key(from, i), gguf_value_at(from, i)));
    assert_true(gguf_set_string(to, "general.name", names[route]));
    for (size_t i = 0; i < gguf_n_tensors(from); i++) {
        struct gguf_tensor t = *gguf_tensor_at(from, i);
        if (route > 0 && gguf_tensor_at(from, i) == changed->parts[0].weight) {
            char *data = malloc(t.size);
            memcpy(data, t.data, t.size);
            memcpy(data + t.size - 4, data, 4); /* one number of its last row */
            t.data = data;
            assert_true(gguf_own_memory(to, data));
        }
        assert_true(gguf_add_tensor(to, &t));
    }
    return to;
}

/* A router's file in router.gguf, and what its routes are of in a.gguf, b.gguf and c.gguf. */
static void write_files(const char *fixture_name)
{
    struct hone_error err;
    struct hone_model *model;
    struct gguf *routes[N_ROUTES], *whole;
    char path[16];
    assert_ok(
        hone_model_open(&model, fixture(fixture_name), &(struct hone_options){.no_weights = true}, &err),
        &err);
    for (size_t i = 0; i < N_ROUTES; i++) {
        routes[i] = copy_of(model, i);
        snprintf(path, sizeof path, "%s.gguf", names[i]);
        assert_ok(gguf_write(routes[i], temp_path(path), NULL, &err), &err);
    }
    assert_ok(gguf_join_routes(&whole, "router", names, routes, N_ROUTES, &err), &err);
    for (size_t i = 0; i < GGUF_N_ROUTE_KEYS; i++)
        assert_true(gguf_set_string(whole, gguf_route_keys[i], names[i]));
    assert_ok(gguf_write(whole, temp_path("router.gguf"), NULL, &err), &err);
    gguf_close(&whole);
    for (size_t i = 0; i < N_ROUTES; i++)
        gguf_close(&routes[i]);
    hone_model_close(&model);
}

static struct hone_model *open_model(const char *name, enum hone_compute compute, bool light, bool no_cache)
{
    struct hone_error err;
    struct hone_model *model;
    const struct hone_options options = {
        .n_threads = 2, .compute = compute, .no_weights = light, .no_cache = no_cache};
    assert_ok(hone_model_open(&model, temp_path(name), &options, &err), &err);
    return model;
}

static enum hone_status embed(struct hone_model *model, enum hone_role as, float *out, struct hone_error *err)
{
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    how.as = as;
    assert_in_range(hone_model_info(model)->n_embd, 1, MAX_DIMS);
    return hone_embed(model, &text, 1, &how, out, NULL, err);
}

/* The first packs all, the second the matrix that is another one, the third nothing. */
static void check_packs(const struct hone_model *model)
{
    const struct weights *a = &model->net.weights, *b = &model->routes[0]->net.weights,
                         *c = &model->routes[1]->net.weights;
    const size_t n = a->n_dense;
    assert_int_equal(a->n_lent, 0);
    assert_int_equal(b->n_dense, 1);
    assert_int_equal(b->n_lent, n - 1);
    assert_int_equal(c->n_dense, 0);
    assert_int_equal(c->n_lent, n);
    assert_ptr_equal(b->dense[0], &b->layers[0].attn_out);
    assert_ptr_equal(c->layers[0].attn_out.packed, b->layers[0].attn_out.packed);
    assert_ptr_equal(c->layers[0].qkv.packed, a->layers[0].qkv.packed);
    assert_ptr_equal(b->layers[1].qkv.packed, a->layers[1].qkv.packed);
}

static void check_need(const struct hone_model *model, const struct hone_model *alone)
{
    struct hone_error err;
    struct hone_need all, one;
    assert_ok(hone_model_need(model, &all, &err), &err);
    assert_ok(hone_model_need(alone, &one, &err), &err);
    assert_int_equal(all.weights, model->net.weights.packed_size + model->routes[0]->net.weights.packed_size);
    assert_int_equal(one.weights, model->net.weights.packed_size);
    assert_int_equal(all.tables, one.tables);
}

static void check_results(struct hone_model *model, enum hone_compute compute)
{
    struct hone_error err;
    float wanted[MAX_DIMS], out[MAX_DIMS];
    char path[16];
    for (size_t i = 0; i < N_ROUTES; i++) {
        snprintf(path, sizeof path, "%s.gguf", names[i]);
        struct hone_model *alone = open_model(path, compute, false, true);
        assert_ok(embed(alone, (enum hone_role)i, wanted, &err), &err);
        assert_ok(embed(model, (enum hone_role)i, out, &err), &err);
        assert_memory_equal(out, wanted, hone_model_info(alone)->n_embd * sizeof *out);
        if (i == 0)
            check_need(model, alone);
        hone_model_close(&alone);
    }
}

static void packed_once(void **state)
{
    static const enum hone_compute computes[] = {HONE_COMPUTE_F32, HONE_COMPUTE_INT8};
    (void)state;
    setenv("HONE_CACHE", "1", 1);
    for (size_t i = 0; i < 2; i++)
        for (size_t times = 0; times < 3; times++) { /* without the cache, to it, and from it */
            struct hone_model *model = open_model("router.gguf", computes[i], false, times == 0),
                              *light = open_model("router.gguf", computes[i], true, true);
            struct hone_need need, foretold;
            struct hone_error err;
            check_packs(model);
            check_packs(light);
            assert_int_equal(model->net.weights.pack_map != NULL, times > 0);
            assert_ok(hone_model_need(model, &need, &err), &err);
            assert_ok(hone_model_need(light, &foretold, &err), &err);
            assert_memory_equal(&need, &foretold, sizeof need);
            check_results(model, computes[i]);
            hone_model_close(&light);
            hone_model_close(&model);
        }
}

/* Other kinds of products are not the same panels, nor is what has another shape. */
static void unlike(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model;
    assert_ok(hone_model_open(&model, fixture("sentence/router-deberta/model"), NULL, &err), &err);
    assert_int_equal(model->net.weights.n_lent + model->routes[0]->net.weights.n_lent, 0);
    hone_model_close(&model);
}

/* A pack that is shortened is that of all who use it. */
static void lost_together(void **state)
{
    (void)state;
    struct hone_error err = {0};
    glob_t packs;
    float out[MAX_DIMS];
    struct hone_model *model = open_model("router.gguf", HONE_COMPUTE_F32, false, false);
    assert_non_null(model->net.weights.pack_map);
    assert_null(model->routes[1]->net.weights.pack_map);
    assert_int_equal(sigaction(SIGBUS, &of_lost_pages, NULL), 0);
    assert_int_equal(glob(temp_path("cache/hone/weights/*.pack"), 0, NULL, &packs), 0);
    for (size_t i = 0; i < packs.gl_pathc; i++)
        assert_int_equal(truncate(packs.gl_pathv[i], 0), 0);
    globfree(&packs);
    assert_int_equal(embed(model, HONE_ROLE_DOCUMENT, out, &err), HONE_FAILED);
    assert_non_null(strstr(err.message, "shortened"));
    hone_model_close(&model);
}

static int set_up(void **state)
{
    (void)state;
    setenv("XDG_CACHE_HOME", temp_path("cache"), 1);
    write_files("bert-embed");
    return 0;
}

int main(void)
{
    void *data;
    size_t size;
    if (map_file("Makefile", &data, &size, NULL) != HONE_OK || sigaction(SIGBUS, NULL, &of_lost_pages) < 0)
        return 1;
    unmap_file(data, size);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_once),
        cmocka_unit_test(unlike),
        cmocka_unit_test(lost_together),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
