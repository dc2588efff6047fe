#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "mails.h"

/* An SMTP server with every kind of fault. After a temporary one the mail is retried and arrives once;
 * after a permanent one it is given up at once, with the server's reply as the reason. */

MAIL_SUITE(faults, 240)

#define PARTS 4

#define ONCE(stage, action, reply)                                                                           \
    {                                                                                                        \
        {stage, action, reply, 1},                                                                           \
        {                                                                                                    \
            SINK_STAGES, SINK_NORMAL, NULL, 0                                                                \
        }                                                                                                    \
    }

static const struct {
    const char *name;
    struct sink_fault faults[2];
    /* The outcome of the first attempt, and its reason. */
    const char *outcome;
    const char *reason;
    /* How often the mail arrives: twice if the server had accepted it without saying so. */
    size_t arrivals;
} rows[] = {
    {"it stalls before it greets", ONCE(SINK_GREETING, SINK_STALL, NULL), "Failed", "time", 1},
    {"it stalls at EHLO", ONCE(SINK_HELLO, SINK_STALL, NULL), "Failed", "time", 1},
    {"it stalls at MAIL", ONCE(SINK_MAIL, SINK_STALL, NULL), "Failed", "time", 1},
    {"it stalls at RCPT", ONCE(SINK_RCPT, SINK_STALL, NULL), "Failed", "time", 1},
    {"it stalls at DATA", ONCE(SINK_DATA, SINK_STALL, NULL), "Failed", "time", 1},
    /* A small mail has been sent completely when the server has read a part of it. */
    {"it stalls in the middle of the mail", ONCE(SINK_BODY, SINK_STALL, NULL), "Unknown", "time", 1},
    {"it stalls after the mail", ONCE(SINK_END, SINK_STALL, NULL), "Unknown", "time", 2},
    {"it hangs up instead of greeting", ONCE(SINK_GREETING, SINK_DROP, NULL), "Failed", "", 1},
    {"it hangs up at EHLO", ONCE(SINK_HELLO, SINK_DROP, NULL), "Failed", "", 1},
    {"it hangs up at MAIL", ONCE(SINK_MAIL, SINK_DROP, NULL), "Failed", "", 1},
    {"it hangs up at RCPT", ONCE(SINK_RCPT, SINK_DROP, NULL), "Failed", "", 1},
    {"it hangs up at DATA", ONCE(SINK_DATA, SINK_DROP, NULL), "Failed", "", 1},
    {"it hangs up in the middle of the mail", ONCE(SINK_BODY, SINK_DROP, NULL), "Unknown", "", 1},
    {"it hangs up after the mail", ONCE(SINK_END, SINK_DROP, NULL), "Unknown", "", 2},
    {"421 instead of a greeting", ONCE(SINK_GREETING, SINK_REPLY, "421 4.3.2 closing"), "Failed",
        "421 4.3.2 closing", 1},
    {"421 at EHLO", ONCE(SINK_HELLO, SINK_REPLY, "421 4.3.2 closing"), "Failed", "421 4.3.2 closing", 1},
    {"421 at MAIL", ONCE(SINK_MAIL, SINK_REPLY, "421 4.3.2 closing"), "Failed", "421 4.3.2 closing", 1},
    {"421 at RCPT", ONCE(SINK_RCPT, SINK_REPLY, "421 4.3.2 closing"), "Failed", "421 4.3.2 closing", 1},
    {"421 at DATA", ONCE(SINK_DATA, SINK_REPLY, "421 4.3.2 closing"), "Failed", "421 4.3.2 closing", 1},
    {"421 after the mail", ONCE(SINK_END, SINK_REPLY, "421 4.3.2 closing"), "Failed", "421 4.3.2 closing", 2},
    {"554 instead of a greeting", ONCE(SINK_GREETING, SINK_REPLY, "554 5.7.1 not you"), "Failed",
        "554 5.7.1 not you", 1},
    {"550 at MAIL", ONCE(SINK_MAIL, SINK_REPLY, "550 5.7.1 not from there"), "Failed",
        "550 5.7.1 not from there", 1},
    {"530 at RCPT", ONCE(SINK_RCPT, SINK_REPLY, "530 5.7.0 log in first"), "Failed", "530 5.7.0 log in first",
        1},
    {"451 at RCPT, then 250", ONCE(SINK_RCPT, SINK_REPLY, "451 4.7.1 greylisted"), "Failed",
        "451 4.7.1 greylisted", 1},
    {"452 after the mail, then 250", ONCE(SINK_END, SINK_REPLY, "452 4.2.2 full"), "Failed", "452 4.2.2 full",
        2},
    {"550 at RCPT", ONCE(SINK_RCPT, SINK_REPLY, "550-5.1.1 there is\r\n550 5.1.1 no such user"), "Refused",
        "550 5.1.1 no such user", 0},
    {"554 at DATA", ONCE(SINK_DATA, SINK_REPLY, "554 5.5.1 none valid"), "Refused", "554 5.5.1 none valid",
        0},
    {"552 after the mail", ONCE(SINK_END, SINK_REPLY, "552 5.3.4 too large"), "Refused",
        "552 5.3.4 too large", 1},
    {"its words come in pieces", ONCE(SINK_GREETING, SINK_PIECES, NULL), "Sent", "", 1},
    {"its greeting is a bare code", ONCE(SINK_GREETING, SINK_BARE, NULL), "Sent", "", 1},
    {"a bare code at EHLO", ONCE(SINK_HELLO, SINK_BARE, NULL), "Sent", "", 1},
    {"a bare code at MAIL", ONCE(SINK_MAIL, SINK_BARE, NULL), "Sent", "", 1},
    {"a bare code at RCPT", ONCE(SINK_RCPT, SINK_BARE, NULL), "Sent", "", 1},
    {"a bare code at DATA", ONCE(SINK_DATA, SINK_BARE, NULL), "Sent", "", 1},
    {"a bare code after the mail", ONCE(SINK_END, SINK_BARE, NULL), "Sent", "", 1},
    {"a bare 451 at RCPT, then 250", ONCE(SINK_RCPT, SINK_REPLY, "451"), "Failed", "451", 1},
    {"a bare 550 at RCPT", ONCE(SINK_RCPT, SINK_REPLY, "550"), "Refused", "550", 0},
    {"a bare 552 after the mail", ONCE(SINK_END, SINK_REPLY, "552"), "Refused", "552", 1},
    {"its words about the mail come in pieces", ONCE(SINK_END, SINK_PIECES, NULL), "Sent", "", 1},
};

