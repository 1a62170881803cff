#include "tokenizer/files/classes.h"

#include <string.h>

static const struct usual_tokens of_bert = {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", "", ""};
static const struct usual_tokens of_deberta = {"[UNK]",  "[SEP]", "[PAD]", "[CLS]",
                                               "[MASK]", "[CLS]", "[SEP]"};
static const struct usual_tokens of_albert = {"<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]", "[CLS]", "[SEP]"};
static const struct usual_tokens of_big_bird = {"<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]", "<s>", "</s>"};
static const struct usual_tokens of_roberta = {"<unk>", "</s>", "<pad>", "<s>", "<mask>", "<s>", "</s>"};
static const struct usual_tokens of_mpnet = {"[UNK]", "</s>", "<pad>", "<s>", "<mask>", "<s>", "</s>"};
static const struct usual_tokens of_llama = {"<unk>", "", "", "", "", "<s>", "</s>"};
static const struct usual_tokens of_gemma = {"<unk>", "", "<pad>", "", "<mask>", "<bos>", "<eos>"};
static const struct usual_tokens of_t5 = {"<unk>", "", "<pad>", "", "", "", "</s>"};
static const struct usual_tokens of_pegasus = {"<unk>", "", "<pad>", "", "<mask_2>", "", "</s>"};
static const struct usual_tokens of_gpt2 = {"<|endoftext|>", "", "", "", "", "<|endoftext|>",
                                            "<|endoftext|>"};
static const struct usual_tokens of_neox = {"<|endoftext|>", "", "<|padding|>", "", "", "<|endoftext|>",
                                            "<|endoftext|>"};
static const struct usual_tokens of_qwen2 = {"<|endoftext|>", "", "<|endoftext|>", "", "", "",
                                             "<|endoftext|>"};
static const struct usual_tokens of_cohere = {
    "<UNK>", "<SEP>", "<PAD>", "<CLS>", "<MASK_TOKEN>", "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"};

#define BERT(name)                                                                                           \
    {                                                                                                        \
        name, "WordPiece", &of_bert, tok_build_words, tok_surround_bert, false                               \
    }
#define ROBERTA(name)                                                                                        \
    {                                                                                                        \
        name, "BPE", &of_roberta, tok_build_bytes, tok_surround_roberta, false                               \
    }

static const struct tokenizer_class classes[] = {
    BERT("BertTokenizer"),
    BERT("DistilBertTokenizer"),
    BERT("ElectraTokenizer"),
    BERT("ConvBertTokenizer"),
    BERT("LayoutLMTokenizer"),
    BERT("LxmertTokenizer"),
    BERT("MobileBertTokenizer"),
    BERT("SqueezeBertTokenizer"),
    {"MPNetTokenizer", "WordPiece", &of_mpnet, tok_build_words, tok_surround_mpnet, false},
    ROBERTA("RobertaTokenizer"),
    ROBERTA("BartTokenizer"),
    ROBERTA("LEDTokenizer"),
    ROBERTA("LongformerTokenizer"),
    ROBERTA("MvpTokenizer"),
    {"DebertaTokenizer", "BPE", &of_deberta, tok_build_bytes, tok_surround_deberta, true},
    {"BlenderbotTokenizer", "BPE", &of_roberta, tok_build_spaced_bytes, NULL, true},
    {"GPT2Tokenizer", "BPE", &of_gpt2, tok_build_bytes, NULL, false},
    {"GPTNeoXTokenizer", "BPE", &of_neox, tok_build_neox, tok_surround_nothing, false},
    {"Qwen2Tokenizer", "BPE", &of_qwen2, tok_build_qwen2, NULL, false},
    {"Qwen3_5Tokenizer", "BPE", &of_qwen2, tok_build_qwen3_5, NULL, false},
    {"CohereTokenizer", "BPE", &of_cohere, tok_build_cohere, NULL, false},
    {"LlamaTokenizer", "BPE", &of_llama, tok_build_llama, NULL, false},
    {"GemmaTokenizer", "BPE", &of_gemma, tok_build_gemma, NULL, false},
    {"DebertaV2Tokenizer", "Unigram", &of_deberta, tok_build_deberta, tok_surround_bert, false},
    {"AlbertTokenizer", "Unigram", &of_albert, tok_build_albert, tok_surround_albert, false},
    {"RemBertTokenizer", "Unigram", &of_albert, tok_build_rembert, tok_surround_bert, false},
    {"BigBirdTokenizer", "Unigram", &of_big_bird, tok_build_big_bird, tok_surround_bert, true},
    {"XLMRobertaTokenizer", "Unigram", &of_roberta, tok_build_xlmr, tok_surround_xlmr, false},
    {"CamembertTokenizer", "Unigram", &of_roberta, tok_build_camembert, tok_surround_xlmr, false},
    {"MBartTokenizer", "Unigram", &of_roberta, tok_build_mbart, NULL, false}, /* and the languages' tokens */
    {"MBart50Tokenizer", "Unigram", &of_roberta, tok_build_mbart50, NULL, true},
    {"NllbTokenizer", "BPE", &of_roberta, tok_build_nllb, NULL, true},
    {"PegasusTokenizer", "Unigram", &of_pegasus, tok_build_pegasus, tok_surround_pegasus, false},
    {"T5Tokenizer", "Unigram", &of_t5, tok_build_t5, tok_surround_t5, false},
};

const struct tokenizer_class *tok_class_find(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(name, classes[i].name) == 0)
            return &classes[i];
    return NULL;
}

