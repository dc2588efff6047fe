#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/metric.h"
#include "mails.h"

/* How a worker starts, reports its state and stops. */

MAIL_SUITE(life, 120)

static void hold(enum sink_stage stage)
{
    sink_set_faults(mails->sink,
        (const struct sink_fault[]){{stage, SINK_HOLD, NULL, 0}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
}

Test(life, a_worker_reports_its_state)
{
    struct server *worker = mails_start_worker(mails, (const char *[]){"--lease=30000", NULL});
    struct answer live = telemetry_get(worker, "/live");

    cr_expect_eq(live.status, 200);
    answer_free(&live);
    await_ready(worker, 200, "pass");
    hold(SINK_END);
    mails_queue(mails, 10);
    cr_assert(sink_await(mails->sink, SINK_END, 4));
    await_metric(worker, "accountsd_delivery_queue_due", 6);
    cr_expect_eq(metric(worker, "accountsd_deliveries_in_flight"), 4);
    cr_expect_eq(metric(worker, "accountsd_deliveries_in_flight_max"), 4);
    cr_expect_eq(metric(worker, "accountsd_delivery_queue_length"), 10);
    cr_expect_eq(metric(worker, "accountsd_delivery_queue_due"), 6);
    cr_expect_eq(metric(worker, "accountsd_deliveries_total{outcome=\"sent\"}"), 0);
    sink_release(mails->sink);
    mails_await(mails, "Sent", 10);
    await_metric(worker, "accountsd_delivery_queue_length", 0);
    cr_expect_eq(metric(worker, "accountsd_deliveries_total{outcome=\"sent\"}"), 10);
    cr_expect_eq(metric(worker, "accountsd_delivery_duration_seconds_count"), 10);
    cr_expect_eq(metric(worker, "accountsd_deliveries_in_flight"), 0);
    cr_expect_eq(metric(worker, "accountsd_delivery_queue_length"), 0);
    cr_expect_eq(metric(worker, "accountsd_delivery_database_connected"), 1);
    cr_expect_gt(metric(worker, "process_resident_memory_bytes"), 0);
    server_end(worker);
}

Test(life, a_worker_warns_of_ids_that_are_used_up)
{
    struct server *worker;

    free(database_query(mails->pg, "select setval('accounts.module_key_seq', 8500)", NULL));
    worker = mails_start_worker(mails, (const char *[]){"--poll-interval=100", NULL});
    cr_expect_eq(
        log_await(worker, "\"event\":\"key_space_low\",\"object\":\"module\",\"used_percent\":85}", 1), 1);
    cr_expect_eq(metric(worker, "accountsd_key_space_used_percent"), 85);
    free(database_query(mails->pg, "select setval('accounts.module_key_seq', 8600)", NULL));
    log_await(worker, "\"event\":\"key_space_low\"", 2);
    cr_expect_eq(server_log_count(worker, "\"event\":\"key_space_low\""), 2);
    cr_expect_eq(metric(worker, "accountsd_key_space_used_percent"), 86);
    server_end(worker);
}

Test(life, reports_an_unavailable_server_and_backs_off)
{
    struct server *worker;
    const struct sink_options options = {.port = sink_port(mails->sink)};
    char *attempts;

    sink_stop(mails->sink);
    mails->sink = NULL;
    mails_queue(mails, 50);
    worker =
        mails_start_worker(mails, (const char *[]){"--smtp-url", mails->sink_url, "--smtp-tls=none", NULL});
    await_ready(worker, 503, "is unavailable");
    sleep_ms(1500);
    attempts = database_query(mails->pg, "select sum(attempts) from accounts.outbox", NULL);
    /* Four at first, and then one at a time, at most half a second apart. */
    cr_expect_leq(strtol(attempts, NULL, 10), 16, "%s attempts", attempts);
    free(attempts);
    mails->sink = sink_start(&options);
    mails_await(mails, "Sent", 50);
    await_ready(worker, 200, "pass");
    cr_expect_eq(sink_count_accepted(mails->sink), 50);
    cr_expect_eq(log_await(worker, "\"event\":\"transport_unavailable\"", 1), 1);
    cr_expect_eq(log_await(worker, "\"event\":\"transport_available\"", 1), 1);
    server_end(worker);
}

Test(life, a_stopping_worker_finishes_deliveries_in_flight)
{
    struct server *worker = mails_start_worker(mails, (const char *[]){"--lease=30000", NULL});

    hold(SINK_END);
    mails_queue(mails, 20);
    cr_assert(sink_await(mails->sink, SINK_END, 4));
    kill(worker->pid, SIGTERM);
    await_ready(worker, 503, "draining");
    sink_release(mails->sink);
    cr_expect_eq(server_stop(worker, 0), 0);
    cr_expect_eq(sink_count_accepted(mails->sink), 4);
    cr_expect_eq(mails_count(mails, "Sent"), 4);
    cr_expect_eq(mails_count(mails, "Queued"), 16);
}

Test(life, a_worker_aborts_deliveries_after_the_drain_timeout)
{
    struct server *worker = mails_start_worker(
        mails, (const char *[]){"--lease=60000", "--smtp-timeout=50000", "--smtp-connect-timeout=40000",
                   "--drain-timeout=500", "--database-timeout=300", NULL});
    char *released;
    long begun;

    sink_set_faults(mails->sink,
        (const struct sink_fault[]){{SINK_MAIL, SINK_STALL, NULL, 0}, {SINK_STAGES, SINK_NORMAL, NULL, 0}});
    mails_queue(mails, 4);
    cr_assert(sink_await(mails->sink, SINK_MAIL, 4));
    begun = now_us();
    kill(worker->pid, SIGTERM);
    cr_expect_eq(log_await(worker, "\"event\":\"deliveries_aborted\",\"deliveries\":4}", 1), 1);
    cr_expect_eq(server_stop(worker, 0), 1);
    cr_expect_lt(now_us() - begun, 6000000);
    /* The mails are released, so that no other worker has to wait for the end of the lease. */
    released = database_query(mails->pg,
        "select count(*) from accounts.outbox where delivery = 'Queued' and claimed_at is null and reason is "
        "not null",
        NULL);
    cr_expect_str_eq(released, "4");
    free(released);
}

static void expect_errors(const char *const *arguments, const char *const *complaints)
{
    char *said;
    int status = server_run(arguments, &said);
    size_t lines = 0;

    cr_expect_eq(status, 1, "%d: %s", status, said);
    for (size_t i = 0; complaints[i] != NULL; i++, lines++)
        cr_expect_not_null(strstr(said, complaints[i]), "not \"%s\" in %s", complaints[i], said);
    for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
        lines--;
    cr_expect_eq(lines, 0, "%s", said);
    free(said);
}

Test(life, all_mistakes_are_reported_at_once)
{
    expect_errors((const char *[]){"deliver", "--check-config", NULL},
        (const char *[]){
            "one of --smtp-url and --mail-directory is required", "--mail-from must be an address", NULL});
    expect_errors((const char *[]){"deliver", "--port=1", "--what", "--smtp-tls=perhaps",
                      "--smtp-url=http://a", "--smtp-user=u", "--lease=1000", "--mail-from=nobody", NULL},
        (const char *[]){"--port is an option of accountsd serve", "argument 3 is not an option",
            "--smtp-tls is not one of required, opportunistic, none", "--smtp-url is not smtp://host:port",
            "--smtp-user and the password", "--lease must be at least two seconds longer",
            "--mail-from must be an address", NULL});
    expect_errors((const char *[]){"send", NULL},
        (const char *[]){"the first argument is neither a command nor an option", NULL});
    expect_errors((const char *[]){"deliver", "--smtp-url=smtp://a", "--mail-from=a@b.c", "--smtp-user=u",
                      "--smtp-password-file=/nowhere", NULL},
        (const char *[]){"--smtp-password-file: cannot be read", NULL});
}

/* Two transactions commit together: the first notifies for both, and the worker looks before the second
 * has committed. The second does not notify. */
Test(life, a_mail_that_commits_after_its_notification_is_sent_soon)
{
    struct server *worker = mails_start_worker(mails, (const char *[]){"--poll-interval=60000", NULL});
    PGconn *first = database_connect(mails->url), *second = database_connect(mails->url);
    char *email = new_email(), *body = create_body(email, mails->account, NULL);
    long started;

    mails_queue(mails, 1);
    mails_await(mails, "Sent", 1);
    free(database_query(first,
        "create or replace function internal.notify_listeners() returns void language sql as ''", NULL));
    free(database_query(second, "begin", NULL));
    free(database_query(second, "select api.create_account_user($1::jsonb)", body, NULL));
    sleep_ms(500);
    /* The delayed look for the first notification comes before the second one. */
    free(database_query(first, "notify accountsd_outbox", NULL));
    sleep_ms(150);
    free(database_query(first, "notify accountsd_outbox", NULL));
    sleep_ms(100);
    started = now_us();
    free(database_query(second, "commit", NULL));
    mails_await(mails, "Sent", 2);
    cr_expect_lt(now_us() - started, 5000000, "after %ld ms", (now_us() - started) / 1000);
    server_end(worker);
    PQfinish(second);
    PQfinish(first);
    free(body);
    free(email);
}

/* Readers of events and recorded outcomes do not wait for each other. */
Test(life, a_reader_with_an_open_transaction_delays_no_mail)
{
    struct server *worker = mails_start_worker(mails, NULL);
    PGconn *reader = database_connect(mails->url);

    hold(SINK_END);
    mails_queue(mails, 3);
    cr_assert(sink_await(mails->sink, SINK_END, 3));
    free(database_query(reader, "begin", NULL));
    free(database_query(reader, "select count(*) from api.read_events()", NULL));
    sink_release(mails->sink);
    mails_await(mails, "Sent", 3);
    mails_queue(mails, 2);
    sink_release(mails->sink);
    mails_await(mails, "Sent", 5);
    free(database_query(reader, "commit", NULL));
    cr_expect_eq(sink_count_accepted(mails->sink), 5);
    server_end(worker);
    PQfinish(reader);
}

/* Delays each change of a table's rows for which a condition is true. */
static void slow_down(const char *table, const char *condition, const char *seconds)
{
    char *sql = NULL;

    free(database_query(mails->pg,
        "create function public.dawdle() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(tg_argv[0]::float); return new; end $$",
        NULL));
    cr_assert_geq(asprintf(&sql,
                      "create trigger dawdle before update on accounts.%s for each row when (%s)"
                      " execute function public.dawdle(%s)",
                      table, condition, seconds),
        0);
    free(database_query(mails->pg, sql, NULL));
    free(sql);
}

/* The notification of a mail that is queued during a statement arrives with its result. */
Test(life, a_mail_queued_during_a_claim_is_sent_soon)
{
    struct server *worker;
    long started;

    slow_down("invitation", "true", "0.5");
    mails_queue(mails, 1);
    started = now_us();
    worker = mails_start_worker(mails, (const char *[]){"--poll-interval=60000", "--lease=30000", NULL});
    for (bool is_active = false; !is_active; sleep_ms(10)) {
        char *count = database_query(mails->pg,
            "select count(*) from pg_stat_activity where query like '%claim_deliveries%'"
            " and usename = 'accountsd_delivery' and state = 'active' and datname = current_database()",
            NULL);

        is_active = strcmp(count, "1") == 0;
        free(count);
    }
    mails_queue(mails, 1);
    mails_await(mails, "Sent", 2);
    cr_expect_lt(now_us() - started, 10000000, "after %ld ms", (now_us() - started) / 1000);
    server_end(worker);
}

/* Cancelling all these mails takes longer than one claim may. */
Test(life, a_mail_after_many_cancelled_ones_is_sent_soon)
{
    struct server *worker;
    long started;

    slow_down("outbox", "new.delivery = 'Cancelled'", "0.9");
    mails_queue(mails, 3);
    free(database_query(
        mails->pg, "update accounts.invitation set status = 'Revoked', closed_at = now()", NULL));
    mails_queue(mails, 1);
    started = now_us();
    worker = mails_start_worker(
        mails, (const char *[]){"--poll-interval=60000", "--lease=30000", "--mails-in-flight=1", NULL});
    mails_await(mails, "Sent", 1);
    cr_expect_eq(mails_count(mails, "Cancelled"), 3);
    cr_expect_lt(now_us() - started, 10000000, "after %ld ms", (now_us() - started) / 1000);
    server_end(worker);
}

/* The worker has capacity again whenever a claim returns. */
Test(life, a_long_queue_delays_neither_metrics_nor_reminders)
{
    struct server *worker;
    char *expired;

    free(database_query(mails->pg, "select api.configure('{\"invitation.expiredEvent\": true}')", NULL));
    slow_down("invitation", "new.mail_code_sha256s <> old.mail_code_sha256s", "0.02");
    mails_queue(mails, 200);
    worker = mails_start_worker(
        mails, (const char *[]){"--poll-interval=300", "--announce-interval=300", "--lease=30000", NULL});
    cr_assert(sink_await(mails->sink, SINK_END, 20));
    free(database_query(mails->pg,
        "update accounts.invitation set sent_at = now() - interval '8 days', expires_at = now()"
        " where key = (select max(key) from accounts.invitation)",
        NULL));
    cr_assert(sink_await(mails->sink, SINK_END, 120));
    cr_expect_leq(metric(worker, "accountsd_delivery_queue_length"), 150, "%f",
        metric(worker, "accountsd_delivery_queue_length"));
    expired = database_query(
        mails->pg, "select count(*) from accounts.outbox where topic = 'invitation.expired'", NULL);
    cr_expect_str_eq(expired, "1");
    free(expired);
    cr_expect_lt(sink_reached(mails->sink, SINK_END), 180, "too late to be conclusive");
    server_end(worker);
}

/* At once, for readers of the events. */
Test(life, events_are_numbered)
{
    struct server *worker = mails_start_worker(mails, (const char *[]){"--poll-interval=600000", NULL});
    char *read;

    mails_queue(mails, 3);
    await_metric(worker, "accountsd_events_numbered_total", 3);
    read = database_query(mails->pg, "select count(*) from api.read_events()", NULL);
    cr_expect_str_eq(read, "3");
    free(read);
    server_end(worker);
}

/* Half of the lease is over when the claim returns, so sending might exceed the rest. */
Test(life, a_mail_whose_claim_took_long_is_released)
{
    static const char *const statements[] = {
        "create sequence public.claims",
        "grant all on sequence public.claims to public",
        "create function public.dawdle() returns trigger language plpgsql as"
        " $$ begin if nextval('public.claims') = 1 then perform pg_sleep(1.5); end if; return new; end $$",
        "create trigger dawdle before update on accounts.invitation for each row execute function "
        "public.dawdle()",
    };
    struct server *worker;

    for (size_t i = 0; i < COUNT(statements); i++)
        free(database_query(mails->pg, statements[i], NULL));
    mails_queue(mails, 1);
    worker = mails_start_worker(mails, NULL);
    mails_await(mails, "Sent", 1);
    cr_expect_eq(log_await(worker, "\"outcome\":\"Released\"", 1), 1);
    cr_expect_eq(sink_count_accepted(mails->sink), 1);
    server_end(worker);
}

/* The database cannot record it until long after the lease. */
Test(life, a_sent_mail_is_recorded_after_its_lease)
{
    struct server *worker = mails_start_worker(mails, (const char *[]){"--database-timeout=500", NULL});
    PGconn *pg = database_connect(mails->url);

    hold(SINK_END);
    mails_queue(mails, 1);
    cr_assert(sink_await(mails->sink, SINK_END, 1));
    free(database_query(mails->pg, "begin", NULL));
    free(database_query(mails->pg, "select 1 from accounts.outbox for update", NULL));
    sink_set_faults(mails->sink, (const struct sink_fault[]){{SINK_STAGES, SINK_NORMAL, NULL, 0}});
    sink_release(mails->sink);
    sleep_ms(5000);
    /* The statement that the worker has given up would otherwise continue and take effect. */
    free(database_query(pg,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'accountsd_delivery'"
        " and datname = current_database()",
        NULL));
    free(database_query(mails->pg, "rollback", NULL));
    mails_await(mails, "Sent", 1);
    cr_expect_eq(sink_count_accepted(mails->sink), 1);
    server_end(worker);
    PQfinish(pg);
}

/* By the settings of api.configure, without any request. */
Test(life, a_worker_sends_reminders_and_announces_expiries)
{
    static const char *const statements[] = {
        "begin",
        "select api.configure('{\"invitation.reminder\": \"1 day\", \"invitation.expiredEvent\": true}')",
        /* Time passes: the first expires in half a day, the second has expired. */
        "update accounts.expiry_notice set noticed_until = now() - interval '1 hour'",
        "update accounts.invitation set sent_at = sent_at - interval '6 days 12 hours',"
        " expires_at = expires_at - interval '6 days 12 hours'"
        " where key = (select min(key) from accounts.invitation)",
        "update accounts.invitation set sent_at = sent_at - interval '7 days 1 minute',"
        " expires_at = expires_at - interval '7 days 1 minute'"
        " where key = (select max(key) from accounts.invitation)",
        "commit",
    };
    struct server *worker = mails_start_worker(
        mails, (const char *[]){"--announce-interval=100", "--poll-interval=600000", NULL});
    char *topics;

    mails_queue(mails, 2);
    mails_await(mails, "Sent", 2);
    /* So that these do not cause another look. */
    sleep_ms(1000);
    for (size_t i = 0; i < COUNT(statements); i++)
        free(database_query(mails->pg, statements[i], NULL));
    mails_await(mails, "Sent", 3);
    topics = database_query(mails->pg,
        "select string_agg(topic || ' ' || (invitation_key = (select min(key) from accounts.invitation)), ','"
        " order by topic) from accounts.outbox where topic <> 'invitation.mail'",
        NULL);
    cr_expect_str_eq(topics, "invitation.expired false,invitation.reminder true", "%s", topics);
    cr_expect_not_null(
        strstr(sink_mail_at(mails->sink, 2).text, "is still open"), "%s", sink_mail_at(mails->sink, 2).text);
    free(topics);
    server_end(worker);
}
