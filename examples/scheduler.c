/* Many threads that ask one model: a scheduler computes what they ask for together.
 *
 *   cc scheduler.c $(pkg-config --cflags --libs hone) -pthread -o scheduler
 *   ./scheduler MODEL TEXT...                       a thread for each text */
#include <hone.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client {
    pthread_t thread;
    struct hone_scheduler *scheduler;
    struct hone_text text;
    float *vector;
    struct hone_error err;
};

static void *ask(void *arg)
{
    struct client *c = (struct client *)arg;
    struct hone_request request;
    memset(&request, 0, sizeof request);
    request.kind = HONE_REQUEST_EMBED;
    request.texts = &c->text;
    request.n_texts = 1;
    request.how.normalize = -1; /* as the model does */
    request.out = c->vector;
    c->err.status = hone_submit_and_wait(c->scheduler, &request, &c->err);
    return NULL;
}

static void serve(struct hone_scheduler *scheduler, char **texts, size_t n, size_t n_dims)
{
    struct client *clients = (struct client *)calloc(n, sizeof *clients);
    if (!clients)
        return;
    for (size_t i = 0; i < n; i++) {
        struct client *c = &clients[i];
        c->scheduler = scheduler;
        c->text.data = texts[i];
        c->text.size = strlen(texts[i]);
        c->vector = (float *)calloc(n_dims, sizeof *c->vector);
        if (!c->vector || pthread_create(&c->thread, NULL, ask, c) != 0)
            exit(HONE_FAILED);
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(clients[i].thread, NULL);
        if (clients[i].err.status == HONE_OK)
            printf("%.6f ... %s\n", (double)clients[i].vector[0], texts[i]);
        else
            fprintf(stderr, "%s\n", clients[i].err.message);
        free(clients[i].vector);
    }
    free(clients);
}

int main(int argc, char **argv)
{
    struct hone_model *model;
    struct hone_scheduler *scheduler;
    struct hone_error err;
    if (argc < 3) {
        fprintf(stderr, "usage: scheduler MODEL TEXT...\n");
        return HONE_USAGE;
    }
    if (hone_model_open(&model, argv[1], NULL, &err) != HONE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return err.status;
    }
    enum hone_status status = hone_scheduler_open(&scheduler, model, NULL, &err);
    if (status == HONE_OK)
        serve(scheduler, argv + 2, (size_t)argc - 2, hone_model_info(model)->n_dims);
    else
        fprintf(stderr, "%s\n", err.message);
    hone_scheduler_close(&scheduler); /* before its model */
    hone_model_close(&model);
    return status;
}
