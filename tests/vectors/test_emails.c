#include <criterion/criterion.h>
#include <stdlib.h>

#include "vector.h"
#include "verdict.h"

/* A person has the key of the address that they were invited by. */
Test(emails, have_the_key_of_their_person)
{
    static const char *const path[VECTOR_MAX_STEPS] = {"user", "email"};
    PGconn *connection = verdict_connect();
    json_auto_t *emails = vector_sound_texts("emails.jsonl", path);
    char *array = json_dumps(emails, JSON_COMPACT);

    PQclear(verdict_query(connection, "begin", NULL, NULL));
    PGresult *result = verdict_query(connection,
        "with account as ("
        " select api.create_account('{\"type\": \"Client\", \"name\": \"Vectors\"}') ->> 'id' as id offset 0"
        "), made as ("
        " select a.id, api.create_user_group(jsonb_build_object('account', jsonb_build_object('id', a.id),"
        "  'name', 'Vectors', 'isDefault', true)) from account as a offset 0"
        ") select t.value, (api.create_user(m.id, jsonb_build_object('user', jsonb_build_object("
        " 'email', t.value, 'firstName', 'Ann', 'lastName', 'Lee'))) ->> 'id')"
        " from made as m, jsonb_array_elements_text($1) as t (value)",
        array, NULL);
    cr_assert_eq((size_t)PQntuples(result), json_array_size(emails));
    for (int row = 0; row < PQntuples(result); row++) {
        PGresult *key = verdict_query(connection,
            "select p.email_key, internal.email_key($1) from accounts.person as p"
            " where p.key = internal.person_key($2)",
            PQgetvalue(result, row, 0), PQgetvalue(result, row, 1));

        cr_assert_eq(PQntuples(key), 1);
        cr_expect_str_eq(
            PQgetvalue(key, 0, 0), PQgetvalue(key, 0, 1), "the key of %s", PQgetvalue(result, row, 0));
        PQclear(key);
    }
    PQclear(result);
    PQclear(verdict_query(connection, "rollback", NULL, NULL));
    PQfinish(connection);
    free(array);
}
