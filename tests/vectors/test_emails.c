#include <criterion/criterion.h>
#include <stdlib.h>

#include "vector.h"
#include "verdict.h"

/* The key of an address is the one that its row has. */

/* In a copy of the table without its constraints, where addresses with the same key have room. */
Test(emails, have_the_key_of_their_row)
{
    static const char *const path[VECTOR_MAX_STEPS] = {"user", "email"};
    PGconn *connection = verdict_connect();
    json_auto_t *emails = vector_sound_texts("emails.jsonl", path);
    char *array = json_dumps(emails, JSON_COMPACT);

    PQclear(verdict_query(connection,
        "create temporary table person (like accounts.person including defaults including generated "
        "including identity)",
        NULL, NULL));
    PGresult *result = verdict_query(connection,
        "insert into pg_temp.person (email, first_name, last_name) "
        "select t.value, 'Ann', 'Lee' from jsonb_array_elements_text($1) as t (value) "
        "returning email, email_key, internal.email_key(email)",
        array, NULL);
    cr_assert_eq((size_t)PQntuples(result), json_array_size(emails));
    for (int row = 0; row < PQntuples(result); row++)
        cr_expect_str_eq(PQgetvalue(result, row, 1), PQgetvalue(result, row, 2), "the key of %s",
            PQgetvalue(result, row, 0));
    PQclear(result);
    PQfinish(connection);
    free(array);
}
