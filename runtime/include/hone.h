/* hone: embed, rerank, classify and generate on a CPU. All of the public C API; hone/hone.h has what the others build on. */
#ifndef HONE_H
#define HONE_H

#include <hone/bench.h>
#include <hone/files.h>
#include <hone/generate.h>
#include <hone/hone.h>
#include <hone/scheduler.h>

#endif
