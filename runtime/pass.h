/* How many threads a forward pass gets. Those of a pass wait for each other at every product; where other programs want
 * the processors, each such wait can last as long as somebody else's time slice, and two threads take several times as long
 * as one. So a pass measures how much of its time its threads really ran. Where that was little, and where more threads
 * are ready to run than there are processors, passes have one thread for a while. */
#ifndef RUNTIME_PASS_H
#define RUNTIME_PASS_H

struct pass {
    int n_threads;    /* to be used, at most as many as wanted */
    double wall, cpu; /* seconds at its start: of the clock, of all threads of the process */
};

/* Thread-safe; what is learnt is the process's. */
struct pass pass_begin(int n_threads);
void pass_end(const struct pass *p);

#endif
