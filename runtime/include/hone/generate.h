/* hone: texts that go on, conversations, and what a causal model says of a text. Errors, threads and texts are as
 * hone/hone.h says. */
#ifndef HONE_GENERATE_H
#define HONE_GENERATE_H

#include <hone/hone.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the next token is chosen; 0 temperature: the most probable one. Filters in this order: bias, penalties, DRY, top_k,
 * typical_p, top_p, min_p, temperature. The same seed, prompt and options give the same text, whatever else runs. */
struct hone_sampling {
    float temperature;
    size_t top_k;             /* 0: all */
    float top_p;              /* 1: all; 0: the most probable one */
    float min_p;              /* 0: all */
    float typical_p;          /* 1: all; 0: the most typical one */
    float repetition_penalty; /* 1: none */
    float frequency_penalty, presence_penalty;
    size_t penalty_last_n; /* tokens that the penalties look back; SIZE_MAX: all */
    /* DRY: a token that would prolong a repetition of at least dry_allowed_length tokens loses dry_multiplier *
     * dry_base^(length - dry_allowed_length). */
    float dry_multiplier; /* 0: no DRY */
    float dry_base;
    size_t dry_allowed_length, dry_last_n; /* dry_last_n: tokens that DRY looks back; SIZE_MAX: all */
    /* [n_dry_breakers] No repetition reaches across a token that holds one of these; NULL: new line, colon, quote, star. */
    const struct hone_text *dry_breakers;
    size_t n_dry_breakers;
    int mirostat; /* 0: off; 1; 2 */
    float mirostat_tau, mirostat_eta;
    uint64_t seed;
};
#define HONE_SAMPLING_DEFAULTS                                                                               \
    {                                                                                                        \
        .temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f, .typical_p = 1,                    \
        .repetition_penalty = 1, .penalty_last_n = 64, .dry_base = 1.75f, .dry_allowed_length = 2,           \
        .dry_last_n = SIZE_MAX, .mirostat_tau = 5, .mirostat_eta = 0.1f                                      \
    }

enum hone_finish {
    HONE_FINISH_NONE,
    HONE_FINISH_STOP,      /* an end token, a stop string, or the end of a grammar */
    HONE_FINISH_LENGTH,    /* max_tokens, or the model's context is full */
    HONE_FINISH_CANCELLED, /* on_token said so */
    HONE_FINISH_TIME,      /* of a scheduler's partial request: its time was over */
};

/* Beam search instead of sampling: of n beams, at most 64, the results with the greatest sum of log-probabilities divided
 * by their tokens to the power of length_penalty. */
struct hone_beams {
    size_t n;
    size_t n_best;        /* results that are wanted, at most n; 0: one */
    float length_penalty; /* 1 is usual */
    /* Ends with n results, whatever might beat them; else when no live beam would. */
    bool stop_early;
    bool stop_never; /* else when no live beam would at the length that suits it best */
};

/* Added to the logit of a token; -INFINITY: it never comes. */
struct hone_bias {
    int32_t id;
    float bias;
};

/* Natural logarithms of probabilities, by the model's own logits: before biases, penalties, filters and temperature. */
struct hone_logprob {
    int32_t id; /* -1: there are no more tokens that can come */
    float logprob;
};
#define HONE_MAX_LOGPROBS 20 /* as OpenAI's API has it */

/* A token that was chosen. What it points to lives during the call. */
struct hone_token {
    int32_t id;                     /* -1: the text is over, and this is what was held back of it */
    struct hone_text text;          /* what is certain now, whole characters; it may be empty */
    float logprob;                  /* of id, where logprobs were asked for; else 0 */
    const struct hone_logprob *top; /* [n_top] the most probable tokens, best first */
    size_t n_top;
};

/* A text that came of a generation. */
struct hone_generated {
    int32_t *ids; /* [n_ids] without the end token */
    size_t n_ids;
    char *text; /* NUL-terminated, text_size bytes */
    size_t text_size;
    enum hone_finish finish;
    float score;              /* of beams: what they are compared by; else 0 */
    float *logprobs;          /* [n_ids], where they were asked for; else NULL */
    struct hone_logprob *top; /* [n_ids, n_logprobs], likewise */
};

