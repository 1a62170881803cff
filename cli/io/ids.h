/* Token ids as a user writes them: numbers with spaces or commas between them. */
#ifndef CLI_IO_IDS_H
#define CLI_IO_IDS_H

#include <hone.h>

/* *ids [*n] is to be freed. What is wrong has been reported. */
enum hone_status ids_read(const char *text, int32_t **ids, size_t *n);

#endif
