/* How fast text becomes ids, on one thread.
 *
 * usage: tokenizer TOKENIZER.json TEXT [ROUNDS]     prints one JSON object; the best of ROUNDS (5) counts
 *
 * TEXT is cut into documents at blank lines. Processor time counts. bench/tokenizer.py runs it beside the tokenizers
 * package. */
#include "tokenizer/files/tokenizer_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void quit(const char *what, const char *why)
{
    fprintf(stderr, "tokenizer: %s: %s\n", what, why.message);
    exit(1);
}

static struct hone_text load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        quit(path, "cannot be read");
    long size = ftell(file);
    rewind(file);
    char *data = size < 0 ? NULL : malloc((size_t)size + 1);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        quit(path, "cannot be read");
    fclose(file);
    data[size] = '\0';
    return (struct hone_text){data, (size_t)size};
}

/* Encodes every document; returns the number of ids. */
static size_t encode(const struct tokenizer *t, struct hone_text text, struct tok_encoding *e,
                     struct hone_error *err)
{
    const struct tok_options options = {.add_special = false};
    size_t n = 0;
    for (size_t at = 0; at < text.size;) {
        const char *start = text.data + at, *end = memmem(start, text.size - at, "\n\n", 2);
        struct hone_text document = {start, end ? (size_t)(end - start) : text.size - at};
        at += document.size + 2;
        if (!tokenizer_encode(t, document, NULL, &options, e, err))
            quit("encode", why.message);
        n += e->n;
    }
    return n;
}

int main(int argc, char **argv)
{
    struct hone_error why;
    struct tokenizer_file file;
    struct tok_encoding e = {0};
    if (argc < 3)
        quit("usage", "tokenizer TOKENIZER.json TEXT [ROUNDS]");
    struct hone_text json = load(argv[1]), text = load(argv[2]);
    int rounds = argc > 3 ? atoi(argv[3]) : 5;
    if (!tok_json_read(json, &file, &why))
        quit(argv[1], why);
    double start = now();
    struct tokenizer *t = tokenizer_new(&file.vocab, file.pipeline, &why);
    double opened = now() - start, best = 1e30;
    if (!t)
        quit(argv[1], why);
    size_t n = 0;
    for (int i = 0; i < rounds; i++) {
        start = now();
        n = encode(t, text, &e, &why);
        double seconds = now() - start;
        best = seconds < best ? seconds : best;
    }
    printf("{\"mb_s\": %.1f, \"ids\": %zu, \"bytes\": %zu, \"open_ms\": %.2f}\n",
           (double)text.size / best * 1e-6, n, text.size, opened * 1e3);
    tok_encoding_release(&e);
    tokenizer_free(t);
    tok_file_release(&file);
    free((void *)json.data);
    free((void *)text.data);
}
