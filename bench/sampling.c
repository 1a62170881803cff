/* How long one token takes to be chosen: build/bench/sampling [N_VOCAB]. Prints the fastest of several runs. */
#include "runtime/generate/sampling/logprobs.h"
#include "runtime/generate/sampling/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_RUNS = 30 };

/* Processor time: what else the machine does is not counted. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill(float *logits, size_t n)
{
    for (size_t i = 0; i < n; i++) { /* normal, by Box and Muller: width 3 */
        double u = 1 - random_unit(1, 2 * i), v = random_unit(1, 2 * i + 1);
        logits[i] = (float)(3 * sqrt(-2 * log(u)) * cos(2 * M_PI * v));
    }
}

static double time_sampler(const struct sampler_params *p, const float *logits, size_t n_vocab)
{
    struct sampler_scratch scratch = {0};
    struct sampler *s;
    int32_t tokens[256] = {0}, id;
    double best = 1e9;
    struct hone_error err;
    if (sampler_new(&s, p, n_vocab, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    for (int i = 0; i < N_RUNS; i++) {
        struct sampler_input in = {logits, tokens, 256, NULL};
        double start = seconds();
        sampler_sample(s, &in, &scratch, &id, NULL);
        double time = seconds() - start;
        best = time < best ? time : best;
    }
    sampler_free(s);
    sampler_scratch_release(&scratch);
    return best;
}

static double time_logprobs(const float *logits, size_t n_vocab)
{
    struct sampler_scratch scratch = {0};
    struct hone_logprob top[20];
    double best = 1e9;
    float chosen;
    for (int i = 0; i < N_RUNS; i++) {
        double start = seconds();
        logprobs_of(logits, n_vocab, 0, top, 20, &chosen, &scratch, NULL);
        double time = seconds() - start;
        best = time < best ? time : best;
    }
    sampler_scratch_release(&scratch);
    return best;
}

int main(int argc, char **argv)
{
    size_t n_vocab = argc > 1 ? strtoul(argv[1], NULL, 10) : 128256;
    const struct sampler_params defaults = {.sampling = HONE_SAMPLING_DEFAULTS};
    struct sampler_params p[8];
    const char *names[8] = {"defaults",          "greedy",
                            "temperature alone", "top_p 0.95 alone",
                            "min_p 0.05 alone",  "typical_p 0.9 alone",
                            "mirostat 2",        "defaults, penalties, DRY"};
    float *logits = malloc(n_vocab * sizeof *logits);
    if (n_vocab == 0 || !logits)
        return 1;
    fill(logits, n_vocab);
    for (int i = 0; i < 8; i++) {
        p[i] = defaults;
        if (i > 1 && i < 7)
            p[i].sampling.top_k = 0, p[i].sampling.top_p = 1, p[i].sampling.min_p = 0;
    }
    p[1].sampling.temperature = 0;
    p[3].sampling.top_p = 0.95f;
    p[4].sampling.min_p = 0.05f;
    p[5].sampling.typical_p = 0.9f;
    p[6].sampling.mirostat = 2;
    p[7].sampling.repetition_penalty = 1.1f;
    p[7].sampling.dry_multiplier = 0.8f;
    printf("one token of %zu, microseconds\n", n_vocab);
    for (int i = 0; i < 8; i++)
        printf("%-26s %8.1f\n", names[i], 1e6 * time_sampler(&p[i], logits, n_vocab));
    printf("%-26s %8.1f\n", "log-probabilities, top 20", 1e6 * time_logprobs(logits, n_vocab));
    free(logits);
    return 0;
}
