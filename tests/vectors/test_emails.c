#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/domain.h"
#include "random.h"
#include "vector.h"
#include "verdict.h"

/* The key of an address, which identifies the person with a mailbox. Only the database computes it; C
 * computes the same form of a domain. */

static const char *const path_of_email[VECTOR_MAX_STEPS] = {"user", "email"};

static void expect_none(PGconn *connection, const char *what, const char *sql, const char *emails)
{
    PGresult *result = verdict_query(connection, sql, emails, NULL);

    for (int row = 0; row < PQntuples(result); row++)
        cr_expect_fail("%s: %s", what, PQgetvalue(result, row, 0));
    PQclear(result);
}

#define EMAILS_WHOSE "select t.value from jsonb_array_elements_text($1::jsonb) as t (value) where "

static void check_keys(PGconn *connection, json_t *emails)
{
    char *array = json_dumps(emails, JSON_COMPACT);

    expect_none(connection, "has no key, or one that is not short",
        EMAILS_WHOSE "coalesce(octet_length(internal.email_key(t.value)), 0) not between 3 and 1024", array);
    expect_none(connection, "the key has another key",
        EMAILS_WHOSE "internal.email_key(internal.email_key(t.value)) <> internal.email_key(t.value)", array);
    expect_none(connection, "decomposed, it has another key",
        EMAILS_WHOSE "internal.email_key(normalize(t.value, nfd)) <> internal.email_key(t.value)", array);
    expect_none(connection, "the case of ASCII makes another key",
        EMAILS_WHOSE "internal.email_key(upper(t.value collate \"C\")) <> internal.email_key(t.value)",
        array);
    /* A letter of ASCII comes from one of ASCII only. */
    expect_none(connection, "the key has ASCII letters that the local part lacks",
        EMAILS_WHOSE "regexp_replace(lower(split_part(normalize(t.value, nfc), '@', 1) collate \"C\"), "
                     "'[^a-z]', '', 'g') <> "
                     "regexp_replace(split_part(internal.email_key(t.value), '@', 1), '[^a-z]', '', 'g')",
        array);
    expect_none(connection, "the key's domain is not ASCII in lower case",
        EMAILS_WHOSE "split_part(internal.email_key(t.value), '@', 2) !~ '^[a-z0-9.-]+$'", array);
    free(array);
}

Test(emails, have_stable_keys)
{
    PGconn *connection = verdict_connect();
    json_auto_t *emails = vector_valid_texts("emails.jsonl", path_of_email);

    check_keys(connection, emails);
    PQfinish(connection);
}

static json_t *judge_domain(json_t *input, void *data)
{
    char ascii[DOMAIN_MAX];

    (void)data;
    return domain_to_ascii(json_string_value(input), json_string_length(input), ascii) ? json_string(ascii)
                                                                                       : json_null();
}

/* The domain of an address, changed, behind a label that makes it pass through IDNA. */
static json_t *random_domain(json_t *emails)
{
    for (;;) {
        json_auto_t *email = random_text(emails);
        const char *at_sign = strchr(json_string_value(email), '@');

        if (at_sign != NULL && strlen(at_sign) < 240)
            return json_sprintf("%s%s", random_below(2) == 0 ? "xn--9ca." : "\xc3\xa9.", at_sign + 1);
    }
}

Test(random, domains)
{
    static const char sql[] =
        "select to_jsonb(internal.domain_ascii(t.value)) from jsonb_array_elements_text($2::jsonb) "
        "with ordinality as t (value, position) where $1 = 'domain' order by t.position";
    uint64_t seed = random_seed();
    PGconn *connection = verdict_connect();
    json_auto_t *emails = vector_valid_texts("emails.jsonl", path_of_email);

    for (size_t done = 0; done < RANDOM_INPUTS; done += RANDOM_INPUTS_A_CALL) {
        json_auto_t *inputs = json_array();

        for (size_t i = 0; i < RANDOM_INPUTS_A_CALL; i++)
            json_array_append_new(inputs, random_domain(emails));
        random_compare(connection, inputs, judge_domain, NULL, sql, "domain", seed);
    }
    PQfinish(connection);
}

Test(random, keys)
{
    uint64_t seed = random_seed();
    PGconn *connection = verdict_connect();
    json_auto_t *emails = vector_valid_texts("emails.jsonl", path_of_email);
    json_auto_t *sound = json_array();

    cr_log_info("TEST_SEED=%" PRIu64, seed);
    for (size_t i = 0; i < RANDOM_INPUTS; i++)
        json_array_append_new(sound, random_text(emails));
    char *array = json_dumps(sound, JSON_COMPACT);
    PGresult *result = verdict_query(connection,
        "select jsonb_agg(t.value) from jsonb_array_elements_text($1::jsonb) as t (value) "
        "where internal.text_errors('email', t.value) is null",
        array, NULL);
    json_auto_t *accepted = verdict_of_row(result, 0);
    cr_assert(json_array_size(accepted) > RANDOM_INPUTS / 20);
    check_keys(connection, accepted);
    PQclear(result);
    free(array);
    PQfinish(connection);
}

/* A person has the key of the address of their invitation. */
Test(emails, have_the_key_of_their_person)
{
    PGconn *connection = verdict_connect();
    json_auto_t *emails = vector_valid_texts("emails.jsonl", path_of_email);
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
