/* What ModernBERT and its decoder have in common. */
#ifndef RUNTIME_LOAD_FAMILIES_MODERN_BERT_ROWS_H
#define RUNTIME_LOAD_FAMILIES_MODERN_BERT_ROWS_H

/* Keys without effect on a result: the tensors tell which biases there are, norm_eps counts for layer_norm_eps, and the others
 * are of training and of ways to compute. */
#define MODERN_BERT_KEYS                                                                                     \
    {"norm_bias", NULL}, {"attention_bias", NULL}, {"mlp_bias", NULL}, {"decoder_bias", NULL},               \
        {"classifier_bias", NULL}, {"sparse_prediction", NULL}, {"sparse_pred_ignore_index", NULL},          \
        {"deterministic_flash_attn", NULL}, {"reference_compile", NULL}, {"repad_logits_with_grad", NULL},   \
    {                                                                                                        \
        "layer_norm_eps", NULL                                                                               \
    }

#endif
