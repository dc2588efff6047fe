#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/cluster.h"
#include "harness/metric.h"

/* Requests that wait together go to the database as one set. A lock blocks the only connection of the only
 * worker, so that they wait. */

#define CALLERS 24
/* Addresses on which tests/harness/poison.sql makes the database fail or deadlock. */
#define POISON "poison-"
#define DEADLOCK_A "deadlock-a-"
#define DEADLOCK_B "deadlock-b-"

#define QUEUE_LENGTH "accountsd_database_queue_length"
/* For a server whose sets are as large as allowed, even on a slow machine. */
#define SETS "--set-time", "10000", "--set-size"

TestSuite(sets, .timeout = 120);

/* Starts the callers behind one that waits for a lock, the last of them with a poisoned address, so that
 * they form one set; then releases the lock. */
static void run_set(const char *set_size, struct poster callers[CALLERS])
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url,
        (const char *[]){PATIENT, "--workers", "1", "--database-connections", "1", SETS, set_size, NULL});

    account_lock(pg, account);
    for (size_t i = 0; i < CALLERS; i++) {
        char *email = new_email(), *poisoned;

        cr_assert_geq(asprintf(&poisoned, POISON "%s", email), 0);
        poster_start(&callers[i], server, account, strdup(i == CALLERS - 1 ? poisoned : email));
        free(email);
        free(poisoned);
        if (i == 0)
            await_waiting(pg, 1);
    }
    await_metric(server, QUEUE_LENGTH, CALLERS - 1);
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < CALLERS; i++)
        poster_await(&callers[i]);
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(url);
}

static void assert_each_its_own(struct poster callers[CALLERS])
{
    PGconn *pg = database_connect(database_url());

    for (size_t i = 0; i < CALLERS; i++) {
        const struct answer *answer = poster_await(&callers[i]);
        char *id = database_query(pg,
            "select internal.account_user_id(u.key) from accounts.account_user as u where u.email = $1",
            callers[i].email, NULL);

        if (i == CALLERS - 1)
            cr_expect_str_eq(id, "", "a failed request left something");
        else
            cr_expect_str_eq(answer_text(answer, "id", NULL), id, "the answer to another request");
        poster_end(&callers[i], i == CALLERS - 1 ? 500 : 201);
        free(id);
    }
    PQfinish(pg);
}

Test(sets, a_failing_member_does_not_affect_others)
{
    static const char *const set_sizes[] = {"1", "2", "64"};

    for (size_t i = 0; i < COUNT(set_sizes); i++) {
        struct poster callers[CALLERS];

        run_set(set_sizes[i], callers);
        assert_each_its_own(callers);
    }
}

/* Two connections wait for a lock, each with one caller. Behind each is a set, and the two sets deadlock. */
Test(sets, a_deadlock_between_two_is_retried)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url()), *tail = new_email(), *log, *first, *second;
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(
        url, (const char *[]){PATIENT, "--workers", "1", "--database-connections", "2", SETS, "11", NULL});
    struct poster callers[CALLERS];

    cr_assert_geq(asprintf(&first, DEADLOCK_A "%s", tail), 0);
    cr_assert_geq(asprintf(&second, DEADLOCK_B "%s", tail), 0);
    account_lock(pg, account);
    for (size_t i = 0; i < CALLERS; i++) {
        char *email = new_email();

        poster_start(&callers[i], server, account,
            strdup(i == 2             ? first
                   : i == CALLERS - 1 ? second
                                      : email));
        free(email);
        if (i < 2)
            await_waiting(pg, i == 0 ? 1 : 2);
        else
            await_metric(server, QUEUE_LENGTH, (double)i - 1);
    }
    free(database_query(pg, "commit", NULL));
    for (size_t i = 0; i < CALLERS; i++)
        poster_end(&callers[i], 201);
    log = server_log(server);
    cr_expect_not_null(strstr(log, "\"40P01\""), "no deadlock: %s", log);
    cr_expect_not_null(strstr(log, "\"requests\":11}"), "not of a set: %s", log);
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(url);
    free(tail);
    free(first);
    free(second);
    free(log);
}
