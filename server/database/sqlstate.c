#include "database/sqlstate.h"

#include <stdlib.h>
#include <string.h>

#include "base/count.h"

/* SQLSTATEs and classes (the first two characters); the first match is used. */
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
    {"26000", 503}, /* invalid_sql_statement_name: a prepared statement is lost */
    {"72", 503},    /* snapshot too old */
    {"25P03", 503}, /* idle_in_transaction_session_timeout */
};

int sqlstate_status(const char *sqlstate)
{
    if (sqlstate == NULL || strlen(sqlstate) != 5)
        return 500;
    if (memcmp(sqlstate, "PT", 2) == 0) {
        int status = atoi(sqlstate + 2);

        return status >= 400 && status <= 599 ? status : 500;
    }
    for (size_t i = 0; i < COUNT(sqlstates); i++) {
        if (strncmp(sqlstate, sqlstates[i].sqlstate, strlen(sqlstates[i].sqlstate)) == 0)
            return sqlstates[i].status;
    }
    return 500;
}
