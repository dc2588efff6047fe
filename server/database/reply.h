#ifndef ACCOUNTSD_REPLY_H
#define ACCOUNTSD_REPLY_H

/* Replies to database calls. A call passed to one of these functions is answered and belongs to its submitter
 * again. */

#include <libpq-fe.h>
#include <stddef.h>

/* call.h */
struct database_call;

/* Answers with a status only. sqlstate: of the error that the database raised, or NULL. */
void reply_status(struct database_call *call, int status, const char *sqlstate);

/* Answers a call whose outcome is unknown: the set may have been committed, but the result was lost. */
void reply_unknown(struct database_call *call, int status);

/* Answers each call of a set from its row, or with 500 if its row is missing. The result has the columns of
 * statement.h. The contents of calls are undefined afterwards. */
void reply_rows(struct database_call **calls, size_t count, const PGresult *result);

#endif
