#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "vector.h"
#include "verdict.h"

/* The rules of requests exist twice, in server/ and in the database. Both are tested with the vectors,
 * whose verdicts are known. */

static void expect_verdict(
    const char *side, json_t *got, json_t *expected, const struct vector *vector, const char *at)
{
    char *got_text = verdict_shown(got), *expected_text = verdict_shown(expected);

    cr_expect(verdict_is_same(got, expected), "%s \"%s\": %s gives %s, expected is %s", at, vector->name,
        side, got_text, expected_text);
    free(got_text);
    free(expected_text);
}

static void check_vector(const struct vector *vector, const char *at, void *connection)
{
    json_auto_t *in_c = verdict_in_c(vector->body, vector->len);
    json_auto_t *in_sql = verdict_in_sql(connection, vector->body, vector->len);

    expect_verdict("C", in_c, vector->errors, vector, at);
    expect_verdict("SQL", in_sql, vector->sql_verdict, vector, at);
    if (vector->request != NULL) {
        char *escaped = json_dumps(vector->request, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        json_auto_t *of_escaped = verdict_in_c(escaped, strlen(escaped));

        expect_verdict("C, of the body in escapes,", of_escaped, vector->errors, vector, at);
        free(escaped);
    }
}

static void check_file(const char *file)
{
    PGconn *connection = verdict_connect();

    vector_for_each(file, check_vector, connection);
    PQfinish(connection);
}

Test(vectors, emails)
{
    check_file("emails.jsonl");
}

Test(vectors, names)
{
    check_file("names.jsonl");
}

Test(vectors, phones)
{
    check_file("phones.jsonl");
}

Test(vectors, tags)
{
    check_file("tags.jsonl");
}

Test(vectors, ids)
{
    check_file("ids.jsonl");
}

Test(vectors, structure)
{
    check_file("structure.jsonl");
}

Test(vectors, json)
{
    check_file("json.jsonl");
}
