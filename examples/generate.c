/* A text that goes on, shown as it comes.
 *
 *   cc generate.c $(pkg-config --cflags --libs hone) -o generate
 *   ./generate MODEL PROMPT N_TOKENS                               */
#include <hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* false would end the text. */
static bool show(void *arg, const struct hone_token *token)
{
    (void)arg;
    return fwrite(token->text.data, 1, token->text.size, stdout) == token->text.size && fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    const struct hone_sampling sampling = HONE_SAMPLING_DEFAULTS;
    struct hone_model *model;
    struct hone_error err;
    if (argc < 4) {
        fprintf(stderr, "usage: generate MODEL PROMPT N_TOKENS\n");
        return HONE_USAGE;
    }
    if (hone_model_open(&model, argv[1], NULL, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return err.status;
    }
    struct hone_generation g;
    memset(&g, 0, sizeof g); /* zero is none, or as usual */
    g.prompt.data = argv[2];
    g.prompt.size = strlen(argv[2]);
    g.max_tokens = (size_t)strtoul(argv[3], NULL, 10);
    g.sampling = sampling;
    g.sampling.temperature = 0; /* always the most probable token */
    g.on_token = show;
    enum hone_status status = hone_generate(model, &g, 1, NULL, &err);
    if (status != HONE_OK)
        fprintf(stderr, "%s\n", err.message);
    else
        printf("\n%zu tokens of a prompt, %zu new ones\n", g.n_prompt, g.n_out);
    hone_generation_release(&g);
    hone_model_close(&model);
    return status;
}
