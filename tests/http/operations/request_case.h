/* Authorization: every operation x the owner of each id, in path and body x every kind of caller, and the
 * status by the contract. */

#ifndef REQUEST_CASE_H
#define REQUEST_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/route.h"

/* The owner of something: one account of each kind. */
enum place { CLIENT, VENDOR, OPERATIONS, DISABLED, PLACES };

enum token_kind { TOKEN_GOOD, TOKEN_DISABLED, TOKEN_OF_DISABLED, TOKEN_NONE };

struct caller {
    const char *name;
    enum place own, other;
    enum token_kind token;
};

/* The kinds of an id. ABSENT: left out; for a code: a wrong one. */
enum value { OWN, OTHER, UNKNOWN, MALFORMED, ABSENT, VALUES };

/* Where a request has ids. */
enum slot { ACCOUNT, USER, ACCOUNT_USER, GROUP, BODY_ACCOUNT, BODY_GROUP, CODE, SLOTS };

struct request_case {
    const struct route *route;
    const struct caller *caller;
    enum value values[SLOTS];
    long expected;
    /* The owner of the membership or account that it concerns; PLACES if there is none. */
    enum place place;
    /* Status, headers except the date, body. */
    char *seen;
};

/* NULL after the last one. */
const struct caller *caller_at(size_t index);
/* PLACES if the value belongs to no account. */
enum place caller_place(const struct caller *caller, enum value value);

bool is_operation(const struct route *route, const char *operation);

/* All cases of a route and a caller, valid until the next call; returns their number. */
size_t request_cases_make(const struct route *route, const struct caller *caller, struct request_case **made);
/* The case with the same ids, except that ids of another account are exchanged for unknown ones and the
 * reverse; NULL if there is no id of another account. */
const struct request_case *request_case_counterpart(
    const struct request_case *the_case, const struct request_case *others, size_t count);
/* The owner of the membership that the path names, visible or not. */
enum place request_case_member_place(const struct request_case *the_case);
/* For messages; the caller frees it. */
char *request_case_describe(const struct request_case *the_case);

#endif
