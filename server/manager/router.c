#include "server/manager/router.h"
#include "cli/choice.h"
#include "runtime/base/text.h"
#include "server/http/fail.h"
#include "server/manager/words.h"
#include "server/service.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rules ---- */

struct router_reader {
    const struct models *models;
    const char *where;
    struct hone_error *err;
};

/* A number of n bytes, all of them; nothing is none, and leaves *out as it is. */
static bool read_bound(const char *text, size_t n, double *out)
{
    char copy[32], *end;
    if (n == 0)
        return true;
    if (n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *out = strtod(copy, &end);
    return *end == '\0' && isfinite(*out) && *out >= 0;
}

/* "30..", "..100", "30..100" */
static enum hone_status read_range(const struct router_reader *r, const char *name, const char *value,
                                   double *least, double *most)
{
    const char *dots = strstr(value, "..");
    if (dots && read_bound(value, (size_t)(dots - value), least) &&
        read_bound(dots + 2, strlen(dots + 2), most) && *least <= *most)
        return HONE_OK;
    return fail(r->err, HONE_USAGE, "%s: %s must be a range such as 0..100 or 30.., not '%s'", r->where, name,
                value);
}

static enum hone_status read_task(const struct router_reader *r, const char *value, struct router_rule *rule)
{
    static const struct {
        const char *name;
        enum hone_task task;
    } tasks[] = {
        {"embed", HONE_TASK_EMBED}, {"classify", HONE_TASK_CLASSIFY}, {"generate", HONE_TASK_GENERATE}};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (strcmp(value, tasks[i].name) == 0) {
            rule->task = tasks[i].task;
            return HONE_OK;
        }
    rule->reranks = strcmp(value, "rerank") == 0;
    return rule->reranks
               ? HONE_OK
               : fail(r->err, HONE_USAGE, "%s: task must be one of embed|classify|generate|rerank, not '%s'",
                      r->where, value);
}

static enum hone_status read_condition(const struct router_reader *r, struct router_rule *rule,
                                       const char *name, const char *value)
{
    if (strcmp(name, "model") == 0) {
        rule->model = models_find(r->models, (struct hone_text){value, strlen(value)}, HONE_TASK_NONE);
        return rule->model && *value
                   ? HONE_OK
                   : fail(r->err, HONE_USAGE, "%s: the model '%s' is none here", r->where, value);
    }
    if (strcmp(name, "task") == 0)
        return read_task(r, value, rule);
    if (strcmp(name, "kind") == 0) {
        rule->kind = strcmp(value, "code") == 0 ? RULE_CODE : RULE_PROSE;
        return choice_has("code|prose", value)
                   ? HONE_OK
                   : fail(r->err, HONE_USAGE, "%s: kind must be one of code|prose, not '%s'", r->where,
                          value);
    }
    if (strcmp(name, "complexity") == 0)
        return read_range(r, name, value, &rule->least_score, &rule->most_score);
    if (strcmp(name, "length") == 0) {
        double least = 0, most = 1e18;
        if (read_range(r, name, value, &least, &most) != HONE_OK)
            return r->err->status;
        rule->least_bytes = (size_t)fmin(least, 1e18);
        rule->most_bytes = (size_t)fmin(most, 1e18);
        return HONE_OK;
    }
    return fail(r->err, HONE_USAGE, "%s: there is no condition '%s' of a route", r->where, name);
}

/* How fit a model is for reranking, or for a task: 0: not at all. What has a head for it comes before what compares vectors, and
 * that before what is asked; what was made for a task before what can do it, too. */
static int fitness(const struct served_model *m, bool reranks, enum hone_task task)
{
    const struct hone_model_info *info = m->info;
    if (!reranks)
        return !models_can(m, task) ? 0 : info->task == task ? 2 : 1;
    return models_only_rank(m) ? 3 : info->task == HONE_TASK_EMBED ? 2 : models_can_rank(m);
}

static enum hone_status check_rule(const struct router_reader *r, const struct router_rule *rule)
{
    struct hone_text name = {rule->route, strlen(rule->route)};
    if (!*rule->route || strchr(rule->route, '='))
        return fail(r->err, HONE_USAGE, "%s: expected 'route = NAME, model = MODEL, ...'", r->where);
    if (models_find(r->models, name, HONE_TASK_NONE))
        return fail(r->err, HONE_USAGE, "%s: the route '%s' has the name of a model", r->where, rule->route);
    if (!rule->model)
        return fail(r->err, HONE_USAGE, "%s: the route '%s' names no model", r->where, rule->route);
    if (!fitness(rule->model, rule->reranks, rule->task))
        return fail(r->err, HONE_USAGE, "%s: the model '%s' is not for that task", r->where,
                    rule->model->name);
    return HONE_OK;
}

static enum hone_status read_rule(struct router_rule *out, const char *text, const struct router_reader *r)
{
    *out = (struct router_rule){.text = strdup(text), .most_bytes = SIZE_MAX, .most_score = INFINITY};
    if (!out->text)
        return fail(r->err, HONE_FAILED, "out of memory for routes");
    char *rest, *word = strtok_r(out->text, ",", &rest);
    out->route = word ? words_trim(word) : "";
    struct words_said said = {.n = 0};
    enum hone_status status = HONE_OK;
    while (status == HONE_OK && (word = strtok_r(NULL, ",", &rest))) {
        char *value = strchr(word, '=');
        if (!value)
            return fail(r->err, HONE_USAGE, "%s: expected 'name = value', not '%s'", r->where,
                        words_trim(word));
        *value++ = '\0';
        word = words_trim(word);
        status = read_condition(r, out, word, words_trim(value));
        if (status == HONE_OK && words_again(&said, word))
            return fail(r->err, HONE_USAGE, "%s: %s is said twice", r->where, word);
    }
    return status == HONE_OK ? check_rule(r, out) : status;
}

enum hone_status router_open(struct router *out, const struct settings *s, const struct models *models,
                             struct hone_error *err)
{
    const char *bad = "";
    char at[256];
    size_t n_bad = 0;
    *out = (struct router){.rules = calloc(s->n_routes + 1, sizeof *out->rules),
                           .by_auto = calloc(models->n + 1, sizeof *out->by_auto)};
    if (!out->rules || !out->by_auto)
        return fail(err, HONE_FAILED, "out of memory for routes");
    if (!complexity_read_weights(s->complexity ? s->complexity : "", &out->weights, &bad, &n_bad))
        return fail(err, HONE_USAGE,
                    "%scomplexity: '%.*s' is no weight, or comes twice, expected such as 'nesting 2' of "
                    "lines, nesting, "
                    "identifiers, keywords, brackets, imports or threshold",
                    settings_place(s, SETTING_COMPLEXITY, at), (int)(n_bad < 100 ? n_bad : 100), bad);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < s->n_routes && status == HONE_OK; i++) {
        char where[256];
        snprintf(where, sizeof where, "%.200s:%d", s->config, s->route_lines[i]);
        status = read_rule(&out->rules[out->n++], s->routes[i], &(struct router_reader){models, where, err});
    }
    return status;
}

