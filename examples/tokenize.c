/* The tokens of a text, and the text of these tokens.
 *
 *   cc tokenize.c $(pkg-config --cflags --libs hone) -o tokenize
 *   ./tokenize MODEL TEXT                                          */
#include <hone.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct hone_options options;
    struct hone_model *model;
    struct hone_error err;
    if (argc < 3) {
        fprintf(stderr, "usage: tokenize MODEL TEXT\n");
        return HONE_USAGE;
    }
    memset(&options, 0, sizeof options);
    options.vocab_only = true; /* opens at once, however large the model is */
    if (hone_model_open(&model, argv[1], &options, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return err.status;
    }
    struct hone_text text = {argv[2], strlen(argv[2])};
    int32_t *ids = NULL;
    size_t *starts = NULL, size;
    char *back = NULL;
    enum hone_status status = hone_tokenize(model, &text, NULL, 1, true, &ids, &starts, NULL, &err);
    for (size_t i = 0; status == HONE_OK && i < starts[1]; i++)
        printf("%d ", ids[i]);
    if (status == HONE_OK)
        status = hone_detokenize(model, ids, starts[1], true, &back, &size, &err);
    if (status == HONE_OK)
        printf("\n%s\n", back);
    else
        fprintf(stderr, "%s\n", err.message);
    hone_free(back);
    hone_free(starts);
    hone_free(ids);
    hone_model_close(&model);
    return status;
}
