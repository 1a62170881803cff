/* Each kernel at the shapes of real models, beside what the machine can do: hone_bench_kernels. */
#include "runtime/base/machine.h"
#include "runtime/base/sizes.h"
#include "runtime/tools/bench/limits.h"
#include "runtime/tools/bench/names.h"
#include "runtime/tools/bench/slots.h"

#include <string.h>
#include <strings.h>

#define BUDGET      0.05 /* seconds a case, at most; one call may take longer */
#define LONG_CALL   0.01 /* seconds: of a larger product a part of the columns is computed */
#define MAX_AGE     2.0  /* seconds until the limit of what is shared with others is measured again */
#define MAX_ROWS    4096
#define MAX_THREADS 1024

/* A limit that was measured before. */
struct known {
    enum cpu_level level;
    int n_threads;
    enum hone_number number; /* HONE_N_NUMBERS: reading */
    size_t share;            /* bytes a thread reads */
    double value, when;
};

static const char *const number_names[HONE_N_NUMBERS] = {"f32", "bf16", "int8"};
static const char *const memory_names[HONE_N_MEMORIES] = {"l1", "l2", "l3", "memory"};

struct bench {
    const struct hone_bench_selection *select;
    hone_bench_sink sink;
    void *arg;
    int n_threads;
    struct slot_operands operands;
    struct known known[256];
    size_t n_known;
};

/* ---- limits ---- */

static struct known *find_known(struct bench *b, const struct known *what)
{
    for (size_t i = 0; i < b->n_known; i++) {
        struct known *k = &b->known[i];
        if (k->level == what->level && k->n_threads == what->n_threads && k->number == what->number &&
            k->share == what->share)
            return k;
    }
    return NULL;
}

/* The last cache and the memory: other programs, or other guests of the host, use them at the same time. */
static bool is_shared(const struct known *k)
{
    return k->number == HONE_N_NUMBERS && k->share > machine_memory(HONE_MEMORY_L2);
}

/* Fills in the value, a known one unless `again`: what was surpassed was not the limit, but another program's work. */
static enum hone_status limit(struct bench *b, struct known *what, bool again, struct hone_error *err)
{
    struct known *known = find_known(b, what);
    enum hone_status status = HONE_OK;
    enum cpu_level by;
    bool old = known && !again && is_shared(what) && measure_clock() - known->when > MAX_AGE;
    if (known && !again && !old) {
        what->value = known->value;
        return HONE_OK;
    }
    if (what->number < HONE_N_NUMBERS)
        what->value = limits_ops(what->level, what->number, what->n_threads, &by);
    else
        status = limits_read(&what->value, what->level, what->share, what->n_threads,
                             is_shared(what) ? 6 * BUDGET : BUDGET, err);
    if (what->number == HONE_NUMBER_BF16 && what->value == 0) /* no instruction: it is computed in float32 */
        what->value = limits_ops(what->level, HONE_NUMBER_F32, what->n_threads, &by);
    what->when = measure_clock();
    if (again && known && known->value > what->value)
        what->value = known->value;
    if (known)
        *known = *what;
    else if (status == HONE_OK && b->n_known < sizeof b->known / sizeof *b->known)
        b->known[b->n_known++] = *what;
    return status;
}

/* How fast the bytes that a case reads can come from where they are. */
static struct known limit_of_reading(const struct bench_case *c)
{
    size_t share = c->held, unit = 1024, most = limits_share(HONE_MEMORY_MAIN, c->n_threads);
    while (unit < share / 8) /* what was measured nearby will do */
        unit *= 2;
    share = (share + unit - 1) / unit * unit;
    return (struct known){
        cpu_level(), c->n_threads, HONE_N_NUMBERS, share && share < most ? share : most, 0, 0};
}

/* Where the thread's bytes stay from call to call. */
static enum hone_memory memory_of(const struct bench_case *c)
{
    for (int m = HONE_MEMORY_L1; m < HONE_MEMORY_MAIN && c->held > 0; m++) {
        size_t size = machine_memory((enum hone_memory)m);
        if (c->held <= (m == HONE_MEMORY_L3 ? size / (size_t)c->n_threads : size))
            return (enum hone_memory)m;
    }
    return HONE_MEMORY_MAIN;
}

/* ---- one case ---- */