/* How long a model may think before it answers: what comes between the two marks, as its text has them. After max_tokens of
 * it the tokens of `close` follow, whatever the model would say. */
struct hone_thinking {
    size_t max_tokens;
    const char *open, *close; /* NUL-terminated; a text that does not begin with the first is no thought */
    bool begun;               /* the prompt ends with it, so that the text begins with thoughts */
    const int32_t *close_ids; /* [n_close_ids] */
    size_t n_close_ids;
};

/* A file of the same project as the text with the gap. */
struct hone_infill_file {
    struct hone_text name, text;
};

/* A gap in a text that the model is to fill in, as those that were trained on code can (fill in the middle): the prompt is
 * what stands before it. Marks of the model's own that are in these texts are text like any other. */
struct hone_infill {
    size_t size;                          /* of this struct, as its defaults set it; 0 counts as sizeof */
    struct hone_text suffix;              /* what stands behind the gap */
    const struct hone_infill_file *files; /* [n_files] that the model may look at, too; the nearest last */
    size_t n_files;
    struct hone_text project,
        name; /* where there are such files: of the project, and of the file with the gap */
};
#define HONE_INFILL_DEFAULTS                                                                                 \
    {                                                                                                        \
        .size = sizeof(struct hone_infill)                                                                   \
    }

/* Whether it knows gaps: its file or its vocabulary has the marks for them. */
HONE_API bool hone_model_infills(const struct hone_model *model);

#define HONE_DRAFT_AUTO SIZE_MAX

/* One text to go on with. Zero means none, or as usual. */
struct hone_generation {
    size_t size;             /* of this struct, as its defaults set it; 0 counts as sizeof */
    struct hone_text prompt; /* tokenized with the special tokens that the model puts in front; or */
    const int32_t *ids;      /* [n_ids], as they are */
    size_t n_ids;
    /* Of a model with an encoder, which reads the prompt: what the decoder begins with. Its start token may be left out. */
    const int32_t *decoder_ids; /* [n_decoder_ids] */
    size_t n_decoder_ids;
    size_t
        max_tokens; /* 0: until the model ends, its context is full, there are as many as its files say, or 8192 */
    struct hone_sampling sampling;
    bool no_special; /* the prompt has its special tokens in it (a rendered chat), and gets no others */
    bool ignore_end; /* the end token is never chosen, others do not end the text */
    bool past_end;   /* end tokens are text like all others */
    bool logprobs;   /* of the tokens that are chosen. Not with beams */
    const struct hone_bias *biases; /* [n_biases] */
    size_t n_biases;
    const struct hone_beams *beams; /* or NULL: sampling. All tokens come at the end */
    const struct hone_text *stops;  /* [n_stops], UTF-8 of 1 to 1024 bytes each */
    size_t n_stops;                 /* at most 64 */
    /* What the text must look like: a grammar as llama.cpp writes them (GBNF), or a JSON Schema, "{}" being any JSON value;
     * NUL-terminated. Not both, and not with beams. */
    const char *grammar, *json_schema;
    size_t n_logprobs; /* with these: and of so many of the most probable tokens, at most HONE_MAX_LOGPROBS */
    /* So many tokens at most are guessed, and checked at once; the text stays what it would be without. They are guessed
     * from the text so far (prompt lookup), or by draft_model, a smaller one with the same vocabulary. Another call may use
     * that one meanwhile: then nothing is guessed. Not with beams, nor of a model with an encoder. Two models must not
     * draft for each other at once. HONE_DRAFT_AUTO: as many as pay, by what is measured of steps and of guesses on the way,
     * from the text alone; none where guesses cannot be made, or would change the text's last bits. */
    size_t n_draft;
    struct hone_model *draft_model;
    /* Gets each token, from the calling thread. false: enough. May be NULL. */
    bool (*on_token)(void *arg, const struct hone_token *token);
    /* Called from the calling thread after each step of hone_generate, which is a token of each text, or a few hundred of
     * their prompts. false: the whole call ends, HONE_CANCELLED. May be NULL; not of requests to a scheduler. */
    bool (*on_step)(void *arg);
    void *arg;
    uint64_t partition; /* as that of struct hone_run_options */
    /* Of a model that translates (hone_model_language): the language of the prompt, which is a text then, and the one to
     * translate to, by their codes; empty: the model's own choice. */
    struct hone_text from, to;

