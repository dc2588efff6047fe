#include "verdict.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/validate.h"

#define MAX_DEPTH 16

static const char request_errors[] =
    "select internal.request_errors(convert_from($1, 'UTF8')::jsonb, 'create_account_user')";

static bool is_same_list(json_t *a, json_t *b)
{
    size_t i, j;
    json_t *wanted, *other;

    if (!json_is_array(a) || !json_is_array(b) || json_array_size(a) != json_array_size(b))
        return false;
    json_array_foreach(a, i, wanted)
    {
        size_t in_a = 0, in_b = 0;

        json_array_foreach(a, j, other) in_a += (size_t)json_equal(wanted, other);
        json_array_foreach(b, j, other) in_b += (size_t)json_equal(wanted, other);
        if (in_a != in_b)
            return false;
    }
    return true;
}

bool verdict_is_same(json_t *a, json_t *b)
{
    const char *path;
    json_t *messages;

    if (json_is_array(a) && json_is_array(b))
        return is_same_list(a, b);
    if (!json_is_object(a) || !json_is_object(b))
        return json_equal(a, b);
    json_object_foreach(a, path, messages)
    {
        if (!is_same_list(messages, json_object_get(b, path)))
            return false;
    }
    return json_object_size(a) == json_object_size(b);
}

json_t *verdict_parse(const char *text)
{
    json_error_t error;
    json_t *verdict = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

    cr_assert_not_null(verdict, "a verdict is not JSON: %s: %s", error.text, text);
    return verdict;
}

/* Only the parser in C reports the position of a syntax error, so vectors omit it. */
static void drop_place(json_t *errors)
{
    json_t *messages = json_object_get(errors, "$");
    const char *message = json_string_value(json_array_get(messages, 0));
    const char *place = message != NULL ? strstr(message, " (line ") : NULL;
    int line, column, end = 0;

    if (place != NULL && sscanf(place, " (line %d, column %d)%n", &line, &column, &end) == 2 &&
        place[end] == '\0')
        json_array_set_new(messages, 0, json_stringn(message, (size_t)(place - message)));
}

json_t *verdict_in_c(const char *body, size_t len)
{
    char *exact, *errors = NULL;
    json_t *verdict = NULL;

    /* Without a spare byte, so that a sanitizer detects reads beyond the end. */
    cr_assert_not_null(exact = malloc(len + (len == 0)));
    memcpy(exact, body, len);
    switch (validate_body(&validate_create_account_user, exact, len, MAX_DEPTH, &errors)) {
    case VALIDATE_OK:
        verdict = json_null();
        break;
    case VALIDATE_INVALID:
        verdict = verdict_parse(errors);
        drop_place(verdict);
        break;
    case VALIDATE_OUT_OF_MEMORY:
        cr_assert_fail("out of memory");
    }
    free(exact);
    free(errors);
    return verdict;
}

PGconn *verdict_connect(void)
{
    const char *url = getenv("DATABASE_URL");

    cr_assert_not_null(url, "DATABASE_URL is not set");
    PGconn *connection = PQconnectdb(url);
    cr_assert_eq(PQstatus(connection), CONNECTION_OK, "%s", PQerrorMessage(connection));
    cr_assert_eq(PQsetClientEncoding(connection, "UTF8"), 0);
    return connection;
}

PGresult *verdict_query(PGconn *connection, const char *sql, const char *first, const char *second)
{
    const char *const values[] = {first, second};
    int count = first == NULL ? 0 : second == NULL ? 1 : 2;
    PGresult *result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);

    cr_assert(
        status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql, PQerrorMessage(connection));
    return result;
}

json_t *verdict_of_row(PGresult *result, int row)
{
    return PQgetisnull(result, row, 0) ? json_null() : verdict_parse(PQgetvalue(result, row, 0));
}

/* The body is sent as binary, so that PostgreSQL sees every byte of it. */
json_t *verdict_in_sql(PGconn *connection, const char *body, size_t len)
{
    const char *const values[] = {body};
    int lengths[] = {(int)len}, formats[] = {1};
    PGresult *result = PQexecParams(connection, request_errors, 1, NULL, values, lengths, formats, 0);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    json_t *verdict;

    if (state != NULL) {
        verdict = json_string(state);
    } else {
        cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s", PQerrorMessage(connection));
        verdict = verdict_of_row(result, 0);
    }
    PQclear(result);
    return verdict;
}

char *verdict_shown(json_t *verdict)
{
    return json_dumps(verdict, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}