/* Of a product that would take long, as many columns as are enough to measure. */
static enum hone_status cut_columns(struct bench *b, struct bench_case *c, struct hone_error *err)
{
    if (c->slot->shape != SLOT_MATRIX)
        return HONE_OK;
    struct known ops = {c->level, c->n_threads, c->slot->number, 0, 0, 0};
    enum hone_status status = limit(b, &ops, false, err);
    double seconds = c->ops / ops.value;
    if (status != HONE_OK || seconds <= LONG_CALL)
        return status;
    size_t unit = (size_t)64 * (size_t)c->n_threads;
    size_t n = (size_t)((double)c->n * LONG_CALL / seconds) / unit * unit;
    c->n = n > unit ? n : unit < c->n ? unit : c->n;
    c->slot->cost(c);
    return HONE_OK;
}

static enum hone_status find_limits(struct bench *b, const struct bench_case *c, bool again,
                                    struct hone_bench_result *r, struct hone_error *err)
{
    struct known ops = {c->level, c->n_threads, c->slot->number, 0, 0, 0};
    struct known bytes = limit_of_reading(c);
    enum hone_status status = limit(b, &bytes, again, err);
    if (status == HONE_OK && c->ops > 0)
        status = limit(b, &ops, again, err);
    r->number = c->slot->number;
    r->memory = memory_of(c);
    r->ops_limit = ops.value;
    r->bytes_limit = bytes.value;
    return status;
}

static bool is_arithmetic(const struct bench_case *c, const struct hone_bench_result *r)
{
    return c->ops > 0 && c->ops / r->ops_limit > c->bytes / r->bytes_limit;
}

static void fill_rates(const struct bench_case *c, struct hone_bench_result *r)
{
    r->ops = c->ops / r->seconds;
    r->bytes = c->bytes / r->seconds;
    r->share = r->bytes / r->bytes_limit;
    r->bound = memory_names[r->memory];
    if (is_arithmetic(c, r)) {
        r->share = r->ops / r->ops_limit;
        r->bound = number_names[r->number];
    }
}

static enum hone_status run_case(struct bench *b, struct bench_case *c, struct hone_error *err)
{
    struct hone_bench_result r = {.slot = c->slot->name,
                                  .level = cpu_level_name(c->level),
                                  .model = c->model->name,
                                  .shape = c->shape,
                                  .m = c->m,
                                  .n = c->n,
                                  .k = c->k,
                                  .n_threads = c->n_threads};
    c->slot->cost(c);
    enum hone_status status = cut_columns(b, c, err);
    if (status == HONE_OK)
        status = operands_make(c, err);
    if (status == HONE_OK)
        status = find_limits(b, c, false, &r, err);
    if (status != HONE_OK)
        return status;
    bool own_time = is_arithmetic(c, &r) || r.memory <= HONE_MEMORY_L2;
    r.n_measured = c->n;
    r.seconds = measure_run(c->slot->work, c, &(struct measure_how){c->n_threads, BUDGET, own_time, NULL});
    fill_rates(c, &r);
    if (r.share > 1 && (status = find_limits(b, c, true, &r, err)) == HONE_OK)
        fill_rates(c, &r);
    if (status == HONE_OK)
        b->sink(b->arg, &r);
    return status;
}

/* ---- which cases ---- */

static enum hone_status run_shape(struct bench *b, struct bench_case c, struct hone_error *err)
{
    static const size_t usual[] = {1, 4, 16, 64, 256, 1024, 4096};
    enum hone_status status = HONE_OK;
    size_t n = b->select->m ? 1 : sizeof usual / sizeof *usual;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        struct bench_case one = c;
        one.m = b->select->m ? b->select->m : usual[i];
        size_t parts = c.slot->shape == SLOT_MATRIX      ? (size_t)b->n_threads
                       : c.slot->shape == SLOT_ATTENTION ? c.n
                                                         : one.m;
        one.n_threads = parts < (size_t)b->n_threads ? (int)parts : b->n_threads;
        status = run_case(b, &one, err);
    }
    return status;
}

static enum hone_status run_model(struct bench *b, struct bench_case c, struct hone_error *err)
{
    const struct shape_model *m = c.model;
    enum hone_status status = HONE_OK;
    static const char *const names[] = {[SLOT_EMBD] = "width",
                                        [SLOT_FF] = "ff",
                                        [SLOT_KEYS] = "keys",
                                        [SLOT_HEADS] = "heads",
                                        [SLOT_ATTENTION] = "heads"};
    if (c.slot->shape == SLOT_MATRIX) {
        for (const struct shape_matrix *x = m->matrices; x->name && status == HONE_OK; x++) {
            c.shape = x->name;
            c.n = x->n_out;
            c.k = x->n_in;
            status = run_shape(b, c, err);
        }
        return status;
    }
    c.shape = names[c.slot->shape];
    c.n = c.slot->shape == SLOT_EMBD   ? m->n_embd
          : c.slot->shape == SLOT_FF   ? m->n_ff
          : c.slot->shape == SLOT_KEYS ? m->n_keys
                                       : m->n_heads;
    c.k = c.slot->shape == SLOT_HEADS || c.slot->shape == SLOT_ATTENTION ? m->head_dim : 0;
    return run_shape(b, c, err);
}

