#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"
#include "harness/flood.h"
#include "harness/process.h"
#include "http/concurrency/mixture.h"
#include "retry.h"

/* Many requests with one Idempotency-Key, or none, at once. */

#define CALLERS 24
/* Concurrently, and with SOAK set. */
#define PEOPLE 40
#define MAX_PEOPLE 200
#define TWINS 50

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
Test(retry, refuses_a_key_of_a_request_in_progress)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct caller first = {.body = body};
    struct answer again;

    account_lock(pg, account);
    cr_assert_eq(pthread_create(&first.thread, NULL, post_one, &first), 0);
    await_waiting(pg, 1);
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

Test(retry, concurrent_requests_are_done_once)
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

Test(retry, crowds_create_each_person_once)
{
    run_crowd(false);
}

Test(retry, crowds_with_keys_create_each_person_once)
{
    run_crowd(true);
}