/* Of transformers 5.24: those that make pipelines of their own, and those that are Python. Translators are not among them. */
static const char *const foreign[] = {
    "BarthezTokenizer",
    "BartphoTokenizer",
    "BertGenerationTokenizer",
    "BertJapaneseTokenizer",
    "BertweetTokenizer",
    "BioGptTokenizer",
    "BlenderbotSmallTokenizer",
    "CLIPTokenizer",
    "CTRLTokenizer",
    "CanineTokenizer",
    "ClvpTokenizer",
    "CodeGenTokenizer",
    "CodeLlamaTokenizer",
    "CpmAntTokenizer",
    "CpmTokenizer",
    "DPRContextEncoderTokenizer",
    "DPRQuestionEncoderTokenizer",
    "DPRReaderTokenizer",
    "DiaTokenizer",
    "EsmTokenizer",
    "EsmcTokenizer",
    "FNetTokenizer",
    "FSMTTokenizer",
    "FlaubertTokenizer",
    "FunnelTokenizer",
    "GPTNeoXJapaneseTokenizer",
    "GPTSw3Tokenizer",
    "HerbertTokenizer",
    "LasrTokenizer",
    "LayoutLMv2Tokenizer",
    "LayoutLMv3Tokenizer",
    "LayoutXLMTokenizer",
    "LukeTokenizer",
    "MLukeTokenizer",
    "MarkupLMTokenizer",
    "MgpstrTokenizer",
    "MyT5Tokenizer",
    "NougatTokenizer",
    "OpenAIGPTTokenizer",
    "PerceiverTokenizer",
    "PhobertTokenizer",
    "ProphetNetTokenizer",
    "ReformerTokenizer",
    "RoCBertTokenizer",
    "RoFormerTokenizer",
    "SeamlessM4TTokenizer",
    "Siglip2Tokenizer",
    "SiglipTokenizer",
    "Speech2TextTokenizer",
    "SpeechT5Tokenizer",
    "SplinterTokenizer",
    "TapasTokenizer",
    "Tipsv2Tokenizer",
    "UdopTokenizer",
    "VideoPrismTokenizer",
    "VitsTokenizer",
    "Wav2Vec2CTCTokenizer",
    "WhisperTokenizer",
    "XGLMTokenizer",
    "XLMTokenizer",
    "XLNetTokenizer",
};

bool tok_class_is_foreign(const char *name)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strcmp(name, foreign[i]) == 0)
            return true;
    return false;
}
