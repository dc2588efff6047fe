#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/count.h"
#include "harness/flood.h"
#include "harness/process.h"
#include "harness/service.h"
#include "http/concurrency/mixture.h"
#include "retry.h"

/* Idempotency-Key over HTTP; tests/sql tests the database's part. */

TestSuite(retry, .init = service_set_up, .fini = service_tear_down, .timeout = 240);

static void expect_accepts(const struct answer *invited)
{
    struct member *member = member_of(invited->body);
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, "/accept-invite"),
         *body = accept_body(member->code);
    struct answer answer = send_with_key(path, NULL, body, "accept"), again;

    cr_expect_eq(answer.status, 200, "%ld %s", answer.status, answer.text);
    again = send_with_key(path, NULL, body, "accept");
    expect_replay(&again, &answer);
    answer_free(&answer);
    answer_free(&again);
    free(path);
    free(body);
    member_free(member);
}

Test(retry, replays_the_answer_for_both_forms_of_the_key)
{
    static const char *const keys[][2] = {
        {"8e03978e-40d5-43dd-bc93-6894a57f9324", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""}, {"\"simple\"", "simple"}};

    for (size_t i = 0; i < COUNT(keys); i++) {
        char *email = new_email(), *body = create_body(email, NULL, NULL);
        struct answer first = send_with_key(ACCOUNT_USERS, account->token, body, keys[i][0]);
        struct answer second = send_with_key(ACCOUNT_USERS, account->token, body, keys[i][1]);

        cr_assert_eq(first.status, 201, "%ld %s", first.status, first.text);
        expect_replay(&second, &first);
        expect_accepts(&second);
        answer_free(&first);
        answer_free(&second);
        free(email);
        free(body);
    }
}

Test(retry, replays_every_answer_of_a_post)
{
    static const struct {
        const char *path, *elapsed;
        bool has_body;
    } cases[] = {
        {"/resend-invite", "0", false}, {"/send-new-invite", "8 days", false}, {"/groups", "0", true}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
            char *path, *group = NULL, key[32];
            struct member *member = member_invite_new(server, account);
            struct answer first, second;

            snprintf(key, sizeof(key), "post-%zu-%d", i, (int)form);
            cr_assert_geq(asprintf(&group, "{\"id\":\"%s\"}", account->other_group), 0);
            free(database_query(pg,
                "update accounts.invitation set sent_at = sent_at - $2::interval, expires_at = expires_at - "
                "$2::interval where account_user_key = internal.account_user_key($1)",
                member->id, cases[i].elapsed, NULL));
            path = member_path(member, form, cases[i].path);
            first = send_with_key(path, account->token, cases[i].has_body ? group : "", key);
            second = send_with_key(path, account->token, cases[i].has_body ? group : "", key);
            cr_expect_eq(first.status, 200, "%ld %s", first.status, first.text);
            expect_replay(&second, &first);
            answer_free(&first);
            answer_free(&second);
            member_free(member);
            free(path);
            free(group);
        }
    }
}

Test(retry, refuses_a_key_of_another_request)
{
    char *email = new_email(), *other_email = new_email();
    char *body = create_body(email, NULL, NULL), *another = create_body(other_email, NULL, NULL), *count;
    struct answer first = send_with_key(ACCOUNT_USERS, account->token, body, "one");
    struct answer second = send_with_key(ACCOUNT_USERS, account->token, another, "one");
    struct answer third = send_with_key(ACCOUNT_USERS "?select=-audit", account->token, body, "one");

    cr_expect_eq(first.status, 201, "%ld %s", first.status, first.text);
    cr_expect_eq(second.status, 422, "%ld %s", second.status, second.text);
    cr_expect_eq(third.status, 422, "%ld %s", third.status, third.text);
    cr_expect_str_eq(answer_text(&second, "type", NULL), "/problems/idempotency-key-reused");
    cr_expect_str_eq(answer_text(&second, "title", NULL), "Unprocessable Content");
    expect_header(&second, "idempotency-replayed", "");
    count = database_query(pg,
        "select count(*) from accounts.person where email_key = internal.email_key($1)", other_email, NULL);
    cr_expect_str_eq(count, "0", "it was done all the same");
    answer_free(&first);
    answer_free(&second);
    answer_free(&third);
    free(count);
    free(email);
    free(other_email);
    free(body);
    free(another);
}

