/* The vector of each text that the command line names.
 *
 *   cc embed.c $(pkg-config --cflags --libs hone) -o embed
 *   ./embed MODEL TEXT...                                          */
#include <hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct hone_model *model;
    struct hone_error err;
    if (argc < 3) {
        fprintf(stderr, "usage: embed MODEL TEXT...\n");
        return HONE_USAGE;
    }
    if (hone_model_open(&model, argv[1], NULL, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return err.status;
    }
    size_t n = (size_t)argc - 2, n_dims = hone_model_info(model)->n_dims;
    struct hone_text *texts = (struct hone_text *)calloc(n, sizeof *texts);
    float *vectors = (float *)calloc(n * n_dims, sizeof *vectors); /* row i is that of text i */
    if (!texts || !vectors)
        return HONE_FAILED;
    for (size_t i = 0; i < n; i++) {
        texts[i].data = argv[i + 2];
        texts[i].size = strlen(argv[i + 2]);
    }
    enum hone_status status = hone_embed(model, texts, n, NULL, vectors, NULL, &err);
    if (status != HONE_OK)
        fprintf(stderr, "%s\n", err.message);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        for (size_t j = 0; j < n_dims; j++)
            printf("%.6f%c", (double)vectors[i * n_dims + j], j + 1 < n_dims ? ' ' : '\n');
    free(vectors);
    free(texts);
    hone_model_close(&model);
    return status;
}
