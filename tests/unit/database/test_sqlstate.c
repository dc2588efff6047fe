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
        /* The connection, as reported by PostgreSQL or a pooler. */
        {"08006", 503}, {"08P01", 503}, {"08003", 503},
        /* Too many connections, disk full, out of memory, a limit of the configuration. */
        {"53300", 503}, {"53100", 503}, {"53200", 503}, {"53400", 503}, {"53000", 503},
        /* Shutdown, crash, recovery under way, database dropped, idle too long. */
        {"57P01", 503}, {"57P02", 503}, {"57P03", 503}, {"57P04", 503}, {"57P05", 503},
        /* I/O errors; a missing file. */
        {"58000", 503}, {"58030", 503}, {"58P01", 503},
        /* A standby; an idle transaction timeout; an old snapshot. */
        {"25006", 503}, {"25P03", 503}, {"72000", 503},
        /* A prepared statement does not exist any more. */
        {"26000", 503},
        /* A mistake of accountsd, or a corrupt database. */
        {"0A000", 500}, {"23505", 500}, {"25P02", 500}, {"42501", 500}, {"42883", 500}, {"22P02", 500},
        {"54001", 500}, {"P0001", 500}, {"XX000", 500}, {"XX001", 500}, {"", 500}, {NULL, 500}};

    for (size_t i = 0; i < COUNT(cases); i++)
        cr_assert_eq(sqlstate_status(cases[i].sqlstate), cases[i].status, "%s", cases[i].sqlstate);
}
