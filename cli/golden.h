/* Golden files from Python's transformers, where it is there. */
#ifndef CLI_GOLDEN_H
#define CLI_GOLDEN_H

#include "runtime/hone.h"

/* Writes what transformers computes with the folder. A failure has been reported. */
enum hone_status golden_write(const char *folder, const char *path);

#endif
