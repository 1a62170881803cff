#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"

#include <stddef.h>

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

static const char *const translate_about[] = {
    "Translates each line, sentence by sentence, with a model that is made for that (OPUS-MT, M2M100, "
    "NLLB-200, "
    "mBART): "
    "by as many beams as its files say, or else by the most probable token each.",
    NULL,
};
static const char *const translate_examples[] = {
    "echo 'Guten Morgen. Wie geht es?' | hone translate -m nllb.gguf --from de --to en",
    "writes a line of English.",
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
    "{\"prompt\": \"...\"} or {\"messages\": [...]}: the text that goes on, {\"index\": 0, \"text\": "
    "\"...\", "
    "\"finish_reason\": \"stop\", \"prompt_tokens\": 5, \"completion_tokens\": 9}; beside it max_tokens, "
    "temperature, top_k, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty, seed, stop.",
    "\"index\" is the line's number, from 0; an \"id\" of the line, if it has one, is given back. Lines that "
    "are refused are named on standard error, and have no result but with --errors rows; empty ones ask for "
    "nothing. "
    "With -o, a run that was ended can be started again: it goes on where the results end. FILE.job beside "
    "them says what "
    "they were made from; another model, other options or another input are refused.",
    "With --stream each line is answered as soon as it is computed; a refused one by {\"index\", \"id\", "
    "\"error\"}. "
    "A prompt with \"stream\": true is told as it comes, {\"index\", \"id\", \"delta\"}, before its answer, "
    "and "
    "{\"cancel\": ID} ends those of that id.",
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

static const char *const answer_about[] = {
    "Finds where a question is answered in each text, with a model for extractive question answering "
    "(...ForQuestionAnswering): the best spans, with their probabilities. Long texts are read in windows.",
    NULL,
};
static const char *const answer_examples[] = {
    "hone answer -m roberta-squad2/ -q 'When was it signed?' contracts.txt --none",
    "tells for each line of contracts.txt where the answer is, if it has one.",
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
    "Serves models over HTTP, in the dialects of OpenAI, Anthropic, Ollama, Cohere, Jina, "
    "text-embeddings-inference and llama.cpp; docs/http-api.md lists the paths. Several models have names, "
    "which requests choose by.",
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
static const char *const service_restart_about[] = {
    "Ends the server as hone service stop does and starts it again with what it was started with, from the "
    "same folder; "
    "options that are given come behind those. With a model or --config, it is started with these options "
    "alone. For "
    "settings and models that have changed SIGHUP is enough, and loses no request; a new version of hone "
    "needs this.",
    NULL,
};
static const char *const service_restart_examples[] = {
    "hone service restart --max-queue 64",
    "starts it again with a shorter queue, and keeps that.",
    NULL,
};
static const char *const service_log_about[] = {
    "Writes what the server has said, from its first start on, as far as it is kept: hone.log, and older "
    "files "
    "hone.log.1, hone.log.2, ... (--log-size and --log-count of hone service start).",
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

static const char *const bench_load_about[] = {
    "Asks a server many times at once and tells how many answers it gives a second, how long they take, and "
    "what "
    "goes wrong. It need not be hone's: the dialects are those of hone serve. URL is http://HOST:PORT, or "
    "unix:PATH; a path at its end, /v1/rerank say, tells what is asked, as --kind and --dialect do.",
    "Without --rate each connection asks again as soon as it has its answer: that tells what the server does "
    "at "
    "most. With --rate requests come at times that are fixed beforehand, whether or not earlier ones are "
    "answered, "
    "and the time runs from when one was due: that tells what users would feel.",
    "--mode load is one run; latency one of a single connection; stress several, at four times as many "
    "connections "
    "each time, or at shares of --rate; metrics one with somebody beside who reads /metrics, /metrics.json "
    "and "
    "/health ten times a second.",
    "Texts are all different, so that no cache answers. Times are of good answers, and of requests that were "
    "out of "
    "time as long as they waited. The exit status is 4 where something went wrong, and 1 where there was no "
    "good "
    "answer at all. The client takes processors, too: where it runs on the server's machine, it takes them "
    "away.",
    NULL,
};
static const char *const bench_load_examples[] = {
    "hone bench load http://127.0.0.1:8080 --concurrency 64",
    "asks for embeddings for ten seconds.",
    "hone bench load http://127.0.0.1:8080/v1/chat/completions --rate 2 --duration 60",
    "tells when first tokens come, if two chats begin each second.",
    "hone bench load http://127.0.0.1:8080 --kind rerank --mode stress --svg rerank.svg",
    "draws what more and more clients get.",
    NULL,
};

static const char *const bench_compare_about[] = {
    "Asks two the same questions in turn and tells how their times differ. A and B are each a URL, or, as "
    "one word, a "
    "model and options of hone serve, which is started for it: 'minilm.gguf --compute int8'. There are 50 "
    "questions, "
    "or those of --input.",
    "The difference is that of pairs, with its 95 % confidence interval (Student's t): where the interval "
    "holds 0, no "
    "difference was seen. Beside it stands how many pairs show one of 2 % in four of five tries, by what "
    "these vary. "
    "What comes and goes on the machine meanwhile meets both.",
    NULL,
};
static const char *const bench_compare_examples[] = {
    "hone bench compare 'minilm.gguf --compute f32' 'minilm.gguf --compute int8'",
    "tells what bytes gain.",
    "hone bench compare http://127.0.0.1:8080 http://127.0.0.1:9090 --kind chat --requests 200",
    "compares two servers, of whichever kind.",
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
    "The first opening of a model of 4 MB and more keeps its weights, packed as the processor's products "
    "read "
    "them, in $XDG_CACHE_HOME/hone/weights (else ~/.cache/hone/weights). Later ones map that: a start takes "
    "milliseconds, and all processes have one copy. It has about as many bytes as the model. "
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
    {"pull", "USER/REPO", "a model of Hugging Face's hub", pull_about, pull_examples, pull_run},
    {"list", NULL, "the models that are here", list_about, no_examples, list_run},
    {"rm", "USER/REPO...", "less of them", rm_about, rm_examples, rm_run},
    {"convert", "HF_DIR", "a Hugging Face folder to a GGUF file", convert_about, convert_examples,
     convert_run},
    {"quantize", "IN OUT TYPE", "a GGUF file in fewer bits", quantize_about, quantize_examples, quantize_run},
    {"inspect", "MODEL", "what a model file holds", inspect_about, inspect_examples, inspect_run},
    {"verify", "[GOLDEN]", "whether a model is whole and computes what it should", verify_about,
     verify_examples, verify_run},
    {"tokenize", "[FILE]...", "text to token ids and back", tokenize_about, tokenize_examples, tokenize_run},
    {"generate", "[FILE]...", "text that goes on", generate_about, generate_examples, generate_run},
    {"translate", "[FILE]...", "text in another language", translate_about, translate_examples,
     translate_run},
    {"chat", NULL, "talk with a model", chat_about, no_examples, chat_run},
    {"logits", NULL, "what a model predicts, as numbers", logits_about, no_examples, logits_run},
    {"perplexity", "[FILE]", "how well a model predicts a text", perplexity_about, perplexity_examples,
     perplexity_run},
    {"embed", "[FILE]...", "text to vectors", embed_about, embed_examples, embed_run},
    {"rerank", "[FILE]...", "documents by how well they answer a query", rerank_about, rerank_examples,
     rerank_run},
    {"classify", "[FILE]...", "text to labels", classify_about, classify_examples, classify_run},
    {"answer", "[FILE]...", "where questions are answered in texts", answer_about, answer_examples,
     answer_run},
    {"fill", "[FILE]...", "words where a text has a mask", fill_about, fill_examples, fill_run},
    {"score", "[FILE]...", "a file of requests to one of results", score_about, score_examples, score_run},
    {"eval", "RUN...", "how good rankings are", eval_about, eval_examples, eval_run},
    {"run-batch", "[FILE]...", "a file of OpenAI's requests to one of answers", run_batch_about,
     run_batch_examples, run_batch_run},
    {"serve", NULL, "models over HTTP", serve_about, serve_examples, serve_run},
    {"service start", NULL, "a server in the background", service_start_about, service_start_examples,
     service_start_run},
    {"service stop", NULL, "the end of it", service_stop_about, no_examples, service_stop_run},
    {"service restart", NULL, "both", service_restart_about, service_restart_examples, service_restart_run},
    {"service status", NULL, "whether it runs", service_status_about, no_examples, service_status_run},
    {"service log", NULL, "what it says", service_log_about, no_examples, service_log_run},
    {"bench limits", NULL, "what this machine can do at most", bench_limits_about, bench_limits_examples,
     bench_limits_run},
    {"bench kernels", NULL, "each kernel beside these limits", bench_kernels_about, bench_kernels_examples,
     bench_kernels_run},
    {"bench model", NULL, "texts and tokens a second of a model", bench_model_about, bench_model_examples,
     bench_model_run},
    {"bench scheduler", NULL, "what many clients at once get", bench_scheduler_about,
     bench_scheduler_examples, bench_scheduler_run},
    {"bench load", "URL", "a server under load", bench_load_about, bench_load_examples, bench_load_run},
    {"bench compare", "A B", "two servers, or two ways to run a model", bench_compare_about,
     bench_compare_examples, bench_compare_run},
    {"tune", NULL, "fit the sizes of its work to this CPU", tune_about, tune_examples, tune_run},
    {"cache list", NULL, "the packed weights that are kept between runs", cache_list_about, no_examples,
     cache_list_run},
    {"cache clear", NULL, "remove them", cache_clear_about, no_examples, cache_clear_run},
    {"cache limit", "SIZE", "how much disk they may take", cache_limit_about, no_examples, cache_limit_run},
    {"help", "[COMMAND]...", "the manual", help_about, no_examples, help_run},
    {0},
};
