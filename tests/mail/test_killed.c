#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mails.h"

/* A worker is killed at each step of a mail, and another continues: the mail is sent exactly once, except
 * in the case that SMTP leaves open: the server has accepted the mail, and the database does not know it. */

MAIL_SUITE(killed, 120)

static struct server *start(void)
{
    return mails_start_worker(mails, (const char *[]){NULL});
}

/* Another worker sends the mail; expects this many arrivals in all. */
static void expect_sent(size_t accepted, bool is_repeat)
{
    struct server *worker;

    sink_set_faults(mails->sink, (const struct sink_fault[]){{SINK_STAGES, SINK_NORMAL, NULL, 0}});
    worker = start();
    mails_await(mails, "Sent", 1);
    cr_expect_eq(log_await(worker, "\"repeat\":true", is_repeat), is_repeat ? 1 : 0);
    server_end(worker);
    cr_expect_eq(sink_count_accepted(mails->sink), accepted, "%zu", sink_count_accepted(mails->sink));
    cr_expect_eq(sink_count_ids(mails->sink), 1);
}

static void kill_worker(struct server *worker)
{
    cr_assert_eq(server_stop(worker, SIGKILL), -SIGKILL);
}

/* A port with a full backlog: connections are neither accepted nor refused. */
static int open_full_port(int fds[2], char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(listener, (const struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(listener, 0), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    for (size_t i = 0; i < 2; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (const struct sockaddr *)&address, len);
    }
    snprintf(url, 64, "smtp://127.0.0.1:%d", ntohs(address.sin_port));
    return listener;
}

Test(killed, after_the_claim)
{
    char url[64];
    int fds[2], listener = open_full_port(fds, url);
    struct server *worker;

    mails_queue(mails, 1);
    worker = mails_start_worker(mails, (const char *[]){"--smtp-url", url, NULL});
    for (char *claimed = NULL; claimed == NULL || strcmp(claimed, "t") != 0; sleep_ms(5)) {
        free(claimed);
        claimed = mails_value(mails, "o.claimed_at is not null");
    }
    kill_worker(worker);
    close(fds[0]);
    close(fds[1]);
    close(listener);
    expect_sent(1, true);
}

static void kill_at(enum sink_stage stage, size_t accepted)
{
    struct server *worker;

    mails_queue(mails, 1);
    sink_set_faults(mails->sink,
        (const struct sink_fault[]){{stage, SINK_STALL, NULL, 1}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
    worker = start();
    cr_assert(sink_await(mails->sink, stage, 1));
    kill_worker(worker);
    expect_sent(accepted, true);
}

Test(killed, during_connect)
{
    kill_at(SINK_GREETING, 1);
}

Test(killed, after_mail)
{
    kill_at(SINK_MAIL, 1);
}

Test(killed, after_rcpt)
{
    kill_at(SINK_RCPT, 1);
}

Test(killed, in_the_middle_of_the_mail)
{
    kill_at(SINK_BODY, 1);
}

Test(killed, after_the_mail_and_before_the_reply)
{
    /* A server that sends no reply has not accepted the mail: SMTP makes the client send it again. */
    kill_at(SINK_END, 1);
    cr_expect_eq(sink_count(mails->sink), 2);
}

/* The only case in which a mail is sent twice. */
Test(killed, after_the_reply_and_before_the_outcome_is_recorded)
{
    struct server *worker;
    char *still;

    mails_queue(mails, 1);
    sink_set_faults(mails->sink,
        (const struct sink_fault[]){{SINK_END, SINK_HOLD, NULL, 1}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
    worker = start();
    cr_assert(sink_await(mails->sink, SINK_END, 1));
    free(database_query(mails->pg, "begin", NULL));
    free(database_query(mails->pg, "select 1 from accounts.outbox for update", NULL));
    sink_release(mails->sink);
    for (int tries = 0; tries < 1000 && sink_count_accepted(mails->sink) == 0; tries++)
        sleep_ms(10);
    cr_assert_eq(sink_count_accepted(mails->sink), 1);
    kill_worker(worker);
    /* The statement would otherwise record the outcome of a worker that was killed. */
    free(database_query(mails->pg,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'accountsd_delivery'"
        " and datname = current_database()",
        NULL));
    free(database_query(mails->pg, "rollback", NULL));
    still = mails_value(mails, "o.delivery");
    cr_expect_str_eq(still, "Queued");
    free(still);
    expect_sent(2, true);
}

Test(killed, after_the_outcome_is_recorded)
{
    struct server *worker;

    mails_queue(mails, 1);
    worker = start();
    mails_await(mails, "Sent", 1);
    kill_worker(worker);
    expect_sent(1, false);
}
