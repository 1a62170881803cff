/* What torch.save wrote: a zip archive with a pickle and storages of numbers; or in older files several pickles, with the
 * storages behind them. Nothing is executed (pickle.h). */
#ifndef RUNTIME_LOAD_IMPORT_TORCH_FILE_H
#define RUNTIME_LOAD_IMPORT_TORCH_FILE_H

#include "runtime/load/import/pickle.h"

/* Gets each tensor: `size` bytes at `data`, row by row. */
typedef enum hone_status (*torch_file_tensor)(void *arg, const struct pickle_tensor *t, const void *data,
                                              uint64_t size, struct hone_error *err);

/* The data must outlive what `add` keeps. A tensor that lies in other than rows is HONE_BAD_MODEL. */
enum hone_status torch_file_read(const void *data, size_t size, const char *path, torch_file_tensor add,
                                 void *arg, struct hone_error *err);

#endif
