#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/fixture.h"
#include "harness/trouble.h"

/* The feed of events: readers that start, stop and continue at any time, while transactions of all lengths
 * commit and roll back in any order. Each reader gets every event once, in the same order, at positions
 * without gaps. Two threads number events, as two processes of accountsd deliver do. */

#define WRITERS 6
#define READERS 3
#define NUMBERERS 2
#define WAIT_MS 300

TestSuite(events, .timeout = 300);

struct feed {
    const struct account *account;
    long transactions;
    atomic_int writers;
};

/* Ids of account users, in the order of their invitations or of their events. */
struct ids {
    char **ids;
    size_t count;
};

static void ids_add(struct ids *ids, char *id)
{
    ids->ids = realloc(ids->ids, (ids->count + 1) * sizeof(*ids->ids));
    ids->ids[ids->count++] = id;
}

static void ids_free(struct ids *ids)
{
    for (size_t i = 0; i < ids->count; i++)
        free(ids->ids[i]);
    free(ids->ids);
}

struct writer {
    pthread_t thread;
    struct feed *feed;
    unsigned seed;
    struct ids committed;
};

/* Transactions of one to three invitations, some of them long; one in five is rolled back. */
static void *write_events(void *data)
{
    struct writer *writer = data;
    PGconn *pg = database_connect(database_url());

    for (long i = 0; i < writer->feed->transactions; i++) {
        bool is_kept = rand_r(&writer->seed) % 5 != 0;
        struct ids made = {NULL, 0};

        free(database_query(pg, "begin", NULL));
        for (int n = rand_r(&writer->seed) % 3; n >= 0; n--) {
            char *email = new_email(), *body = create_body(email, writer->feed->account->id, NULL);

            ids_add(
                &made, database_query(pg, "select api.create_account_user($1::jsonb) ->> 'id'", body, NULL));
            sleep_ms(rand_r(&writer->seed) % 4 == 0 ? rand_r(&writer->seed) % 30 : 0);
            free(body);
            free(email);
        }
        free(database_query(pg, is_kept ? "commit" : "rollback", NULL));
        for (size_t n = 0; n < made.count; n++) {
            if (is_kept)
                ids_add(&writer->committed, made.ids[n]);
            else
                free(made.ids[n]);
        }
        free(made.ids);
    }
    PQfinish(pg);
    writer->feed->writers--;
    return NULL;
}

/* Random batches, sometimes rolled back, sometimes in a long transaction. */
static void number_once(PGconn *pg, unsigned *seed)
{
    char count[32];
    bool is_long = rand_r(seed) % 10 == 0, is_kept = rand_r(seed) % 5 != 0;

    snprintf(count, sizeof(count), "%d", 1 + rand_r(seed) % 30);
    free(database_query(pg, "begin", NULL));
    free(database_query(pg, "select api.number_events($1::int)", count, NULL));
    sleep_ms(is_long ? rand_r(seed) % 50 : 0);
    free(database_query(pg, is_kept ? "commit" : "rollback", NULL));
}

static void *number_events(void *data)
{
    const struct feed *feed = data;
    PGconn *pg = database_connect(database_url());
    unsigned seed = 7;

    while (feed->writers > 0) {
        number_once(pg, &seed);
        sleep_ms(1);
    }
    PQfinish(pg);
    return NULL;
}

struct reader {
    pthread_t thread;
    struct feed *feed;
    unsigned seed;
    /* The stored position; events of other tests lie between. */
    long position;
    struct ids read;
    size_t wakes, restarts;
};

/* Reads one page after the stored position; returns the number of events. */
static int read_page(struct reader *reader, PGconn *pg)
{
    char after[32], count[32];
    const char *parameters[] = {after, count};
    PGresult *result;
    int rows;

    snprintf(after, sizeof(after), "%ld", reader->position);
    snprintf(count, sizeof(count), "%d", 1 + rand_r(&reader->seed) % 20);
    result = PQexecParams(pg,
        "select position, event #>> '{accountUser,id}', event #>> '{account,id}'"
        " from api.read_events($1::bigint, $2::int)",
        2, NULL, parameters, NULL, NULL, 0);
    cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s", PQerrorMessage(pg));
    rows = PQntuples(result);
    for (int row = 0; row < rows; row++) {
        cr_expect_eq(atol(PQgetvalue(result, row, 0)), ++reader->position, "after position %s there is %s",
            after, PQgetvalue(result, row, 0));
        if (strcmp(PQgetvalue(result, row, 2), reader->feed->account->id) == 0)
            ids_add(&reader->read, strdup(PQgetvalue(result, row, 1)));
    }
    PQclear(result);
    return rows;
}

