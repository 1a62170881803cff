/* The labels of a text, or of a pair of texts, with their scores.
 *
 *   cc classify.c $(pkg-config --cflags --libs hone) -o classify
 *   ./classify MODEL TEXT [TEXT]                                   */
#include <hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct hone_model *model;
    struct hone_error err;
    if (argc < 3) {
        fprintf(stderr, "usage: classify MODEL TEXT [TEXT]\n");
        return HONE_USAGE;
    }
    if (hone_model_open(&model, argv[1], NULL, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return err.status;
    }
    size_t n_labels = hone_model_info(model)->n_labels;
    struct hone_text text = {argv[2], strlen(argv[2])}, second = {NULL, 0};
    if (argc > 3) {
        second.data = argv[3];
        second.size = strlen(argv[3]);
    }
    float *scores = (float *)calloc(n_labels + 1, sizeof *scores);
    if (!scores)
        return HONE_FAILED;
    /* HONE_USAGE where the model has no labels */
    enum hone_status status =
        hone_classify(model, &text, argc > 3 ? &second : NULL, 1, NULL, scores, NULL, &err);
    if (status != HONE_OK)
        fprintf(stderr, "%s\n", err.message);
    for (size_t i = 0; i < n_labels && status == HONE_OK; i++)
        printf("%.6f %s\n", (double)scores[i], hone_model_label(model, i));
    free(scores);
    hone_model_close(&model);
    return status;
}
