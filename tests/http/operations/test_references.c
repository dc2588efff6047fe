#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/cluster.h"
#include "harness/service.h"

/* Requests that lose a race to a transaction which changes what they refer to are retried, and answered as
 * if they had come after it. Each is a set of one. */

static void set_up(void)
{
    service_start((const char *[]){"--workers", "1", NULL});
}

TestSuite(references, .init = set_up, .fini = service_tear_down, .timeout = 120);

/* A request on its own thread. */
struct sender {
    pthread_t thread;
    const char *method;
    char *path, *body;
    struct answer answer;
};

static void *run(void *data)
{
    struct sender *sender = data;

    sender->answer = request_json(server, sender->method, sender->path, account->token, sender->body);
    return NULL;
}

/* Commits pg's transaction once the request waits for it, and returns the request's answer. */
static struct answer race(const char *method, const char *path, const char *body)
{
    struct sender sender = {.method = method, .path = strdup(path), .body = strdup(body)};

    pthread_create(&sender.thread, NULL, run, &sender);
    await_waiting(pg, 1);
    free(database_query(pg, "commit", NULL));
    pthread_join(sender.thread, NULL);
    free(sender.path);
    free(sender.body);
    return sender.answer;
}

/* Begins a transaction that deletes the other group of the account. */
static void begin_to_delete(const char *group)
{
    free(database_query(pg, "begin", NULL));
    free(database_query(pg,
        "delete from accounts.user_group_module where user_group_key = internal.user_group_key($1)", group,
        NULL));
    free(database_query(pg,
        "delete from accounts.user_group_buyer where user_group_key = internal.user_group_key($1)", group,
        NULL));
    free(database_query(
        pg, "delete from accounts.user_group where key = internal.user_group_key($1)", group, NULL));
}

static void expect_refusal(struct answer *answer, const char *field)
{
    cr_expect_eq(answer->status, 400, "%ld %s", answer->status, answer->text);
    cr_expect_not_null(strstr(answer->text, field), "%s", answer->text);
    cr_expect_not_null(strstr(answer->text, "is not a group of this account"), "%s", answer->text);
    answer_free(answer);
}

Test(references, to_a_concurrently_deleted_group_give_400)
{
    static const struct {
        const char *method, *before, *after, *field;
    } cases[] = {
        {"POST", "{\"id\":\"", "\"}", "\"id\""},
        {"PUT", "[{\"id\":\"", "\"}]", "\"[0].id\""},
    };
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct member *member = member_invite(server, account->token, body);
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, "/groups");
    struct answer answer;

    free(body);
    free(email);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *group = database_query(pg,
            "select api.create_user_group(jsonb_build_object('account', jsonb_build_object('id', $1::text),"
            " 'name', $2::text)) ->> 'id'",
            account->id, cases[i].method, NULL);

        body = NULL;
        cr_assert_geq(asprintf(&body, "%s%s%s", cases[i].before, group, cases[i].after), 0);
        begin_to_delete(group);
        answer = race(cases[i].method, path, body);
        expect_refusal(&answer, cases[i].field);
        free(body);
        free(group);
    }
    email = new_email();
    body = create_body(email, NULL, account->other_group);
    begin_to_delete(account->other_group);
    answer = race("POST", ACCOUNT_USERS, body);
    expect_refusal(&answer, "\"groups[0].id\"");
    free(body);
    free(email);
    free(path);
    member_free(member);
}

Test(references, to_a_changed_default_group_use_the_new_one)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct answer answer;

    begin_to_delete(account->default_group);
    free(database_query(pg,
        "update accounts.user_group set is_default = true where key = internal.user_group_key($1)",
        account->other_group, NULL));
    answer = race("POST", ACCOUNT_USERS, body);
    cr_expect_eq(answer.status, 201, "%ld %s", answer.status, answer.text);
    cr_expect_not_null(strstr(answer.text, account->other_group), "%s", answer.text);
    answer_free(&answer);
    free(body);
    free(email);
}

/* Addresses on which tests/harness/poison.sql makes the first insert fail. Errors that are not caused by a
 * race are not retried, because that would hide mistakes. */
Test(references, only_lost_races_are_retried)
{
    static const struct {
        const char *sqlstate;
        long status;
    } cases[] = {
        {"23503", 201},
        {"23505", 201},
        {"40001", 201},
        {"40P01", 201},
        {"23502", 500},
        {"23514", 500},
        {"22P02", 500},
        {"42501", 500},
        {"XX000", 500},
        {"XX001", 500},
        {"55P03", 503},
        {"57014", 504},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char *tail = new_email(), *email = NULL, *body;
        struct answer answer;

        cr_assert_geq(asprintf(&email, "race-%s-%s", cases[i].sqlstate, tail), 0);
        body = create_body(email, NULL, NULL);
        free(database_query(pg, "select setval('public.poison_race', 2)", NULL));
        answer = request_json(server, "POST", ACCOUNT_USERS, account->token, body);
        cr_expect_eq(
            answer.status, cases[i].status, "%s: %ld %s", cases[i].sqlstate, answer.status, answer.text);
        answer_free(&answer);
        free(body);
        free(email);
        free(tail);
    }
}
