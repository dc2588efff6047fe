#include "database/reply.h"

#include <jansson.h>
#include <stdlib.h>

#include "database/call.h"

#define OUTCOME_UNKNOWN_DETAIL                                                                               \
    "The database did not answer, and whether the request was done is unknown. Repeat it with the same "     \
    "Idempotency-Key."

void reply_status(struct database_call *call, int status, const char *sqlstate)
{
    struct database_reply reply = {.status = status, .sqlstate = sqlstate};

    call->on_reply(call, &reply);
}

void reply_unknown(struct database_call *call, int status)
{
    bool is_change = statements[call->statement].is_change;
    struct database_reply reply = {.status = status, .detail = is_change ? OUTCOME_UNKNOWN_DETAIL : NULL};

    call->on_reply(call, &reply);
}

static const char *column(const PGresult *result, int row, enum statement_column column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

static bool is_true(const PGresult *result, int row, enum statement_column column)
{
    return *PQgetvalue(result, row, column) == 't';
}

/* A call over a limit has {"Retry-After": ["<seconds>"]} among its errors. */
static long read_retry_after(const char *errors)
{
    json_auto_t *object = json_loads(errors, 0, NULL);
    const char *seconds = json_string_value(json_array_get(json_object_get(object, "Retry-After"), 0));
    long number = seconds != NULL ? strtol(seconds, NULL, 10) : 0;

    return number > 0 ? number : 0;
}

void reply_rows(struct database_call **calls, size_t count, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++) {
        const char *ordinal = column(result, row, STATEMENT_ORDINAL),
                   *status = column(result, row, STATEMENT_STATUS);
        size_t index = ordinal != NULL ? strtoul(ordinal, NULL, 10) - 1 : SIZE_MAX;
        struct database_reply reply = {
            .status = status != NULL ? atoi(status) : 500,
            .id = column(result, row, STATEMENT_ID),
            .body = column(result, row, STATEMENT_BODY),
            .detail = column(result, row, STATEMENT_DETAIL),
            .errors = column(result, row, STATEMENT_ERRORS),
            .type = column(result, row, STATEMENT_TYPE),
            .is_replay = is_true(result, row, STATEMENT_IS_REPLAY),
            .is_rolled_back = is_true(result, row, STATEMENT_IS_ROLLED_BACK),
        };

        if (index >= count || calls[index] == NULL)
            continue;
        if (reply.status == 429 && reply.errors != NULL)
            reply.retry_after = read_retry_after(reply.errors);
        calls[index]->on_reply(calls[index], &reply);
        calls[index] = NULL;
    }
    /* A missing row is a bug, but the client must get an answer. */
    for (size_t i = 0; i < count; i++) {
        if (calls[i] != NULL)
            reply_status(calls[i], 500, NULL);
    }
}
