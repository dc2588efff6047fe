#include <criterion/criterion.h>
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "arm.h"
#include "harness/cluster.h"
#include "mail/mails.h"

/* Every call of delivery that can fail does so once: the first, then the second, until a mail needs no
 * more calls. Each mail is sent nevertheless, possibly later, and none twice. */

/* Far more calls than a mail needs. */
#define MAX_CALLS 2000
#define MAILS 3

TestSuite(deliver, .timeout = 540);

struct bench {
    struct faults *faults;
    char faults_path[FAULTS_PATH_SIZE];
    struct mails *mails;
    struct server *worker;
};

static struct bench bench_make(void)
{
    struct bench bench;

    bench.faults = faults_share(bench.faults_path);
    bench.mails = mails_open();
    mails_set_sink(bench.mails, &(struct sink_options){0});
    /* Few actions depend on timers, and lost notifications are made up for quickly. */
    bench.worker = mails_start_worker(bench.mails,
        (const char *[]){"--mails-in-flight=3", "--lease=4500", "--smtp-timeout=2500",
            "--smtp-connect-timeout=500", "--poll-interval=500", "--announce-interval=600000", NULL});
    return bench;
}

static void bench_free(struct bench *bench)
{
    cr_expect_eq(server_stop(bench->worker, SIGTERM), 0);
    mails_close(bench->mails);
    faults_unshare(bench->faults, bench->faults_path);
}

/* Waits until this many mails are sent, each of them once. */
static void expect_sent(struct bench *bench, size_t count)
{
    for (long waited = 0; mails_count(bench->mails, "Sent") < count; waited += 20, sleep_ms(20)) {
        cr_assert_eq(waitpid(bench->worker->pid, NULL, WNOHANG), 0, "mail %zu: %s ends the worker", count,
            bench->faults->caller);
        cr_assert_lt(waited, 60000, "mail %zu is not sent after %s", count, bench->faults->caller);
    }
    cr_assert_eq(sink_count_accepted(bench->mails->sink), count, "after %s: of %zu mails %zu are sent",
        bench->faults->caller, count, sink_count_accepted(bench->mails->sink));
}

/* Sends the mails, while the database delays the outcome of the first, so that the other outcomes are
 * recorded together. */
static void send_together(struct bench *bench)
{
    size_t reached = sink_reached(bench->mails->sink, SINK_END);

    sink_set_faults(bench->mails->sink,
        (const struct sink_fault[]){{SINK_END, SINK_HOLD, NULL, 0}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
    mails_queue(bench->mails, MAILS);
    cr_assert(sink_await(bench->mails->sink, SINK_END, reached + MAILS));
    free(database_query(bench->mails->pg, "begin", NULL));
    free(database_query(
        bench->mails->pg, "select key from accounts.outbox where delivery = 'Queued' for update", NULL));
    sink_set_faults(bench->mails->sink, (const struct sink_fault[]){{SINK_STAGES, SINK_NORMAL, NULL, 0}});
    sink_release(bench->mails->sink);
    await_waiting(bench->mails->pg, 1);
    sleep_ms(50);
}

Test(deliver, reports_outcomes_despite_failures)
{
    struct bench bench = bench_make();
    long n = 0, failed;

    do {
        cr_assert_lt(n, MAX_CALLS, "there is no end to the calls");
        send_together(&bench);
        faults_arm(bench.faults, FAULTS_ALLOCATION, n++, 1);
        free(database_query(bench.mails->pg, "commit", NULL));
        expect_sent(&bench, bench.mails->queued);
        failed = faults_disarm(bench.faults);
    } while (failed > 0);
    cr_expect_gt(n, 10, "telling makes %ld calls that could fail", n - 1);
    printf("deliver, allocation: %ld calls failed, one at a time\n", n - 1);
    bench_free(&bench);
}

/* The length of a mail without numbers and the invitation's path, in which mails differ. */
static size_t measure(const char *text)
{
    static const char path[] = "/invitations/";
    size_t len = 0;

    while (*text != '\0') {
        if (strncmp(text, path, sizeof(path) - 1) == 0)
            text += strcspn(text, "\r\"<");
        else
            len += isdigit((unsigned char)*text++) == 0;
    }
    return len;
}

static void expect_same_lengths(struct sink *sink)
{
    size_t len = measure(sink_mail_at(sink, 0).text);

    for (size_t i = 1; i < sink_count(sink); i++) {
        const char *text = sink_mail_at(sink, i).text;

        cr_expect_eq(measure(text), len, "mail %zu has %zu bytes, and the first has %zu: %.400s", i + 1,
            measure(text), len, text);
    }
}

/* From the claim of a mail: its text, the connection to the SMTP server, the mail and its outcome. */
Test(deliver, sends_a_mail_despite_failures)
{
    struct bench bench = bench_make();
    long n = 0, failed;

    do {
        cr_assert_lt(n, MAX_CALLS, "there is no end to the calls");
        faults_arm(bench.faults, FAULTS_ALLOCATION, n++, 1);
        mails_queue(bench.mails, 1);
        expect_sent(&bench, bench.mails->queued);
        failed = faults_disarm(bench.faults);
    } while (failed > 0);
    expect_same_lengths(bench.mails->sink);
    cr_expect_gt(n, 100, "a mail makes %ld calls that could fail", n - 1);
    printf("deliver, a whole mail: %ld calls failed, one at a time\n", n - 1);
    bench_free(&bench);
}
