/* What each side says of a request. A verdict is an errors object, null where nothing is wrong, or the
 * SQLSTATE as a string where PostgreSQL refuses the body before it can be looked at. All that is returned is
 * the caller's to decref, free or clear; what cannot be made ends the test. */

#ifndef VERDICT_H
#define VERDICT_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/* The order of a field's messages is free. */
bool verdict_is_same(json_t *a, json_t *b);
json_t *verdict_parse(const char *text);
/* As text, for messages. */
char *verdict_shown(json_t *verdict);

/* Of the body of a request to create an account user. */
json_t *verdict_in_c(const char *body, size_t len);
json_t *verdict_in_sql(PGconn *connection, const char *body, size_t len);

/* To the database of DATABASE_URL. */
PGconn *verdict_connect(void);
/* The rows of a query of up to two parameters; those that are NULL are not given. */
PGresult *verdict_query(PGconn *connection, const char *sql, const char *first, const char *second);
/* In the first column of a row. */
json_t *verdict_of_row(PGresult *result, int row);

#endif
