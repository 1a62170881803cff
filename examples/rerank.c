/* How well documents answer a query.
 *
 *   cc rerank.c $(pkg-config --cflags --libs hone) -o rerank
 *   ./rerank MODEL QUERY DOCUMENT...                               */
#include <hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hone_text text_of(const char *string)
{
    struct hone_text text = {string, strlen(string)};
    return text;
}

int main(int argc, char **argv)
{
    struct hone_model *model;
    struct hone_error err;
    if (argc < 4) {
        fprintf(stderr, "usage: rerank MODEL QUERY DOCUMENT...\n");
        return HONE_USAGE;
    }
    if (hone_model_open(&model, argv[1], NULL, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return err.status;
    }
    size_t n = (size_t)argc - 3;
    struct hone_text *documents = (struct hone_text *)calloc(n, sizeof *documents);
    float *scores = (float *)calloc(n, sizeof *scores);
    if (!documents || !scores)
        return HONE_FAILED;
    for (size_t i = 0; i < n; i++)
        documents[i] = text_of(argv[i + 3]);
    enum hone_status status = hone_rerank(model, text_of(argv[2]), documents, n, NULL, scores, NULL, &err);
    if (status != HONE_OK)
        fprintf(stderr, "%s\n", err.message);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        printf("%.6f %s\n", (double)scores[i], argv[i + 3]);
    free(scores);
    free(documents);
    hone_model_close(&model);
    return status;
}
