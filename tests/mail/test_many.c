#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cluster.h"
#include "mails.h"

/* Many mails and many workers: none is lost, whatever happens to workers and the database, and none is
 * sent twice except those that a killed worker had in flight. */

#define IN_FLIGHT 4
#define WORKERS 6

TestSuite(many, .timeout = 900);

static void open_sink(struct mails *mails)
{
    mails_set_sink(mails, &(struct sink_options){0});
}

Test(many, survive_killed_workers)
{
    struct mails *mails = mails_open();
    const size_t count = (size_t)short_or_soak(1000, 10000);
    struct server *workers[2];
    const char *const arguments[] = {NULL};
    unsigned seed = 1;
    size_t kills = 0, accepted;
    long begun;
    char *repeats;

    open_sink(mails);
    mails_queue(mails, count);
    begun = now_us();
    for (size_t i = 0; i < 2; i++)
        workers[i] = mails_start_worker(mails, arguments);
    while (sink_count_ids(mails->sink) < count) {
        size_t victim = (size_t)rand_r(&seed) % 2;

        cr_assert_lt(now_us() - begun, 600 * 1000000L, "%zu of %zu", sink_count_ids(mails->sink), count);
        sleep_ms(200 + rand_r(&seed) % 600);
        cr_assert_eq(server_stop(workers[victim], SIGKILL), -SIGKILL);
        kills++;
        workers[victim] = mails_start_worker(mails, arguments);
    }
    mails_await(mails, "Sent", count);
    accepted = sink_count_accepted(mails->sink);
    repeats = database_query(mails->pg,
        "select sum(o.unresolved_attempts) from accounts.outbox as o where o.delivery is not null", NULL);
    fprintf(stderr, "[many] %zu mails, %zu kills, %ld ms: %zu sent twice, %s attempts without a word\n",
        count, kills, (now_us() - begun) / 1000, accepted - count, repeats);
    cr_expect_eq(sink_count_ids(mails->sink), count);
    cr_expect_leq(accepted - count, strtoul(repeats, NULL, 10));
    cr_expect_leq(accepted - count, kills * IN_FLIGHT);
    for (size_t i = 0; i < 2; i++)
        server_end(workers[i]);
    free(repeats);
    mails_close(mails);
}

Test(many, workers_send_each_mail_once)
{
    struct mails *mails = mails_open();
    const size_t count = (size_t)short_or_soak(500, 5000);
    struct server *workers[WORKERS];
    size_t busy = 0;
    long begun;

    open_sink(mails);
    /* While mails are queued. */
    for (size_t i = 0; i < WORKERS; i++)
        workers[i] = mails_start_worker(mails, (const char *[]){"--lease=30000", NULL});
    begun = now_us();
    for (size_t i = 0; i < count / 50; i++)
        mails_queue(mails, 50);
    mails_await(mails, "Sent", count);
    fprintf(stderr, "[many] %zu mails by %d workers: %ld ms\n", count, WORKERS, (now_us() - begun) / 1000);
    cr_expect_eq(sink_count_accepted(mails->sink), count);
    cr_expect_eq(sink_count_ids(mails->sink), count);
    for (size_t i = 0; i < WORKERS; i++) {
        busy += server_log_count(workers[i], "\"outcome\":\"Sent\"") > 0;
        server_end(workers[i]);
    }
    cr_expect_gt(busy, 1, "one worker has done all");
    mails_close(mails);
}

/* A worker keeps the outcomes of its mails until the database is available again. */
Test(many, survive_a_restart_of_the_database)
{
    struct cluster *cluster = cluster_start("mail-restart");
    struct mails *mails = mails_open_at(cluster->url);
    const size_t count = (size_t)short_or_soak(300, 3000), restarts = (size_t)short_or_soak(3, 10);
    struct server *worker;

    open_sink(mails);
    mails_queue(mails, count);
    worker = mails_start_worker(mails, (const char *[]){"--lease=20000", NULL});
    for (size_t i = 0; i < restarts; i++) {
        cr_assert(sink_await(mails->sink, SINK_END, (i + 1) * count / (restarts + 1)));
        PQfinish(mails->pg);
        cluster_run(cluster, "stop", "immediate");
        cluster_run(cluster, "start", "");
        mails->pg = database_connect(mails->url);
    }
    mails_await(mails, "Sent", count);
    cr_expect_eq(sink_count_accepted(mails->sink), count, "%zu", sink_count_accepted(mails->sink));
    cr_expect_eq(sink_count_ids(mails->sink), count);
    cr_expect_geq(server_log_count(worker, "\"event\":\"database_lost\""), restarts);
    server_end(worker);
    mails_close(mails);
    cluster_remove(cluster);
}

/* A mail with a slow reply delays no other. */
Test(many, are_not_delayed_by_a_slow_one)
{
    struct mails *mails = mails_open();
    struct server *worker;

    open_sink(mails);
    sink_set_faults(mails->sink,
        (const struct sink_fault[]){{SINK_END, SINK_HOLD, NULL, 1}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
    mails_queue(mails, 50);
    worker = mails_start_worker(mails, (const char *[]){"--lease=60000", "--smtp-timeout=50000", NULL});
    mails_await(mails, "Sent", 49);
    sink_release(mails->sink);
    mails_await(mails, "Sent", 50);
    cr_expect_eq(sink_count_accepted(mails->sink), 50);
    server_end(worker);
    mails_close(mails);
}
