#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/flood.h"
#include "harness/process.h"
#include "harness/service.h"
#include "http/concurrency/mixture.h"

/* Idempotency-Key over HTTP; tests/sql tests the database's part. */

#define CALLERS 24
/* Concurrently, and with SOAK set. */
#define PEOPLE 40
#define MAX_PEOPLE 200
#define TWINS 50

TestSuite(retry, .init = service_set_up, .fini = service_tear_down, .timeout = 240);

static struct answer send(const char *method, const char *path, const char *token, const char *body,
    const char *first_header, const char *second_header)
{
    const char *const headers[] = {"Content-Type: application/json", first_header, second_header, NULL};

    return request(server, method, path, token, body, headers);
}

static struct answer send_with_key(const char *path, const char *token, const char *body, const char *key)
{
    char line[600];

    snprintf(line, sizeof(line), "Idempotency-Key: %s", key);
    return send("POST", path, token, body, line, NULL);
}

/* The same bytes, and the same headers except those of the exchange itself. */
static void expect_replay(const struct answer *replay, const struct answer *first)
{
    static const char *const names[] = {"location", "content-type", "cache-control", "content-length"};

    cr_expect_eq(replay->status, first->status, "%ld %s", replay->status, replay->text);
    cr_expect_str_eq(replay->text, first->text);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *value = answer_header(first, names[i]);

        expect_header(replay, names[i], value);
        free(value);
    }
    expect_header(first, "idempotency-replayed", "");
    expect_header(replay, "idempotency-replayed", "true");
}

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

Test(retry, gives_the_answer_again_in_both_spellings_of_the_key)
{
    static const char *const keys[][2] = {
        {"8e03978e-40d5-43dd-bc93-6894a57f9324", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""}, {"\"simple\"", "simple"}};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
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

Test(retry, gives_every_answer_of_a_post_again)
{
    static const struct {
        const char *path, *elapsed;
        bool has_body;
    } cases[] = {
        {"/resend-invite", "0", false}, {"/send-new-invite", "8 days", false}, {"/groups", "0", true}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (enum path_form form = PATH_OF_ACCOUNT_USER; form < PATH_FORMS; form++) {
            char *email = new_email(), *body = create_body(email, NULL, NULL), *path, *group = NULL, key[32];
            struct member *member = member_invite(server, account->token, body);
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
            free(email);
            free(body);
            free(path);
            free(group);
        }
    }
}

Test(retry, tells_another_request_from_the_first)
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
Test(retry, keeps_the_keys_of_each_caller_apart)
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

Test(retry, takes_back_what_is_too_old_and_refuses_who_may_no_longer_call)
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
    for (size_t i = 0; i <= sizeof(keys) / sizeof(keys[0]) + 1; i++) {
        if (i < sizeof(keys) / sizeof(keys[0]))
            answer = send_with_key(ACCOUNT_USERS, account->token, body, keys[i]);
        else if (i == sizeof(keys) / sizeof(keys[0]))
            answer = send_with_key(ACCOUNT_USERS, account->token, body, long_key);
        else
            answer =
                send("POST", ACCOUNT_USERS, account->token, body, "Idempotency-Key: a", "idempotency-key: a");
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
Test(retry, passes_over_a_key_where_it_means_nothing)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *path;
    struct member *member = member_invite(server, account->token, body);
    struct answer first, second;

    path = member_path(member, PATH_OF_ACCOUNT_USER, "");
    first = send("DELETE", path, account->token, NULL, "Idempotency-Key: gone", NULL);
    second = send("DELETE", path, account->token, NULL, "Idempotency-Key: gone", NULL);
    cr_expect_eq(first.status, 204, "%ld %s", first.status, first.text);
    cr_expect_eq(second.status, 404, "%ld %s", second.status, second.text);
    answer_free(&first);
    answer_free(&second);
    member_free(member);
    free(email);
    free(body);
    free(path);
}

struct caller {
    pthread_t thread;
    const char *body;
    struct answer answer;
};

static void *post_one(void *data)
{
    struct caller *caller = data;

    caller->answer = send_with_key(ACCOUNT_USERS, account->token, caller->body, "at-once");
    return NULL;
}

/* A lock delays the first request, and concurrent ones are refused at once. */
Test(retry, tells_who_asks_while_the_first_is_being_done)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct caller first = {.body = body};
    struct answer again;
    bool is_held = false;

    free(database_query(pg, "begin", NULL));
    free(
        database_query(pg, "select key from accounts.account where key = internal.account_key($1) for update",
            account->id, NULL));
    cr_assert_eq(pthread_create(&first.thread, NULL, post_one, &first), 0);
    for (int i = 0; i < 1000 && !is_held; i++) {
        char *waiting = database_query(pg,
            "select exists (select from pg_locks where not granted and pg_backend_pid() = any "
            "(pg_blocking_pids(pid)))",
            NULL);

        is_held = strcmp(waiting, "t") == 0;
        free(waiting);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_assert(is_held, "the first does not wait for the lock");
    for (int i = 0; i < 3; i++) {
        again = send_with_key(ACCOUNT_USERS, account->token, body, "at-once");
        cr_expect_eq(again.status, 409, "%ld %s", again.status, again.text);
        cr_expect_str_eq(answer_text(&again, "type", NULL), "/problems/request-in-progress");
        answer_free(&again);
    }
    free(database_query(pg, "commit", NULL));
    pthread_join(first.thread, NULL);
    again = send_with_key(ACCOUNT_USERS, account->token, body, "at-once");
    cr_expect_eq(first.answer.status, 201, "%ld %s", first.answer.status, first.answer.text);
    expect_replay(&again, &first.answer);
    answer_free(&first.answer);
    answer_free(&again);
    free(email);
    free(body);
}

Test(retry, does_once_what_many_ask_at_once)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *state;
    struct caller callers[CALLERS];
    const struct answer *first = NULL;
    size_t made = 0;

    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.body = body};
        cr_assert_eq(pthread_create(&callers[i].thread, NULL, post_one, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        char *replayed;

        pthread_join(callers[i].thread, NULL);
        replayed = answer_header(&callers[i].answer, "idempotency-replayed");
        if (callers[i].answer.status == 201 && *replayed == '\0') {
            made++;
            first = &callers[i].answer;
        }
        free(replayed);
    }
    cr_assert_eq(made, 1, "%zu were done", made);
    for (size_t i = 0; i < CALLERS; i++) {
        const struct answer *answer = &callers[i].answer;

        if (answer->status == 201)
            cr_expect_str_eq(answer->text, first->text);
        else
            cr_expect_str_eq(
                answer_text(answer, "type", NULL), "/problems/request-in-progress", "%s", answer->text);
    }
    state = database_query(pg,
        "select concat_ws(' ', count(*), count(i), count(o)) from accounts.person as p"
        " join accounts.account_user as u on u.person_key = p.key"
        " join accounts.invitation as i on i.account_user_key = u.key"
        " join accounts.outbox as o on o.invitation_key = i.key where u.email = $1",
        email, NULL);
    cr_expect_str_eq(state, "1 1 1", "memberships, invitations, mails: %s", state);
    for (size_t i = 0; i < CALLERS; i++)
        answer_free(&callers[i].answer);
    free(state);
    free(email);
    free(body);
}