void router_close(struct router *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->rules[i].text);
    free(r->rules);
    free(r->by_auto);
    *r = (struct router){.n = 0};
}

bool router_has(const struct router *router, const struct models *models, struct hone_text name)
{
    if (name.size == 0 || models_find(models, name, HONE_TASK_NONE))
        return false;
    for (size_t i = 0; i < router->n; i++)
        if (text_is(name, router->rules[i].route))
            return true;
    return text_is(name, ROUTER_AUTO);
}

/* ---- what a request is about ---- */

/* The texts that a client sent, whatever the dialect: in these fields, and in what lies in them. */
static void collect(struct reply_buffer *out, const json_t *value, size_t depth)
{
    static const char *const inner[] = {"content", "text", "input", "parts"};
    size_t i;
    const json_t *item;
    if (json_is_string(value) && out->size < COMPLEXITY_BYTES) {
        reply_buffer_write(out, json_string_value(value), json_string_length(value));
        reply_buffer_text(out, "\n");
    }
    if (depth > 4)
        return;
    json_array_foreach (value, i, item) {
        collect(out, item, depth + 1);
    }
    for (i = 0; i < sizeof inner / sizeof *inner && json_is_object(value); i++)
        collect(out, json_object_get(value, inner[i]), depth + 1);
}

