#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "harness/cluster.h"
#include "harness/fixture.h"

/* The feed of events: readers that start, stop and continue at any time, while transactions of all lengths
 * commit and roll back in any order. Each reader gets every event once, in the same order, at positions
 * without gaps. Two threads number events, as two processes of accountsd deliver do. */

#define WRITERS 6
#define READERS 3
#define NUMBERERS 2

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
    cr_expect_gt(wakes, 0, "no reader was notified");
    cr_expect_gt(restarts, 0, "no reader ever began anew");
    fprintf(stderr,
        "events: %zu, read by %d readers, which restarted %zu times and were notified %zu times\n", all.count,
        READERS, restarts, wakes);
    for (size_t i = 0; i < READERS; i++)
        ids_free(&readers[i].read);
    ids_free(&all);
    account_free(account);
    PQfinish(pg);
}