/* The function of a slot, as bytes: functions of different types are to be compared. */
static bool same_function(const struct slot *slot, const struct kernels *x, const struct kernels *y)
{
    return memcmp((const char *)x + slot->offset, (const char *)y + slot->offset, sizeof(void (*)(void))) ==
           0;
}

/* The lowest level whose table has the same function there: the one that it was written for. */
static enum cpu_level own_level(const struct slot *slot, enum cpu_level level)
{
    enum cpu_level own = level;
    for (unsigned l = level; l-- > 0;) {
        const struct kernels *k = kernels_of((enum cpu_level)l);
        if (k && same_function(slot, k, kernels_of(level)))
            own = (enum cpu_level)l;
    }
    return own;
}

static enum hone_status run_slot(struct bench *b, const struct slot *slot, enum cpu_level level,
                                 struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (const struct shape_model *m = shape_models; m->name && status == HONE_OK; m++)
        if (!b->select->model || strcasecmp(m->name, b->select->model) == 0)
            status = run_model(b,
                               (struct bench_case){.slot = slot,
                                                   .kernels = kernels_of(level),
                                                   .model = m,
                                                   .operands = &b->operands,
                                                   .level = level},
                               err);
    return status;
}

static enum hone_status run_levels(struct bench *b, const struct slot *slot, struct hone_error *err)
{
    const char *level = b->select->level;
    enum hone_status status = HONE_OK;
    if (!level || strcmp(level, "all") != 0)
        return run_slot(b, slot, own_level(slot, level ? cpu_level_by_name(level) : cpu_level()), err);
    for (unsigned l = CPU_N_LEVELS; l-- > 0 && status == HONE_OK;)
        if (kernels_of((enum cpu_level)l) && own_level(slot, (enum cpu_level)l) == l)
            status = run_slot(b, slot, (enum cpu_level)l, err);
    return status;
}

/* ---- what was asked for ---- */

static enum hone_status unknown(struct hone_error *err, const char *what, const char *name, const char *list)
{
    return hone_fail(err, HONE_USAGE, "there is no %s '%s' here, expected one of %s", what, name, list);
}

static enum hone_status check(const struct bench *b, struct hone_error *err)
{
    const struct hone_bench_selection *s = b->select;
    char list[512] = "";
    bool found = !s->slot;
    for (const struct slot *slot = slots; slot->name; slot++) {
        names_append(list, sizeof list, slot->name);
        found |= s->slot && strcmp(slot->name, s->slot) == 0;
    }
    if (!found)
        return unknown(err, "slot", s->slot, list);
    *list = 0;
    found = !s->model;
    for (const struct shape_model *m = shape_models; m->name; m++) {
        names_append(list, sizeof list, m->name);
        found |= s->model && strcasecmp(m->name, s->model) == 0;
    }
    if (!found)
        return unknown(err, "model", s->model, list);
    enum hone_status status = HONE_OK;
    if (s->level && strcmp(s->level, "all") != 0)
        status = limits_check_level(s->level, err);
    if (status == HONE_OK && s->m > MAX_ROWS)
        return hone_fail(err, HONE_USAGE, "%zu rows are more than %d", s->m, MAX_ROWS);
    if (status == HONE_OK && b->n_threads > MAX_THREADS)
        return hone_fail(err, HONE_USAGE, "%d threads are more than %d", b->n_threads, MAX_THREADS);
    return status;
}

enum hone_status hone_bench_kernels(const struct hone_bench_selection *select, hone_bench_sink sink,
                                    void *arg, struct hone_error *err)
{
    struct hone_bench_selection taken = HONE_BENCH_DEFAULTS;
    struct bench b = {.select = &taken, .sink = sink, .arg = arg};
    enum hone_status status = sizes_take(&taken, sizeof taken, select, "hone_bench_selection", err);
    select = &taken;
    b.n_threads = taken.n_threads > 0 ? taken.n_threads : hone_machine()->n_threads;
    if (status == HONE_OK)
        status = check(&b, err);
    for (const struct slot *slot = slots; slot->name && status == HONE_OK; slot++)
        if (!select->slot || strcmp(slot->name, select->slot) == 0)
            status = run_levels(&b, slot, err);
    operands_free(&b.operands);
    return status;
}
