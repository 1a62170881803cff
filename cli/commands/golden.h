/* Golden files from Python's transformers, where it is there. */
#ifndef CLI_COMMANDS_GOLDEN_H
#define CLI_COMMANDS_GOLDEN_H

#include <hone.h>

/* Writes what transformers computes with the folder. A failure has been reported. */
enum hone_status golden_write(const char *folder, const char *path);

#endif