    /* What came of it, to be given back with hone_generation_release, after a failure too. */
    struct hone_generated *results; /* [n_results] the best first; the fields below are those of the first */
    size_t n_results;
    const int32_t *out_ids; /* [n_out] */
    size_t n_out;
    const char *text;
    size_t text_size;
    enum hone_finish finish;
    size_t n_prompt;              /* tokens of the prompt, without decoder_ids; */
    size_t n_cached;              /* of these, known from earlier ones, and not computed again */
    size_t n_drafted, n_accepted; /* tokens that were guessed, and rightly so */
    /* Before the first token: what json_schema says that says nothing here, though it might be meant to, such as
     * "/properties/a/format: format int32", separated by "; "; NULL: nothing. */
    char *notes;

    /* Asked for: special tokens that are text like others, such as marks around calls of tools; others are not shown. */
    const int32_t *shown; /* [n_shown] */
    size_t n_shown;
    const struct hone_thinking
        *thinking; /* NULL: as long as it likes. Not with beams or a form of the text */
    /* Log-probabilities of the prompt's tokens, which are all computed for that, though the cache may know them. Not with
     * beams, nor of a model with an encoder. */
    bool prompt_logprobs;
    /* What came of it: [n_prompt] tokens of the prompt, their log-probabilities, and n_logprobs of the most probable tokens at
     * each place. Of the first there is none: 0, and ids of -1. */
    int32_t *prompt_ids;
    float *prompt_values;
    struct hone_logprob *prompt_top;  /* [n_prompt, n_logprobs] */
    const struct hone_infill *infill; /* the prompt is a text that ends at a gap; NULL: it is no gap */
};

#define HONE_GENERATION_DEFAULTS                                                                             \
    {                                                                                                        \
        .size = sizeof(struct hone_generation), .sampling = HONE_SAMPLING_DEFAULTS                           \
    }

/* Goes on with n texts, several at once. What a prompt shares with another one or with one of earlier calls, from its
 * start on, is computed once. HONE_REFUSED: a prompt that leaves no room in the model's context or in kv_tokens; HONE_USAGE: options
 * that make no sense; a grammar that cannot be read or met. */
HONE_API enum hone_status hone_generate(struct hone_model *model, struct hone_generation *list, size_t n,
                                        struct hone_stats *stats, struct hone_error *err);
/* Whether `draft` can guess for `model` (hone_generation.draft_model), as far as their files tell: it generates without an
 * encoder, is another handle, and has the same vocabulary. Of models that are open without their weights, too. HONE_USAGE: why
 * not. */
HONE_API enum hone_status hone_draft_check(const struct hone_model *model, const struct hone_model *draft,
                                           struct hone_error *err);
HONE_API void hone_generation_release(struct hone_generation *g);

/* Bytes of memory that keys and values of n_tokens of a text take, and its recurrent state where layers have one; 0 for a
 * model that does not generate. */
HONE_API size_t hone_kv_bytes(const struct hone_model *model, enum hone_kv kv, size_t n_tokens);

/* How a model's own files want it to search: false: by no beams. Of a model with an encoder. */
HONE_API bool hone_model_beams(const struct hone_model *model, struct hone_beams *beams);

/* Writes the keys and values that the cache holds of ids [n], a prompt and what followed it, as a file: whole blocks of
 * their beginning, *n_saved tokens (may be NULL). It appears under its name only when it is complete. Not of a model with
 * an encoder. */
HONE_API enum hone_status hone_kv_save(struct hone_model *model, const int32_t *ids, size_t n,
                                       const char *path, size_t *n_saved, struct hone_error *err);
