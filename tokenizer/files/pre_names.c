/* What tokenizer.ggml.pre may name: how the vocabulary's own tokenizer cuts text into words, and what else it does. */
#include "tokenizer/files/pre_names.h"

#include <stdio.h>
#include <string.h>

#define SUFFIXES "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES   "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define WORD     "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SIGNS    " ?[^\\s\\p{L}\\p{N}]+"
#define GPT2     "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LLAMA3   SUFFIXES "|" WORD "|\\p{N}{1,3}|" SIGNS "[\\r\\n]*|" SPACES
#define QWEN2    SUFFIXES "|" WORD "|\\p{N}|" SIGNS "[\\r\\n]*|" SPACES

/* Words end where a capital follows a small letter. */
#define UPPER "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}"
#define LOWER "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}"
#define CASED(more)                                                                                          \
    "[^\\r\\n\\p{L}\\p{N}]?[" UPPER "]*[" LOWER "]+" more "|[^\\r\\n\\p{L}\\p{N}]?[" UPPER "]+[" LOWER       \
    "]*" more
#define CASED_SPACES SIGNS "[\\r\\n/]*|" SPACES
#define TEKKEN       CASED("") "|\\p{N}|" CASED_SPACES
#define GPT4O        CASED(SUFFIXES "?") "|\\p{N}{1,3}|" CASED_SPACES

/* DeepSeek's: ASCII signs take the letters behind them, but for digits and some scripts, which come first. */
#define CHINESE         "[一-龥぀-ゟ゠-ヿ]+"
#define ASCII_SIGNS     "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
#define SIGNS_AND_WORDS ASCII_SIGNS "|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
#define HAN_AND_HANGUL  "[一-龥ࠀ-一가-퟿]+"
/* clang-format off */
#define CASED_LETTERS \
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-Ჺ" \
    "Ჽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓ" \
    "ℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-" \
    "𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
/* clang-format on */

/* Finnish and other vocabularies of BLOOM's kind. */
#define BLOOM " ?[^(\\s|.,!?…。，、।۔،)]+"