static void measure(const struct http_request *r, struct complexity *out)
{
    static const char *const fields[] = {"prompt", "messages",  "input",   "inputs", "texts",
                                         "query",  "documents", "content", "text",   "q"};
    struct reply_buffer text = {0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        collect(&text, json_object_get(r->json, fields[i]), 0);
    complexity_measure((struct hone_text){text.data ? text.data : "", text.failed ? 0 : text.size}, out);
    reply_buffer_release(&text);
}

/* ---- who can answer ---- */

#define BYTES_A_TOKEN 4   /* about */
#define USUAL_TOKENS  256 /* of a text that is generated, where the client does not say */

/* ms until it would have answered, as far as is known; 0: nothing is. */
static double expected_ms(const struct http_request *r, struct served_model *m, const struct complexity *c)
{
    struct hone_scheduler_stats stats;
    struct model_status status;
    models_stats(&r->service->models, m, &stats);
    manager_status(r->service->models.manager, &m->managed, &status);
    double ms = status.state == MODEL_READY ? 0 : 1e3 * status.load_seconds;
    double n = (double)c->bytes / BYTES_A_TOKEN;
    const json_t *given = json_object_get(r->json, "max_tokens");
    double n_new = json_is_integer(given) && json_integer_value(given) > 0 ? (double)json_integer_value(given)
                                                                           : USUAL_TOKENS;
    if (m->info->task == HONE_TASK_GENERATE && stats.generation.tokens_per_s > 0)
        ms += 1e3 * n_new / stats.generation.tokens_per_s;
    else if (m->info->task != HONE_TASK_GENERATE && stats.tokens_per_s > 0)
        ms += 1e3 * n / stats.tokens_per_s;
    return ms + stats.queue[HONE_PRIORITY_INTERACTIVE].recent.p50_ms;
}

/* Where the client gave a time: whether the model may answer by then. */
static bool is_in_time(const struct http_request *r, struct served_model *m, const struct complexity *c)
{
    return r->timeout_ms <= 0 || expected_ms(r, m, c) <= r->timeout_ms;
}

static bool reads_all(const struct served_model *m, const struct complexity *c)
{
    return m->info->max_length == 0 || c->bytes / BYTES_A_TOKEN <= m->info->max_length;
}

static bool is_about(const struct router_rule *rule, const struct http_request *r, enum hone_task task)
{
    if (r->reranks)
        return rule->task == HONE_TASK_NONE;
    return !rule->reranks && (rule->task == HONE_TASK_NONE || rule->task == task);
}

static bool holds(const struct router_rule *rule, const struct complexity *c, double score)
{
    return (rule->kind == RULE_ANY || (rule->kind == RULE_CODE) == c->is_code) &&
           c->bytes >= rule->least_bytes && c->bytes <= rule->most_bytes && score >= rule->least_score &&
           score <= rule->most_score;
}

static void say_why(struct http_request *r, const char *by, const struct complexity *c, double score,
                    bool late)
{
    snprintf(r->why, sizeof r->why, "%s; %s, %zu bytes, complexity %.1f%s", by, c->is_code ? "code" : "prose",
             c->bytes, score, late ? "; another would be late" : "");
}

/* ---- without rules ---- */

#define LONG_PROSE 4000 /* bytes, from which on prose is for the largest model */

/* The best there is of those that read so long a text. */
static int best_fitness(const struct http_request *r, enum hone_task task, const struct complexity *c)
{
    const struct models *models = &r->service->models;
    int best = 0;
    for (size_t i = 0; i < models->n; i++) {
        int fit = fitness(models->items[i], r->reranks, task);
        if (fit > best && reads_all(models->items[i], c))
            best = fit;
    }
    return best;
}

/* The smallest, or the largest, of those that may be asked and are in time. */
static struct served_model *choose_by_size(struct http_request *r, enum hone_task task,
                                           const struct complexity *c, double score, struct router *router)
{
    const struct models *models = &r->service->models;
    bool hard = c->is_code ? score >= router->weights.threshold : c->bytes >= LONG_PROSE, late = false;
    int fit = best_fitness(r, task, c);
    size_t best = models->n;
    for (size_t i = 0; i < models->n; i++) {
        struct served_model *m = models->items[i];
        if (fit == 0 || fitness(m, r->reranks, task) != fit || !reads_all(m, c))
            continue;
        if (!is_in_time(r, m, c)) {
            late = true;
            continue;
        }
        if (best == models->n || (hard ? m->info->n_params > models->items[best]->info->n_params
                                       : m->info->n_params < models->items[best]->info->n_params))
            best = i;
    }
    if (best == models->n)
        return NULL;
    router->by_auto[best]++;
    say_why(r, hard ? "auto, hard" : "auto, simple", c, score, late);
    return models->items[best];
}

struct served_model *router_choose(struct http_request *r, struct hone_text name, enum hone_task task)
{
    struct router *router = &r->service->router;
    struct complexity c;
    bool has_rules = false, late = false;
    measure(r, &c);
    double score = complexity_score(&c, &router->weights);
    for (size_t i = 0; i < router->n; i++) {
        struct router_rule *rule = &router->rules[i];
        if (!text_is(name, rule->route))
            continue;
        has_rules = true;
        if (!fitness(rule->model, r->reranks, task) || !is_about(rule, r, task) || !holds(rule, &c, score))
            continue;
        if (!is_in_time(r, rule->model, &c)) {
            late = true;
            continue;
        }
        char by[32];
        snprintf(by, sizeof by, "rule %zu", i + 1);
        rule->n_taken++;
        say_why(r, by, &c, score, late);
        return rule->model;
    }
    return has_rules ? NULL : choose_by_size(r, task, &c, score, router);
}
