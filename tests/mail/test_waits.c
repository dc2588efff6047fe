#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cluster.h"
#include "mails.h"

/* A worker that waits: for the reader of its log, or for its end. */

MAIL_SUITE(waits, 120)

#define MAILS 400

Test(waits, an_unread_log_does_not_block)
{
    struct server *worker;
    struct answer answer;
    const char *dropped;
    int log_fd;
    long begun;

    mails_queue(mails, MAILS);
    worker = server_start_deliver_unread(mails->delivery_url,
        (const char *[]){"--mail-from=a@example.test", "--smtp-url", mails->sink_url, "--smtp-tls=none",
            "--log-buffer=65536", "--poll-interval=200", NULL},
        &log_fd);
    mails_await(mails, "Sent", MAILS);
    answer = telemetry_get(worker, "/live");
    cr_expect_eq(answer.status, 200, "%s", answer.text);
    answer_free(&answer);
    /* The last metrics. */
    sleep_ms(1000);
    answer = telemetry_get(worker, "/metrics");
    dropped = strstr(answer.text, "\naccountsd_log_lines_dropped_total ");
    cr_assert_not_null(dropped);
    cr_expect_gt(atol(strchr(dropped, ' ')), 0, "%.60s", dropped);
    cr_expect_not_null(strstr(answer.text, "\naccountsd_delivery_queue_length 0\n"), "%s", answer.text);
    cr_expect_not_null(strstr(answer.text, "\naccountsd_deliveries_in_flight 0\n"), "%s", answer.text);
    answer_free(&answer);
    begun = now_us();
    cr_expect_eq(server_stop(worker, SIGTERM), 0);
    cr_expect_lt(now_us() - begun, 5000000, "after %ld ms", (now_us() - begun) / 1000);
    close(log_fd);
}

/* Like a kill: another worker gets its mails when the lease is over. */
Test(waits, a_second_signal_ends_a_drain_at_once)
{
    static const int signals[] = {SIGTERM, SIGINT};

    sink_set_faults(mails->sink,
        (const struct sink_fault[]){{SINK_MAIL, SINK_STALL, NULL, 0}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
    mails_queue(mails, 2);
    for (size_t i = 0; i < 2; i++) {
        struct server *worker =
            mails_start_worker(mails, (const char *[]){"--lease=60000", "--smtp-timeout=50000",
                                          "--smtp-connect-timeout=40000", "--mails-in-flight=1", NULL});
        long begun;

        cr_assert(sink_await(mails->sink, SINK_MAIL, i + 1));
        kill(worker->pid, SIGTERM);
        await_logged(worker, "\"event\":\"draining\"");
        begun = now_us();
        kill(worker->pid, signals[i]);
        await_logged(worker, "\"event\":\"ended_at_once\"");
        cr_expect_eq(server_stop(worker, 0), 1);
        cr_expect_lt(now_us() - begun, 2000000, "after %ld ms", (now_us() - begun) / 1000);
    }
    cr_expect_eq(mails_count(mails, "Queued"), 2);
}

/* A statement that does not end: after the first signal the worker waits a little longer, because the
 * database may be about to finish, and after the second it does not wait. */
Test(waits, signals_are_handled_during_a_statement)
{
    char *url = NULL;

    cr_assert_geq(
        asprintf(&url, "%s options='-c lock_timeout=0 -c statement_timeout=0'", mails->delivery_url), 0);
    for (int signals = 1; signals <= 2; signals++) {
        struct server *worker;
        long begun, ms;

        free(database_query(mails->pg, "begin", NULL));
        free(database_query(mails->pg, "lock table accounts.outbox", NULL));
        worker = server_start_deliver(
            url, (const char *[]){"--mail-from=a@example.test", "--smtp-url", mails->sink_url,
                     "--smtp-tls=none", "--database-timeout=60000", NULL});
        await_waiting(mails->pg, 1);
        begun = now_us();
        if (signals == 2)
            kill(worker->pid, SIGTERM);
        sleep_ms(signals == 2 ? 100 : 0);
        cr_expect_eq(server_stop(worker, SIGINT), signals == 2);
        ms = (now_us() - begun) / 1000;
        cr_expect_lt(ms, signals == 2 ? 2000 : 6000, "after %ld ms", ms);
        free(database_query(mails->pg, "rollback", NULL));
    }
    free(url);
}