static const struct pre_name pre_names[] = {
    {"gpt-2",
     " gpt2 phi-2 jina-es jina-de jina-v2-es jina-v2-de gigachat a.x-4.0 mellum exaone4 jais trillion "
     "granite-docling ",
     .words = WORDS_GPT2},
    {"modern-bert", "", .words = WORDS_GPT2, .nfc = true, .add_sep = true, .mask_lstrip = true},
    {"olmo", " mpt ", .words = WORDS_GPT2, .nfc = true},
    {"roberta-bpe", " jina-v1-en jina-v2-code ", .words = WORDS_GPT2, .add_bos = true, .add_sep = true,
     .twice = true, .mask_lstrip = true},
    {"llama-bpe", " llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano ",
     .words = WORDS_LLAMA3, .ignore_merges = true, .add_bos = true},
    {"dbrx", " smaug-bpe chatglm-bpe ", .words = WORDS_LLAMA3},
    {"glm4", " glm5 ", .words = WORDS_LLAMA3, .ignore_merges = true},
    {"qwen2", " deepseek-r1-qwen f2llmv2 megrez ", .words = WORDS_QWEN2, .nfc = true},
    {"kormo", " stablelm2 hunyuan solar-open grok-2 ", .words = WORDS_QWEN2},
    {"qwen35", "", .nfc = true,
     .cuts = {SUFFIXES
              "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES}},
    {"tekken", "", .cuts = {TEKKEN}, .ignore_merges = true, .add_bos = true},
    {"gpt-4o", " llama4 kanana2 talkie minimax-m2 ", .cuts = {GPT4O}},
    {"granite-embed-multi-97m", "", .cuts = {GPT4O}, .ignore_merges = true},
    {"tiny_aya", " cohere2moe ", .cuts = {"\\d{1,3}(?=(?:\\d{3})*\\b)", GPT4O}},
    {"smollm", " starcoder refact codeshell exaone minerva-7b mellum2 ", .digits = true, .words = WORDS_GPT2},
    {"command-r", "", .digits = true, .words = WORDS_GPT2, .nfc = true},
    {"chameleon", "", /* sentinels and images, indentation, and each sign alone */
     .cuts = {"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "[\\p{P}!-/:-@\\[-`{-~]"},
     .digits = true, .words = WORDS_GPT2, .add_bos = true},
    {"deepseek-llm", "",
     .cuts = {"[\r\n]", "\\s?[" CASED_LETTERS "]+", "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$",
              HAN_AND_HANGUL, "\\p{N}+"}},
    {"deepseek-coder", "", .cuts = {"[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", HAN_AND_HANGUL, "\\p{N}"}},
    {"deepseek-v3", " hunyuan-dense joyai-llm hy_v4 ",
     .cuts = {"\\p{N}{1,3}", CHINESE, SIGNS_AND_WORDS "[\r\n]*|" SPACES}},
    {"afmoe", "", /* numbers in threes from their end */
     .cuts = {"\\p{N}{1,3}(?=(?:\\p{N}{3})*+(?!\\p{N}))",
              "[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF\u3040-\u30FF\uFF65-\uFF9F\u2F00-\u2FDF\u0E40-"
              "\u0EFF\u1780-\u17FF\u1000-\u109F"
              "\uAA60-\uAA7F\uA9E0-\uA9FF\uAC00-\uD7AF\u1100-\u11FF]+",
              SIGNS_AND_WORDS "[\r\n]*|" SPACES}},
    {"spark2_5", "", .cuts = {"\\p{N}{1,3}", CHINESE, SIGNS_AND_WORDS "|[\r\n]|\\s+(?!\\S)|\\s+", "\\p{N}"}},
    {"youtu", "",
     .cuts = {"[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" CHINESE,
              CASED(SUFFIXES "?") "|\\p{N}|" CASED_SPACES},
     .ignore_merges = true},
    {"falcon", "", .cuts = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}},
    {"default", "", .cuts = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {"superbpe", "", .cuts = {"\\p{N}+", "(?=(\\d{3})+(?!\\d))"}},
    {"bailingmoe", " bailingmoe2 llada-moe ",
     .cuts = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|"
              "\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|"
              "\\s+(?!\\S)|\\s+"}},
    {"seed-coder", "", .cuts = {SUFFIXES "|" WORD "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" SPACES}},
    {"ufakzeka", "", .cuts = {WORD "|\\p{N}|" SIGNS "[\\r\\n]*|" SPACES}},
    {"laguna", "", .cuts = {"[^\\n]+|[\\n]+", QWEN2}},
    {"minicpm5", "", .cuts = {"\\p{N}{1,3}", SUFFIXES "|" WORD "|\\p{N}+|" SIGNS "[\\r\\n]*|" SPACES},
     .ignore_merges = true},
    {"exaone-moe", "",
     .cuts = {SUFFIXES "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|" SIGNS
                       "[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}},
    {"jais-2", "",
     .cuts = {SUFFIXES "|" WORD "|\\p{N}{1,3}|" SIGNS "[\\r\\n]*|\\s*[\\r\\n]+|\\s{512}(?!\\S)|"
                       "\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|"
                       "\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"}},
    {"kimi-k2", "",
     .cuts = {"\\p{Han}+|[^\\r\\n\\p{L}\\p{N}]?(?:(?!\\p{Han})[" UPPER "])*(?:(?!\\p{Han})[" LOWER
              "])+" SUFFIXES "?|[^\\r\\n\\p{L}\\p{N}]?(?:(?!\\p{Han})[" UPPER "])+(?:(?!\\p{Han})[" LOWER
              "])*" SUFFIXES "?|\\p{N}{1,3}|" SIGNS "[\\r\\n]*|" SPACES}},
    {"poro-chat", " bloom gpt3-finnish ", .cuts = {BLOOM}},
    {"viking", "", .cuts = {BLOOM, "\\p{N}"}},
};

#define N_PRE_NAMES (sizeof pre_names / sizeof *pre_names)

const struct pre_name *tok_pre_find(const char *pre)
{
    char name[72];
    pre = *pre ? pre : "default";
    snprintf(name, sizeof name, " %.64s ", pre);
    for (size_t i = 0; !strchr(pre, ' ') && i < N_PRE_NAMES; i++)
        if (strcmp(pre_names[i].name, pre) == 0 || strstr(pre_names[i].others, name))
            return &pre_names[i];
    return NULL;
}

const char *tok_pre_name_of(const char *const *cuts)
{
    for (size_t i = 0; i < N_PRE_NAMES; i++) {
        size_t n = 0;
        while (pre_names[i].cuts[n] && cuts[n] && strcmp(pre_names[i].cuts[n], cuts[n]) == 0)
            n++;
        if (n > 0 && !pre_names[i].cuts[n] && !cuts[n])
            return pre_names[i].name;
    }
    return NULL;
}
