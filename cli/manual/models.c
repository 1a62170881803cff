/* What the manual says of commands that keep models and what is made of them. */
#include "cli/manual/manual.h"

#include <stddef.h>

const char *const convert_about[] = {
    "Writes the Hugging Face folder HF_DIR as one GGUF file, with the same keys and tensor names that others "
    "use. The "
    "file opens faster than the folder.",
    NULL,
};
const char *const convert_examples[] = {
    "hone convert all-MiniLM-L6-v2/ -o minilm.gguf",
    "makes one file of a folder.",
    NULL,
};

const char *const quantize_about[] = {
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
const char *const quantize_examples[] = {
    "hone quantize llama.gguf llama-q4.gguf q4_k_m",
    "makes a file of less than five bits a weight.",
    NULL,
};

const char *const inspect_about[] = {
    "Shows what a model file is: architecture, task, sizes, labels, prompts, and how hone runs it here. A "
    "damaged or "
    "unknown model's metadata are shown as far as the file can be read.",
    NULL,
};
const char *const inspect_examples[] = {
    "hone inspect minilm.gguf --json | jq .model.max_length",
    "tells how many tokens a text may have.",
    NULL,
};

const char *const verify_about[] = {
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
const char *const verify_examples[] = {
    "hone convert gte-small/ -o gte.gguf --golden gte.json && hone verify -m gte.gguf gte.json",
    "converts a folder and proves that nothing was lost.",
    NULL,
};

const char *const pull_about[] = {
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
const char *const pull_examples[] = {
    "hone pull sentence-transformers/all-MiniLM-L6-v2",
    "fetches a model that makes vectors; -m hf:sentence-transformers/all-MiniLM-L6-v2 names it.",
    "hone pull Qwen/Qwen3-0.6B-GGUF:Q8_0",
    "fetches one file of several.",
    NULL,
};

const char *const list_about[] = {
    "Lists the models on this machine that have names: those of Hugging Face's cache, whoever fetched them, "
    "of Ollama "
    "and of llama.cpp.",
    NULL,
};

const char *const rm_about[] = {
    "Takes models of Hugging Face's cache away: all of USER/REPO, one revision of it, or one file; and what "
    "content "
    "nothing else uses.",
    NULL,
};
const char *const rm_examples[] = {
    "hone rm Qwen/Qwen3-0.6B-GGUF:Q8_0",
    "leaves the model's other files.",
    NULL,
};

const char *const tune_about[] = {
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
const char *const tune_examples[] = {
    "hone tune",
    "makes hone somewhat faster on some machines.",
    NULL,
};

const char *const cache_list_about[] = {
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

const char *const cache_clear_about[] = {
    "Removes all packed weights, those of earlier versions too, and what ended programs left. Running "
    "programs keep "
    "what they have.",
    NULL,
};

const char *const cache_limit_about[] = {
    "Sets how many bytes all packed weights together may have: 20G, 500M, 1000000 (units of 1000), or "
    "default, a "
    "quarter of the free disk. What is more goes at once. A model that alone is more is not kept.",
    NULL,
};

const char *const help_about[] = {
    "Shows what a command does and takes.",
    NULL,
};
