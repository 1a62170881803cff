/* The commands, one file each. They report what goes wrong and return the program's exit status. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"

enum hone_status convert_run(const struct options *options);
enum hone_status quantize_run(const struct options *options);
enum hone_status inspect_run(const struct options *options);
enum hone_status verify_run(const struct options *options);
enum hone_status tokenize_run(const struct options *options);
enum hone_status generate_run(const struct options *options);
enum hone_status translate_run(const struct options *options);
enum hone_status chat_run(const struct options *options);
enum hone_status logits_run(const struct options *options);
enum hone_status perplexity_run(const struct options *options);
enum hone_status embed_run(const struct options *options);
enum hone_status rerank_run(const struct options *options);
enum hone_status classify_run(const struct options *options);
enum hone_status answer_run(const struct options *options);
enum hone_status fill_run(const struct options *options);
enum hone_status score_run(const struct options *options);
enum hone_status run_batch_run(const struct options *options);
enum hone_status eval_run(const struct options *options);
enum hone_status eval_rerank(const struct options *options); /* hone rerank --run */
enum hone_status serve_run(const struct options *options);
enum hone_status service_start_run(const struct options *options);
enum hone_status service_stop_run(const struct options *options);
enum hone_status service_restart_run(const struct options *options);
enum hone_status service_status_run(const struct options *options);
enum hone_status service_log_run(const struct options *options);
enum hone_status bench_limits_run(const struct options *options);
enum hone_status bench_kernels_run(const struct options *options);
enum hone_status bench_model_run(const struct options *options);
enum hone_status bench_scheduler_run(const struct options *options);
enum hone_status bench_load_run(const struct options *options);
enum hone_status bench_compare_run(const struct options *options);
enum hone_status cache_list_run(const struct options *options);
enum hone_status cache_clear_run(const struct options *options);
enum hone_status cache_limit_run(const struct options *options);
enum hone_status tune_run(const struct options *options);
enum hone_status pull_run(const struct options *options);
enum hone_status list_run(const struct options *options);
enum hone_status rm_run(const struct options *options);

#endif
