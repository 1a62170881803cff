/* What a user may say: the commands and their options, each described once. Parsing, --help and the manual page are
 * made from these tables. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "server/settings.h"

/* One bit a command, to say in the table of options which commands take one. */
enum {
    CMD_CONVERT = 1ull << 0,
    CMD_INSPECT = 1ull << 1,
    CMD_TOKENIZE = 1ull << 2,
    CMD_EMBED = 1ull << 3,
    CMD_RERANK = 1ull << 4,
    CMD_CLASSIFY = 1ull << 5,
    CMD_HELP = 1ull << 6,
    CMD_LIMITS = 1ull << 7,
    CMD_KERNELS = 1ull << 8,
    CMD_BENCH = 1ull << 9,
    CMD_TUNE = 1ull << 10,
    CMD_VERIFY = 1ull << 11,
    CMD_QUANTIZE = 1ull << 12,
    CMD_GENERATE = 1ull << 13,
    CMD_LOGITS = 1ull << 14,
    CMD_PERPLEXITY = 1ull << 15,
    CMD_CHAT = 1ull << 16,
    CMD_SCORE = 1ull << 17,
    CMD_SERVE = 1ull << 18,
    CMD_SCHEDULER = 1ull << 19,
    CMD_SERVICE_START = 1ull << 20,
    CMD_SERVICE_STOP = 1ull << 21,
    CMD_SERVICE_STATUS = 1ull << 22,
    CMD_SERVICE_LOG = 1ull << 23,
    CMD_PULL = 1ull << 24,
    CMD_LIST = 1ull << 25,
    CMD_RM = 1ull << 26,
    CMD_CACHE_LIST = 1ull << 27,
    CMD_CACHE_CLEAR = 1ull << 28,
    CMD_CACHE_LIMIT = 1ull << 29,
    CMD_RUN_BATCH = 1ull << 30,
    CMD_EVAL = 1ull << 31,
    CMD_FILL = 1ull << 32,
    CMD_ALL = ~0ull,
    CMD_SERVES = CMD_SERVE | CMD_SERVICE_START,
    CMD_SERVICE = CMD_SERVICE_START | CMD_SERVICE_STOP | CMD_SERVICE_STATUS | CMD_SERVICE_LOG,
    CMD_PREDICTS = CMD_GENERATE | CMD_CHAT | CMD_LOGITS | CMD_PERPLEXITY,
    CMD_COMPUTES =
        CMD_EMBED | CMD_RERANK | CMD_CLASSIFY | CMD_SCORE | CMD_FILL | CMD_EVAL, /* texts through a model */
    CMD_READS = CMD_EMBED | CMD_RERANK | CMD_CLASSIFY | CMD_TOKENIZE | CMD_FILL, /* texts of files */
    CMD_MEASURES = CMD_LIMITS | CMD_KERNELS | CMD_BENCH | CMD_SCHEDULER | CMD_TUNE,
    CMD_OPENS = CMD_COMPUTES | CMD_TOKENIZE | CMD_INSPECT | CMD_BENCH | CMD_SCHEDULER | CMD_VERIFY |
                CMD_PREDICTS, /* a model */
};

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
    const char *operand;   /* FILE, HF_DIR, ...; NULL where it was left out */
    char *const *operands; /* of a command that takes several: all of them */
    int n_operands;
    const char *model, *output, *format, *query, *type, *compute, *pooling, *prompt, *as, *instruction,
        *golden;
    size_t threads, max_length, batch_tokens, top_n, dimensions;
    bool strict, force, no_cache, json_errors, help;
    const char *labels, *hypothesis, *aggregate; /* classify */
    bool multi_label;
    bool raw, pair, no_normalize, tokens; /* embed, rerank, classify */
    bool jsonl, no_special, decode;       /* tokenize */
    bool tensors, json;                   /* inspect */
    const char *level, *slot, *svg;       /* bench */
    size_t rows, prompt_tokens, gen, batch, seconds;
    const char *imatrix;                                /* quantize */
    const char *text, *ids, *decoder_ids, *kv, *system; /* generate, logits */
    const char *grammar, *json_schema, *draft_model, *kv_file, *variables;
    struct option_list stops, biases;
    size_t n_tokens, context, kv_tokens;
    size_t beams, n_best, draft; /* generate */
    bool ignore_eos, early_stopping, show_kv;
    struct option_number temp, top_k, top_p, min_p, typical_p, repeat_penalty, presence_penalty,
        frequency_penalty, repeat_last_n, dry, dry_base, dry_length, mirostat, mirostat_tau, mirostat_eta,
        length_penalty, logprobs, seed;
    const char *input_format, *id_column, *pair_column, *errors; /* where texts come from, and go */
    struct option_list columns;
    const char *prompt_file;                    /* generate */
    const char *input;                          /* run-batch */
    const char *run, *queries, *corpus, *qrels; /* rerank, eval */
    size_t cut;
    bool keep;
    struct option_number max_errors;
    bool man; /* help */
    const char *completion;
    struct setting_flags serving; /* serve */
    const char *state;            /* service */
    bool follow;
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

struct option_spec {
    char letter; /* -t, or 0 */
    const char *name;
    const char *value; /* what --help calls it: "N"; of a choice, the words that it may be: "jsonl|csv|npy" */
    enum option_kind kind;
    size_t offset;     /* of its field in struct options */
    uint64_t commands; /* that take it */
    uint64_t required; /* commands that cannot do without it */
    bool common;       /* one that many commands have; lists show these apart */
    const char
        *help; /* a phrase or more, without a full stop at the end; NULL: not for people, and in no list */
};

struct command {
    const char *name; /* a word, or two */
    uint64_t bit;
    const char *operand;      /* "[FILE]"; without brackets it must be given; "[WORD]...": any number of them;
                                  * several words: each; NULL: there is none */
    const char *summary;      /* a phrase */
    const char *const *about; /* paragraphs, NULL at the end */
    const char *const *examples; /* command line, meaning, ..., NULL at the end */
    enum hone_status (*run)(const struct options *);
};

extern const struct option_spec option_table[]; /* name is NULL at the end */
extern const struct command command_table[];    /* name is NULL at the end */

/* The command that words begin with, and of how many its name is; NULL: there is none. */
const struct command *command_find(char *const *words, int n_words, int *n_taken);
/* Whether the command's name is this word and another one. */
bool command_is_in(const struct command *command, const char *group);
/* Reports that there is no such command, or that the word needs another one. */
enum hone_status command_unknown(const char *word);

bool option_is_of(const struct option_spec *option, const struct command *command);

/* Reads the arguments after the command's name, argv[0], into *out. HONE_USAGE has been reported. With --help nothing
 * else is asked for. */
enum hone_status options_parse(const struct command *command, int argc, char **argv, struct options *out);

#endif
