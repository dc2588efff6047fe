#ifndef ACCOUNTSD_REPLY_H
#define ACCOUNTSD_REPLY_H

/* What calls of the database get back. Each call given here is answered, once and for good: from then on it
 * is its maker's. */

#include <libpq-fe.h>
#include <stddef.h>

/* call.h */
struct database_call;

/* Answers with a status alone. sqlstate: of the error that the database raised, NULL where it raised none. */
void reply_status(struct database_call *call, int status, const char *sqlstate);

/* Answers a call whose set may have been committed, or not: the database's answer was lost. */
void reply_unknown(struct database_call *call, int status);

/* Answers each call of a set from its row. The result has the columns of statement.h; where it lacks a row,
 * the call gets 500. calls is of no use afterwards. */
void reply_rows(struct database_call **calls, size_t count, const PGresult *result);

#endif
