#include "cli/load/dialect.h"
#include "cli/options.h"
#include "runtime/base/text.h"

#include <stddef.h>
#include <string.h>

#define FIELD(name) offsetof(struct options, name)

/* Commands that have much in common. */
#define TASKS    "embed, rerank, classify, answer, score, fill" /* texts through a model */
#define PREDICTS "generate, translate, chat, logits, perplexity"
#define RUNS     TASKS ", eval, " PREDICTS ", bench model, bench scheduler" /* a model */
#define MEASURES "bench limits, bench kernels, bench model, bench scheduler, tune"
#define STARTS   "service start, service restart"
#define SERVES   "serve, " STARTS
#define SERVICE  STARTS ", service stop, service status, service log"
#define ASKS     "bench load, bench compare" /* servers */
#define ALL_BUT_HELP                                                                                         \
    RUNS ", " ASKS                                                                                           \
         ", bench limits, bench kernels, tune, pull, list, rm, convert, quantize, inspect, verify, "         \
         "tokenize, run-batch, serve, " SERVICE ", cache list, cache clear, cache limit"

#define VARIANTS(...) ((const struct option_variant[]){__VA_ARGS__, {0}}) /* commands, value, after, help */

/* letter, name, value, kind, field, the commands that take it, those that cannot do without, common, help, and what is
 * different for further commands. A name that means two things has two rows, with a field each. */
