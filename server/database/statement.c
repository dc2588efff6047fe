#include "database/statement.h"

#define COLUMNS "ordinal, status, id, body, detail, errors, type, is_replay, is_rolled_back"
#define CALL(function) "select " COLUMNS " from " function "($1::jsonb)"
/* The setting lasts for the transaction. The function's argument depends on it, so it is set first. */
#define CALL_WITH_SHORT_LOCK_TIMEOUT(function)                                                               \
    "select " COLUMNS " from set_config('lock_timeout', '100', true) as c"                                   \
    " cross join lateral " function "(case when c is not null then $1::jsonb end)"
#define BOTH(function) CALL(function), CALL_WITH_SHORT_LOCK_TIMEOUT(function)

const struct statement_text statements[STATEMENT_COUNT] = {
    [STATEMENT_CHECK_TOKENS] = {"check_tokens", BOTH("api.check_tokens"), true, false},
    [STATEMENT_CREATE_ACCOUNT_USERS] = {"create_account_users", BOTH("api.create_account_users"), true, true},
    [STATEMENT_READ] = {"read", BOTH("api.serve"), true, false},
    [STATEMENT_LIST] = {"list", BOTH("api.serve"), false, false},
    [STATEMENT_CHANGE] = {"change", BOTH("api.serve"), false, true},
};
