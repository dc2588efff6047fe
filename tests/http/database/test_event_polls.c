#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "harness/cluster.h"
#include "harness/fixture.h"

/* One reader of events beside transactions that are long, or open; who is woken, and what an idle poll
 * writes. */

/* The machine may be busy. */
static bool is_woken(PGconn *pg)
{
    for (int tries = 0; tries < 30; tries++) {
        if (await_wake(pg))
            return true;
    }
    return false;
}

/* The number of events of an account after a position, which moves to the last one. */
static size_t read_on(PGconn *pg, const struct account *account, long *position)
{
    char after[32], *last, *count;

    snprintf(after, sizeof(after), "%ld", *position);
    events_number(pg);
    last = database_query(
        pg, "select coalesce(max(position), $1::bigint) from api.read_events($1::bigint, 1000)", after, NULL);
    count = database_query(pg,
        "select count(*) from api.read_events($1::bigint, 1000) where position <= $2::bigint"
        " and event #>> '{account,id}' = $3",
        after, last, account->id, NULL);
    size_t found = strtoul(count, NULL, 10);

    *position = atol(last);
    free(count);
    free(last);
    return found;
}

static void invite(PGconn *pg, const struct account *account)
{
    char *email = new_email(), *body = create_body(email, account->id, NULL);

    free(database_query(pg, "select api.create_account_user($1::jsonb)", body, NULL));
    free(body);
    free(email);
}

/* Its key is lower than those of events that readers have read already. */
Test(events, of_a_long_transaction_are_read_after_its_commit)
{
    PGconn *pg = database_connect(database_url()), *slow = database_connect(database_url());
    struct account *account = account_make(pg, "Client");
    long position;
    char *key, *settled;

    /* The first transaction stores the set of groups, and a second one would wait for it. */
    invite(pg, account);
    position = drain(pg);
    free(database_query(slow, "begin", NULL));
    invite(slow, account);
    for (int i = 0; i < 5; i++) {
        invite(pg, account);
        cr_expect_eq(read_on(pg, account, &position), 1);
        cr_expect_eq(read_on(pg, account, &position), 0);
    }
    free(database_query(slow, "commit", NULL));
    cr_expect_eq(read_on(pg, account, &position), 1, "the event of the long transaction is lost");
    cr_expect_eq(read_on(pg, account, &position), 0);
    /* Settled keys are not read again. */
    key = database_query(pg, "select max(key)::text from accounts.outbox", NULL);
    for (int tries = 0; tries < 1000; tries++, sleep_ms(10)) {
        read_on(pg, account, &position);
        settled =
            database_query(pg, "select settled_key >= $1::bigint from accounts.event_horizon", key, NULL);
        bool is_settled = strcmp(settled, "t") == 0;

        free(settled);
        if (is_settled)
            break;
        cr_assert_lt(tries, 999, "nothing is settled");
    }
    free(key);
    account_free(account);
    PQfinish(slow);
    PQfinish(pg);
}

/* A transaction that stays open, and would have notified. */
Test(events, of_a_long_transaction_delay_no_notification)
{
    PGconn *pg = database_connect(database_url()), *slow = database_connect(database_url()),
           *listener = listen_to("listen accountsd_outbox");
    struct account *account = account_make(pg, "Client");
    bool is_woken = false;

    invite(pg, account);
    free(database_query(slow, "begin", NULL));
    invite(slow, account);
    while (await_wake(listener))
        ;
    for (int tries = 0; tries < 5 && !is_woken; tries++) {
        invite(pg, account);
        is_woken = await_wake(listener);
    }
    cr_expect(is_woken, "no listener is notified while a transaction is open");
    account_free(account);
    PQfinish(listener);
    PQfinish(slow);
    PQfinish(pg);
}