/* Reads such a file, and prompts that begin with its tokens (*n_loaded, may be NULL) find them. HONE_BAD_MODEL: the file is
 * damaged, or of another model, type of cache or instruction set; HONE_FAILED: kv_tokens has no room for it. */
HONE_API enum hone_status hone_kv_load(struct hone_model *model, const char *path, size_t *n_loaded,
                                       struct hone_error *err);

/* ---- languages ---------------------------------------------------------------------------------------- */

/* A language that a model translates from or to. The strings live as long as the model. */
struct hone_language {
    const char *code; /* as the model has it: "deu_Latn", "de_DE", "de" */
    const char *iso;  /* as ISO 639-1 has it: "de"; where that is not known, the model's own */
    const char *name; /* in English; likewise */
    bool from, to;
};

/* Language i; false: behind the last. Of models with an encoder whose files name languages. */
HONE_API bool hone_model_language(const struct hone_model *model, size_t i, struct hone_language *out);

/* Takes the next sentence off *rest, which is UTF-8, and the white space behind it: translation models are made for
 * sentences. Lines end sentences, too; what follows an abbreviation's full stop does not begin one. false: *rest was empty. */
HONE_API bool hone_next_sentence(struct hone_text *rest, struct hone_text *sentence, struct hone_text *space);

/* ---- conversations ------------------------------------------------------------------------------------ */

struct hone_message {
    const char *role; /* "system", "user", "assistant" */
    struct hone_text content;
};

/* A conversation. Texts of JSON are NUL-terminated, or NULL. */
struct hone_chat {
    size_t size;                         /* of this struct, as its defaults set it; 0 counts as sizeof */
    const struct hone_message *messages; /* [n_messages]; or */
    size_t n_messages;
    /* a JSON array of them as clients send it: {"role", "content", "tool_calls", "tool_call_id", ...}, where the content
     * may be a list of parts {"type": "text", "text"} */
    const char *json_messages;
    const char *tools; /* a JSON array: what the model may call */
    const char
        *variables; /* a JSON object of what else the template may look at: {"enable_thinking": false} */
    bool answer;    /* up to where the model's answer begins; or, */
    bool
        continue_last; /* up to where the last message ends, which is the assistant's: the model goes on with it */
};

#define HONE_CHAT_DEFAULTS                                                                                   \
    {                                                                                                        \
        .size = sizeof(struct hone_chat)                                                                     \
    }

/* What a conversation looks like to the model, by its own chat template. It is to be generated from with no_special.
 * *text: NUL-terminated, *size bytes, to be freed with hone_free. HONE_USAGE: the model has no template, or the template
 * refuses the messages. */
HONE_API enum hone_status hone_chat_prompt(const struct hone_model *model, const struct hone_chat *chat,
                                           char **text, size_t *size, struct hone_error *err);

/* ---- logits ------------------------------------------------------------------------------------------- */

/* out: float32 [n_ids, n_vocab], caller's: row i is what follows ids[0] to ids[i]. */
HONE_API enum hone_status hone_logits(struct hone_model *model, const int32_t *ids, size_t n_ids, float *out,
                                      struct hone_error *err);

/* The same of a model with an encoder, which reads ids; out: [n_decoder_ids, n_vocab], or [1, n_vocab] where n_decoder_ids
 * is 0: after the decoder's start token. decoder_ids are taken as they are, and begin with that token. */
HONE_API enum hone_status hone_decoder_logits(struct hone_model *model, const int32_t *ids, size_t n_ids,
                                              const int32_t *decoder_ids, size_t n_decoder_ids, float *out,
                                              struct hone_error *err);

/* exp of the mean negative log-probability of each token but the first, given those before it, in pieces of at most
 * `context` tokens (0: the model's). */
HONE_API enum hone_status hone_perplexity(struct hone_model *model, const int32_t *ids, size_t n_ids,
                                          size_t context, double *out, struct hone_error *err);

#ifdef __cplusplus
}
#endif
#endif
