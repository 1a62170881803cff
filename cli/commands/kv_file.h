/* What a model knows of a text, kept in a file from run to run. */
#ifndef CLI_COMMANDS_KV_FILE_H
#define CLI_COMMANDS_KV_FILE_H

#include <hone.h>

/* Nothing is done where path is NULL; a file that is not there yet is no mistake. What is wrong has been reported. */
enum hone_status kv_file_load(struct hone_model *model, const char *path);
/* Of g's prompt and the text that followed it. */
enum hone_status kv_file_save(struct hone_model *model, const char *path, const struct hone_generation *g);

/* Whether the file can be written, looked at before the work. What is wrong has been reported. */
enum hone_status kv_file_check(const char *path);

#endif
