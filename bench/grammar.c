/* What a grammar costs: build/bench/grammar VOCABULARY.gguf [SCHEMA.json], with a byte-level vocabulary. Follows the
 * grammar token by token, at random, and prints how long the masks took. */
#include "runtime/generate/grammar/grammar.h"
#include "runtime/generate/grammar/schema.h"
#include "runtime/generate/sampling/random.h"
#include "runtime/gguf/gguf.h"
#include "runtime/load/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_STEPS = 300, MAX_SCHEMA = 1 << 20 };

static const char schema_text[] =
    "{\"type\":\"array\",\"minItems\":30,\"items\":{\"type\":\"object\",\"properties\":{"
    "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":60},\"age\":{\"type\":\"integer\","
    "\"minimum\":0,"
    "\"maximum\":150},\"tags\":{\"type\":\"array\",\"items\":{\"enum\":[\"red\",\"green\",\"blue\"]}},"
    "\"note\":{\"type\":\"string\"}},\"required\":[\"name\",\"age\"]}}";

/* Processor time: what else the machine does is not counted. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(const struct hone_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return 1;
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A token that may come, at random; every third time one with a quote, if one may, since strings would hardly ever end. */
static int32_t draw(const uint64_t *mask, const struct token_pieces *p, uint64_t seed, uint64_t n)
{
    size_t start = random_at(seed, n) % p->n, found = p->n;
    for (size_t i = 0; i < p->n; i++) {
        size_t id = (start + i) % p->n;
        if (!(mask[id / 64] >> id % 64 & 1))
            continue;
        found = found == p->n ? id : found;
        if (n % 3 != 0)
            break;
        if (p->list[id].size > 0 && memchr(p->list[id].data, '"', p->list[id].size))
            return (int32_t)id;
    }
    return (int32_t)found;
}

/* A text of at most N_STEPS tokens: what its masks took. */
static int follow(struct matcher *m, const struct token_trie *trie, const struct token_pieces *p,
                  int32_t end_id, uint64_t seed)
{
    static double times[N_STEPS];
    struct hone_error err;
    double sum = 0;
    size_t n = 0, n_bytes = 0;
    for (int32_t id = -1; n < N_STEPS && id != end_id; n++) {
        const uint64_t *mask;
        double start = seconds();
        if (matcher_mask(m, trie, &mask, &err))
            return fail(&err);
        times[n] = seconds() - start;
        sum += times[n];
        id = draw(mask, p, seed, n);
        if (id != end_id && matcher_accept(m, p->list[id], &err))
            return fail(&err);
        n_bytes += p->list[id].size;
    }
    qsort(times, n, sizeof *times, compare_times);
    printf("%zu masks, %zu bytes of text: mean %.0f, median %.0f, P90 %.0f, P99 %.0f, slowest %.0f "
           "microseconds\n",
           n, n_bytes, 1e6 * sum / (double)n, 1e6 * times[n / 2], 1e6 * times[n * 9 / 10],
           1e6 * times[n * 99 / 100], 1e6 * times[n - 1]);
    return 0;
}

/* A first text, other ones with the same matcher, which knows of the texts before, and the first one again. */
static int measure(const struct grammar *g, const struct token_pieces *p, int32_t end_id)
{
    static const uint64_t seeds[] = {1, 2, 3, 4, 1};
    struct hone_error err;
    struct token_trie *trie;
    struct matcher *m;
    double start = seconds();
    if (token_trie_new(&trie, p->list, p->n, &end_id, 1, &err) || matcher_new(&m, g, &err))
        return fail(&err);
    printf("%zu tokens as a tree       %8.1f ms\n", p->n, 1e3 * (seconds() - start));
    int status = 0;
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds && status == 0; i++) {
        printf("text %d: ", (int)seeds[i]);
        status = matcher_reset(m, &err) ? fail(&err) : follow(m, trie, p, end_id, seeds[i]);
    }
    matcher_free(m);
    token_trie_free(trie);
    return status;
}

int main(int argc, char **argv)
{
    static char schema[MAX_SCHEMA];
    static const char pipeline[] = "{\"decoder\":{\"type\":\"ByteLevel\"}}";
    struct hone_error err;
    struct gguf *file;
    struct grammar *g;
    struct token_pieces pieces;
    size_t size = strlen(strcpy(schema, schema_text));
    if (argc < 2) {
        fprintf(stderr, "usage: %s VOCABULARY.gguf [SCHEMA.json]\n", argv[0]);
        return 2;
    }
    FILE *f = argc > 2 ? fopen(argv[2], "rb") : NULL;
    if (f) {
        size = fread(schema, 1, sizeof schema, f);
        fclose(f);
    }
    if (gguf_open(&file, argv[1], &err))
        return fail(&err);
    const struct gguf_value *tokens = gguf_find(file, "tokenizer.ggml.tokens");
    const struct gguf_value *end = gguf_find(file, "tokenizer.ggml.eos_token_id");
    if (!tokens || !tokens->is_array || tokens->type != GGUF_STRING)
        return 3;
    struct hone_text *texts = malloc((tokens->n + 1) * sizeof *texts);
    for (size_t i = 0; texts && i < tokens->n; i++)
        texts[i] = (struct hone_text){tokens->strings[i].data, tokens->strings[i].size};
    const struct tok_vocab vocab = {.n_tokens = tokens->n, .tokens = texts};
    if (token_pieces_init(&pieces, &vocab, (struct hone_text){pipeline, sizeof pipeline - 1}, &err))
        return fail(&err);
    double start = seconds();
    if (grammar_from_schema(&g, (struct hone_text){schema, size}, NULL, NULL, &err))
        return fail(&err);
    printf("schema to grammar          %8.1f ms\n", 1e3 * (seconds() - start));
    int status = measure(g, &pieces, end ? (int32_t)gguf_int_at(end, 0) : -1);
    token_pieces_release(&pieces);
    grammar_free(g);
    free(texts);
    gguf_close(&file);
    return status;
}
