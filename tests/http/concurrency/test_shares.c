#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"
#include "harness/metric.h"

/* The shares of tokens: what a greedy one gets of the queue beside a calm one, and a made-up one of the
 * database. */

static PGconn *pg;
static struct account *calm, *greedy;
static struct member *member;
static char *url;

static void set_up(void)
{
    char *email = new_email(), *body, *answer;
    json_t *object;

    url = server_database_url(database_url());
    pg = database_connect(database_url());
    calm = account_make(pg, "Client");
    greedy = account_make(pg, "Client");
    body = create_body(email, calm->id, NULL);
    answer = database_query(pg, "select api.create_account_user($1::jsonb)", body, NULL);
    object = json_loads(answer, 0, NULL);
    member = member_of(object);
    json_decref(object);
    free(answer);
    free(body);
    free(email);
}

static void tear_down(void)
{
    member_free(member);
    account_free(calm);
    account_free(greedy);
    PQfinish(pg);
    free(url);
}

TestSuite(shares, .init = set_up, .fini = tear_down, .timeout = 120);

static struct server *start_narrow(const char *queue_size)
{
    return server_start(url, (const char *[]){"--workers", "1", "--database-connections", "1", "--set-size",
                                 "1", "--queue-size", queue_size, "--queue-timeout", "60000", NULL});
}

#define QUEUE_LENGTH "accountsd_database_queue_length"
#define BEHIND 10

/* One request of a token occupies the only connection, waiting for a lock, and more of its requests wait
 * for the connection. The request of another token, which comes last, is next. */
Test(shares, a_token_waits_behind_itself)
{
    struct server *server = start_narrow("64");
    struct poster locked, behind[BEHIND], last;
    char *key, *before;

    await_status(server, greedy, 201);
    await_status(server, calm, 201);
    account_lock(pg, greedy);
    poster_start(&locked, server, greedy, new_email());
    await_waiting(pg, 1);
    for (size_t i = 0; i < BEHIND; i++) {
        poster_start(&behind[i], server, greedy, new_email());
        await_metric(server, QUEUE_LENGTH, (double)i + 1);
    }
    poster_start(&last, server, calm, new_email());
    await_metric(server, QUEUE_LENGTH, BEHIND + 1);
    free(database_query(pg, "commit", NULL));
    poster_end(&last, 201);
    poster_end(&locked, 201);
    for (size_t i = 0; i < BEHIND; i++)
        poster_end(&behind[i], 201);
    key = database_query(pg,
        "select max(key) from accounts.account_user where account_key = internal.account_key($1)", calm->id,
        NULL);
    before = database_query(pg,
        "select count(*) from accounts.account_user"
        " where account_key = internal.account_key($1) and key > $2::bigint",
        greedy->id, key, NULL);
    cr_expect_str_eq(before, "10", "only %s of the earlier requests were answered later", before);
    free(key);
    free(before);
    server_end(server);
}

/* A token may fill only part of the queue, however many requests it sends. */
Test(shares, a_token_leaves_others_room_in_the_queue)
{
    struct server *server = start_narrow("8");
    struct poster locked, first[4], more, other;

    await_status(server, greedy, 201);
    await_status(server, calm, 201);
    account_lock(pg, greedy);
    poster_start(&locked, server, greedy, new_email());
    await_waiting(pg, 1);
    for (size_t i = 0; i < 4; i++) {
        poster_start(&first[i], server, greedy, new_email());
        await_metric(server, QUEUE_LENGTH, (double)i + 1);
    }
    poster_start(&more, server, greedy, new_email());
    poster_end(&more, 503);
    cr_expect_eq(metric(server, "accountsd_database_queue_refusals_total{reason=\"share\"}"), 1);
    poster_start(&other, server, calm, new_email());
    await_metric(server, QUEUE_LENGTH, 5);
    free(database_query(pg, "commit", NULL));
    poster_end(&other, 201);
    poster_end(&locked, 201);
    for (size_t i = 0; i < 4; i++)
        poster_end(&first[i], 201);
    server_end(server);
}

#define CHECKS "accountsd_database_call_duration_seconds_count{statement=\"check_tokens\"}"
#define READS "accountsd_database_call_duration_seconds_count{statement=\"read\"}"

static void expect_get(const struct server *server, const char *token, long status)
{
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, "");
    struct answer answer = request(server, "GET", path, token, NULL, NULL);

    cr_expect_eq(answer.status, status, "%ld: %s", answer.status, answer.text);
    answer_free(&answer);
    free(path);
}

/* Only the token is checked, once; each other token is checked too. */
Test(shares, unknown_tokens_cause_only_a_check)
{
    struct server *server = start_narrow("8");
    char *other = strdup(calm->token), *last = other + strlen(other) - 1;

    *last = *last == 'a' ? 'b' : 'a';
    for (size_t i = 0; i < 5; i++)
        expect_get(server, "idt:TKN-0000-0000:made-up-by-somebody-0001", 401);
    cr_expect_eq(metric(server, CHECKS), 1);
    cr_expect_eq(metric(server, "accountsd_refused_tokens_total"), 4);
    expect_get(server, "idt:TKN-0000-0000:made-up-by-somebody-0002", 401);
    expect_get(server, other, 401);
    cr_expect_eq(metric(server, CHECKS), 3);
    cr_expect_eq(metric(server, READS), 0);
    expect_get(server, calm->token, 200);
    expect_get(server, calm->token, 200);
    expect_get(server, other, 401);
    cr_expect_eq(metric(server, CHECKS), 4);
    cr_expect_eq(metric(server, READS), 2);
    free(other);
    server_end(server);
}

static void set_status(const char *status)
{
    free(database_query(pg,
        "update accounts.api_token set status = $2::accounts.api_token_status,"
        " disabled_at = case when $2 <> 'Active' then now() end where key = internal.api_token_key($1)",
        calm->token_id, status, NULL));
}

/* A disabled token is refused at once; a token that is enabled again is accepted after the lifetime of a
 * cached refusal. */
Test(shares, refusals_are_cached_briefly_and_acceptances_never)
{
    struct server *server =
        server_start(url, (const char *[]){"--workers", "1", "--refusal-lifetime", "1000", NULL});

    expect_get(server, calm->token, 200);
    set_status("Disabled");
    expect_get(server, calm->token, 401);
    set_status("Active");
    expect_get(server, calm->token, 401);
    sleep_ms(1100);
    expect_get(server, calm->token, 200);
    server_end(server);
    server = server_start(url, (const char *[]){"--workers", "1", "--refusal-lifetime", "0", NULL});
    set_status("Disabled");
    expect_get(server, calm->token, 401);
    set_status("Active");
    expect_get(server, calm->token, 200);
    server_end(server);
}
