#include <criterion/criterion.h>

#include "base/count.h"
#include "database/sqlstate.h"

Test(sqlstate, knows_the_status_of_an_sqlstate)
{
    static const struct {
        const char *sqlstate;
        int status;
    } cases[] = {{"PT400", 400}, {"PT409", 409}, {"PT503", 503}, {"PT200", 500}, {"PTxyz", 500},
        /* statement_timeout, pg_cancel_backend; lock_timeout. */
        {"57014", 504}, {"55P03", 503},
        /* Deadlock, serialization, statement completion unknown. */
        {"40P01", 503}, {"40001", 503}, {"40003", 503},
        /* The connection, or what a pooler says of it. */
        {"08006", 503}, {"08P01", 503}, {"08003", 503},
        /* Too many connections, disk full, out of memory, a limit of the configuration. */
        {"53300", 503}, {"53100", 503}, {"53200", 503}, {"53400", 503}, {"53000", 503},
        /* Shutdown, crash, recovery under way, database dropped, idle too long. */
        {"57P01", 503}, {"57P02", 503}, {"57P03", 503}, {"57P04", 503}, {"57P05", 503},
        /* Input and output; a file that is gone. */
        {"58000", 503}, {"58030", 503}, {"58P01", 503},
        /* A standby; idle in a transaction too long; a snapshot that is gone. */
        {"25006", 503}, {"25P03", 503}, {"72000", 503},
        /* What was prepared on the connection is gone. */
        {"26000", 503},
        /* Ours, or a broken database. */
        {"0A000", 500}, {"23505", 500}, {"25P02", 500}, {"42501", 500}, {"42883", 500}, {"22P02", 500},
        {"54001", 500}, {"P0001", 500}, {"XX000", 500}, {"XX001", 500}, {"", 500}, {NULL, 500}};

    for (size_t i = 0; i < COUNT(cases); i++)
        cr_assert_eq(sqlstate_status(cases[i].sqlstate), cases[i].status, "%s", cases[i].sqlstate);
}
