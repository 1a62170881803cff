#include "cli/bench/generate.h"

#include "cli/io/output.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/text.h"

#include <stdlib.h>

/* The best of N_RUNS counts. What is usual takes some seconds with a model of a billion parameters, the prompt long enough for
 * products of many rows, the answer for the first token's time not to show. */
enum { MAX_SEQS = 16, N_RUNS = 3, USUAL_PROMPT = 128, USUAL_GEN = 16 };

struct generate_bench {
    struct hone_model *model;
    const struct hone_model_info *info;
    size_t prompt, gen, batch;
    int32_t *ids; /* [batch, prompt] */
    uint64_t random;
    size_t n_first;                 /* sequences whose prompt is through */
    double begun, first, last;      /* when a run began, the last prompt was through, the last token came */
    double prompt_tok_s, gen_tok_s; /* the best */
};

/* What token of the run this is, of which sequence. */
struct listener {
    struct generate_bench *bench;
    size_t n;
};

static bool on_token(void *arg, const struct hone_token *token)
{
    struct listener *l = arg;
    struct generate_bench *b = l->bench;
    if (token->id < 0)
        return true;
    b->last = progress_clock();
    if (l->n++ == 0 && ++b->n_first == b->batch)
        b->first = b->last;
    return true;
}

/* Other prompts each time, so that none is known already. */
static void new_prompts(struct generate_bench *b)
{
    for (size_t i = 0; i < b->batch * b->prompt; i++) {
        b->random = b->random * 6364136223846793005u + 1442695040888963407u;
        b->ids[i] = (int32_t)((b->random >> 33) % b->info->n_input_vocab);
    }
}

static enum hone_status run(struct generate_bench *b, size_t n_new, struct hone_error *err)
{
    struct hone_generation *list = calloc(b->batch, sizeof *list);
    struct listener listeners[MAX_SEQS];
    if (!list)
        return report_error(HONE_FAILED, "out of memory for %zu sequences", b->batch);
    new_prompts(b);
    for (size_t i = 0; i < b->batch; i++) {
        listeners[i] = (struct listener){b, 0};
        list[i] = (struct hone_generation){.ids = b->ids + i * b->prompt,
                                           .n_ids = b->prompt,
                                           .max_tokens = n_new,
                                           .sampling = HONE_SAMPLING_DEFAULTS,
                                           .ignore_end = true,
                                           .on_token = on_token,
                                           .arg = &listeners[i]};
        list[i].sampling.temperature = 0;
    }
    b->n_first = 0;
    b->begun = progress_clock();
    enum hone_status status = hone_generate(b->model, list, b->batch, NULL, err);
    for (size_t i = 0; i < b->batch; i++)
        hone_generation_release(&list[i]);
    free(list);
    return status;
}

/* A run of prompts alone and one that goes on; the first run of all warms up. */
static enum hone_status measure(struct generate_bench *b, struct hone_error *err)
{
    enum hone_status status = run(b, 2, err);
    for (int i = 0; i < N_RUNS && status == HONE_OK; i++) {
        status = run(b, 1, err);
        double prompt = (double)(b->batch * b->prompt) / (b->last - b->begun);
        if (status == HONE_OK)
            status = run(b, b->gen + 1, err);
        double gen = (double)(b->batch * b->gen) / (b->last - b->first);
        b->prompt_tok_s = prompt > b->prompt_tok_s ? prompt : b->prompt_tok_s;
        b->gen_tok_s = gen > b->gen_tok_s ? gen : b->gen_tok_s;
    }
    return status;
}

static void show(const struct generate_bench *b, const struct options *options, double open_seconds)
{
    static struct output o;
    const struct hone_model_info *info = b->info;
    if (output_open(&o, NULL, false) != HONE_OK)
        return;
    if (options->json) {
        output_text(&o, "{\"path\": ");
        text_write_json(&o, text_from(info->path));
        output_text(&o, ", \"cpu\": ");
        text_write_json(&o, text_from(hone_machine()->cpu));
        output_format(&o,
                      ", \"architecture\": \"%s\", \"compute\": \"%s\", \"level\": \"%s\", \"threads\": %zu, "
                      "\"open_s\": %.6g, \"prompt_tokens\": %zu, \"gen_tokens\": %zu, \"batch\": %zu, "
                      "\"prompt_tok_s\": %.6g, \"gen_tok_s\": %.6g}\n",
                      info->architecture, info->compute, info->cpu, info->n_threads, open_seconds, b->prompt,
                      b->gen, b->batch, b->prompt_tok_s, b->gen_tok_s);
    } else {
        output_format(&o, "%s, %s by %s, %zu threads, opened in %.1f ms\n", info->architecture, info->compute,
                      info->cpu, info->n_threads, open_seconds * 1e3);
        output_format(&o, "prompts of %zu tokens, %zu at once: %9.1f tokens/s\n", b->prompt, b->batch,
                      b->prompt_tok_s);
        output_format(&o, "then %zu tokens each:              %9.1f tokens/s\n", b->gen, b->gen_tok_s);
    }
    (void)output_close(&o, true);
}

enum hone_status bench_generate(struct hone_model *model, const struct options *options, double open_seconds)
{
    struct hone_error err;
    struct generate_bench b = {.model = model, .info = hone_model_info(model), .random = 1};
    b.prompt = options->prompt_tokens ? options->prompt_tokens : USUAL_PROMPT;
    b.gen = options->gen ? options->gen : USUAL_GEN;
    b.batch = options->batch ? options->batch : 1;
    if (b.batch > MAX_SEQS)
        return report_error(HONE_USAGE, "--batch %zu is more than the %d texts that are generated at once",
                            b.batch, MAX_SEQS);
    if (b.prompt + b.gen >= b.info->max_length)
        return report_error(HONE_USAGE,
                            "--prompt %zu and --gen %zu are more than the %zu tokens of the context",
                            b.prompt, b.gen, b.info->max_length);
    b.ids = malloc(b.batch * b.prompt * sizeof *b.ids);
    if (!b.ids)
        return report_error(HONE_FAILED, "out of memory");
    enum hone_status status = measure(&b, &err);
    free(b.ids);
    if (status != HONE_OK)
        return report_failure(&err);
    show(&b, options, open_seconds);
    return HONE_OK;
}
