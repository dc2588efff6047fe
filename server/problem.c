#include "problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static const struct {
    int status;
    const char *title;
    const char *detail;
} statuses[] = {
    {200, "OK", NULL},
    {201, "Created", NULL},
    {204, "No Content", NULL},
    {303, "See Other", NULL},
    {400, "Bad Request", "The request is not valid."},
    {401, "Unauthorized", "A valid API token is required."},
    {403, "Forbidden", "The caller may not do this."},
    {404, "Not Found", "There is nothing at this path."},
    {405, "Method Not Allowed", "The path does not take this method."},
    {408, "Request Timeout", "The request took too long to arrive."},
    {409, "Conflict", "The request conflicts with what is there."},
    {410, "Gone", NULL},
    {411, "Length Required", "A body needs a Content-Length."},
    {413, "Content Too Large", "The body is too large."},
    {415, "Unsupported Media Type", "The body must be application/json, not compressed."},
    {417, "Expectation Failed", "The only expectation that can be met is 100-continue."},
    {422, "Unprocessable Content", "The idempotency key was used for another request."},
    {429, "Too Many Requests", "There are too many requests."},
    {431, "Request Header Fields Too Large", "The head of the request is too long."},
    {PROBLEM_ABORTED, "Aborted", NULL},
    {500, "Internal Server Error", "The server failed. The trace id finds the reason in its log."},
    {503, "Service Unavailable", "The service is busy or its database is away. Try again later."},
    {504, "Gateway Timeout", "The database took too long."},
};

/* When to come again where nobody knows better. */
#define BUSY_SECONDS 1

#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

/* Whole SQLSTATEs and classes (the first two characters); the first that fits counts. */
static const struct {
    const char *sqlstate;
    int status;
} sqlstates[] = {
    {"57014", 504}, /* query_canceled: statement_timeout */
    {"55P03", 503}, /* lock_not_available: lock_timeout */
    {"40", 503},    /* serialization failure, deadlock */
    {"08", 503},    /* connection */
    {"53", 503},    /* out of disk, memory, connections */
    {"57", 503},    /* shutdown, crash, termination */
    {"58", 503},    /* operating system */
    {"25006", 503}, /* read_only_sql_transaction: a standby */
    {"26000", 503}, /* invalid_sql_statement_name: what was prepared is gone */
    {"72", 503},    /* snapshot too old */
    {"25P03", 503}, /* idle_in_transaction_session_timeout */
};

size_t problem_status_count(void)
{
    return STATUS_COUNT;
}

int problem_status_at(size_t index)
{
    return statuses[index].status;
}

const char *problem_title(int status)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        if (statuses[i].status == status)
            return statuses[i].title;
    }
    return "Error";
}

static const char *default_detail(int status)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        if (statuses[i].status == status && statuses[i].detail != NULL)
            return statuses[i].detail;
    }
    return problem_title(status);
}

char *problem_render(const struct problem *problem, const char *traceparent, size_t *len)
{
    const char *detail = problem->detail != NULL ? problem->detail : default_detail(problem->status);

    memory_begin();
    json_auto_t *object = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type",
        problem->type != NULL ? problem->type : "about:blank", "title", problem_title(problem->status),
        "status", problem->status, "detail", detail, "traceId", traceparent);
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

    if (text == NULL || memory_ran_out()) {
        free(text);
        return NULL;
    }
    size_t text_len = strlen(text);

    if (problem->errors == NULL) {
        *len = text_len;
        return text;
    }

    /* The errors are JSON already, and go in before the closing brace as they are. */
    static const char member[] = ",\"errors\":";
    size_t member_len = sizeof(member) - 1, errors_len = strlen(problem->errors);
    char *whole = realloc(text, text_len + member_len + errors_len + 1);

    if (whole == NULL) {
        free(text);
        return NULL;
    }
    memcpy(whole + text_len - 1, member, member_len);
    memcpy(whole + text_len - 1 + member_len, problem->errors, errors_len);
    *len = text_len + member_len + errors_len;
    whole[*len - 1] = '}';
    whole[*len] = '\0';
    return whole;
}

long problem_retry_after(const struct problem *problem)
{
    if (problem->status == 503)
        return BUSY_SECONDS;
    if (problem->status != 429)
        return 0;

    json_auto_t *errors = problem->errors != NULL ? json_loads(problem->errors, 0, NULL) : NULL;
    const char *seconds = json_string_value(json_array_get(json_object_get(errors, "Retry-After"), 0));
    long number = seconds != NULL ? strtol(seconds, NULL, 10) : 0;

    return number > 0 ? number : BUSY_SECONDS;
}

int problem_status_of_sqlstate(const char *sqlstate)
{
    if (sqlstate == NULL || strlen(sqlstate) != 5)
        return 500;
    if (memcmp(sqlstate, "PT", 2) == 0) {
        int status = atoi(sqlstate + 2);

        return status >= 400 && status <= 599 ? status : 500;
    }
    for (size_t i = 0; i < sizeof(sqlstates) / sizeof(sqlstates[0]); i++) {
        if (strncmp(sqlstate, sqlstates[i].sqlstate, strlen(sqlstates[i].sqlstate)) == 0)
            return sqlstates[i].status;
    }
    return 500;
}
