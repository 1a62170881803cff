/* What a user may say: the commands and their options, each described once. Parsing, --help and the manual page are
 * made from these tables. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "server/settings.h"

/* A number that may be 0. */
struct option_number {
    bool given;
    double value;
};

/* Texts of an option that may be given several times. */
#define OPTION_LIST_MAX 64
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t n;
};

/* Every option's value. What was not given is zero; texts are NULL. */
struct options {
    const struct command *command; /* whose they are */
    const char *operand;           /* FILE, HF_DIR, ...; NULL where it was left out */
    char *const *operands;         /* of a command that takes several: all of them */
    int n_operands;
    const char *model, *output, *format, *query, *type, *compute, *pooling, *prompt, *as, *task, *instruction,
        *golden;
    size_t threads, max_length, batch_tokens, top_n, dimensions;
    bool strict, force, no_cache, json_errors, help;
    const char *labels, *hypothesis, *aggregate; /* classify */
    bool multi_label, nested;
    struct option_number threshold;            /* of --labels that are found in texts */
    bool none;                                 /* answer */
    bool raw, pair, no_normalize, tokens, all; /* embed, rerank, classify */
    bool jsonl, no_special, decode;            /* tokenize */
    bool tensors, json;                        /* inspect */
    const char *level, *slot, *svg;            /* bench */
    size_t rows, prompt_tokens, gen, batch, seconds;
    const char *mode, *kind, *dialect; /* bench load, bench compare */
    size_t requests, concurrency, texts, words;
    struct option_number rate, duration, patience, warmup;
    bool no_keep_alive, repeat;
    const char *imatrix;                                         /* quantize */
    const char *text, *suffix, *ids, *decoder_ids, *kv, *system; /* generate, logits */
    const char *grammar, *json_schema, *draft_model, *kv_file, *variables;
    struct option_list stops, biases;
    size_t n_tokens, context, kv_tokens;
    size_t beams, n_best;  /* generate */
    const char *from, *to; /* generate, translate */
    bool ignore_eos, early_stopping, show_kv, split_sentences, timings;
    struct option_number draft, temp, top_k, top_p, min_p, typical_p, repeat_penalty, presence_penalty,
        frequency_penalty, repeat_last_n, dry, dry_base, dry_length, mirostat, mirostat_tau, mirostat_eta,
        length_penalty, logprobs, seed;
    const char *input_format, *id_column, *pair_column, *errors; /* where texts come from, and go */
    struct option_list columns, loras;
    const char *prompt_file;                    /* generate */
    bool stream;                                /* score */
    const char *input;                          /* run-batch */
    const char *run, *queries, *corpus, *qrels; /* rerank, eval */
    size_t cut;
    bool keep, resume;
    const char *shard;
    struct option_number max_errors;
    bool man; /* help */
    const char *completion;
    struct setting_flags serving; /* serve */
    const char *state;            /* service */
    bool follow;
    size_t n_lines, log_size, log_count;
};

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_CHOICE, /* const char *: one of the words in `value` */
    OPTION_COUNT,  /* size_t, 1 or more */
    OPTION_NUMBER, /* struct option_number */
    OPTION_LIST,   /* struct option_list: a text more */
    OPTION_MODELS, /* a model more in struct setting_flags */
};

/* What is different of an option for some commands, which take it beside those of its row. */
struct option_variant {
    const char *commands;
    const char *value; /* NULL: as in the row */
    const char *after; /* the option that it is shown behind; NULL: where the row stands */
    const char *help;
};

/* An option as the table has it: once, whoever takes it. Lists of commands are their names with ", " between them. */
struct option_row {
    char letter; /* -t, or 0 */
    const char *name;
    const char
        *value; /* what --help calls it: "N"; of a choice, the words that it may be: "jsonl|csv|npy|npz" */
    enum option_kind kind;
    size_t offset;        /* of its field in struct options */
    const char *commands; /* that take it */
    const char *required; /* commands that cannot do without it, by whichever text; NULL: none */
    bool common;          /* one that many commands have; lists show these apart */
    const char
        *help; /* a phrase or more, without a full stop at the end; NULL: not for people, and in no list */
    const struct option_variant *variants; /* commands is NULL at the end; NULL: there are none */
};

/* An option as one command takes it. */
struct option_spec {
    char letter;
    const char *name, *value, *help;
    enum option_kind kind;
    size_t offset;
    bool required, common;
};

/* Those of a command, in the order to show them: room for all rows of the table, which has fewer (option_table.c). */
#define OPTIONS_MAX 256
struct option_specs {
    struct option_spec items[OPTIONS_MAX];
    size_t n;
};

struct command {
    const char *name;         /* a word, or two */
    const char *operand;      /* "[FILE]"; without brackets it must be given; "[WORD]...": any number of them;
                                  * several words: each; NULL: there is none */
    const char *summary;      /* a phrase */
    const char *const *about; /* paragraphs, NULL at the end */
    const char *const *examples; /* command line, meaning, ..., NULL at the end */
    enum hone_status (*run)(const struct options *);
};

extern const struct option_row option_table[]; /* name is NULL at the end */
extern const struct command command_table[];   /* name is NULL at the end */

/* The command that words begin with, and of how many its name is; NULL: there is none. */
const struct command *command_find(char *const *words, int n_words, int *n_taken);
/* Whether the command's name is this word and another one. */
bool command_is_in(const struct command *command, const char *group);
/* Reports that there is no such command, or that the word needs another one. */
enum hone_status command_unknown(const char *word);

/* Whether a list of commands, or NULL, names this one. */
bool option_lists(const char *commands, const struct command *command);
/* NULL: those that are common, each as its row has it. */
void options_of(const struct command *command, struct option_specs *out);

/* Reads the arguments after the command's name, argv[0], into *out. HONE_USAGE has been reported. With --help nothing
 * else is asked for. */
enum hone_status options_parse(const struct command *command, int argc, char **argv, struct options *out);

#endif
