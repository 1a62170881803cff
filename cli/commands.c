#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct options, name)

/* letter, name, value, kind, field, the commands that take it, those that cannot do without, common, help */
const struct option_spec option_table[] = {
    {'m', "model", "MODEL", OPTION_TEXT, FIELD(model), CMD_OPENS & ~CMD_INSPECT,
     CMD_OPENS & ~CMD_INSPECT & ~CMD_EVAL, false,
     "a GGUF file, a Hugging Face folder, or a model by name: hf:USER/REPO[:FILE|:QUANT][@REVISION], "
     "ollama:NAME[:TAG]"},
    {'q', "query", "QUERY", OPTION_TEXT, FIELD(query), CMD_RERANK, 0, false,
     "what the documents are compared with"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_CONVERT, CMD_CONVERT, false,
     "the GGUF file to write; it appears when it is complete"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_EMBED, 0, false,
     "write to FILE, which appears when it is complete, instead of standard output; its name says the format "
     "(.npy, "
     ".csv, else jsonl), and whether it is compressed (.gz, .zst, .xz)"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_RERANK | CMD_CLASSIFY | CMD_FILL, 0, false,
     "write to FILE, which appears when it is complete, instead of standard output: jsonl, if --format says "
     "nothing; "
     "compressed where its name says so (.gz, .zst, .xz)"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_SCORE, 0, false,
     "write to FILE; where it holds results already, go on behind the last complete line"},
    {'i', "input", "FILE", OPTION_TEXT, FIELD(input), CMD_RUN_BATCH, 0, false,
     "the requests; FILE behind the options is the same"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_RUN_BATCH, 0, false,
     "write to FILE; where it holds answers already, go on behind the last complete line"},
    {0, "type", "f32|f16|bf16|q8_0|q4_0|q4_k|q6_k", OPTION_TEXT, FIELD(type), CMD_CONVERT, 0, false,
     "how matrices are stored, also as other types of hone quantize; the folder's own type if left out"},
    {0, "imatrix", "FILE", OPTION_TEXT, FIELD(imatrix), CMD_QUANTIZE, 0, false,
     "an importance matrix of the model, as llama.cpp's imatrix makes it: errors in columns that matter more "
     "count "
     "more"},
    {0, "golden", "FILE", OPTION_TEXT, FIELD(golden), CMD_CONVERT, 0, false,
     "also write what transformers computes for a few texts, for hone verify; needs python3 (or HONE_PYTHON) "
     "with "
     "transformers and torch"},
    {0, "format", "jsonl|csv|npy", OPTION_CHOICE, FIELD(format), CMD_EMBED, 0, false,
     "jsonl (the default): {\"index\": 0, \"embedding\": [...]} a line; csv: numbers only, a line a text; "
     "npy: "
     "NumPy's float32 array [texts, dimensions]"},
    {0, "pooling", "mean|cls|last|max", OPTION_CHOICE, FIELD(pooling), CMD_EMBED, 0, false,
     "how a text's tokens become one vector, if not as the model says"},
    {0, "dimensions", "N", OPTION_COUNT, FIELD(dimensions), CMD_EMBED, 0, false,
     "the first N numbers of each vector, for models that were trained for this (matryoshka)"},
    {0, "tokens", NULL, OPTION_FLAG, FIELD(tokens), CMD_EMBED, 0, false,
     "a vector for each token, special ones included: {\"index\": 0, \"tokens\": [[...], ...]}; the default "
     "for "
     "models of late interaction (ColBERT)"},
    {0, "no-normalize", NULL, OPTION_FLAG, FIELD(no_normalize), CMD_EMBED, 0, false,
     "leave the vectors as long as they are"},
    {0, "as", "query|document", OPTION_CHOICE, FIELD(as), CMD_EMBED, 0, false,
     "what the texts are in a search: the model's prompt of that name is put before each, if it has one, and "
     "its limits "
     "and vectors of queries or documents are used"},
    {0, "prompt", "NAME", OPTION_TEXT, FIELD(prompt), CMD_EMBED, 0, false,
     "put the model's prompt of that name before each text; '' for none (hone inspect lists them)"},
    {0, "run", "FILE", OPTION_TEXT, FIELD(run), CMD_RERANK, 0, false,
     "instead of a query: a TREC run, whose documents are ranked anew for each of its queries; a run comes "
     "out"},
    {0, "run", "FILE", OPTION_TEXT, FIELD(run), CMD_EVAL, 0, false,
     "with a model: the documents that it ranks for each query; all of the corpus, if left out"},
    {0, "queries", "FILE", OPTION_TEXT, FIELD(queries), CMD_RERANK, 0, false,
     "with --run: the queries' texts, jsonl, csv or tsv with _id and text"},
    {0, "corpus", "FILE", OPTION_TEXT, FIELD(corpus), CMD_RERANK, 0, false,
     "with --run: the documents' texts, with _id, text and maybe title"},
    {0, "qrels", "FILE", OPTION_TEXT, FIELD(qrels), CMD_EVAL, 0, false,
     "the judgements, in TREC's or BEIR's form; FOLDER/qrels/test.tsv, if left out"},
    {'k', "cut", "K", OPTION_COUNT, FIELD(cut), CMD_EVAL, 0, false,
     "nDCG and recall of the first K documents (10)"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_EVAL, 0, false,
     "with a model: write its run, too"},
    {0, "top-n", "N", OPTION_COUNT, FIELD(top_n), CMD_EVAL, 0, false,
     "documents of a query that its run has (1000)"},
    {0, "instruction", "TEXT", OPTION_TEXT, FIELD(instruction), CMD_RERANK | CMD_EVAL, 0, false,
     "what documents are judged by, for models that generate (Qwen3-Reranker); without it: whether they "
     "answer a web "
     "search"},
    {0, "top-n", "N", OPTION_COUNT, FIELD(top_n), CMD_RERANK, 0, false, "the best N documents only"},
    {0, "top-n", "N", OPTION_COUNT, FIELD(top_n), CMD_FILL, 0, false, "the best N words; 5 without it"},
    {0, "pair", NULL, OPTION_FLAG, FIELD(pair), CMD_CLASSIFY | CMD_TOKENIZE, 0, false,
     "each line is two texts with a tab between them"},
    {0, "raw", NULL, OPTION_FLAG, FIELD(raw), CMD_RERANK | CMD_CLASSIFY | CMD_SCORE | CMD_FILL, 0, false,
     "the model's logits instead of scores"},
    {0, "format", "table|jsonl", OPTION_CHOICE, FIELD(format), CMD_FILL, 0, false,
     "table (the default): for the eye; jsonl: {\"index\": 0, \"masks\": [[{\"token\", \"id\", \"score\"}, "
     "...], ...]} a "
     "line"},
    {0, "format", "table|jsonl|trec", OPTION_CHOICE, FIELD(format), CMD_RERANK, 0, false,
     "trec: with --run, and its default; table (the default): for the eye; jsonl: {\"index\": 0, \"score\": "
     "0.5, \"document\": \"...\"} a line"},
    {0, "format", "table|jsonl", OPTION_CHOICE, FIELD(format), CMD_CLASSIFY, 0, false,
     "table (the default): the best label of each text, or what its tokens name; jsonl: {\"index\": 0, "
     "\"labels\": {\"NAME\": 0.5}} a line, or \"entities\": [{\"label\", \"score\", \"start\", \"end\", "
     "\"text\"}], in bytes"},
    {0, "labels", "A,B,C", OPTION_TEXT, FIELD(labels), CMD_CLASSIFY, 0, false,
     "labels of your own, for a model that knows entailment (NLI): how well each fits, one of them being "
     "right"},
    {0, "hypothesis", "TEXT", OPTION_TEXT, FIELD(hypothesis), CMD_CLASSIFY, 0, false,
     "with --labels: what is asked of each, {} being the label; 'This example is {}.' without it"},
    {0, "multi-label", NULL, OPTION_FLAG, FIELD(multi_label), CMD_CLASSIFY, 0, false,
     "with --labels: any number of them may fit"},
    {0, "aggregate", "simple|none|first|average|max", OPTION_CHOICE, FIELD(aggregate), CMD_CLASSIFY, 0, false,
     "for a model that labels tokens (names, personal data): neighbours of one label are one (simple, the "
     "default), no "
     "token joins another, or the tokens of a word have one label: the first's, that of their mean, or the "
     "surest's"},
    {0, "jsonl", NULL, OPTION_FLAG, FIELD(jsonl), (CMD_READS & ~CMD_TOKENIZE) | CMD_GENERATE, 0, false,
     "the same as --input-format jsonl"},
    {0, "jsonl", NULL, OPTION_FLAG, FIELD(jsonl), CMD_TOKENIZE, 0, false,
     "the same as --input-format jsonl; with --decode, each line out is a JSON string"},
    {0, "input-format", "auto|text|jsonl|csv|tsv", OPTION_CHOICE, FIELD(input_format),
     CMD_READS | CMD_GENERATE, 0, false,
     "text: a text a line; jsonl: a JSON string a line (with --pair: an array of two), or an object; csv and "
     "tsv: with a "
     "header; auto (the default): as names say (.jsonl, .csv, .tsv), else text; what could be two things is "
     "refused"},
    {0, "column", "NAME", OPTION_LIST, FIELD(columns), CMD_READS | CMD_GENERATE, 0, false,
     "of jsonl, csv and tsv: where the text is ('text'); several times: these, with a space between them"},
    {0, "pair-column", "NAME", OPTION_TEXT, FIELD(pair_column), CMD_CLASSIFY | CMD_TOKENIZE, 0, false,
     "where the second text of a pair is ('text_pair')"},
    {0, "id-column", "NAME", OPTION_TEXT, FIELD(id_column), (CMD_READS & ~CMD_TOKENIZE) | CMD_GENERATE, 0,
     false, "what goes through as \"id\" ('id', or '_id')"},
    {0, "keep", NULL, OPTION_FLAG, FIELD(keep), (CMD_READS & ~CMD_TOKENIZE) | CMD_GENERATE, 0, false,
     "let all other columns go through, too"},
    {0, "errors", "words|rows", OPTION_CHOICE, FIELD(errors),
     CMD_EMBED | CMD_CLASSIFY | CMD_SCORE | CMD_RUN_BATCH | CMD_FILL | CMD_GENERATE, 0, false,
     "rows: what is refused has a line in its place, {\"index\": 0, \"id\": ..., \"error\": \"...\"}, and "
     "the exit status is "
     "0; words (the default): a sentence on standard error, and 4"},
    {0, "max-errors", "N", OPTION_NUMBER, FIELD(max_errors), CMD_READS | CMD_SCORE | CMD_GENERATE, 0, false,
     "end when more than N inputs were refused"},
    {0, "no-special", NULL, OPTION_FLAG, FIELD(no_special), CMD_TOKENIZE, 0, false,
     "no special tokens such as [CLS]: none added, and with --decode none shown"},
    {0, "decode", NULL, OPTION_FLAG, FIELD(decode), CMD_TOKENIZE, 0, false,
     "the other way: each line in is a JSON array of ids, or ids with spaces between them; text comes out"},
    {0, "tensors", NULL, OPTION_FLAG, FIELD(tensors), CMD_INSPECT, 0, false, "list every tensor"},
    {0, "json", NULL, OPTION_FLAG, FIELD(json), CMD_INSPECT | CMD_MEASURES | CMD_QUANTIZE | CMD_CACHE_LIST, 0,
     false, "one JSON object instead of tables"},
    {0, "json", NULL, OPTION_FLAG, FIELD(json), CMD_VERIFY, 0, false, "one JSON object a check"},
    {0, "json", NULL, OPTION_FLAG, FIELD(json), CMD_LIST | CMD_EVAL, 0, false,
     "one JSON object instead of a table"},
    {'p', "prompt", "TEXT", OPTION_TEXT, FIELD(text), CMD_GENERATE, 0, false,
     "what to go on with; - reads all of standard input"},
    {0, "prompt-file", "FILE", OPTION_TEXT, FIELD(prompt_file), CMD_GENERATE, 0, false,
     "the same, from a file"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_GENERATE, 0, false,
     "with FILEs of prompts: write to FILE, which appears when it is complete"},
    {0, "ids", "IDS", OPTION_TEXT, FIELD(ids), CMD_GENERATE, 0, false,
     "the same as token ids, with spaces between them, to which no special ones are added"},
    {0, "ids", "IDS", OPTION_TEXT, FIELD(ids), CMD_LOGITS, CMD_LOGITS, false,
     "token ids, with spaces between them"},
    {0, "decoder-ids", "IDS", OPTION_TEXT, FIELD(decoder_ids), CMD_GENERATE, 0, false,
     "of a model with an encoder, which reads the prompt: the tokens that its decoder begins with"},
    {0, "decoder-ids", "IDS", OPTION_TEXT, FIELD(decoder_ids), CMD_LOGITS, 0, false,
     "of a model with an encoder, which reads --ids: its decoder's tokens, from the start token on (it "
     "alone, if left out)"},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), CMD_LOGITS, CMD_LOGITS, false,
     "the NumPy file to write: float32 [tokens, vocabulary]"},
    {'n', "tokens", "N", OPTION_COUNT, FIELD(n_tokens), CMD_GENERATE | CMD_CHAT, 0, false,
     "at most N tokens (8192); fewer where the model ends the text or its context is full"},
    {'n', "tokens", "N", OPTION_COUNT, FIELD(n_tokens), CMD_PERPLEXITY, 0, false, "the first N tokens alone"},
    {0, "context", "N", OPTION_COUNT, FIELD(context), CMD_PERPLEXITY, 0, false,
     "tokens that are predicted from each other; the model's own limit if left out"},
    {0, "temp", "T", OPTION_NUMBER, FIELD(temp), CMD_GENERATE | CMD_CHAT, 0, false,
     "the temperature (0.8); 0: always the most probable token"},
    {0, "top-k", "K", OPTION_NUMBER, FIELD(top_k), CMD_GENERATE | CMD_CHAT, 0, false,
     "choose among the K most probable tokens (40); 0: all"},
    {0, "top-p", "P", OPTION_NUMBER, FIELD(top_p), CMD_GENERATE | CMD_CHAT, 0, false,
     "among the fewest whose probabilities reach P (0.95)"},
    {0, "min-p", "P", OPTION_NUMBER, FIELD(min_p), CMD_GENERATE | CMD_CHAT, 0, false,
     "among those with P times the largest probability (0.05)"},
    {0, "typical-p", "P", OPTION_NUMBER, FIELD(typical_p), CMD_GENERATE | CMD_CHAT, 0, false,
     "among the most typical ones whose probabilities reach P (1: all)"},
    {0, "repeat-penalty", "X", OPTION_NUMBER, FIELD(repeat_penalty), CMD_GENERATE | CMD_CHAT, 0, false,
     "what the logits of the last tokens are divided by (1)"},
    {0, "presence-penalty", "X", OPTION_NUMBER, FIELD(presence_penalty), CMD_GENERATE | CMD_CHAT, 0, false,
     "what they lose (0)"},
    {0, "frequency-penalty", "X", OPTION_NUMBER, FIELD(frequency_penalty), CMD_GENERATE | CMD_CHAT, 0, false,
     "what they lose each time they came (0)"},
    {0, "repeat-last-n", "N", OPTION_NUMBER, FIELD(repeat_last_n), CMD_GENERATE | CMD_CHAT, 0, false,
     "how many tokens these three look back (64)"},
    {0, "dry", "X", OPTION_NUMBER, FIELD(dry), CMD_GENERATE | CMD_CHAT, 0, false,
     "DRY: what tokens lose that would prolong a repetition (0)"},
    {0, "dry-base", "X", OPTION_NUMBER, FIELD(dry_base), CMD_GENERATE | CMD_CHAT, 0, false,
     "times X for each token that the repetition has above the allowed length (1.75)"},
    {0, "dry-length", "N", OPTION_NUMBER, FIELD(dry_length), CMD_GENERATE | CMD_CHAT, 0, false,
     "the length that repetitions may have (2)"},
    {0, "mirostat", "0|1|2", OPTION_NUMBER, FIELD(mirostat), CMD_GENERATE | CMD_CHAT, 0, false,
     "mirostat's first or second version instead of the filters"},
    {0, "mirostat-tau", "X", OPTION_NUMBER, FIELD(mirostat_tau), CMD_GENERATE | CMD_CHAT, 0, false,
     "how surprising its text should be, in bits a token (5)"},
    {0, "mirostat-eta", "X", OPTION_NUMBER, FIELD(mirostat_eta), CMD_GENERATE | CMD_CHAT, 0, false,
     "how fast it learns (0.1)"},
    {0, "seed", "N", OPTION_NUMBER, FIELD(seed), CMD_GENERATE | CMD_CHAT, 0, false,
     "the same number gives the same text; the time if left out"},
    {0, "system", "TEXT", OPTION_TEXT, FIELD(system), CMD_CHAT, 0, false,
     "what the model is told beforehand"},
    {0, "variables", "JSON", OPTION_TEXT, FIELD(variables), CMD_CHAT, 0, false,
     "what else its template may look at: '{\"enable_thinking\": false}'"},
    {0, "beams", "N", OPTION_COUNT, FIELD(beams), CMD_GENERATE, 0, false,
     "search with N beams for the most probable text, instead of choosing token by token"},
    {0, "length-penalty", "X", OPTION_NUMBER, FIELD(length_penalty), CMD_GENERATE, 0, false,
     "of beams: results are compared by their log-probability over their length to the power of X (1)"},
    {0, "n-best", "N", OPTION_COUNT, FIELD(n_best), CMD_GENERATE, 0, false,
     "of beams: the N best texts, instead of one"},
    {0, "early-stopping", NULL, OPTION_FLAG, FIELD(early_stopping), CMD_GENERATE, 0, false,
     "of beams: end with as many texts as there are beams, whatever might still beat them"},
    {0, "stop", "TEXT", OPTION_LIST, FIELD(stops), CMD_GENERATE | CMD_CHAT, 0, false,
     "end before TEXT; several times: before any of them"},
    {0, "grammar", "FILE", OPTION_TEXT, FIELD(grammar), CMD_GENERATE | CMD_CHAT, 0, false,
     "the text follows this grammar, written as llama.cpp's are (GBNF)"},
    {0, "json-schema", "FILE", OPTION_TEXT, FIELD(json_schema), CMD_GENERATE | CMD_CHAT, 0, false,
     "the text is JSON that fits this JSON Schema; {} allows any"},
    {0, "logit-bias", "ID=X", OPTION_LIST, FIELD(biases), CMD_GENERATE | CMD_CHAT, 0, false,
     "add X to the logit of token ID, in each step; -inf: it never comes. May be given several times"},
    {0, "logprobs", "N", OPTION_NUMBER, FIELD(logprobs), CMD_GENERATE, 0, false,
     "tell, in jsonl, the log-probability of each token and of the N most probable ones (0 to 20)"},
    {0, "draft", "N", OPTION_COUNT, FIELD(draft), CMD_GENERATE | CMD_CHAT, 0, false,
     "guess up to N tokens from the text so far and check them at once: faster where a text repeats itself, "
     "and the "
     "same text"},
    {0, "draft-model", "MODEL", OPTION_TEXT, FIELD(draft_model), CMD_GENERATE | CMD_CHAT, 0, false,
     "a smaller model with the same vocabulary that guesses instead, 5 tokens if --draft says nothing"},
    {0, "kv-file", "FILE", OPTION_TEXT, FIELD(kv_file), CMD_GENERATE | CMD_CHAT, 0, false,
     "keep the keys and values of the text in FILE, and read them from it where it exists, so that a long "
     "prompt is "
     "computed once"},
    {0, "kv-tokens", "N", OPTION_COUNT, FIELD(kv_tokens), CMD_GENERATE | CMD_CHAT, 0, false,
     "keep keys and values of N tokens at most; as many as are needed if left out"},
    {0, "ignore-eos", NULL, OPTION_FLAG, FIELD(ignore_eos), CMD_GENERATE, 0, false,
     "the end token is never chosen"},
    {0, "format", "text|jsonl", OPTION_CHOICE, FIELD(format), CMD_GENERATE, 0, false,
     "text (the default): as it comes; jsonl: {\"text\": \"...\", \"ids\": [...], \"finish_reason\": "
     "\"stop\"}"},
    {0, "kv", NULL, OPTION_FLAG, FIELD(show_kv), CMD_INSPECT, 0, false,
     "the memory that keys and values take, of models that generate"},
    {0, "kv", "auto|f32|f16|int8", OPTION_CHOICE, FIELD(kv), CMD_PREDICTS, 0, false,
     "how keys and values of past tokens are held: f32 where f32 is computed, else f16, if left out"},
    {0, "json", NULL, OPTION_FLAG, FIELD(json), CMD_PERPLEXITY, 0, false, "a JSON object"},
    {0, "slot", "NAME", OPTION_TEXT, FIELD(slot), CMD_KERNELS, 0, false,
     "that kernel alone: gemm_u8i8, attention, ... (a wrong name lists them)"},
    {0, "level", "NAME", OPTION_TEXT, FIELD(level), CMD_KERNELS, 0, false,
     "the kernels of that instruction set (HONE_CPU's names), or 'all', if not the best"},
    {'m', "model", "NAME", OPTION_TEXT, FIELD(model), CMD_KERNELS, 0, false,
     "the shapes of that model alone: minilm, bert-base, bert-large, t5-base, qwen3-0.6b, llama-3.2-3b"},
    {'M', "rows", "N", OPTION_COUNT, FIELD(rows), CMD_KERNELS, 0, false,
     "that number of rows (tokens) alone, if not 1, 4, 16, ... 4096"},
    {0, "svg", "FILE", OPTION_TEXT, FIELD(svg), CMD_KERNELS, 0, false,
     "draw what was measured: a roofline, and each kernel's share of its limit"},
    {0, "prompt", "N", OPTION_COUNT, FIELD(prompt_tokens), CMD_BENCH, 0, false,
     "texts of N tokens alone, special ones included, if not of 8, 16, ... 512"},
    {0, "gen", "N", OPTION_COUNT, FIELD(gen), CMD_BENCH, 0, false, "tokens to generate, for models that do"},
    {0, "batch", "N", OPTION_COUNT, FIELD(batch), CMD_BENCH, 0, false,
     "N texts at once, if not 1, 8, 32 and 128 as long as they have at most 4096 tokens together"},
    {0, "seconds", "N", OPTION_COUNT, FIELD(seconds), CMD_TUNE, 0, false,
     "the time to take, about (30); more of it helps on a busy machine"},
    {0, "level", "NAME", OPTION_TEXT, FIELD(level), CMD_LIMITS, 0, false,
     "an instruction set, if not the best for each kind of number: scalar, avx2, ... (HONE_CPU's names)"},
    {'m', "model", "[NAME=]MODEL", OPTION_MODELS, FIELD(serving), CMD_SERVES | CMD_RUN_BATCH, 0, false,
     "a GGUF file, a Hugging Face folder or a model by name (hf:USER/REPO), and the name that clients use "
     "(else the file's); may be given several times"},