/* Waits for a notification or a timeout; true for a notification. */
static bool await_wake(PGconn *pg)
{
    struct pollfd fd = {.fd = PQsocket(pg), .events = POLLIN};
    PGnotify *notification;
    bool is_woken = false;

    poll(&fd, 1, WAIT_MS);
    cr_assert(PQconsumeInput(pg), "%s", PQerrorMessage(pg));
    while ((notification = PQnotifies(pg)) != NULL) {
        cr_expect(strcmp(notification->relname, "accountsd_events") == 0 ||
                  strcmp(notification->relname, "accountsd_outbox") == 0);
        PQfreemem(notification);
        is_woken = true;
    }
    return is_woken;
}

static PGconn *listen_to(const char *statement)
{
    PGconn *pg = database_connect(database_url());

    free(database_query(pg, statement, NULL));
    return pg;
}

static PGconn *listen_to_events(void)
{
    return listen_to("listen accountsd_events");
}

static void *read_events(void *data)
{
    struct reader *reader = data;
    PGconn *pg = listen_to_events();
    bool is_over = false;

    while (!is_over) {
        is_over = reader->feed->writers == 0;
        if (is_over)
            events_number(pg);
        while (read_page(reader, pg) > 0) {
            /* The reader ends, and another continues from the stored position. */
            if (rand_r(&reader->seed) % 20 == 0) {
                PQfinish(pg);
                pg = listen_to_events();
                reader->restarts++;
            }
        }
        reader->wakes += is_over ? 0 : await_wake(pg);
    }
    PQfinish(pg);
    return NULL;
}

/* The last position once all events have been read. */
static long drain(PGconn *pg)
{
    long last = 0;

    events_number(pg);
    for (;;) {
        char after[32], *read;

        snprintf(after, sizeof(after), "%ld", last);
        read = database_query(pg, "select max(position) from api.read_events($1::bigint, 1000)", after, NULL);
        if (*read == '\0') {
            free(read);
            return last;
        }
        last = atol(read);
        free(read);
    }
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void expect_same(const struct ids *a, const struct ids *b, const char *what)
{
    cr_assert_eq(a->count, b->count, "%s: %zu and %zu", what, a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        cr_assert_str_eq(a->ids[i], b->ids[i], "%s, at %zu", what, i);
}

Test(events, are_read_once_in_one_order_without_gaps)
{
    PGconn *pg = database_connect(database_url());
    struct account *account = account_make(pg, "Client");
    struct feed feed = {.account = account, .transactions = short_or_soak(40, 1000), .writers = WRITERS};
    struct writer writers[WRITERS];
    struct reader readers[READERS];
    pthread_t numberers[NUMBERERS];
    struct ids all = {NULL, 0};
    size_t wakes = 0, restarts = 0;
    long start;

    start = drain(pg);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.feed = &feed, .seed = (unsigned)(i + 1), .position = start};
        cr_assert_eq(pthread_create(&readers[i].thread, NULL, read_events, &readers[i]), 0);
    }
    for (size_t i = 0; i < NUMBERERS; i++)
        cr_assert_eq(pthread_create(&numberers[i], NULL, number_events, &feed), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.feed = &feed, .seed = (unsigned)(i + 100)};
        cr_assert_eq(pthread_create(&writers[i].thread, NULL, write_events, &writers[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        for (size_t n = 0; n < writers[i].committed.count; n++)
            ids_add(&all, writers[i].committed.ids[n]);
        free(writers[i].committed.ids);
    }
    for (size_t i = 0; i < NUMBERERS; i++)
        pthread_join(numberers[i], NULL);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        wakes += readers[i].wakes;
        restarts += readers[i].restarts;
        if (i > 0)
            expect_same(&readers[0].read, &readers[i].read, "two readers read");
    }
    qsort(readers[0].read.ids, readers[0].read.count, sizeof(char *), compare_ids);
    qsort(all.ids, all.count, sizeof(char *), compare_ids);
    expect_same(&all, &readers[0].read, "committed and read");
    cr_expect_gt(wakes, 0, "nobody was ever woken");
    cr_expect_gt(restarts, 0, "no reader ever began anew");
    fprintf(stderr, "events: %zu, to %d readers, who began anew %zu times and were woken %zu times\n",
        all.count, READERS, restarts, wakes);
    for (size_t i = 0; i < READERS; i++)
        ids_free(&readers[i].read);
    ids_free(&all);
    account_free(account);
    PQfinish(pg);
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
Test(events, of_a_long_transaction_come_when_it_commits)
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
Test(events, of_a_long_transaction_keep_nobody_from_being_woken)
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
    cr_expect(is_woken, "nobody is woken while a transaction is open");
    account_free(account);
    PQfinish(listener);
    PQfinish(slow);
    PQfinish(pg);
}

Test(events, wake_who_listens)
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
    cr_expect(await_wake(worker), "an invitation wakes those who deliver");
    events_number(pg);
    cr_expect(await_wake(reader), "an event that has its position wakes readers");
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
 * numbers blocks nobody. */
Test(events, are_read_beside_a_transaction_that_stays_open)
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
Test(events, that_are_not_there_are_polled_for_without_a_write)
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
