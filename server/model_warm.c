/* A first pass maps weights, takes memory for activations on each thread that computes, and the tokenizer and the decoder
 * meet their tables for the first time: it takes up to five times as long as the next one, and what is foretold from it
 * (Retry-After) is as wrong. So requests as clients have them go the whole way through a scheduler, one of their own, whose
 * figures go with it; its threads leave their stacks and their part of malloc to those of the next. What they are about is
 * seen in a reply of a millisecond: with one text by hone_classify instead, the first one took 1.6 times as long. */
#include "server/model_warm.h"
#include "server/model_draft.h"

#include <stdlib.h>
#include <string.h>

/* Several texts are computed by as many threads, each with memory of its own; one is shared by all. */
#define N_TEXTS 8
#define MAX_TOKENS                                                                                           \
    4 /* the first comes of the prompt's pass; two of the others by steps that guesses may be part of */

static const struct hone_text texts[N_TEXTS] = {
    {"The quick brown fox jumps over the lazy dog, and comes back.", 60},
    {"How many requests does a server answer in a second?", 51},
    {"A library reads files of 10 MB, or 10,000 of them.", 50},
    {"Bread is made of flour, water, salt and yeast.", 46},
    {"int main(void) { return 0; }", 28},
    {"It rains in Berlin, and the trains are late again.", 50},
    {"Memory is mapped once, and shared from then on.", 47},
    {"Is there anything else that you would like to know?", 51},
};

static void generate(const struct served_model *m, struct hone_scheduler *s)
{
    struct hone_request request = HONE_REQUEST_DEFAULTS;
    struct hone_generation g = HONE_GENERATION_DEFAULTS;
    g.prompt = texts[0];
    g.max_tokens = MAX_TOKENS;
    model_draft_use(m, &g);
    g.ignore_end = true;
    request.kind = HONE_REQUEST_GENERATE;
    request.generation = &g;
    hone_submit_and_wait(s, &request, NULL);
    hone_generation_release(&g);
}

/* Results of one length: a number of rows for each text. */
static void compute(struct hone_scheduler *s, const struct hone_model_info *info, size_t n)
{
    bool ranks = (info->task == HONE_TASK_CLASSIFY && info->n_labels == 1) || info->task == HONE_TASK_RERANK;
    size_t width = info->task == HONE_TASK_CLASSIFY ? info->n_labels : info->n_dims;
    struct hone_request request = HONE_REQUEST_DEFAULTS;
    request.kind = ranks                              ? HONE_REQUEST_RERANK
                   : info->task == HONE_TASK_CLASSIFY ? HONE_REQUEST_CLASSIFY
                                                      : HONE_REQUEST_EMBED;
    request.texts = texts;
    request.n_texts = n;
    request.query = texts[N_TEXTS - 1];
    request.out = calloc(n, (width + 1) * sizeof *request.out);
    if (request.out)
        hone_submit_and_wait(s, &request, NULL);
    free(request.out);
}

/* Results of any length: vectors or labels of tokens, words, answers, spans. */
static void compute_ragged(struct hone_scheduler *s, const struct hone_model_info *info, size_t n)
{
    float *rows = NULL;
    size_t *starts = NULL;
    struct hone_word *words = NULL;
    struct hone_answer *answers = NULL;
    struct hone_labeled_span *spans = NULL;
    struct hone_request request = HONE_REQUEST_DEFAULTS;
    request.kind = info->task == HONE_TASK_ANSWER            ? HONE_REQUEST_ANSWER
                   : info->task == HONE_TASK_FIND_SPANS      ? HONE_REQUEST_FIND_SPANS
                   : info->task == HONE_TASK_CLASSIFY_TOKENS ? HONE_REQUEST_CLASSIFY_TOKENS
                   : strcmp(info->pooling, "splade") == 0    ? HONE_REQUEST_EMBED_SPARSE
                                                             : HONE_REQUEST_EMBED_TOKENS;
    request.texts = texts;
    request.pairs = info->task == HONE_TASK_ANSWER ? texts : NULL;
    request.n_texts = n;
    request.out_rows = &rows;
    request.out_starts = &starts;
    request.out_words = &words;
    request.out_answers = &answers;
    request.labels = texts;
    request.n_labels = 1;
    request.out_spans = &spans;
    hone_submit_and_wait(s, &request, NULL);
    hone_free(rows);
    hone_free(starts);
    hone_free(words);
    hone_free(answers);
    hone_free(spans);
}

static bool is_ragged(const struct hone_model_info *info)
{
    if (info->task == HONE_TASK_RERANK)
        return false;
    return (info->task != HONE_TASK_CLASSIFY && info->task != HONE_TASK_EMBED) ||
           strcmp(info->pooling, "tokens") == 0 || strcmp(info->pooling, "splade") == 0;
}

/* Each figure has its pages of memory, too, which its first value would wait for. */
static void touch_figures(struct served_model *m)
{
    static const enum endpoint generating[] = {ENDPOINT_COMPLETION, ENDPOINT_CHAT, ENDPOINT_NONE},
                               classifying[] = {ENDPOINT_CLASSIFY, ENDPOINT_RERANK, ENDPOINT_NONE},
                               embedding[] = {ENDPOINT_EMBED, ENDPOINT_RERANK, ENDPOINT_NONE};
    const enum endpoint *usual = m->info->task == HONE_TASK_GENERATE   ? generating
                                 : m->info->task == HONE_TASK_CLASSIFY ? classifying
                                 : m->info->task == HONE_TASK_RERANK   ? classifying + 1
                                                                       : embedding;
    for (; *usual != ENDPOINT_NONE; usual++)
        endpoint_counters_touch(&m->endpoints[*usual]);
}

void model_warm(struct served_model *m)
{
    struct hone_scheduler_options options = m->schedule;
    struct hone_scheduler *s;
    options.redis = NULL;
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        options.cache_bytes[i] = 0;
    touch_figures(m);
    if (hone_scheduler_open(&s, m->model, &options, NULL) != HONE_OK)
        return;
    if (m->info->task == HONE_TASK_GENERATE)
        generate(m, s);
    else
        for (size_t n = N_TEXTS; n > 0; n = n > 1 ? 1 : 0)
            (is_ragged(m->info) ? compute_ragged : compute)(s, m->info, n);
    hone_scheduler_close(&s);
}
