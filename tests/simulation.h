/* A scheduler's loop in the test's own thread, by a clock that stands still but while something is computed, which takes
 * what the test says. So every event happens at a moment that is known, whatever the machine does meanwhile. The model is
 * a small one that generates, and embeds; its results are real. One simulation at a time. */
#ifndef TESTS_SIMULATION_H
#define TESTS_SIMULATION_H

#include "runtime/infer/model.h"
#include "runtime/serve/state.h"
#include "tests/support.h"

#define SIM_MS         1000000u /* ns */
#define SIM_MAX_PASSES 4096
#define SIM_MAX_TOKENS 600

struct sim_pass {
    uint64_t begun, ended;
    size_t n_tokens;
};

struct simulation {
    struct clock clock;
    uint64_t now, a_pass, a_token; /* ns: the time, and what a pass takes, and each token of it */
    struct hone_model *model;
    struct hone_scheduler *scheduler;
    struct sim_pass passes[SIM_MAX_PASSES];
    size_t n_passes, n_replies;
    void (*during)(uint64_t ends); /* called in a pass that will end then; or NULL */
};
extern struct simulation sim;

/* Of a group of tests: opens the model, and closes it. */
int sim_set_up(void **state);
int sim_tear_down(void **state);

/* What a scheduler has by default, without a window of time in which batches wait. */
struct hone_scheduler_options sim_options(size_t max_parallel, size_t batch_tokens);
/* A pass takes 1 ms and a tenth for each token. */
void sim_open(struct hone_scheduler_options options);
void sim_close(void);
/* What is due until `until` happens, and it is that time, or when the last pass that began before has ended. */
void sim_pass_time(uint64_t until);

/* A request, and when its reply came. */
struct sim_request {
    struct hone_request request;
    struct hone_generation generation;
    struct hone_text text;
    float *out;
    uint64_t id, replied; /* 0: not yet */
    enum hone_status status;
    char message[128];
    struct hone_reply reply;
    size_t n_tokens; /* told so far, and when */
    uint64_t token_at[SIM_MAX_TOKENS];
    size_t order; /* among all replies */
    void (*again)(struct sim_request *r);
};

/* A text of n letters to be embedded. */
struct sim_request *sim_embedding(size_t n_letters);
/* n_new tokens after a prompt of n_prompt, which shares nothing with others. */
struct sim_request *sim_generation(size_t n_prompt, size_t n_new);
void sim_release(struct sim_request *r);
void sim_submit(struct sim_request *r);

/* Between two of its tokens, from token `first` on. */
uint64_t sim_longest_gap(const struct sim_request *r, size_t first);

#endif