/* What a server is told about computing, and not about clients. */
#define IS_COMPUTING(id)                                                                                     \
    ((id) == SETTING_THREADS || (id) == SETTING_COMPUTE || (id) == SETTING_KV ||                             \
     (id) == SETTING_KV_TOKENS || (id) == SETTING_MAX_LENGTH || (id) == SETTING_BATCH_TOKENS ||              \
     (id) == SETTING_MAX_PARALLEL || (id) == SETTING_TOO_LONG)
#define SETTING_OPTION(id, letter, name, value, kind, field, fallback, help)                                 \
    {letter,                                                                                                 \
     name,                                                                                                   \
     value,                                                                                                  \
     OPTION_TEXT,                                                                                            \
     FIELD(serving.values[SETTING_##id]),                                                                    \
     CMD_SERVES | (IS_COMPUTING(SETTING_##id) ? CMD_RUN_BATCH : 0),                                          \
     0,                                                                                                      \
     false,                                                                                                  \
     help},
    SETTINGS(SETTING_OPTION)
#undef SETTING_OPTION
#undef IS_COMPUTING
        {0, "state", "FOLDER", OPTION_TEXT, FIELD(state), CMD_SERVICE, 0, false,
         "where hone.pid and hone.log are; ~/.local/state/hone, if left out. Each folder is a service of its "
         "own"},
    {'f', "follow", NULL, OPTION_FLAG, FIELD(follow), CMD_SERVICE_LOG, 0, false,
     "go on with what it says from now on"},
    {0, "man", NULL, OPTION_FLAG, FIELD(man), CMD_HELP, 0, false,
     "write the manual page (roff) of all commands, or of COMMAND"},
    {0, "completion", "bash|zsh|fish", OPTION_CHOICE, FIELD(completion), CMD_HELP, 0, false, NULL},

    {'t', "threads", "N", OPTION_COUNT, FIELD(threads), CMD_OPENS | CMD_MEASURES | CMD_QUANTIZE, 0, true,
     "computing threads; as many as this process may use if left out"},
    {0, "compute", "auto|f32|bf16|int8|blas", OPTION_CHOICE, FIELD(compute), CMD_OPENS & ~CMD_TOKENIZE, 0,
     true,
     "f32: hone's own products; bf16: bfloat16, with a cosine of 0.9999 to f32; int8: weights and "
     "activations as "
     "bytes, several times as fast, with a cosine of 0.999; blas: OpenBLAS, where a result may depend on its "
     "batch; "
     "auto (the "
     "default): int8 for files whose weights are quantised already, else f32"},
    {0, "max-length", "N", OPTION_COUNT, FIELD(max_length), CMD_COMPUTES, 0, true,
     "tokens a text, special ones included; longer texts are cut. The model's own limit if left out"},
    {0, "batch-tokens", "N", OPTION_COUNT, FIELD(batch_tokens), CMD_COMPUTES, 0, true,
     "tokens computed together (4096); bounds the memory in use"},
    {0, "strict", NULL, OPTION_FLAG, FIELD(strict), CMD_COMPUTES, 0, true,
     "refuse texts that are too long instead of cutting them"},
    {0, "force", NULL, OPTION_FLAG, FIELD(force), CMD_OPENS & ~CMD_VERIFY, 0, true,
     "open a model whose files hold tensors that nothing reads, or keys that nobody knows, which are told"},
    {0, "no-cache", NULL, OPTION_FLAG, FIELD(no_cache), (CMD_OPENS & ~CMD_TOKENIZE) | CMD_SERVES, 0, true,
     "neither use nor keep packed weights (hone cache)"},
    {0, "json-errors", NULL, OPTION_FLAG, FIELD(json_errors), CMD_ALL & ~CMD_HELP, 0, true,
     "each error as a JSON object a line: {\"status\": 3, \"error\": \"...\"}"},
    {'h', "help", NULL, OPTION_FLAG, FIELD(help), CMD_ALL, 0, true, "this text"},
    {0},
};

static const char *const convert_about[] = {
    "Writes the Hugging Face folder HF_DIR as one GGUF file, with the same keys and tensor names that others "
    "use. The "
    "file opens faster than the folder.",
    NULL,
};
static const char *const convert_examples[] = {
    "hone convert all-MiniLM-L6-v2/ -o minilm.gguf",
    "makes one file of a folder.",
    NULL,
};

static const char *const quantize_about[] = {
    "Writes the GGUF file IN anew as OUT, with its matrices in fewer bits, and tells for each the error that "
    "this "
    "made: the change's root mean square, as a part of the numbers' own. Vectors and norms stay as they are.",
    "TYPE is f32, f16, bf16, q8_0, q6_k, q5_k_m, q5_k_s, q5_1, q5_0, q4_k_m, q4_k_s, q4_1, q4_0, iq4_nl, "
    "iq4_xs, "
    "q3_k_l, q3_k_m, q3_k_s or q2_k; q5_k, q4_k and q3_k are those with _m. The k types give some tensors "
    "more bits, "
    "the same that llama.cpp gives them: _m more than _s. q8_0 is hard to tell from the original; q4_k_m is "
    "what most "
    "people use for generating.",
    NULL,
};
static const char *const quantize_examples[] = {
    "hone quantize llama.gguf llama-q4.gguf q4_k_m",
    "makes a file of less than five bits a weight.",
    NULL,
};

static const char *const inspect_about[] = {
    "Shows what a model file is: architecture, task, sizes, labels, prompts, and how hone runs it here. A "
    "damaged or "
    "unknown model's metadata are shown as far as the file can be read.",
    NULL,
};
static const char *const inspect_examples[] = {
    "hone inspect minilm.gguf --json | jq .model.max_length",
    "tells how many tokens a text may have.",
    NULL,
};

static const char *const verify_about[] = {
    "Checks that a model is whole: that every tensor of the file is used once and has its shape, that "
    "weights are "
    "finite, what the tokenizer puts around a text, pooling and head, and that results do not depend on the "
    "batch.",
    "With a golden file it compares ids and numbers with those of another program: exact ids, numbers within "
    "1e-5 "
    "(embeddings) or 1e-4 relative (logits) of float32 weights, a cosine of 0.999 otherwise. Numbers are "
    "computed in "
    "f32 if --compute says nothing else.",
    NULL,
};
static const char *const verify_examples[] = {
    "hone convert gte-small/ -o gte.gguf --golden gte.json && hone verify -m gte.gguf gte.json",
    "converts a folder and proves that nothing was lost.",
    NULL,
};

static const char *const tokenize_about[] = {
    "Writes a JSON array of token ids for each text. Nothing is cut, however long a text is.",
    NULL,
};
static const char *const tokenize_examples[] = {
    "hone tokenize -m minilm.gguf book.txt | jq length",
    "counts the tokens of each line.",
    "echo '7592 2088' | hone tokenize -m minilm.gguf --decode",
    "tells what these ids mean.",
    NULL,
};

static const char *const generate_about[] = {
    "Goes on with a text, token by token, until the model ends it.",
    "With FILEs, one for each prompt in them, many at once: a prompt a line, or a row with \"prompt\", or "
    "with "
    "\"messages\", a chat in the form of the model's own template. Texts are then written as jsonl, in the "
    "same order.",
    NULL,
};
static const char *const generate_examples[] = {
    "hone generate -m llama.gguf -p 'Once upon a time' -n 100 --seed 1",
    "writes a hundred tokens, and the same ones again.",
    NULL,
};

static const char *const chat_about[] = {
    "Talks with a model: each line is said to it, in the form of its own chat template, and its answer is "
    "written as "
    "it comes. Ctrl-C stops an answer, Ctrl-D ends; /clear forgets what was said, /help lists what else "
    "there is. "
    "A line that ends with a backslash goes on in the next.",
    "What was said before is not computed again, but for what is new of it.",
    NULL,
};

static const char *const logits_about[] = {
    "Writes what the model predicts after each of the tokens: a logit for every token of its vocabulary.",
    NULL,
};

static const char *const perplexity_about[] = {
    "Tells how well the model predicts a text: e to the mean of -log p of each token but the first, given "
    "those "
    "before it. A text longer than the context is cut in pieces that know nothing of each other.",
    NULL,
};
static const char *const perplexity_examples[] = {
    "hone perplexity -m llama-q4.gguf book.txt --context 512",
    "shows what fewer bits cost.",
    NULL,
};

static const char *const score_about[] = {
    "Computes much at a time: each line in is a JSON object, each line out another, in the same order. "
    "What a line asks for is told by its keys:",
    "{\"text\": \"...\"}: the vector of a text, {\"index\": 0, \"embedding\": [...]}, or its labels, "
    "{\"index\": 0, "
    "\"labels\": {\"NAME\": 0.5}}, whichever the model makes.",
    "{\"query\": \"...\", \"document\": \"...\"}: how well a document answers, {\"index\": 0, \"score\": "
    "0.5}; with "
    "\"documents\": [...] of several, {\"index\": 0, \"scores\": [...]}.",
    "{\"texts\": [\"...\", \"...\"]}: how two texts are related: the labels of a pair, a score where there "
    "is one "
    "label, or the cosine of two vectors.",
    "\"index\" is the line's number, from 0; an \"id\" of the line, if it has one, is given back. Lines that "
    "are refused are named on standard error, and have no result but with --errors rows; empty ones ask for "
    "nothing. "
    "With -o, a run that was ended can be started again: it goes on where the results end. FILE.job beside "
    "them says what "
    "they were made from; another model, other options or another input are refused.",
    NULL,
};
static const char *const score_examples[] = {
    "hone score -m cross-encoder.gguf pairs.jsonl -o scores.jsonl",
    "scores every line of a large file; the same again after an interruption finishes it.",
    NULL,
};

static const char *const eval_about[] = {
    "Tells how good rankings are: nDCG, mean average precision, reciprocal rank and recall, as trec_eval "
    "computes them. Each "
    "RUN is a file in TREC's form; those behind the first are compared with it, by a paired test over the "
    "queries: p is how "
    "probable such a difference would be by chance.",
    "With a model, the first argument is a folder in BEIR's form (corpus.jsonl, queries.jsonl, "
    "qrels/test.tsv), which it "
    "searches by cosine, or whose --run it ranks anew; time beside it. What another model, --compute int8 or "
    "a shorter "
    "--max-length costs your ranking is the difference of two such runs, kept with -o.",
    NULL,
};
static const char *const eval_examples[] = {
    "hone eval -m minilm.gguf scifact/ -o f32.trec",
    "searches a folder of BEIR and tells how well.",
    "hone eval -m minilm.gguf scifact/ --compute int8 f32.trec",
    "the same in bytes, beside what float32 gave.",
    NULL,
};

static const char *const run_batch_about[] = {
    "Answers a file of requests as OpenAI's Batch API does: each line in is {\"custom_id\": \"...\", "
    "\"method\": \"POST\", "
    "\"url\": \"/v1/embeddings\", \"body\": {...}}, each line out {\"id\", \"custom_id\", \"response\": "
    "{\"status_code\", "
    "\"request_id\", \"body\"}, \"error\"}, in the same order. url is any path of hone serve that takes a "
    "body, and all "
    "kinds may stand in one file; docs/http-api.md lists them.",
    "A request that is refused has its answer in its place (status_code 400, or \"error\" where the line is "
    "no request); the "
    "exit status is then 4, or 0 with --errors rows. With -o, a run that was ended can be started again, as "
    "with hone score.",
    NULL,
};
static const char *const run_batch_examples[] = {
    "hone run-batch -m qwen3.gguf -i requests.jsonl -o answers.jsonl",
    "answers chats, completions and whatever else the file asks for.",
    NULL,
};

static const char *const embed_about[] = {
    "Computes one vector a text, in the order of the input. Texts are read and vectors written as they come, "
    "so the "
    "input may be larger than the memory.",
    "A text that is refused has no line in jsonl, and NaN for every number in csv and npy, so that row i is "
    "always "
    "text i.",
    "A SPLADE model makes no vector, but weights for words of its vocabulary, by token id: {\"index\": 0, "
    "\"sparse\": "
    "[{\"index\": 2088, \"value\": 1.5}, ...]}.",
    NULL,
};
static const char *const embed_examples[] = {
    "hone embed -m minilm.gguf notes.txt --format npy -o notes.npy",
    "makes an array that numpy.load reads.",
    NULL,
};

static const char *const rerank_about[] = {
    "Ranks documents, one a line, by how well they answer QUERY. A cross-encoder reads both together and "
    "tells a score; "
    "an embedding model compares their vectors (cosine similarity).",
    NULL,
};
static const char *const rerank_examples[] = {
    "hone rerank -m minilm.gguf -q 'edit photos' packages.txt --top-n 5",
    "shows the five best matches.",
    NULL,
};

static const char *const classify_about[] = {
    "Tells for each text, or pair of texts, how well each of the model's labels fits. A model that labels "
    "tokens (names, "
    "personal data) tells what each text names, and where. A model that knows entailment (NLI) takes any "
    "labels.",
    NULL,
};
static const char *const classify_examples[] = {
    "hone classify -m sentiment.gguf reviews.txt --format jsonl",
    "writes the score of every label.",
    "hone classify -m nli.gguf a.txt --labels 'price, quality' --multi-label",
    "weighs labels that the model has never seen.",
    "hone classify -m ner.gguf letters.txt --format jsonl",
    "writes who and what is named, with the bytes where.",
    NULL,
};

static const char *const fill_about[] = {
    "Tells which words fit where a text has the model's mask token, [MASK] or <mask>, with their "
    "probabilities.",
    NULL,
};
static const char *const fill_examples[] = {
    "echo 'The capital of France is [MASK].' | hone fill -m bert.gguf",
    "tells five words.",
    NULL,
};

static const char *const serve_about[] = {
    "Serves models over HTTP, in the dialects of OpenAI, Cohere, Jina, text-embeddings-inference and "
    "llama.cpp; docs/http-api.md lists the paths. Several models have names, which requests choose by.",
    "Every option but --model may also be given in the environment, as HONE_MAX_QUEUE for --max-queue, and "
    "in "
    "the file that --config names. The command line counts first, then the environment, then the file.",
    "SIGTERM ends it, after requests that are on their way have their answers; SIGHUP reads file, keys, "
    "certificates and changed models anew. Sockets that systemd hands over are used instead of --host, "
    "--port "
    "and --socket.",
    NULL,
};
static const char *const serve_examples[] = {
    "hone serve -m minilm.gguf",
    "serves embeddings on 127.0.0.1:8080.",
    "HONE_API_KEY=secret hone serve -m embed=gte.gguf -m rerank=bge.gguf --host 0.0.0.0",
    "serves two models to everybody who knows the key.",
    NULL,
};

static const char *const service_start_about[] = {
    "Serves models as hone serve does, without a terminal, and comes back when the server answers. For "
    "machines "
    "without systemd; docs/http-api.md has a unit for those that have it.",
    NULL,
};
static const char *const service_start_examples[] = {
    "hone service start -m minilm.gguf --port 9000 && curl localhost:9000/health",
    "starts a server and asks how it is.",
    NULL,
};
static const char *const service_stop_about[] = {
    "Ends the server, after requests that are on their way have their answers, and comes back when it has "
    "ended.",
    NULL,
};
static const char *const service_log_about[] = {
    "Writes what the server has said, from its first start on.",
    NULL,
};
static const char *const service_status_about[] = {
    "Tells whether the server runs; the exit status is 0 if it does, else 1.",
    NULL,
};

static const char *const bench_limits_about[] = {
    "Measures what this machine can do at most, for one thread and more: arithmetic on registers alone, and "
    "reading from each part of the memory. No program can be faster, so this is what to compare with.",
    "Each number is the best of several short runs, since whatever else the machine does can only make one "
    "longer. A multiply-add counts as two operations.",
    NULL,
};
static const char *const bench_limits_examples[] = {
    "hone bench limits --json | jq '.threads[-1].memory_gb_s'",
    "tells how many gigabytes a second all threads can read.",
    NULL,
};

static const char *const bench_kernels_about[] = {
    "Runs each kernel at the shapes of real models, and tells operations and bytes a second beside the share "
    "of "
    "what this machine's limits allow: the tighter of arithmetic and the memory where the data are. The "
    "limits "
    "are measured in the same run, on the same threads, with the same instruction set.",
    "Weights come from memory in each call, as in a model that is larger than the caches. Times are the best "
    "of "
    "several short runs. Of products that take long, as many columns as are enough are computed.",
    NULL,
};
static const char *const bench_kernels_examples[] = {
    "hone bench kernels --slot gemm_u8i8 -m bert-base -M 512",
    "answers in a second.",
    "hone bench kernels --slot gemm_f32 --level all -t 1",
    "compares the instruction sets.",
    NULL,
};

static const char *const bench_model_about[] = {
    "Tells how many texts and tokens a second a model takes, tokenization included, by their length and by "
    "how "
    "many are given at once. Each number is the best of several runs.",
    "With --json, texts_s and tok_s at the top are those of texts of 128 tokens (or the longest below that), "
    "in "
    "the largest batch; the others are in \"results\".",
    NULL,
};
static const char *const bench_model_examples[] = {
    "hone bench model -m minilm.gguf --compute int8 --prompt 128",
    "tells how fast texts of 128 tokens are.",
    NULL,
};

static const char *const bench_scheduler_about[] = {
    "Measures the scheduler that hone serve and hone score use, beside the library's functions, in one run: "
    "what it adds to a request that is alone; 64 clients of short texts, and 32 of all lengths, beside one "
    "call "
    "with the same texts; requests that come in bursts, at the same times for each way to choose batches; "
    "and, "
    "for models that generate, eight streams beside one, and streams while somebody's long prompt is "
    "processed.",
    "Each number is the best of three rounds. \"wanted\" is what hone promises of the ratio, or, where there "
    "is "
    "none, of the number.",
    NULL,
};
static const char *const bench_scheduler_examples[] = {
    "hone bench scheduler -m minilm.gguf --compute int8",
    "takes about half a minute.",
    NULL,
};

static const char *const tune_about[] = {
    "Searches the sizes that matrix products and tasks are cut into for those that this CPU computes "
    "fastest, and "
    "shows each before and after, in operations a second. What is less than 2 percent faster is left as it "
    "was.",
    "The answer is kept in $XDG_CACHE_HOME/hone or ~/.cache/hone, in a file for each CPU and instruction "
    "set, "
    "where every later run finds it; without the file the sizes are those that are built in. Results never "
    "depend on it. Let the machine do nothing else meanwhile.",
    NULL,
};
static const char *const tune_examples[] = {
    "hone tune",
    "makes hone somewhat faster on some machines.",
    NULL,
};

static const char *const pull_about[] = {
    "Fetches a model of Hugging Face's hub into the cache that Python's huggingface_hub uses, and writes its "
    "path. What "
    "is there already is not fetched again, whoever fetched it; what was cut off goes on where it ended.",
    "USER/REPO alone is the folder (safetensors, tokenizer, configuration) or, where there is none, its only "
    "GGUF file "
    "or the one of type Q4_K_M; :FILE is a GGUF file of it, :QUANT the one of that type (:Q8_0). @REVISION "
    "is a branch, "
    "a tag or a commit; main, if left out.",
    "-m hf:USER/REPO does the same for every command, but does not ask the hub where the model is there. In "
    "the "
    "environment: HF_TOKEN for models that not everybody may have (or the token that 'hf auth login' has "
    "stored), "
    "HF_HOME and HF_HUB_CACHE for the place, HF_ENDPOINT for another hub, HF_HUB_OFFLINE=1 to fetch nothing, "
    "and "
    "https_proxy.",
    NULL,
};
static const char *const pull_examples[] = {
    "hone pull sentence-transformers/all-MiniLM-L6-v2",
    "fetches a model that makes vectors; -m hf:sentence-transformers/all-MiniLM-L6-v2 names it.",
    "hone pull Qwen/Qwen3-0.6B-GGUF:Q8_0",
    "fetches one file of several.",
    NULL,
};
static const char *const list_about[] = {
    "Lists the models on this machine that have names: those of Hugging Face's cache, whoever fetched them, "
    "of Ollama "
    "and of llama.cpp.",
    NULL,
};
static const char *const rm_about[] = {
    "Takes models of Hugging Face's cache away: all of USER/REPO, one revision of it, or one file; and what "
    "content "
    "nothing else uses.",
    NULL,
};
static const char *const rm_examples[] = {
    "hone rm Qwen/Qwen3-0.6B-GGUF:Q8_0",
    "leaves the model's other files.",
    NULL,
};

static const char *const cache_list_about[] = {
    "Where products are of fewer bits (int8, bf16 and quantised files), the first opening of a GGUF file "
    "brings its "
    "weights into the order that products read them in, and keeps them in $XDG_CACHE_HOME/hone/weights or "
    "~/.cache/hone/weights: about as many bytes as the file has. The next opening maps that file instead. "
    "This lists "
    "what is there, the one that was used last first.",
    "A pack is found by what the model file holds, whatever it is called, and used only if it is the user's "
    "own, "
    "nobody else may write it, and all its bytes are as they were written. What was not used for longest "
    "goes where "
    "all of them would be more than the limit: a quarter of the free disk, or what hone cache limit says. "
    "--no-cache "
    "or HONE_CACHE=0 do without.",
    NULL,
};
static const char *const cache_clear_about[] = {
    "Removes all packed weights, those of earlier versions too, and what ended programs left. Running "
    "programs keep "
    "what they have.",
    NULL,
};
static const char *const cache_limit_about[] = {
    "Sets how many bytes all packed weights together may have: 20G, 500M, 1000000 (units of 1000), or "
    "default, a "
    "quarter of the free disk. What is more goes at once. A model that alone is more is not kept.",
    NULL,
};

static const char *const help_about[] = {
    "Shows what a command does and takes.",
    NULL,
};
static const char *const no_examples[] = {NULL};

const struct command command_table[] = {
    {"pull", CMD_PULL, "USER/REPO", "a model of Hugging Face's hub", pull_about, pull_examples, pull_run},
    {"list", CMD_LIST, NULL, "the models that are here", list_about, no_examples, list_run},
    {"rm", CMD_RM, "USER/REPO...", "less of them", rm_about, rm_examples, rm_run},
    {"convert", CMD_CONVERT, "HF_DIR", "a Hugging Face folder to a GGUF file", convert_about,
     convert_examples, convert_run},
    {"quantize", CMD_QUANTIZE, "IN OUT TYPE", "a GGUF file in fewer bits", quantize_about, quantize_examples,
     quantize_run},
    {"inspect", CMD_INSPECT, "MODEL", "what a model file holds", inspect_about, inspect_examples,
     inspect_run},
    {"verify", CMD_VERIFY, "[GOLDEN]", "whether a model is whole and computes what it should", verify_about,
     verify_examples, verify_run},
    {"tokenize", CMD_TOKENIZE, "[FILE]...", "text to token ids and back", tokenize_about, tokenize_examples,
     tokenize_run},
    {"generate", CMD_GENERATE, "[FILE]...", "text that goes on", generate_about, generate_examples,
     generate_run},
    {"chat", CMD_CHAT, NULL, "talk with a model", chat_about, no_examples, chat_run},
    {"logits", CMD_LOGITS, NULL, "what a model predicts, as numbers", logits_about, no_examples, logits_run},
    {"perplexity", CMD_PERPLEXITY, "[FILE]", "how well a model predicts a text", perplexity_about,
     perplexity_examples, perplexity_run},
    {"embed", CMD_EMBED, "[FILE]...", "text to vectors", embed_about, embed_examples, embed_run},
    {"rerank", CMD_RERANK, "[FILE]...", "documents by how well they answer a query", rerank_about,
     rerank_examples, rerank_run},
    {"classify", CMD_CLASSIFY, "[FILE]...", "text to labels", classify_about, classify_examples,
     classify_run},
    {"fill", CMD_FILL, "[FILE]...", "words where a text has a mask", fill_about, fill_examples, fill_run},
    {"score", CMD_SCORE, "[FILE]...", "a file of requests to one of results", score_about, score_examples,
     score_run},
    {"eval", CMD_EVAL, "RUN...", "how good rankings are", eval_about, eval_examples, eval_run},
    {"run-batch", CMD_RUN_BATCH, "[FILE]...", "a file of OpenAI's requests to one of answers",
     run_batch_about, run_batch_examples, run_batch_run},
    {"serve", CMD_SERVE, NULL, "models over HTTP", serve_about, serve_examples, serve_run},
    {"service start", CMD_SERVICE_START, NULL, "a server in the background", service_start_about,
     service_start_examples, service_start_run},
    {"service stop", CMD_SERVICE_STOP, NULL, "the end of it", service_stop_about, no_examples,
     service_stop_run},
    {"service status", CMD_SERVICE_STATUS, NULL, "whether it runs", service_status_about, no_examples,
     service_status_run},
    {"service log", CMD_SERVICE_LOG, NULL, "what it says", service_log_about, no_examples, service_log_run},
    {"bench limits", CMD_LIMITS, NULL, "what this machine can do at most", bench_limits_about,
     bench_limits_examples, bench_limits_run},
    {"bench kernels", CMD_KERNELS, NULL, "each kernel beside these limits", bench_kernels_about,
     bench_kernels_examples, bench_kernels_run},
    {"bench model", CMD_BENCH, NULL, "texts and tokens a second of a model", bench_model_about,
     bench_model_examples, bench_model_run},
    {"bench scheduler", CMD_SCHEDULER, NULL, "what many clients at once get", bench_scheduler_about,
     bench_scheduler_examples, bench_scheduler_run},
    {"tune", CMD_TUNE, NULL, "fit the sizes of its work to this CPU", tune_about, tune_examples, tune_run},
    {"cache list", CMD_CACHE_LIST, NULL, "the packed weights that are kept between runs", cache_list_about,
     no_examples, cache_list_run},
    {"cache clear", CMD_CACHE_CLEAR, NULL, "remove them", cache_clear_about, no_examples, cache_clear_run},
    {"cache limit", CMD_CACHE_LIMIT, "SIZE", "how much disk they may take", cache_limit_about, no_examples,
     cache_limit_run},
    {"help", CMD_HELP, "[COMMAND]...", "the manual", help_about, no_examples, help_run},
    {0},
};