/* The same request over many connections concurrently, for each of many people. */
struct crowd {
    bool has_key;
    size_t count;
    char *emails[MAX_PEOPLE];
    unsigned made[MAX_PEOPLE];
    unsigned replayed, in_progress, others;
};

static char *crowd_next(void *data, size_t index, enum flood_manner *manner)
{
    struct crowd *crowd = data;
    char *body = create_body(crowd->emails[index / TWINS], NULL, NULL), *bytes = NULL, key[64] = "";

    (void)manner;
    if (crowd->has_key)
        snprintf(key, sizeof(key), "Idempotency-Key: crowd-%zu\r\n", index / TWINS);
    cr_assert_geq(
        asprintf(&bytes,
            "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Authorization: Bearer %s\r\n%sContent-Length: %zu\r\n\r\n%s",
            account->token, key, strlen(body), body),
        0);
    free(body);
    return bytes;
}

static void crowd_on_answer(void *data, size_t index, const struct answer *answer)
{
    struct crowd *crowd = data;
    char *replayed = answer_header(answer, "idempotency-replayed");

    if (answer->status == 201 && *replayed == '\0')
        crowd->made[index / TWINS]++;
    else if (answer->status == 201)
        crowd->replayed++;
    else if (strcmp(answer_text(answer, "type", NULL), "/problems/request-in-progress") == 0)
        crowd->in_progress++;
    else
        crowd->others++;
    free(replayed);
}

static void run_crowd(bool has_key)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    struct flood flood = {.servers = &server,
        .server_count = 1,
        .data = crowd,
        .next = crowd_next,
        .on_answer = crowd_on_answer};
    char *state, *expected = NULL;

    crowd->has_key = has_key;
    crowd->count = is_soak() ? MAX_PEOPLE : PEOPLE;
    for (size_t i = 0; i < crowd->count; i++)
        crowd->emails[i] = new_email();
    flood.count = crowd->count * TWINS;
    flood_run(&flood);
    for (size_t i = 0; i < crowd->count; i++) {
        cr_expect_eq(
            crowd->made[i], has_key ? 1 : TWINS, "person %zu was invited %u times", i, crowd->made[i]);
        free(crowd->emails[i]);
    }
    cr_expect_eq(crowd->others, 0, "%u got something else", crowd->others);
    cr_expect(!has_key || crowd->replayed > 0, "no answer was given again");
    state = database_query(pg,
        "select concat_ws(' ', count(distinct u.key), count(distinct u.person_key), count(i),"
        " count(i) filter (where i.status = 'Open')) from accounts.account_user as u"
        " join accounts.invitation as i on i.account_user_key = u.key"
        " where u.account_key = internal.account_key($1)",
        account->id, NULL);
    cr_assert_geq(asprintf(&expected, "%zu %zu %zu %zu", crowd->count, crowd->count,
                      has_key ? crowd->count : flood.count, crowd->count),
        0);
    cr_expect_str_eq(state, expected, "memberships, people, invitations, open: %s", state);
    free(state);
    free(expected);
    free(crowd);
}

Test(retry, makes_one_of_each_in_a_crowd)
{
    run_crowd(false);
}

Test(retry, makes_one_of_each_in_a_crowd_with_keys)
{
    run_crowd(true);
}
