/* What the manual says of servers and benches. */
#include "cli/manual/manual.h"

#include <stddef.h>

const char *const serve_about[] = {
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
const char *const serve_examples[] = {
    "hone serve -m minilm.gguf",
    "serves embeddings on 127.0.0.1:8080.",
    "HONE_API_KEY=secret hone serve -m embed=gte.gguf -m rerank=bge.gguf --host 0.0.0.0",
    "serves two models to everybody who knows the key.",
    NULL,
};

const char *const service_start_about[] = {
    "Serves models as hone serve does, without a terminal, and comes back when the server answers. For "
    "machines "
    "without systemd; docs/http-api.md has a unit for those that have it.",
    NULL,
};
const char *const service_start_examples[] = {
    "hone service start -m minilm.gguf --port 9000 && curl localhost:9000/health",
    "starts a server and asks how it is.",
    NULL,
};

const char *const service_stop_about[] = {
    "Ends the server, after requests that are on their way have their answers, and comes back when it has "
    "ended.",
    NULL,
};

const char *const service_restart_about[] = {
    "Ends the server as hone service stop does and starts it again with what it was started with, from the "
    "same folder; "
    "options that are given come behind those. With a model or --config, it is started with these options "
    "alone. For "
    "settings and models that have changed SIGHUP is enough, and loses no request; a new version of hone "
    "needs this.",
    NULL,
};
const char *const service_restart_examples[] = {
    "hone service restart --max-queue 64",
    "starts it again with a shorter queue, and keeps that.",
    NULL,
};

const char *const service_log_about[] = {
    "Writes what the server has said, from its first start on, as far as it is kept: hone.log, and older "
    "files "
    "hone.log.1, hone.log.2, ... (--log-size and --log-count of hone service start).",
    NULL,
};

const char *const service_status_about[] = {
    "Tells whether the server runs; the exit status is 0 if it does, else 1.",
    NULL,
};

const char *const bench_limits_about[] = {
    "Measures what this machine can do at most, for one thread and more: arithmetic on registers alone, and "
    "reading from each part of the memory. No program can be faster, so this is what to compare with.",
    "Each number is the best of several short runs, since whatever else the machine does can only make one "
    "longer. A multiply-add counts as two operations.",
    NULL,
};
const char *const bench_limits_examples[] = {
    "hone bench limits --json | jq '.threads[-1].memory_gb_s'",
    "tells how many gigabytes a second all threads can read.",
    NULL,
};

const char *const bench_kernels_about[] = {
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
const char *const bench_kernels_examples[] = {
    "hone bench kernels --slot gemm_u8i8 -m bert-base -M 512",
    "answers in a second.",
    "hone bench kernels --slot gemm_f32 --level all -t 1",
    "compares the instruction sets.",
    NULL,
};

const char *const bench_model_about[] = {
    "Tells how many texts and tokens a second a model takes, tokenization included, by their length and by "
    "how "
    "many are given at once. Each number is the best of several runs.",
    "With --json, texts_s and tok_s at the top are those of texts of 128 tokens (or the longest below that), "
    "in "
    "the largest batch; the others are in \"results\".",
    NULL,
};
const char *const bench_model_examples[] = {
    "hone bench model -m minilm.gguf --compute int8 --prompt 128",
    "tells how fast texts of 128 tokens are.",
    NULL,
};

const char *const bench_scheduler_about[] = {
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
const char *const bench_scheduler_examples[] = {
    "hone bench scheduler -m minilm.gguf --compute int8",
    "takes about half a minute.",
    NULL,
};

const char *const bench_load_about[] = {
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
const char *const bench_load_examples[] = {
    "hone bench load http://127.0.0.1:8080 --concurrency 64",
    "asks for embeddings for ten seconds.",
    "hone bench load http://127.0.0.1:8080/v1/chat/completions --rate 2 --duration 60",
    "tells when first tokens come, if two chats begin each second.",
    "hone bench load http://127.0.0.1:8080 --kind rerank --mode stress --svg rerank.svg",
    "draws what more and more clients get.",
    NULL,
};

const char *const bench_compare_about[] = {
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
const char *const bench_compare_examples[] = {
    "hone bench compare 'minilm.gguf --compute f32' 'minilm.gguf --compute int8'",
    "tells what bytes gain.",
    "hone bench compare http://127.0.0.1:8080 http://127.0.0.1:9090 --kind chat --requests 200",
    "compares two servers, of whichever kind.",
    NULL,
};
