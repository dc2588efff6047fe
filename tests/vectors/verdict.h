/* What each side says about a request. A verdict is an errors object, null if nothing is wrong, or the
 * SQLSTATE as a string if PostgreSQL cannot parse the body. Return values belong to the caller; failures
 * end the test. */

#ifndef VERDICT_H
#define VERDICT_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/* The order of a field's messages does not matter. */
bool verdict_is_same(json_t *a, json_t *b);
json_t *verdict_parse(const char *text);
/* As text, for messages. */
char *verdict_shown(json_t *verdict);

/* For the body of a request to create an account user. */
json_t *verdict_in_c(const char *body, size_t len);
json_t *verdict_in_sql(PGconn *connection, const char *body, size_t len);

/* Connects to the database of DATABASE_URL. */
PGconn *verdict_connect(void);
/* The rows of a query with up to two parameters; NULL: not passed. */
PGresult *verdict_query(PGconn *connection, const char *sql, const char *first, const char *second);
/* From the first column of a row. */
json_t *verdict_of_row(PGresult *result, int row);

#endif