Test(events, notify_listeners)
{
    PGconn *pg = database_connect(database_url()), *worker = listen_to("listen accountsd_outbox"),
           *reader = listen_to_events();
    struct account *account = account_make(pg, "Client");
    char *url = server_database_url(database_url()), *email = new_email(),
         *body = create_body(email, NULL, NULL);
    struct server *server = server_start(url, NULL);
    struct answer answer;

    for (int i = 0; i < 10 && await_wake(worker); i++)
        ;
    answer = post(server, account->token, body);
    cr_expect_eq(answer.status, 201, "%s", answer.text);
    cr_expect(is_woken(worker), "an invitation notifies delivery");
    events_number(pg);
    cr_expect(is_woken(reader), "an event that has its position wakes readers");
    answer_free(&answer);
    server_end(server);
    free(body);
    free(email);
    free(url);
    account_free(account);
    PQfinish(reader);
    PQfinish(worker);
    PQfinish(pg);
}

/* A reader with an open transaction blocks neither other readers nor numbering; an open transaction that
 * numbers events blocks no session. */
Test(events, are_read_during_an_open_transaction)
{
    struct cluster *cluster = cluster_start("numbering");
    PGconn *pg = database_connect(cluster->url), *reader = database_connect(cluster->url),
           *numberer = database_connect(cluster->url);
    struct account *account = account_make(pg, "Client");
    long position = drain(pg);
    char *numbered, *read;

    free(database_query(pg, "set lock_timeout = '2s'", NULL));
    free(database_query(reader, "begin", NULL));
    for (int i = 0; i < 3; i++) {
        invite(pg, account);
        free(database_query(reader, "select count(*) from api.read_events(0, 1000)", NULL));
        cr_expect_eq(read_on(pg, account, &position), 1);
    }
    invite(pg, account);
    free(database_query(numberer, "begin", NULL));
    free(database_query(numberer, "select api.number_events()", NULL));
    numbered = database_query(pg, "select api.number_events()", NULL);
    cr_expect_str_eq(numbered, "0");
    free(numbered);
    read = database_query(pg, "select count(*) from api.read_events(0, 1000)", NULL);
    cr_expect_str_eq(read, "3");
    free(read);
    free(database_query(numberer, "commit", NULL));
    cr_expect_eq(read_on(pg, account, &position), 1);
    free(database_query(reader, "commit", NULL));
    account_free(account);
    PQfinish(numberer);
    PQfinish(reader);
    PQfinish(pg);
    cluster_remove(cluster);
}

#define IDLE_POLLS 100

/* The WAL position and the next transaction id, before and after idle polls. */
static bool polls_write(PGconn *pg)
{
    static const char *const state =
        "select concat(pg_current_wal_insert_lsn(), ' ', pg_snapshot_xmax(pg_current_snapshot()))";
    char *before = database_query(pg, state, NULL), *after;

    for (int i = 0; i < IDLE_POLLS; i++) {
        char *count = database_query(pg, "select api.number_events()", NULL);

        cr_assert_str_eq(count, "0");
        free(count);
        free(database_query(pg, "select count(*) from api.read_events($1::bigint, 100)", "1", NULL));
    }
    after = database_query(pg, state, NULL);
    bool have_written = strcmp(before, after) != 0;

    free(before);
    free(after);
    return have_written;
}

/* In a database of its own. Background processes of PostgreSQL write now and then, but not during each of
 * ten tries. */
Test(events, idle_polls_write_nothing)
{
    struct cluster *cluster = cluster_start("idle");
    PGconn *pg = database_connect(cluster->url);
    struct account *account = account_make(pg, "Client");
    int tries = 0;

    for (int i = 0; i < 3; i++)
        invite(pg, account);
    /* The calls after the last event settle the numbered keys. */
    for (int i = 0; i < 3; i++)
        events_number(pg);
    while (polls_write(pg) && tries < 10)
        tries++;
    cr_expect_lt(tries, 10, "idle polls write");
    account_free(account);
    PQfinish(pg);
    cluster_remove(cluster);
}
