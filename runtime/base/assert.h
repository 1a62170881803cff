/* What must be so, whatever files, requests and texts are: a mistake of the program's own where it is not. Checked in
 * builds with MODE=debug, asan or tsan, and in what the tests of every build are linked with; elsewhere it costs nothing,
 * since the library never ends the process that uses it. What comes from outside is not asserted but refused (error.h).
 *
 * Only source files use it, no headers: the Makefile compiles those that name it a second time for the tests. */
#ifndef RUNTIME_BASE_ASSERT_H
#define RUNTIME_BASE_ASSERT_H

#ifdef HONE_ASSERT
#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(__FILE__, __LINE__, __func__, #condition))
/* Says so, and aborts. */
_Noreturn void assert_failed(const char *file, int line, const char *function, const char *condition);
#else
#define ASSERT(condition) ((void)sizeof(!(condition))) /* which is not computed */
#endif

#endif
