#include "cli/eval/measures.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of a permutation test: a p of 0.05 is told to 0.0014 (two standard errors). */
#define N_SHUFFLES 100000

struct ranked_result {
    const char *document;
    float score;
    json_int_t grade;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked_result *x = a, *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(y->document, x->document);
}

static int by_grade(const void *a, const void *b)
{
    json_int_t x = *(const json_int_t *)a, y = *(const json_int_t *)b;
    return (x < y) - (x > y);
}

/* The discounted gain of the best order that there could be. */
static double ideal(const json_t *grades, size_t cut)
{
    size_t n = 0;
    double sum = 0;
    const char *key;
    json_t *grade;
    json_int_t *sorted = calloc(json_object_size(grades) + 1, sizeof *sorted);
    json_object_foreach ((json_t *)grades, key, grade) {
        if (sorted && json_integer_value(grade) > 0)
            sorted[n++] = json_integer_value(grade);
    }
    if (n > 1)
        qsort(sorted, n, sizeof *sorted, by_grade);
    for (size_t i = 0; i < n && i < cut; i++)
        sum += (double)sorted[i] / log2((double)i + 2);
    free(sorted);
    return sum;
}

static size_t count_relevant(const json_t *grades)
{
    size_t n = 0;
    const char *key;
    json_t *grade;
    json_object_foreach ((json_t *)grades, key, grade) {
        n += json_integer_value(grade) > 0;
    }
    return n;
}

static struct ranked_result *rank(const json_t *scores, const json_t *grades, size_t *n)
{
    const char *key;
    json_t *score;
    struct ranked_result *list = calloc(json_object_size(scores) + 1, sizeof *list);
    *n = 0;
    json_object_foreach ((json_t *)scores, key, score) {
        if (list)
            list[(*n)++] = (struct ranked_result){key, (float)json_real_value(score),
                                                  json_integer_value(json_object_get(grades, key))};
    }
    if (*n > 1)
        qsort(list, *n, sizeof *list, by_score);
    return list;
}

static bool measure_query(double out[N_MEASURES], const json_t *scores, const json_t *grades, size_t cut)
{
    size_t n, n_relevant = count_relevant(grades), n_found = 0, n_cut = 0, n_100 = 0, first = 0;
    double gain = 0, precision = 0, best = ideal(grades, cut);
    struct ranked_result *list = rank(scores, grades, &n);
    if (!list)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (list[i].grade <= 0)
            continue;
        n_found++;
        first = first ? first : i + 1;
        n_cut += i < cut;
        n_100 += i < 100;
        precision += (double)n_found / (double)(i + 1);
        gain += i < cut ? (double)list[i].grade / log2((double)i + 2) : 0;
    }
    double all = n_relevant ? (double)n_relevant : 1;
    out[MEASURE_NDCG] = best > 0 ? gain / best : 0;
    out[MEASURE_MAP] = precision / all;
    out[MEASURE_MRR] = first ? 1 / (double)first : 0;
    out[MEASURE_RECALL] = (double)n_cut / all;
    out[MEASURE_RECALL_100] = (double)n_100 / all;
    free(list);
    return true;
}

bool measures_compute(struct measures *m, const json_t *qrels, const json_t *run, size_t cut)
{
    const char *query;
    json_t *grades;
    size_t most = json_object_size(qrels);
    bool ok = true;
    *m = (struct measures){.queries = calloc(most + 1, sizeof *m->queries)};
    ok = m->queries != NULL;
    for (size_t k = 0; k < N_MEASURES; k++)
        ok = (m->values[k] = calloc(most + 1, sizeof **m->values)) && ok;
    json_object_foreach ((json_t *)qrels, query, grades) {
        double values[N_MEASURES];
        const json_t *scores = json_object_get(run, query);
        m->n_missing += !scores;
        if (!ok || !scores || !(ok = measure_query(values, scores, grades, cut)))
            continue;
        for (size_t k = 0; k < N_MEASURES; k++) {
            m->values[k][m->n] = values[k];
            m->mean[k] += values[k];
        }
        m->queries[m->n++] = query;
    }
    for (size_t k = 0; k < N_MEASURES && m->n > 0; k++)
        m->mean[k] /= (double)m->n;
    return ok;
}

void measures_release(struct measures *m)
{
    for (size_t k = 0; k < N_MEASURES; k++)
        free(m->values[k]);
    free(m->queries);
    *m = (struct measures){0};
}

/* xorshift64*: the same numbers in each run. */
static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

double measures_p_value(const struct measures *a, const struct measures *b, enum measure which, size_t *n)
{
    double *d = calloc(a->n + 1, sizeof *d), sum = 0;
    size_t at = 0, n_as_large = 0;
    uint64_t state = 88172645463325252u;
    *n = 0;
    /* Both are in the order of the judgements. */
    for (size_t i = 0; d && i < a->n; i++) {
        size_t k = at;
        while (k < b->n && b->queries[k] != a->queries[i])
            k++;
        if (k == b->n)
            continue;
        at = k + 1;
        d[*n] = a->values[which][i] - b->values[which][k];
        sum += d[(*n)++];
    }
    for (size_t s = 0; d && s < N_SHUFFLES; s++) {
        double shuffled = 0;
        uint64_t bits = 0;
        for (size_t i = 0; i < *n; i++) {
            bits = i % 32 == 0 ? next(&state) >> 16 : bits >> 1;
            shuffled += bits & 1 ? d[i] : -d[i];
        }
        n_as_large += fabs(shuffled) >= fabs(sum) - 1e-12;
    }
    free(d);
    return ((double)n_as_large + 1) / (N_SHUFFLES + 1);
}
