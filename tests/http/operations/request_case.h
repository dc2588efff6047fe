/* Who may do what to whom: every operation x whose and what ids, in path and body x every kind of caller, and
 * what the contract says to each. */

#ifndef REQUEST_CASE_H
#define REQUEST_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/route.h"

/* Whose something is: one account of each kind. */
enum place { CLIENT, VENDOR, OPERATIONS, DISABLED, PLACES };

enum token_kind { TOKEN_GOOD, TOKEN_DISABLED, TOKEN_OF_DISABLED, TOKEN_NONE };

struct caller {
    const char *name;
    enum place own, other;
    enum token_kind token;
};

/* What an id may be. ABSENT: left out; of a code: a wrong one. */
enum value { OWN, OTHER, UNKNOWN, MALFORMED, ABSENT, VALUES };

/* Where a request has ids. */
enum slot { ACCOUNT, USER, ACCOUNT_USER, GROUP, BODY_ACCOUNT, BODY_GROUP, CODE, SLOTS };

struct request_case {
    const struct route *route;
    const struct caller *caller;
    enum value values[SLOTS];
    long expected;
    /* Whose membership or account it is about; PLACES where there is none. */
    enum place place;
    /* Status, headers but for the date, body. */
    char *seen;
};

/* NULL where there are no more. */
const struct caller *caller_at(size_t index);
/* PLACES where the value is nobody's. */
enum place caller_place(const struct caller *caller, enum value value);

bool is_operation(const struct route *route, const char *operation);

/* All cases of a route and a caller; how many, which live until the next call. */
size_t request_cases_make(const struct route *route, const struct caller *caller, struct request_case **made);
/* The one with the same ids but what is another's for what is nobody's and the other way round; NULL where
 * nothing is another's. */
const struct request_case *request_case_twin(
    const struct request_case *the_case, const struct request_case *others, size_t count);
/* Whose membership the path names, seen or not. */
enum place request_case_member_place(const struct request_case *the_case);
/* For messages; the caller frees it. */
char *request_case_describe(const struct request_case *the_case);

#endif