/* A key belongs to its token. The same token in psql meets the same key, but cannot derive the code. */
Test(retry, keys_belong_to_a_caller)
{
    struct account *operations = account_make(pg, "Operations");
    char *email = new_email(), *body = create_body(email, account->id, NULL), *found;
    struct answer first = send_with_key(ACCOUNT_USERS, account->token, body, email);
    struct answer second = send_with_key(ACCOUNT_USERS, operations->token, body, email);
    PGresult *result;
    const char *secret = strrchr(account->token, ':') + 1;
    const char *parameters[] = {body, account->token_id, email, secret};

    cr_expect_eq(first.status, 201, "%ld %s", first.status, first.text);
    cr_expect_eq(second.status, 201, "%ld %s", second.status, second.text);
    expect_header(&second, "idempotency-replayed", "");
    cr_expect_str_neq(first.text, second.text);
    result = PQexecParams(pg,
        "select api.create_account_user($1::jsonb, $2 || ':' || encode(sha256(convert_to($4, 'UTF8')), "
        "'hex'),"
        " idempotency_key => $3)",
        4, NULL, parameters, NULL, NULL, 0);
    cr_expect_str_eq(PQresultErrorField(result, PG_DIAG_SQLSTATE), "PT422", "%s", PQerrorMessage(pg));
    PQclear(result);
    found = database_query(
        pg, "select api.create_account_user($1::jsonb, idempotency_key => $2) ->> 'id'", body, email, NULL);
    cr_expect_str_eq(found, answer_text(&first, "id", NULL), "a DBA's key is another");
    answer_free(&first);
    answer_free(&second);
    account_free(operations);
    free(found);
    free(email);
    free(body);
}

Test(retry, keys_expire_and_replays_need_authorization)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct answer first = send_with_key(ACCOUNT_USERS, account->token, body, "old"), second, third;

    free(database_query(pg,
        "update accounts.idempotency_key set created_at = created_at - interval '24 hours 1 second' where id "
        "= $1",
        answer_text(&first, "id", NULL), NULL));
    second = send_with_key(ACCOUNT_USERS, account->token, body, "old");
    cr_expect_eq(second.status, 201, "%ld %s", second.status, second.text);
    expect_header(&second, "idempotency-replayed", "");
    cr_expect_str_eq(answer_text(&second, "id", NULL), answer_text(&first, "id", NULL));
    cr_expect_str_neq(second.text, first.text);
    free(database_query(pg, "select api.disable_api_token($1)", account->token_id, NULL));
    third = send_with_key(ACCOUNT_USERS, account->token, body, "old");
    cr_expect_eq(third.status, 401, "%ld %s", third.status, third.text);
    answer_free(&first);
    answer_free(&second);
    answer_free(&third);
    free(email);
    free(body);
}

Test(retry, refuses_a_malformed_key_and_names_the_header)
{
    static const char *const keys[] = {"\"\"", "\"open", "a b", "\"a\"; q=1", "caf\xc3\xa9"};
    char *email = new_email(), *body = create_body(email, NULL, NULL), *count, long_key[258];
    struct answer answer;

    memset(long_key, 'x', sizeof(long_key) - 2);
    long_key[256] = '\0';
    for (size_t i = 0; i <= COUNT(keys) + 1; i++) {
        if (i < COUNT(keys))
            answer = send_with_key(ACCOUNT_USERS, account->token, body, keys[i]);
        else if (i == COUNT(keys))
            answer = send_with_key(ACCOUNT_USERS, account->token, body, long_key);
        else
            answer = send_json(
                "POST", ACCOUNT_USERS, account->token, body, "Idempotency-Key: a", "idempotency-key: a");
        cr_expect_eq(answer.status, 400, "%zu: %ld %s", i, answer.status, answer.text);
        cr_expect_not_null(
            json_object_get(json_object_get(answer.body, "errors"), "Idempotency-Key"), "%s", answer.text);
        answer_free(&answer);
    }
    count = database_query(
        pg, "select count(*) from accounts.person where email_key = internal.email_key($1)", email, NULL);
    cr_expect_str_eq(count, "0");
    free(count);
    free(email);
    free(body);
}

/* Methods other than POST are idempotent without a key. */
Test(retry, ignores_a_key_except_on_post)
{
    char *path;
    struct member *member = member_invite_new(server, account);
    struct answer first, second;

    path = member_path(member, PATH_OF_ACCOUNT_USER, "");
    first = send_json("DELETE", path, account->token, NULL, "Idempotency-Key: gone", NULL);
    second = send_json("DELETE", path, account->token, NULL, "Idempotency-Key: gone", NULL);
    cr_expect_eq(first.status, 204, "%ld %s", first.status, first.text);
    cr_expect_eq(second.status, 404, "%ld %s", second.status, second.text);
    answer_free(&first);
    answer_free(&second);
    member_free(member);
    free(path);
}
