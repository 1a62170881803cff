#include "tokenizer/files/classes.h"

#include "tokenizer/files/parts.h"
#include "tokenizer/files/spiece.h"

#include <stdio.h>
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

/* ---- tokens beyond the usual ones ---- */

/* Of transformers 5.24. A class takes additional_special_tokens as an argument of its own, and what it makes of them counts only
 * where there are no extra_special_tokens: transformers reads the configuration's list under that name, whichever of both it
 * has there. */

/* MBart has the first 25 of MBart50's languages. */
#define MBART_LANGUAGES                                                                                      \
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV my_MM " \
    "ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN"
#define MBART50_LANGUAGES                                                                                    \
    MBART_LANGUAGES                                                                                          \
    " af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX "      \
    "sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI"

static const char nllb_languages[] =
    "ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn amh_Ethi apc_Arab "
    "arb_Arab ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn "
    "bak_Cyrl bam_Latn ban_Latn bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt "
    "bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn "
    "dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn epo_Latn est_Latn eus_Latn "
    "ewe_Latn fao_Latn pes_Arab fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gla_Latn "
    "gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn "
    "hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn "
    "kac_Latn kam_Latn kan_Knda kas_Arab kas_Deva kat_Geor knc_Arab knc_Latn kaz_Cyrl kbp_Latn "
    "kea_Latn khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn kon_Latn kor_Hang kmr_Latn lao_Laoo "
    "lvs_Latn lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn lua_Latn lug_Latn "
    "luo_Latn lus_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn mkd_Cyrl plt_Latn mlt_Latn "
    "mni_Beng khk_Cyrl mos_Latn mri_Latn zsm_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva "
    "nso_Latn nus_Latn nya_Latn oci_Latn gaz_Latn ory_Orya pag_Latn pan_Guru pap_Latn pol_Latn "
    "por_Latn prs_Arab pbt_Arab quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng "
    "scn_Latn shn_Mymr sin_Sinh slk_Latn slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn "
    "spa_Latn als_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn szl_Latn tam_Taml "
    "tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi taq_Latn taq_Tfng tpi_Latn tsn_Latn "
    "tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab "
    "uzn_Latn vec_Latn vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans "
    "zho_Hant zul_Latn";

static bool append(json_t *list, const char *text, size_t size)
{
    return json_array_append_new(list, json_stringn(text, size)) == 0;
}

static bool append_words(json_t *list, const char *words)
{
    bool ok = true;
    for (const char *at = words; *at && ok;) {
        const size_t n = strcspn(at, " ");
        ok = append(list, at, n);
        at += n + (at[n] == ' ');
    }
    return ok;
}

/* <name_first> to the one before <name_end>. */
static bool append_numbered(json_t *list, const char *name, json_int_t first, json_int_t end)
{
    char text[48];
    bool ok = true;
    for (json_int_t i = first; i < end && ok; i++) {
        snprintf(text, sizeof text, "<%s_%d>", name, (int)i);
        ok = append(list, text, strlen(text));
    }
    return ok;
}

static bool append_all(json_t *list, const json_t *given)
{
    return !given || json_array_extend(list, (json_t *)given) == 0;
}

static bool has(const json_t *list, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(list); i++)
        found = found || strcmp(tok_token_text(json_array_get(list, i)), text) == 0;
    return found;
}

/* A number of the configuration, which whoever reads the folder has checked. */
static json_int_t number(const json_t *config, const char *key, json_int_t otherwise)
{
    const json_t *n = json_object_get(config, key);
    return json_is_integer(n) && json_integer_value(n) <= SPIECE_MAX_EXTRA ? json_integer_value(n)
                                                                           : otherwise;
}

/* Marks, unless there are some. */
static bool make_t5(json_t *list, const json_t *config, const json_t *given)
{
    bool marked = false;
    for (size_t i = 0; i < json_array_size(given); i++)
        marked = marked || strstr(tok_token_text(json_array_get(given, i)), "<extra_id_");
    return append_all(list, given) &&
           (marked || append_numbered(list, "extra_id", 0, number(config, "extra_ids", 100)));
}

/* What is given is dropped, and where the mask of sentences is given, that one too. */
static bool make_pegasus(json_t *list, const json_t *config, const json_t *given)
{
    const char *mask = tok_named_token(config, "mask_token_sent", "<mask_1>");
    return (!*mask || has(given, mask) || append(list, mask, strlen(mask))) &&
           append_numbered(list, "unk", 2, number(config, "offset", 103));
}

static bool make_camembert(json_t *list, const json_t *config, const json_t *given)
{
    (void)config;
    return given ? append_all(list, given) : append_words(list, "<s>NOTUSED </s>NOTUSED <unk>NOTUSED");
}

static bool make_mbart(json_t *list, const json_t *config, const json_t *given)
{
    (void)config;
    return append_words(list, MBART_LANGUAGES) && append_all(list, given);
}

static bool make_mbart50(json_t *list, const json_t *config, const json_t *given)
{
    (void)config;
    return append_all(list, given) && append_words(list, MBART50_LANGUAGES);
}

static bool make_nllb(json_t *list, const json_t *config, const json_t *given)
{
    (void)config;
    return given ? append_all(list, given) : append_words(list, nllb_languages);
}

static const struct {
    const char *name;
    /* Fills an empty list. given: additional_special_tokens; NULL: there are none. */
    bool (*make)(json_t *list, const json_t *config, const json_t *given);
    bool reads_null; /* extra_special_tokens that are null are none */
} listers[] = {{"T5Tokenizer", make_t5, false},
               {"PegasusTokenizer", make_pegasus, false},
               {"CamembertTokenizer", make_camembert, false},
               {"MBartTokenizer", make_mbart, false},
               {"MBart50Tokenizer", make_mbart50, false},
               {"NllbTokenizer", make_nllb, true}};

json_t *tok_extra_tokens(const json_t *config, const char *class)
{
    json_t *extra = json_object_get(config, "extra_special_tokens");
    json_t *given = json_object_get(config, "additional_special_tokens");
    size_t i = 0, n = sizeof listers / sizeof *listers;
    while (i < n && strcmp(class, listers[i].name) != 0)
        i++;
    if (extra && (i == n || !json_is_null(extra) || !listers[i].reads_null))
        return json_incref(extra);
    if (i == n)
        return given ? json_incref(given) : json_array();
    json_t *list = json_array();
    bool ok = list && listers[i].make(list, config, json_is_array(given) ? given : NULL);
    if (!ok)
        json_decref(list);
    return ok ? list : NULL;
}
