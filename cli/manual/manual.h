/* What the manual says of each command: paragraphs of what it does, and examples, each with what it shows. All end with NULL. */
#ifndef CLI_MANUAL_MANUAL_H
#define CLI_MANUAL_MANUAL_H

/* models.c */
extern const char *const convert_about[], *const convert_examples[];
extern const char *const quantize_about[], *const quantize_examples[];
extern const char *const inspect_about[], *const inspect_examples[];
extern const char *const verify_about[], *const verify_examples[];
extern const char *const pull_about[], *const pull_examples[];
extern const char *const list_about[];
extern const char *const rm_about[], *const rm_examples[];
extern const char *const tune_about[], *const tune_examples[];
extern const char *const cache_list_about[];
extern const char *const cache_clear_about[];
extern const char *const cache_limit_about[];
extern const char *const help_about[];

/* texts.c */
extern const char *const tokenize_about[], *const tokenize_examples[];
extern const char *const generate_about[], *const generate_examples[];
extern const char *const translate_about[], *const translate_examples[];
extern const char *const chat_about[];
extern const char *const logits_about[];
extern const char *const perplexity_about[], *const perplexity_examples[];
extern const char *const score_about[], *const score_examples[];
extern const char *const eval_about[], *const eval_examples[];
extern const char *const run_batch_about[], *const run_batch_examples[];
extern const char *const embed_about[], *const embed_examples[];
extern const char *const rerank_about[], *const rerank_examples[];
extern const char *const classify_about[], *const classify_examples[];
extern const char *const answer_about[], *const answer_examples[];
extern const char *const fill_about[], *const fill_examples[];

/* servers.c */
extern const char *const serve_about[], *const serve_examples[];
extern const char *const service_start_about[], *const service_start_examples[];
extern const char *const service_stop_about[];
extern const char *const service_restart_about[], *const service_restart_examples[];
extern const char *const service_log_about[];
extern const char *const service_status_about[];
extern const char *const bench_limits_about[], *const bench_limits_examples[];
extern const char *const bench_kernels_about[], *const bench_kernels_examples[];
extern const char *const bench_model_about[], *const bench_model_examples[];
extern const char *const bench_scheduler_about[], *const bench_scheduler_examples[];
extern const char *const bench_load_about[], *const bench_load_examples[];
extern const char *const bench_compare_about[], *const bench_compare_examples[];

#endif
