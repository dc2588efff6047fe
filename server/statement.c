#include "statement.h"

const struct statement_text statements[STATEMENT_COUNT] = {
    [STATEMENT_CREATE_ACCOUNT_USERS] = {"create_account_users",
        "select ordinal, status, id, body, detail, errors from api.create_account_users($1::jsonb)"},
};