/* Stores the reasons of failed attempts, because a sent mail has none. */
static void watch(PGconn *pg)
{
    static const char *const statements[] = {
        "set client_min_messages = warning",
        "drop table if exists failure",
        "create table failure (reason text)",
        "grant insert on failure to public",
        "create or replace function keep_reason() returns trigger language plpgsql as"
        " $$ begin insert into public.failure values (new.reason); return new; end $$",
        "create or replace trigger keep_reason after update on accounts.outbox for each row"
        " when (new.reason is distinct from old.reason and new.reason is not null) execute function "
        "keep_reason()",
    };

    for (size_t i = 0; i < COUNT(statements); i++)
        free(database_query(pg, statements[i], NULL));
}

static void expect_row(size_t row)
{
    struct server *worker;
    char *reason, outcome[64];
    bool is_refused = strcmp(rows[row].outcome, "Refused") == 0,
         is_sent = strcmp(rows[row].outcome, "Sent") == 0;
    size_t before = sink_count(mails->sink), given_up = mails_count(mails, "GivenUp"),
           sent = mails_count(mails, "Sent"), lines = is_refused || is_sent ? 1 : 2;

    sink_set_faults(mails->sink, rows[row].faults);
    mails_queue(mails, 1);
    watch(mails->pg);
    worker = mails_start_worker(mails, NULL);
    mails_await(mails, is_refused ? "GivenUp" : "Sent", (is_refused ? given_up : sent) + 1);
    reason = database_query(mails->pg, "select coalesce(string_agg(reason, ' '), '') from failure", NULL);
    cr_expect(strstr(reason, rows[row].reason) != NULL && (is_sent || *reason != '\0'),
        "%s: the reason is \"%s\"", rows[row].name, reason);
    snprintf(
        outcome, sizeof(outcome), "\"attempt\":1,\"repeat\":false,\"outcome\":\"%s\"", rows[row].outcome);
    cr_expect_eq(log_await(worker, outcome, 1), 1, "%s: no %s", rows[row].name, rows[row].outcome);
    cr_expect_eq(log_await(worker, "\"event\":\"delivery\"", lines), lines, "%s", rows[row].name);
    cr_expect_eq(server_log_count(worker, "@example.test"), 0, "%s: an address in the log", rows[row].name);
    cr_expect_eq(sink_count(mails->sink) - before, rows[row].arrivals, "%s: %zu", rows[row].name,
        sink_count(mails->sink) - before);
    free(reason);
    server_end(worker);
}

/* A part of the rows, so that several tests run concurrently. */
static void expect_rows(size_t first)
{
    for (size_t i = first; i < COUNT(rows); i += PARTS)
        expect_row(i);
}

Test(faults, are_temporary_or_permanent_1)
{
    expect_rows(0);
}

Test(faults, are_temporary_or_permanent_2)
{
    expect_rows(1);
}

Test(faults, are_temporary_or_permanent_3)
{
    expect_rows(2);
}

Test(faults, are_temporary_or_permanent_4)
{
    expect_rows(3);
}

/* libcurl has a timeout of its own for that reply. */
Test(faults, a_missing_reply_to_quit_delays_nothing)
{
    struct server *worker;
    long begun = now_us();

    sink_set_faults(
        mails->sink, (const struct sink_fault[]){{SINK_RCPT, SINK_REPLY, "550 5.1.1 no such user", 0},
                         {SINK_QUIT, SINK_STALL, NULL, 0}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
    mails_queue(mails, 1);
    worker = mails_start_worker(mails, (const char *[]){"--smtp-timeout=20000", "--lease=30000", NULL});
    mails_await(mails, "GivenUp", 1);
    cr_expect_lt(now_us() - begun, 5000000, "after %ld ms", (now_us() - begun) / 1000);
    cr_expect_eq(sink_reached(mails->sink, SINK_QUIT), 1);
    server_end(worker);
}
