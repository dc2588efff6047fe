#include "http/problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/memory.h"
#include "base/text.h"

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
    {405, "Method Not Allowed", "The path does not allow this method."},
    {408, "Request Timeout", "The request took too long to arrive."},
    {409, "Conflict", "The request conflicts with the current state."},
    {410, "Gone", NULL},
    {411, "Length Required", "A body needs a Content-Length."},
    {413, "Content Too Large", "The body is too large."},
    {415, "Unsupported Media Type", "The body must be application/json in UTF-8, not compressed."},
    {417, "Expectation Failed", "The only expectation that can be met is 100-continue."},
    {422, "Unprocessable Content", "The idempotency key was used for another request."},
    {429, "Too Many Requests", "There are too many requests."},
    {431, "Request Header Fields Too Large", "The head of the request is too long."},
    {PROBLEM_ABORTED, "Aborted", NULL},
    {500, "Internal Server Error", "The server failed. Its log has the reason, under the trace id."},
    {501, "Not Implemented", "The service does not implement the method."},
    {503, "Service Unavailable", "The service is busy or its database is unavailable. Try again later."},
    {504, "Gateway Timeout", "The database took too long."},
};

/* The default for Retry-After. */
#define BUSY_SECONDS 1

#define STATUS_COUNT COUNT(statuses)

static const struct problem_type types[] = {
    {"wrong-code", 400, "The code of the invitation is wrong",
        "The code is not one of an invitation of this membership. It was cut or mistyped, or belongs to "
        "another membership. Nothing was changed. Use the link of the latest mail as it is.",
        0},
    {"invitation-expired", 400, "The invitation has expired",
        "The time in which the invitation could be accepted or sent again is over. A caller with a token "
        "makes a new one with POST .../send-new-invite.",
        0},
    {"invitation-superseded", 400, "The code was replaced by a newer one",
        "The invitation was sent again since, and only the code that was sent last accepts it. Use the "
        "latest mail.",
        0},
    {"invitation-revoked", 400, "The invitation was revoked",
        "The invitation, or the membership that it led to, was ended by the account. Only a new invitation "
        "helps.",
        0},
    {"invitation-accepted", 400, "The invitation was accepted",
        "The membership is active, so there is nothing to send again.", 0},
    {"invitation-open", 400, "The invitation is still open",
        "A new invitation is made only where the last one has expired. Send the open one again with POST "
        ".../resend-invite.",
        0},
    {"last-group", 400, "The last group cannot be taken away",
        "A membership has at least one group. Replace its groups with PUT .../groups, or end it with DELETE.",
        0},
    {"request-in-progress", 409, "The first request with this idempotency key is still being done",
        "Its answer is not known yet. Send the request again, with the same key, after Retry-After seconds.",
        1},
    {"idempotency-key-reused", 422, "The idempotency key was used for another request",
        "A key belongs to one request: the same operation, path, query and body. Use a new key for another.",
        0},
};

#define TYPE_COUNT COUNT(types)
#define TYPES_LEN (sizeof(PROBLEM_TYPES) - 1)

size_t problem_type_count(void)
{
    return TYPE_COUNT;
}

const struct problem_type *problem_type_at(size_t index)
{
    return &types[index];
}

const struct problem_type *problem_type_find(const char *name, size_t len)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (text_equals(name, len, types[i].name))
            return &types[i];
    }
    return NULL;
}

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

    /* The errors are JSON already: insert them before the closing brace. */
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
    const struct problem_type *type =
        problem->type != NULL && strncmp(problem->type, PROBLEM_TYPES, TYPES_LEN) == 0
            ? problem_type_find(problem->type + TYPES_LEN, strlen(problem->type) - TYPES_LEN)
            : NULL;

    if (type != NULL)
        return type->retry_after;
    if (problem->status == 503)
        return BUSY_SECONDS;
    if (problem->status != 429)
        return 0;
    return problem->retry_after > 0 ? problem->retry_after : BUSY_SECONDS;
}
