/* What a model answers, by its own chat template.
 *
 *   cc chat.c $(pkg-config --cflags --libs hone) -o chat
 *   ./chat MODEL QUESTION N_TOKENS                                 */
#include <hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum hone_status answer(struct hone_model *model, const char *prompt, size_t size, size_t n_tokens,
                               struct hone_error *err)
{
    const struct hone_sampling sampling = HONE_SAMPLING_DEFAULTS;
    struct hone_generation g;
    memset(&g, 0, sizeof g);
    g.prompt.data = prompt;
    g.prompt.size = size;
    g.no_special = true; /* the template has put them in */
    g.max_tokens = n_tokens;
    g.sampling = sampling;
    g.sampling.seed = 1;
    enum hone_status status = hone_generate(model, &g, 1, NULL, err);
    if (status == HONE_OK)
        printf("%.*s\n", (int)g.text_size, g.text);
    hone_generation_release(&g);
    return status;
}

int main(int argc, char **argv)
{
    struct hone_model *model;
    struct hone_error err;
    if (argc < 4) {
        fprintf(stderr, "usage: chat MODEL QUESTION N_TOKENS\n");
        return HONE_USAGE;
    }
    if (hone_model_open(&model, argv[1], NULL, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return err.status;
    }
    struct hone_message question = {"user", {argv[2], strlen(argv[2])}};
    struct hone_chat chat;
    memset(&chat, 0, sizeof chat);
    chat.messages = &question;
    chat.n_messages = 1;
    chat.answer = true;
    char *prompt;
    size_t size;
    enum hone_status status = hone_chat_prompt(model, &chat, &prompt, &size, &err);
    if (status == HONE_OK) {
        status = answer(model, prompt, size, (size_t)strtoul(argv[3], NULL, 10), &err);
        hone_free(prompt);
    }
    if (status != HONE_OK)
        fprintf(stderr, "%s\n", err.message);
    hone_model_close(&model);
    return status;
}