const struct option_row option_table[] = {
    {'m', "model", "MODEL", OPTION_TEXT, FIELD(model), RUNS ", tokenize, verify",
     TASKS ", " PREDICTS ", bench model, bench scheduler, tokenize, verify", false,
     "a GGUF file, a Hugging Face folder, or a model by name: hf:USER/REPO[:FILE|:QUANT][@REVISION], "
     "ollama:NAME[:TAG]",
     VARIANTS({"bench kernels", "NAME", "level",
               "the shapes of that model alone: minilm, bert-base, bert-large, t5-base, qwen3-0.6b, "
               "llama-3.2-3b"},
              {ASKS, "NAME", "dialect", "the model that requests name; none, if left out"})},
    {'q', "query", "QUERY", OPTION_TEXT, FIELD(query), "rerank", NULL, false,
     "what the documents are compared with",
     VARIANTS({"answer", "QUESTION", NULL, "what is asked of each text, without --pair"})},
    {'i', "input", "FILE", OPTION_TEXT, FIELD(input), "run-batch", NULL, false,
     "the requests; FILE behind the options is the same",
     VARIANTS({ASKS, NULL, "words", "texts to ask with, one a line, instead of those that hone has"})},
    {'o', "output", "FILE", OPTION_TEXT, FIELD(output), "convert", "convert, logits", false,
     "the GGUF file to write; it appears when it is complete",
     VARIANTS({"embed", NULL, NULL,
               "write to FILE, which appears when it is complete, instead of standard output; its name says "
               "the format (.npy, .npz, .csv, else jsonl), and whether it is compressed (.gz, .zst, .xz)"},
              {"rerank, classify, answer, fill", NULL, NULL,
               "write to FILE, which appears when it is complete, instead of standard output: jsonl, if "
               "--format says nothing; compressed where its name says so (.gz, .zst, .xz)"},
              {"score", NULL, NULL,
               "write to FILE; where it holds results already, go on behind the last complete line"},
              {"run-batch", NULL, NULL,
               "write to FILE; where it holds answers already, go on behind the last complete line"},
              {"eval", NULL, "cut", "with a model: write its run, too"},
              {"translate", NULL, NULL, "write to FILE, which appears when it is complete"},
              {"generate", NULL, "prompt-file",
               "with FILEs of prompts: write to FILE, which appears when it is complete"},
              {"logits", NULL, "decoder-ids", "the NumPy file to write: float32 [tokens, vocabulary]"})},
    {0, "type", "f32|f16|bf16|q8_0|q4_0|q4_k|q6_k", OPTION_TEXT, FIELD(type), "convert", NULL, false,
     "how matrices are stored, also as other types of hone quantize; the folder's own type if left out",
     NULL},
    {0, "imatrix", "FILE", OPTION_TEXT, FIELD(imatrix), "quantize", NULL, false,
     "an importance matrix of the model, as llama.cpp's imatrix makes it: errors in columns that matter more "
     "count more",
     NULL},
    {0, "golden", "FILE", OPTION_TEXT, FIELD(golden), "convert", NULL, false,
     "also write what transformers computes for a few texts, for hone verify; needs python3 (or HONE_PYTHON) "
     "with transformers and torch",
     NULL},
    {0, "run", "FILE", OPTION_TEXT, FIELD(run), "rerank", NULL, false,
     "instead of a query: a TREC run, whose documents are ranked anew for each of its queries; a run comes "
     "out",
     VARIANTS({"eval", NULL, NULL,
               "with a model: the documents that it ranks for each query; all of the corpus, if left out"})},
    {0, "queries", "FILE", OPTION_TEXT, FIELD(queries), "rerank", NULL, false,
     "with --run: the queries' texts, jsonl, csv or tsv with _id and text", NULL},
    {0, "corpus", "FILE", OPTION_TEXT, FIELD(corpus), "rerank", NULL, false,
     "with --run: the documents' texts, with _id, text and maybe title", NULL},
    {0, "qrels", "FILE", OPTION_TEXT, FIELD(qrels), "eval", NULL, false,
     "the judgements, in TREC's or BEIR's form; FOLDER/qrels/test.tsv, if left out", NULL},
    {'k', "cut", "K", OPTION_COUNT, FIELD(cut), "eval", NULL, false,
     "nDCG and recall of the first K documents (10)", NULL},
    {0, "top-n", "N", OPTION_COUNT, FIELD(top_n), "eval", NULL, false,
     "documents of a query that its run has (1000)",
     VARIANTS({"rerank", NULL, "instruction", "the best N documents only"},
              {"answer", NULL, NULL, "the best N answers of each text; 1 without it"},
              {"fill", NULL, NULL, "the best N words; 5 without it"})},
    {0, "none", NULL, OPTION_FLAG, FIELD(none), "answer", NULL, false,
     "that a text has no answer is one of its answers, without a text", NULL},
    {0, "instruction", "TEXT", OPTION_TEXT, FIELD(instruction), "rerank, eval", NULL, false,
     "what documents are judged by, for models that generate (Qwen3-Reranker); without it: whether they "
     "answer a web search",
     NULL},
    {0, "pair", NULL, OPTION_FLAG, FIELD(pair), "classify, tokenize", NULL, false,
     "each line is two texts with a tab between them",
     VARIANTS({"answer", NULL, NULL, "each line is a question and a text with a tab between them"})},
    {0, "stream", NULL, OPTION_FLAG, FIELD(stream), "score", NULL, false,
     "answer each line as soon as it is computed, in whatever order, and read on meanwhile: a program talks "
     "with it "
     "through two pipes",
     NULL},
    {0, "raw", NULL, OPTION_FLAG, FIELD(raw), "rerank, classify, score, fill", NULL, false,
     "the model's logits instead of scores", NULL},
    {0, "format", "jsonl|csv|npy|npz", OPTION_CHOICE, FIELD(format), "embed", NULL, false,
     "jsonl (the default): {\"index\": 0, \"embedding\": [...]} a line; csv: numbers only, a line a text; "
     "npy: NumPy's float32 array [texts, dimensions]; npz: the same as \"vectors\", and \"ids\" beside it "
     "where texts have any",
     VARIANTS({"answer", "table|jsonl", NULL,
               "table (the default): for the eye; jsonl: {\"index\": 0, \"answers\": [{\"score\", "
               "\"start\", \"end\", \"text\"}, ...]} a line, in bytes"},
              {"fill", "table|jsonl", NULL,
               "table (the default): for the eye; jsonl: {\"index\": 0, \"masks\": [[{\"token\", \"id\", "
               "\"score\"}, ...], ...]} a line"},
              {"rerank", "table|jsonl|trec", NULL,
               "trec: with --run, and its default; table (the default): for the eye; jsonl: {\"index\": 0, "
               "\"score\": 0.5, \"document\": \"...\"} a line"},
              {"classify", "table|jsonl", NULL,
               "table (the default): the best label of each text, or what its tokens name; jsonl: "
               "{\"index\": 0, \"labels\": {\"NAME\": 0.5}} a line, or \"entities\": [{\"label\", \"score\", "
               "\"start\", \"end\", \"text\"}], in bytes"},
              {"translate", "text|jsonl", NULL,
               "text (the default): a line for each; jsonl: {\"index\": 0, \"sentences\": [\"...\"]}"},
              {"generate", "text|jsonl", "ignore-eos",
               "text (the default): as it comes; jsonl: {\"text\": \"...\", \"ids\": [...], "
               "\"finish_reason\": \"stop\"}"})},
    {0, "pooling", "mean|cls|last|max", OPTION_CHOICE, FIELD(pooling), "embed", NULL, false,
     "how a text's tokens become one vector, if not as the model says", NULL},
    {0, "dimensions", "N", OPTION_COUNT, FIELD(dimensions), "embed", NULL, false,
     "the first N numbers of each vector, for models that were trained for this (matryoshka)", NULL},
    {0, "tokens", NULL, OPTION_FLAG, FIELD(tokens), "embed", NULL, false,
     "a vector for each token, special ones included: {\"index\": 0, \"tokens\": [[...], ...]}; the default "
     "for models of late interaction (ColBERT)",
     NULL},
    {0, "all", NULL, OPTION_FLAG, FIELD(all), "embed", NULL, false,
     "of a model that makes several things of a text (BGE-M3) all, in one pass: {\"index\": 0, "
     "\"embedding\": "
     "[...], \"sparse\": [...], \"tokens\": [[...], ...]}",
     NULL},
    {0, "no-normalize", NULL, OPTION_FLAG, FIELD(no_normalize), "embed", NULL, false,
     "leave the vectors as long as they are", NULL},
    {0, "as", "query|document", OPTION_CHOICE, FIELD(as), "embed,score,tokenize", NULL, false,
     "what the texts are in a search: the model's prompt of that name is put before each, if it has one, "
     "its limits and vectors of queries or documents are used, and of a router the route for them; hone "
     "rerank does so of itself",
     NULL},
    {0, "task", "NAME", OPTION_TEXT, FIELD(task), "embed", NULL, false,
     "what the vectors are for, of a model that has adapters for tasks (jina-embeddings-v3; hone inspect "
     "lists "
     "them): with it comes the prompt of that name, unless --prompt says otherwise; '' for none; left out, "
     "the task of --as, or the model's default",
     NULL},
    {0, "prompt", "NAME", OPTION_TEXT, FIELD(prompt), "embed", NULL, false,
     "put the model's prompt of that name before each text; '' for none (hone inspect lists them)", NULL},
    {0, "labels", "A,B,C", OPTION_TEXT, FIELD(labels), "classify", NULL, false,
     "labels of your own, for a model that knows entailment (NLI): how well each fits, one of them being "
     "right; or for one that finds what they name in a text (GLiNER): which spans",
     NULL},
    {0, "hypothesis", "TEXT", OPTION_TEXT, FIELD(hypothesis), "classify", NULL, false,
     "with --labels: what is asked of each, {} being the label; 'This example is {}.' without it", NULL},
    {0, "multi-label", NULL, OPTION_FLAG, FIELD(multi_label), "classify", NULL, false,
     "with --labels: any number of them may fit", NULL},
    {0, "threshold", "X", OPTION_NUMBER, FIELD(threshold), "classify", NULL, false,
     "with --labels that are found in texts: spans whose score is above X, 0 to 1 (0.5)", NULL},
    {0, "nested", NULL, OPTION_FLAG, FIELD(nested), "classify", NULL, false,
     "with --labels that are found in texts: a span may lie in another one; without it none overlaps another",
     NULL},
    {0, "aggregate", "simple|none|first|average|max", OPTION_CHOICE, FIELD(aggregate), "classify", NULL,
     false,
     "for a model that labels tokens (names, personal data): neighbours of one label are one (simple, the "
     "default), no token joins another, or the tokens of a word have one label: the first's, that of their "
     "mean, or the surest's",
     NULL},
    {0, "jsonl", NULL, OPTION_FLAG, FIELD(jsonl),
     "embed, rerank, classify, answer, fill, generate, translate", NULL, false,
     "the same as --input-format jsonl",
     VARIANTS({"tokenize", NULL, NULL,
               "the same as --input-format jsonl; with --decode, each line out is a JSON string"})},
    {0, "input-format", "auto|text|jsonl|csv|tsv", OPTION_CHOICE, FIELD(input_format),
     "embed, rerank, classify, answer, fill, tokenize, generate, translate", NULL, false,
     "text: a text a line; jsonl: a JSON string a line (with --pair: an array of two), or an object; csv and "
     "tsv: with a header; auto (the default): as names say (.jsonl, .csv, .tsv), else text; what could be "
     "two things is refused",
     NULL},
    {0, "column", "NAME", OPTION_LIST, FIELD(columns),
     "embed, rerank, classify, answer, fill, tokenize, generate, translate", NULL, false,
     "of jsonl, csv and tsv: where the text is ('text'); several times: these, with a space between them",
     NULL},
    {0, "pair-column", "NAME", OPTION_TEXT, FIELD(pair_column), "classify, answer, tokenize", NULL, false,
     "where the second text of a pair is ('text_pair')", NULL},
    {0, "id-column", "NAME", OPTION_TEXT, FIELD(id_column),
     "embed, rerank, classify, answer, fill, generate, translate", NULL, false,
     "what goes through as \"id\" ('id', or '_id')", NULL},
    {0, "keep", NULL, OPTION_FLAG, FIELD(keep), "embed, rerank, classify, answer, fill, generate, translate",
     NULL, false, "let all other columns go through, too", NULL},
    {0, "errors", "words|rows", OPTION_CHOICE, FIELD(errors),
     "embed, classify, answer, score, run-batch, fill, generate, translate", NULL, false,
     "rows: what is refused has a line in its place, {\"index\": 0, \"id\": ..., \"error\": \"...\"}, and "
     "the exit status is 0; words (the default): a sentence on standard error, and 4",
     NULL},
    {0, "max-errors", "N", OPTION_NUMBER, FIELD(max_errors), TASKS ", tokenize, generate, translate", NULL,
     false, "end when more than N inputs were refused", NULL},
    {0, "resume", NULL, OPTION_FLAG, FIELD(resume), "embed, classify, answer, fill, generate, translate",
     NULL, false,
     "keep what is computed in FILE.part, with FILE.job beside it, until FILE is complete: the same command "
     "goes on where it was ended, by whatever",
     NULL},
    {0, "shard", "I/N", OPTION_TEXT, FIELD(shard),
     "embed, classify, answer, fill, score, run-batch, generate, translate", NULL, false,
     "take every Nth input alone, from the Ith on (1/N to N/N): the share of one of N machines; \"index\" "
     "stays that of all",
     NULL},
    {0, "no-special", NULL, OPTION_FLAG, FIELD(no_special), "tokenize", NULL, false,
     "no special tokens such as [CLS]: none added, and with --decode none shown", NULL},
    {0, "decode", NULL, OPTION_FLAG, FIELD(decode), "tokenize", NULL, false,
     "the other way: each line in is a JSON array of ids, or ids with spaces between them; text comes out",
     NULL},
    {0, "tensors", NULL, OPTION_FLAG, FIELD(tensors), "inspect", NULL, false, "list every tensor", NULL},
    {'p', "prompt", "TEXT", OPTION_TEXT, FIELD(text), "generate", NULL, false,
     "what to go on with; - reads all of standard input", NULL},
    {0, "prompt-file", "FILE", OPTION_TEXT, FIELD(prompt_file), "generate", NULL, false,
     "the same, from a file", NULL},
    {0, "suffix", "TEXT", OPTION_TEXT, FIELD(suffix), "generate", NULL, false,
     "what stands behind a gap that the prompt ends at: the model fills it in, if it was made for that (most "
     "that write code were)",
     NULL},
    {0, "ids", "IDS", OPTION_TEXT, FIELD(ids), "generate", "logits", false,
     "the same as token ids, with spaces between them, to which no special ones are added",
     VARIANTS({"logits", NULL, NULL, "token ids, with spaces between them"})},
    {0, "decoder-ids", "IDS", OPTION_TEXT, FIELD(decoder_ids), "generate", NULL, false,
     "of a model with an encoder, which reads the prompt: the tokens that its decoder begins with",
     VARIANTS({"logits", NULL, NULL,
               "of a model with an encoder, which reads --ids: its decoder's tokens, from the start token on "
               "(it alone, if left out)"})},
    {'n', "tokens", "N", OPTION_COUNT, FIELD(n_tokens), "generate, chat", NULL, false,
     "at most N tokens (8192); fewer where the model ends the text or its context is full",
     VARIANTS(
         {"translate", NULL, NULL, "at most N tokens for a sentence (what the model's files say, else 8192)"},
         {"perplexity", NULL, NULL, "the first N tokens alone"},
         {ASKS, NULL, "texts", "of a text that is generated: at most N tokens (32)"})},
    {0, "context", "N", OPTION_COUNT, FIELD(context), "perplexity", NULL, false,
     "tokens that are predicted from each other; the model's own limit if left out", NULL},
    {0, "temp", "T", OPTION_NUMBER, FIELD(temp), "generate, chat", NULL, false,
     "the temperature (0.8); 0: always the most probable token", NULL},
    {0, "top-k", "K", OPTION_NUMBER, FIELD(top_k), "generate, chat", NULL, false,
     "choose among the K most probable tokens (40); 0: all", NULL},
    {0, "top-p", "P", OPTION_NUMBER, FIELD(top_p), "generate, chat", NULL, false,
     "among the fewest whose probabilities reach P (0.95)", NULL},
    {0, "min-p", "P", OPTION_NUMBER, FIELD(min_p), "generate, chat", NULL, false,
     "among those with P times the largest probability (0.05)", NULL},
    {0, "typical-p", "P", OPTION_NUMBER, FIELD(typical_p), "generate, chat", NULL, false,
     "among the most typical ones whose probabilities reach P (1: all)", NULL},
    {0, "repeat-penalty", "X", OPTION_NUMBER, FIELD(repeat_penalty), "generate, chat", NULL, false,
     "what the logits of the last tokens are divided by (1)", NULL},
    {0, "presence-penalty", "X", OPTION_NUMBER, FIELD(presence_penalty), "generate, chat", NULL, false,
     "what they lose (0)", NULL},
    {0, "frequency-penalty", "X", OPTION_NUMBER, FIELD(frequency_penalty), "generate, chat", NULL, false,
     "what they lose each time they came (0)", NULL},
    {0, "repeat-last-n", "N", OPTION_NUMBER, FIELD(repeat_last_n), "generate, chat", NULL, false,
     "how many tokens these three look back (64)", NULL},
    {0, "dry", "X", OPTION_NUMBER, FIELD(dry), "generate, chat", NULL, false,
     "DRY: what tokens lose that would prolong a repetition (0)", NULL},
    {0, "dry-base", "X", OPTION_NUMBER, FIELD(dry_base), "generate, chat", NULL, false,
     "times X for each token that the repetition has above the allowed length (1.75)", NULL},
    {0, "dry-length", "N", OPTION_NUMBER, FIELD(dry_length), "generate, chat", NULL, false,
     "the length that repetitions may have (2)", NULL},
    {0, "mirostat", "0|1|2", OPTION_NUMBER, FIELD(mirostat), "generate, chat", NULL, false,
     "mirostat's first or second version instead of the filters", NULL},
    {0, "mirostat-tau", "X", OPTION_NUMBER, FIELD(mirostat_tau), "generate, chat", NULL, false,
     "how surprising its text should be, in bits a token (5)", NULL},
    {0, "mirostat-eta", "X", OPTION_NUMBER, FIELD(mirostat_eta), "generate, chat", NULL, false,
     "how fast it learns (0.1)", NULL},
    {0, "seed", "N", OPTION_NUMBER, FIELD(seed), "generate, chat", NULL, false,
     "the same number gives the same text; the time if left out", NULL},
    {0, "system", "TEXT", OPTION_TEXT, FIELD(system), "chat", NULL, false,
     "what the model is told beforehand", NULL},
    {0, "variables", "JSON", OPTION_TEXT, FIELD(variables), "chat", NULL, false,
     "what else its template may look at: '{\"enable_thinking\": false}'", NULL},
    {0, "from", "LANGUAGE", OPTION_TEXT, FIELD(from), "generate, translate", NULL, false,
     "of a model that translates: the text's language, as the model calls it (deu_Latn) or by two letters "
     "(de); the "
     "model's usual one without it",
     NULL},
    {0, "to", "LANGUAGE", OPTION_TEXT, FIELD(to), "generate, translate", NULL, false,
     "the language to translate to; a model for one alone needs none", NULL},
    {0, "split-sentences", NULL, OPTION_FLAG, FIELD(split_sentences), "generate", NULL, false,
     "of a model with an encoder: read the prompt sentence by sentence, as hone translate does", NULL},
    {0, "beams", "N", OPTION_COUNT, FIELD(beams), "generate, translate", NULL, false,
     "search with N beams for the most probable text, instead of choosing token by token; without options of "
     "choosing, "
     "as many as the model's files say, if they do",
     NULL},
    {0, "length-penalty", "X", OPTION_NUMBER, FIELD(length_penalty), "generate, translate", NULL, false,
     "of beams: results are compared by their log-probability over their length to the power of X (what the "
     "model's "
     "files say, else 1)",
     NULL},
    {0, "n-best", "N", OPTION_COUNT, FIELD(n_best), "generate", NULL, false,
     "of beams: the N best texts, instead of one", NULL},
    {0, "early-stopping", NULL, OPTION_FLAG, FIELD(early_stopping), "generate, translate", NULL, false,
     "of beams: end with as many texts as there are beams, whatever might still beat them", NULL},
    {0, "stop", "TEXT", OPTION_LIST, FIELD(stops), "generate, chat", NULL, false,
     "end before TEXT; several times: before any of them", NULL},
    {0, "grammar", "FILE", OPTION_TEXT, FIELD(grammar), "generate, chat", NULL, false,
     "the text follows this grammar, written as llama.cpp's are (GBNF)", NULL},
    {0, "json-schema", "FILE", OPTION_TEXT, FIELD(json_schema), "generate, chat", NULL, false,
     "the text is JSON that fits this JSON Schema; {} allows any", NULL},
    {0, "logit-bias", "ID=X", OPTION_LIST, FIELD(biases), "generate, chat", NULL, false,
     "add X to the logit of token ID, in each step; -inf: it never comes. May be given several times", NULL},
    {0, "logprobs", "N", OPTION_NUMBER, FIELD(logprobs), "generate", NULL, false,
     "tell, in jsonl, the log-probability of each token and of the N most probable ones (0 to 20)", NULL},
    {0, "draft", "N", OPTION_NUMBER, FIELD(draft), "generate, chat", NULL, false,
     "guess up to N tokens from the text so far and check them at once: faster where a text repeats itself, "
     "and the same text; 0: none. If left out as many as pay, by what is measured on the way",
     NULL},
    {0, "draft-model", "MODEL", OPTION_TEXT, FIELD(draft_model), "generate, chat", NULL, false,
     "a smaller model with the same vocabulary that guesses instead, 5 tokens if --draft says nothing", NULL},
    {0, "kv-file", "FILE", OPTION_TEXT, FIELD(kv_file), "generate, chat", NULL, false,
     "keep the keys and values of the text in FILE, and read them from it where it exists, so that a long "
     "prompt is computed once",
     NULL},
    {0, "kv-tokens", "N", OPTION_COUNT, FIELD(kv_tokens), "generate, chat", NULL, false,
     "keep keys and values of N tokens at most; as many as are needed if left out", NULL},
    {0, "ignore-eos", NULL, OPTION_FLAG, FIELD(ignore_eos), "generate", NULL, false,
     "the end token is never chosen", NULL},
    {0, "timings", NULL, OPTION_FLAG, FIELD(timings), "generate", NULL, false,
     "tell on standard error how long opening, the first token and the rest took, of one prompt", NULL},
    {0, "kv", "auto|f32|f16|int8", OPTION_CHOICE, FIELD(kv), PREDICTS, NULL, false,
     "how keys and values of past tokens are held: f32 where f32 is computed, else f16, if left out", NULL},
    {0, "kind", LOAD_KINDS, OPTION_CHOICE, FIELD(kind), ASKS, NULL, false,
     "what is asked for (embed); chat and completion are streamed", NULL},
    {0, "dialect", LOAD_DIALECTS, OPTION_CHOICE, FIELD(dialect), ASKS, NULL, false,
     "how; the first of these that has the kind, if left out", NULL},
    {0, "mode", "load|latency|stress|metrics", OPTION_CHOICE, FIELD(mode), "bench load", NULL, false,
     "which runs (load)", NULL},
    {'c', "concurrency", "N", OPTION_COUNT, FIELD(concurrency), "bench load", NULL, false,
     "connections (16); with --rate and with --mode stress the most there may be (1024 and 256)", NULL},
    {0, "rate", "N", OPTION_NUMBER, FIELD(rate), "bench load", NULL, false,
     "requests a second, each at its time, whatever becomes of the others", NULL},
    {0, "requests", "N", OPTION_COUNT, FIELD(requests), "bench load", NULL, false, "requests of a run",
     VARIANTS({"bench compare", NULL, NULL, "questions; as many as there are, if left out"})},
    {0, "duration", "SECONDS", OPTION_NUMBER, FIELD(duration), "bench load", NULL, false,
     "a run begins no request later (10, or as long as --requests take)", NULL},
    {0, "warmup", "N", OPTION_NUMBER, FIELD(warmup), ASKS, NULL, false,
     "requests before, which are not counted (one a connection; 3 of a comparison)", NULL},
    {0, "timeout", "SECONDS", OPTION_NUMBER, FIELD(patience), ASKS, NULL, false,
     "how long an answer may take (30; 60 of a comparison)", NULL},
    {0, "no-keep-alive", NULL, OPTION_FLAG, FIELD(no_keep_alive), "bench load", NULL, false,
     "a new connection for each request", NULL},
    {0, "texts", "N", OPTION_COUNT, FIELD(texts), ASKS, NULL, false,
     "texts of a request (1), or documents (10)", NULL},
    {0, "words", "N", OPTION_COUNT, FIELD(words), ASKS, NULL, false,
     "words of a text; as many as a short question has, or its answer, if left out", NULL},
    {0, "repeat", NULL, OPTION_FLAG, FIELD(repeat), ASKS, NULL, false,
     "the same texts again and again, which caches may answer", NULL},
    {0, "json", NULL, OPTION_FLAG, FIELD(json), MEASURES ", " ASKS ", inspect, quantize, cache list", NULL,
     false, "one JSON object instead of tables",
     VARIANTS({"verify", NULL, NULL, "one JSON object a check"},
              {"list, eval", NULL, NULL, "one JSON object instead of a table"},
              {"perplexity", NULL, NULL, "a JSON object"})},
    {0, "kv", NULL, OPTION_FLAG, FIELD(show_kv), "inspect", NULL, false,
     "the memory that keys and values take, of models that generate", NULL},
    {0, "slot", "NAME", OPTION_TEXT, FIELD(slot), "bench kernels", NULL, false,
     "that kernel alone: gemm_u8i8, attention, ... (a wrong name lists them)", NULL},
    {0, "level", "NAME", OPTION_TEXT, FIELD(level), "bench kernels", NULL, false,
     "the kernels of that instruction set (HONE_CPU's names), or 'all', if not the best",
     VARIANTS({"bench limits", NULL, NULL,
               "an instruction set, if not the best for each kind of number: scalar, avx2, ... (HONE_CPU's "
               "names)"})},
    {'M', "rows", "N", OPTION_COUNT, FIELD(rows), "bench kernels", NULL, false,
     "that number of rows (tokens) alone, if not 1, 4, 16, ... 4096", NULL},
    {0, "svg", "FILE", OPTION_TEXT, FIELD(svg), "bench kernels", NULL, false,
     "draw what was measured: a roofline, and each kernel's share of its limit",
     VARIANTS({ASKS, NULL, "timeout", "draw the times"})},
    {0, "prompt", "N", OPTION_COUNT, FIELD(prompt_tokens), "bench model", NULL, false,
     "texts of N tokens alone, special ones included, if not of 8, 16, ... 512", NULL},
    {0, "gen", "N", OPTION_COUNT, FIELD(gen), "bench model", NULL, false,
     "tokens to generate, for models that do", NULL},
    {0, "batch", "N", OPTION_COUNT, FIELD(batch), "bench model", NULL, false,
     "N texts at once, if not 1, 8, 32 and 128 as long as they have at most 4096 tokens together", NULL},
    {0, "seconds", "N", OPTION_COUNT, FIELD(seconds), "tune", NULL, false,
     "the time to take, about (30); more of it helps on a busy machine", NULL},
    {'m', "model", "[NAME=]MODEL", OPTION_MODELS, FIELD(serving), SERVES ", run-batch", NULL, false,
     "a GGUF file, a Hugging Face folder or a model by name (hf:USER/REPO), and the name that clients use "
     "(else the file's); may be given several times",
     NULL},
/* What a server is told about computing, and not about clients. */
#define IS_COMPUTING(id)                                                                                     \
    ((id) == SETTING_THREADS || (id) == SETTING_COMPUTE || (id) == SETTING_KV ||                             \
     (id) == SETTING_KV_TOKENS || (id) == SETTING_MAX_LENGTH || (id) == SETTING_BATCH_TOKENS ||              \
     (id) == SETTING_MAX_PARALLEL || (id) == SETTING_TOO_LONG || (id) == SETTING_DRAFT ||                    \
     (id) == SETTING_DRAFT_MODEL)
#define SETTING_OPTION(id, letter, name, value, kind, field, fallback, help)                                 \
    {letter,                                                                                                 \
     name,                                                                                                   \
     value,                                                                                                  \
     OPTION_TEXT,                                                                                            \
     FIELD(serving.values[SETTING_##id]),                                                                    \
     IS_COMPUTING(SETTING_##id)        ? SERVES ", run-batch"                                                \
     : SETTING_##id == SETTING_API_KEY ? SERVES ", " ASKS                                                    \
                                       : SERVES,                                                             \
     NULL,                                                                                                   \
     false,                                                                                                  \
     help,                                                                                                   \
     NULL},
    SETTINGS(SETTING_OPTION)
#undef SETTING_OPTION
#undef IS_COMPUTING
        {0, "state", "FOLDER", OPTION_TEXT, FIELD(state), SERVICE, NULL, false,
         "where hone.pid and hone.log are; ~/.local/state/hone, if left out. Each folder is a service of its "
         "own",
         NULL},
    {0, "log-size", "MB", OPTION_COUNT, FIELD(log_size), STARTS, NULL, false,
     "a file of the log has at most MB (10); then another one begins, and the old one is hone.log.1", NULL},
    {0, "log-count", "N", OPTION_COUNT, FIELD(log_count), STARTS, NULL, false,
     "how many files there are at most, the one that is written among them (5)", NULL},
    {'n', "lines", "N", OPTION_COUNT, FIELD(n_lines), "service log", NULL, false,
     "the last N lines; all, if left out", NULL},
    {'f', "follow", NULL, OPTION_FLAG, FIELD(follow), "service log", NULL, false,
     "go on with what it says from now on", NULL},
    {0, "man", NULL, OPTION_FLAG, FIELD(man), "help", NULL, false,
     "write the manual page (roff) of all commands, or of COMMAND", NULL},
    {0, "completion", "bash|zsh|fish", OPTION_CHOICE, FIELD(completion), "help", NULL, false, NULL, NULL},
    {'t', "threads", "N", OPTION_COUNT, FIELD(threads),
     RUNS ", tokenize, inspect, verify, quantize, bench limits, bench kernels, tune", NULL, true,
     "computing threads; as many as this process may use if left out", NULL},
    {0, "compute", "auto|f32|bf16|int8|blas", OPTION_CHOICE, FIELD(compute), RUNS ", inspect, verify", NULL,
     true,
     "f32: hone's own products; bf16: bfloat16, with a cosine of 0.9999 to f32; int8: weights and "
     "activations as bytes, several times as fast, with a cosine of 0.999; blas: OpenBLAS, where a result "
     "may depend on its batch; auto (the default): int8 for files whose weights are quantised already, else "
     "f32",
     NULL},
    {0, "max-length", "N", OPTION_COUNT, FIELD(max_length), TASKS ", eval", NULL, true,
     "tokens a text, special ones included; longer texts are cut. The model's own limit if left out", NULL},
    {0, "batch-tokens", "N", OPTION_COUNT, FIELD(batch_tokens), TASKS ", eval", NULL, true,
     "tokens computed together (4096); bounds the memory in use", NULL},
    {0, "lora", "ADAPTER[:SCALE]", OPTION_LIST, FIELD(loras), RUNS ", convert", NULL, true,
     "add an adapter (LoRA) to the model: a GGUF file, or PEFT's folder, times SCALE (1); may be given "
     "several "
     "times",
     NULL},
    {0, "strict", NULL, OPTION_FLAG, FIELD(strict), TASKS ", eval", NULL, true,
     "refuse texts that are too long instead of cutting them", NULL},
    {0, "force", NULL, OPTION_FLAG, FIELD(force), RUNS ", tokenize, inspect", NULL, true,
     "open a model whose files hold tensors that nothing reads, or keys that nobody knows, which are told",
     NULL},
    {0, "no-cache", NULL, OPTION_FLAG, FIELD(no_cache), RUNS ", inspect, verify, " SERVES, NULL, true,
     "neither use nor keep packed weights (hone cache)", NULL},
    {0, "json-errors", NULL, OPTION_FLAG, FIELD(json_errors), ALL_BUT_HELP, NULL, true,
     "each error as a JSON object a line: {\"status\": 3, \"error\": \"...\"}", NULL},
    {'h', "help", NULL, OPTION_FLAG, FIELD(help), ALL_BUT_HELP ", help", NULL, true, "this text", NULL},
    {0},
};

bool option_lists(const char *commands, const struct command *command)
{
    for (const char *name = commands; name && *name; name += strspn(name, ", ")) {
        size_t n_this = strcspn(name, ",");
        if (text_is((struct hone_text){name, n_this}, command->name))
            return true;
        name += n_this;
    }
    return false;
}

static const struct option_variant *variant_of(const struct option_row *row, const struct command *command)
{
    const struct option_variant *v = row->variants;
    while (v && v->commands && !option_lists(v->commands, command))
        v++;
    return v && v->commands ? v : NULL;
}

static struct option_spec spec_of(const struct option_row *row, const struct option_variant *variant,
                                  const struct command *command)
{
    return (struct option_spec){.letter = row->letter,
                                .name = row->name,
                                .value = variant && variant->value ? variant->value : row->value,
                                .help = variant ? variant->help : row->help,
                                .kind = row->kind,
                                .offset = row->offset,
                                .required = command && option_lists(row->required, command),
                                .common = row->common};
}

/* Behind the one of that name; at the end, if it is NULL or not there. */
static void put_after(struct option_specs *specs, const char *after, struct option_spec spec)
{
    size_t at = specs->n;
    for (size_t i = 0; after && i < specs->n; i++)
        if (strcmp(specs->items[i].name, after) == 0)
            at = i + 1;
    memmove(&specs->items[at + 1], &specs->items[at], (specs->n - at) * sizeof spec);
    specs->items[at] = spec;
    specs->n++;
}

_Static_assert(sizeof option_table / sizeof *option_table <= OPTIONS_MAX, "a command can take each of them");

/* Variants that stand behind another option come last, when all that they could stand behind are there. */
void options_of(const struct command *command, struct option_specs *out)
{
    out->n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (const struct option_row *row = option_table; row->name; row++) {
            const struct option_variant *variant = command ? variant_of(row, command) : NULL;
            const char *after = variant ? variant->after : NULL;
            bool is_taken = command ? variant || option_lists(row->commands, command) : row->common;
            if (is_taken && (after != NULL) == (pass == 1))
                put_after(out, after, spec_of(row, variant, command));
        }
}
