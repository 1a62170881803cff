/* What the manual says of commands that texts go through. */
#include "cli/manual/manual.h"

#include <stddef.h>

const char *const tokenize_about[] = {
    "Writes a JSON array of token ids for each text. Nothing is cut, however long a text is.",
    NULL,
};
const char *const tokenize_examples[] = {
    "hone tokenize -m minilm.gguf book.txt | jq length",
    "counts the tokens of each line.",
    "echo '7592 2088' | hone tokenize -m minilm.gguf --decode",
    "tells what these ids mean.",
    NULL,
};

const char *const generate_about[] = {
    "Goes on with a text, token by token, until the model ends it.",
    "With FILEs, one for each prompt in them, many at once: a prompt a line, or a row with \"prompt\", or "
    "with "
    "\"messages\", a chat in the form of the model's own template. Texts are then written as jsonl, in the "
    "same order. With --resume, say --seed or --temp 0: what is gone on with is then what it would have "
    "been.",
    NULL,
};
const char *const generate_examples[] = {
    "hone generate -m llama.gguf -p 'Once upon a time' -n 100 --seed 1",
    "writes a hundred tokens, and the same ones again.",
    NULL,
};

const char *const translate_about[] = {
    "Translates each line, sentence by sentence, with a model that is made for that (OPUS-MT, M2M100, "
    "NLLB-200, "
    "mBART): "
    "by as many beams as its files say, or else by the most probable token each.",
    NULL,
};
const char *const translate_examples[] = {
    "echo 'Guten Morgen. Wie geht es?' | hone translate -m nllb.gguf --from de --to en",
    "writes a line of English.",
    NULL,
};

const char *const chat_about[] = {
    "Talks with a model: each line is said to it, in the form of its own chat template, and its answer is "
    "written as "
    "it comes. Ctrl-C stops an answer, Ctrl-D ends; /clear forgets what was said, /help lists what else "
    "there is. "
    "A line that ends with a backslash goes on in the next.",
    "What was said before is not computed again, but for what is new of it.",
    NULL,
};

const char *const logits_about[] = {
    "Writes what the model predicts after each of the tokens: a logit for every token of its vocabulary.",
    NULL,
};

const char *const perplexity_about[] = {
    "Tells how well the model predicts a text: e to the mean of -log p of each token but the first, given "
    "those "
    "before it. A text longer than the context is cut in pieces that know nothing of each other.",
    NULL,
};
const char *const perplexity_examples[] = {
    "hone perplexity -m llama-q4.gguf book.txt --context 512",
    "shows what fewer bits cost.",
    NULL,
};

const char *const score_about[] = {
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
const char *const score_examples[] = {
    "hone score -m cross-encoder.gguf pairs.jsonl -o scores.jsonl",
    "scores every line of a large file; the same again after an interruption finishes it.",
    NULL,
};

const char *const eval_about[] = {
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
const char *const eval_examples[] = {
    "hone eval -m minilm.gguf scifact/ -o f32.trec",
    "searches a folder of BEIR and tells how well.",
    "hone eval -m minilm.gguf scifact/ --compute int8 f32.trec",
    "the same in bytes, beside what float32 gave.",
    NULL,
};

const char *const run_batch_about[] = {
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
const char *const run_batch_examples[] = {
    "hone run-batch -m qwen3.gguf -i requests.jsonl -o answers.jsonl",
    "answers chats, completions and whatever else the file asks for.",
    NULL,
};

const char *const embed_about[] = {
    "Computes one vector a text, in the order of the input. Texts are read and vectors written as they come, "
    "so the "
    "input may be larger than the memory. Several FILEs are one input; a pattern in quotes ('logs/*.jsonl') "
    "names more than "
    "a command line has room for.",
    "A text that is refused has no line in jsonl, and NaN for every number in csv, npy and npz, so that row "
    "i is "
    "always "
    "text i.",
    "A SPLADE model makes no vector, but weights for words of its vocabulary, by token id: {\"index\": 0, "
    "\"sparse\": "
    "[{\"index\": 2088, \"value\": 1.5}, ...]}.",
    NULL,
};
const char *const embed_examples[] = {
    "hone embed -m minilm.gguf notes.txt --format npy -o notes.npy",
    "makes an array that numpy.load reads.",
    "hone embed -m minilm.gguf notes.jsonl -o notes.npz",
    "makes two of them, \"vectors\" and \"ids\", in one file.",
    "hone embed -m minilm.gguf notes.txt --shard 2/4 --resume -o 2.jsonl",
    "computes the second machine's share of four; the same again after an interruption finishes it.",
    NULL,
};

const char *const rerank_about[] = {
    "Ranks documents, one a line, by how well they answer QUERY. A cross-encoder reads both together and "
    "tells a score; "
    "an embedding model compares their vectors (cosine similarity).",
    NULL,
};
const char *const rerank_examples[] = {
    "hone rerank -m minilm.gguf -q 'edit photos' packages.txt --top-n 5",
    "shows the five best matches.",
    NULL,
};

const char *const classify_about[] = {
    "Tells for each text, or pair of texts, how well each of the model's labels fits. A model that labels "
    "tokens (names, "
    "personal data) tells what each text names, and where. A model that knows entailment (NLI) takes any "
    "labels; one that finds what they name (GLiNER) tells which spans of a text these are.",
    NULL,
};
const char *const classify_examples[] = {
    "hone classify -m sentiment.gguf reviews.txt --format jsonl",
    "writes the score of every label.",
    "hone classify -m nli.gguf a.txt --labels 'price, quality' --multi-label",
    "weighs labels that the model has never seen.",
    "hone classify -m ner.gguf letters.txt --format jsonl",
    "writes who and what is named, with the bytes where.",
    "hone classify -m gliner.gguf a.txt --labels 'person, city' --threshold 0.4",
    "writes which words each of these labels names.",
    NULL,
};

const char *const answer_about[] = {
    "Finds where a question is answered in each text, with a model for extractive question answering "
    "(...ForQuestionAnswering): the best spans, with their probabilities. Long texts are read in windows.",
    NULL,
};
const char *const answer_examples[] = {
    "hone answer -m roberta-squad2/ -q 'When was it signed?' contracts.txt --none",
    "tells for each line of contracts.txt where the answer is, if it has one.",
    NULL,
};

const char *const fill_about[] = {
    "Tells which words fit where a text has the model's mask token, [MASK] or <mask>, with their "
    "probabilities.",
    NULL,
};
const char *const fill_examples[] = {
    "echo 'The capital of France is [MASK].' | hone fill -m bert.gguf",
    "tells five words.",
    NULL,
};
