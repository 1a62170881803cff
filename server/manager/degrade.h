/* What is done for a request whose model fails: its fallback answers, or that one's, and so on; an answer that was kept is given
 * though it is old; documents come back in the order they came. Which of these may be, the settings say; the answer says
 * which it was, in a header and a field. */
#ifndef SERVER_MANAGER_DEGRADE_H
#define SERVER_MANAGER_DEGRADE_H

#include "server/http/http.h"

extern const char *const degraded_names[]; /* by enum degraded */

/* r->model is who should answer. Where its breaker is open, it becomes who does; r->unscored: nobody, and documents are to be
 * left in their order. False: that has been answered. */
bool degrade_choose(struct http_request *r);

/* r->failed: begins anew with what comes next. False: there is nothing. */
bool degrade_again(struct http_request *r);

/* What became of a submission: for the breaker of its model. */
void degrade_note(struct http_request *r, enum hone_status status);

/* Says in the answer that is about to be sent, r->out, what was done. */
void degrade_tell(struct http_request *r);

/* "X-Hone-Degraded: fallback; model=small" and the like. */
void degrade_header(const struct http_request *r, struct reply_buffer *out);

#endif
