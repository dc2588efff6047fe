#include "statement.h"

#define COLUMNS "ordinal, status, id, body, detail, errors, type, is_replay, is_rolled_back"
#define SERVE "select " COLUMNS " from api.serve($1::jsonb)"

const struct statement_text statements[STATEMENT_COUNT] = {
    [STATEMENT_CREATE_ACCOUNT_USERS] = {"create_account_users",
        "select " COLUMNS " from api.create_account_users($1::jsonb)", true, true},
    [STATEMENT_READ] = {"read", SERVE, true, false},
    [STATEMENT_LIST] = {"list", SERVE, false, false},
    [STATEMENT_CHANGE] = {"change", SERVE, false, true},
};
