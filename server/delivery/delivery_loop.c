#include "delivery/delivery_loop.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/die.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/signals.h"
#include "database/backoff.h"
#include "database/postgres.h"
#include "delivery/delivery_metrics.h"
#include "delivery/mime.h"
#include "delivery/outbox.h"
#include "delivery/outcomes.h"
#include "delivery/sender.h"
#include "delivery/smtp.h"
#include "delivery/upkeep.h"
#include "words/template.h"

#define RETRY_MIN_MS 100
#define TRANSPORT_RETRY_MIN_MS 500
/* libcurl may exceed its timeout, and the time to notice an abort, by this much. */
#define OVERRUN_MS 1000
/* After a notification the queue is read at once and again after this time: of transactions that commit
 * together only one notifies, perhaps before the others have committed. */
#define RECHECK_MS 200
/* api.claim_deliveries stops after this time, even if there are more mails. */
#define CLAIM_TIME_MS 2000

struct delivery_loop {
    const struct config *config;
    struct templates *templates;
    struct mailbox from;
    struct outbox outbox;
    struct log_repeat failure;
    struct sender *sender;
    struct delivery_metrics *metrics;
    unsigned seed;
    struct upkeep upkeep;
    /* Deliveries that the sender has. */
    size_t in_flight;
    struct outcomes outcomes;
    /* Mails may be due. */
    bool may_have_mails;
    struct backoff database, transport;
    /* clock_now_ms() when to read the queue, regularly and after a notification. */
    int64_t poll_at, recheck_at;
    bool is_draining, has_aborted;
    int64_t drain_until;
    char password[SMTP_SECRET_MAX];
};

static void end_drain_at(struct delivery_loop *loop, int64_t moment)
{
    loop->drain_until = moment;
    loop->outbox.deadline_ms = moment;
}

static void read_signals(struct delivery_loop *loop)
{
    int signal = signals_take_stop();

    if (signal == 0)
        return;
    loop->is_draining = true;
    loop->outbox.stop_fd = -1;
    end_drain_at(loop, clock_now_ms() + loop->config->drain_timeout);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DRAINING, 1);
    log_event("draining", json_pack("{s:s}", "signal", strsignal(signal)));
}

static void note_connection_lost(struct delivery_loop *loop)
{
    delivery_metrics_add(loop->metrics, DELIVERY_METRICS_DATABASE_LOST, 1);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DATABASE_CONNECTED, 0);
    log_event("database_lost", json_pack("{s:s}", "reason", loop->outbox.error));
    backoff_extend(&loop->database, &loop->seed, RETRY_MIN_MS, loop->config->database_retry_interval);
}

/* Backs off after a failed call, whether or not the connection was lost. */
static void note_failure(struct delivery_loop *loop, const char *function)
{
    if (loop->outbox.pg == NULL) {
        note_connection_lost(loop);
        return;
    }
    log_event("database_error", json_pack("{s:s, s:s}", "function", function, "reason", loop->outbox.error));
    backoff_extend(&loop->database, &loop->seed, RETRY_MIN_MS, loop->config->database_retry_interval);
}

static void expect_work(struct delivery_loop *loop)
{
    loop->may_have_mails = loop->upkeep.may_have_events = true;
}

static void connect_database(struct delivery_loop *loop)
{
    bool was_draining = loop->is_draining, is_schema_unsupported = false;

    if (outbox_connect(&loop->outbox, &is_schema_unsupported)) {
        loop->database = (struct backoff){0};
        loop->failure = (struct log_repeat){0};
        expect_work(loop);
        delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DATABASE_CONNECTED, 1);
        delivery_metrics_set(loop->metrics, DELIVERY_METRICS_SCHEMA_UNSUPPORTED, 0);
        log_event("database_connected", NULL);
        return;
    }
    read_signals(loop);
    /* An attempt that a signal interrupted does not count as a failure. */
    if (loop->is_draining && !was_draining)
        return;
    delivery_metrics_add(loop->metrics, DELIVERY_METRICS_DATABASE_FAILURES, 1);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_SCHEMA_UNSUPPORTED, is_schema_unsupported);
    if (log_is_news(&loop->failure, loop->outbox.error))
        log_event("database_unavailable", json_pack("{s:s}", "reason", loop->outbox.error));
    backoff_extend(&loop->database, &loop->seed, RETRY_MIN_MS, loop->config->database_retry_interval);
}

/* Outcomes that cannot be reported are kept. */
static void report_outcomes(struct delivery_loop *loop)
{
    if (outcomes_report(&loop->outcomes, &loop->outbox))
        loop->database = (struct backoff){0};
    else
        note_failure(loop, "complete_deliveries");
}

static void set_unavailable(struct delivery_loop *loop, const struct delivery *delivery)
{
    bool was_unavailable = loop->transport.ms > 0;

    /* Mails that were in flight together count as one failure. */
    if (clock_now_ms() < loop->transport.until)
        return;
    backoff_extend(&loop->transport, &loop->seed, TRANSPORT_RETRY_MIN_MS, loop->config->smtp_retry_interval);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_TRANSPORT_UNAVAILABLE, 1);
    if (!was_unavailable)
        log_event("transport_unavailable",
            json_pack("{s:s, s:i}", "stage", transport_stage_name(delivery->result.stage), "reply_code",
                delivery->result.code));
}

static void set_available(struct delivery_loop *loop)
{
    if (loop->transport.ms == 0)
        return;
    loop->transport = (struct backoff){0};
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_TRANSPORT_UNAVAILABLE, 0);
    log_event("transport_available", NULL);
}

static void take_done(struct delivery_loop *loop)
{
    struct delivery *next;

    for (struct delivery *delivery = sender_take(loop->sender); delivery != NULL; delivery = next) {
        next = delivery->next;
        loop->in_flight--;
        if (delivery->result.is_unavailable)
            set_unavailable(loop, delivery);
        else
            set_available(loop);
        outcomes_keep(&loop->outcomes, delivery);
    }
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_IN_FLIGHT, loop->in_flight);
}

static void start_delivery(struct delivery_loop *loop, struct delivery *delivery, const char *text)
{
    if (!delivery_write(delivery, loop->templates, &loop->from, text)) {
        outcomes_keep(&loop->outcomes, delivery);
        return;
    }
    /* No mail may be in flight by SMTP when its lease ends. */
    if (loop->is_draining ||
        clock_now_ms() + loop->config->smtp_timeout + OVERRUN_MS > delivery->lease_until_ms) {
        delivery->result.outcome = OUTCOME_RELEASED;
        outcomes_keep(&loop->outcomes, delivery);
        return;
    }
    loop->in_flight++;
    sender_submit(loop->sender, delivery);
}

/* The number of mails that may be claimed: one, as a probe, after the transport was unavailable. */
static size_t room(const struct delivery_loop *loop)
{
    size_t taken = loop->in_flight + loop->outcomes.count, most = (size_t)loop->config->mails_in_flight;

    if (loop->is_draining || clock_now_ms() < loop->transport.until || taken >= most)
        return 0;
    return loop->transport.ms == 0 ? most - taken : taken == 0 ? 1 : 0;
}

static void claim(struct delivery_loop *loop)
{
    size_t count = room(loop);
    /* Read the clock before the database does, so that the lease seems shorter rather than longer. */
    int64_t begun = clock_now_ms(), lease_until = begun + loop->config->lease;
    PGresult *claimed = outbox_claim_deliveries(&loop->outbox, count);

    if (claimed == NULL) {
        note_failure(loop, "claim_deliveries");
        return;
    }
    loop->database = (struct backoff){0};
    loop->may_have_mails = (size_t)PQntuples(claimed) == count || clock_now_ms() - begun >= CLAIM_TIME_MS;
    /* If a signal arrived during the call, the mails are released without being sent. */
    read_signals(loop);
    for (int row = 0; row < PQntuples(claimed); row++) {
        struct delivery *delivery = calloc(1, sizeof(*delivery));

        /* Another worker can claim the mail when the lease ends. */
        if (delivery == NULL)
            break;
        delivery->id = strtoll(PQgetvalue(claimed, row, 0), NULL, 10);
        delivery->attempt = atoi(PQgetvalue(claimed, row, 1));
        delivery->is_repeat = *PQgetvalue(claimed, row, 2) == 't';
        delivery->lease_until_ms = lease_until;
        delivery_metrics_add(loop->metrics, DELIVERY_METRICS_REPEATS, delivery->is_repeat);
        start_delivery(loop, delivery, PQgetvalue(claimed, row, 3));
    }
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_IN_FLIGHT, loop->in_flight);
    PQclear(claimed);
}

/* Makes one call. Periodic work comes before mails, so that a long queue does not delay it. */
static void call_next(struct delivery_loop *loop, int64_t now)
{
    struct upkeep *upkeep = &loop->upkeep;
    const char *failed = NULL;

    if (upkeep->may_have_events)
        failed = upkeep_number_events(upkeep);
    else if (now >= upkeep->measure_at)
        failed = upkeep_measure(upkeep);
    else if (now < upkeep->announce_at && loop->may_have_mails && room(loop) > 0)
        claim(loop);
    else if (now >= upkeep->announce_at || upkeep->may_have_expiries)
        failed = upkeep_announce(upkeep);
    if (failed != NULL)
        note_failure(loop, failed);
}

/* Reports outcomes before anything else: a mail whose outcome is not reported may be sent again. */
static void call_database(struct delivery_loop *loop)
{
    int64_t now = clock_now_ms();

    outcomes_drop_overdue(&loop->outcomes);
    if (now < loop->database.until)
        return;
    if (loop->outbox.pg == NULL)
        connect_database(loop);
    if (loop->outbox.pg != NULL && loop->outcomes.count > 0)
        report_outcomes(loop);
    if (now >= loop->poll_at || now >= loop->recheck_at) {
        loop->poll_at = now + loop->config->poll_interval;
        loop->recheck_at = INT64_MAX;
        expect_work(loop);
    }
    if (loop->outbox.pg == NULL || loop->is_draining || clock_now_ms() < loop->database.until)
        return;
    call_next(loop, now);
}

static void wait_until(int64_t moment, int64_t *until)
{
    if (moment < *until)
        *until = moment;
}

/* When the loop must run again even without an event. */
static int64_t next_wakeup(const struct delivery_loop *loop)
{
    const bool is_connected = loop->outbox.pg != NULL;
    int64_t until = clock_now_ms() + 1000;

    if (!is_connected || loop->outcomes.count > 0)
        wait_until(loop->database.until, &until);
    if (loop->is_draining) {
        wait_until(loop->drain_until, &until);
        return until;
    }
    if (is_connected && loop->database.until > clock_now_ms()) {
        wait_until(loop->database.until, &until);
    } else if (is_connected) {
        wait_until(loop->poll_at, &until);
        wait_until(loop->recheck_at, &until);
        wait_until(loop->upkeep.measure_at, &until);
        wait_until(loop->upkeep.announce_at, &until);
        if (loop->upkeep.may_have_expiries || loop->upkeep.may_have_events ||
            (loop->may_have_mails && room(loop) > 0))
            until = 0;
        else if (loop->may_have_mails && loop->transport.ms > 0)
            wait_until(loop->transport.until, &until);
    }
    return until;
}

static void listen_to_database(struct delivery_loop *loop)
{
    bool has_mail = false;

    if (loop->outbox.pg == NULL)
        return;
    if (!outbox_listen(&loop->outbox, &has_mail))
        note_connection_lost(loop);
    if (has_mail) {
        expect_work(loop);
        loop->recheck_at = clock_now_ms() + RECHECK_MS;
    }
}

static void wait_for_events(struct delivery_loop *loop)
{
    struct pollfd fds[] = {
        {.fd = signals_stop_fd(), .events = POLLIN},
        {.fd = sender_done_fd(loop->sender), .events = POLLIN},
        {.fd = loop->outbox.pg != NULL ? PQsocket(loop->outbox.pg) : -1, .events = POLLIN},
    };
    int64_t wait = next_wakeup(loop) - clock_now_ms();

    poll(fds, COUNT(fds), wait > 0 ? (int)wait : 0);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_HEARTBEAT, clock_now_us());
    read_signals(loop);
    take_done(loop);
}

/* At the end of the drain timeout: the first call aborts the deliveries in flight, the second drops outcomes
 * that could not be reported. */
static void drain(struct delivery_loop *loop)
{
    if (loop->in_flight > 0 && !loop->has_aborted) {
        log_event("deliveries_aborted", json_pack("{s:i}", "deliveries", (int)loop->in_flight));
        loop->has_aborted = true;
        end_drain_at(loop, clock_now_ms() + OVERRUN_MS + loop->config->database_timeout);
        sender_abort(loop->sender);
        return;
    }
    loop->has_aborted |= loop->outcomes.count > 0;
    outcomes_drop_all(&loop->outcomes);
    loop->in_flight = 0;
}

static void run(struct delivery_loop *loop)
{
    while (!loop->is_draining || loop->in_flight > 0 || loop->outcomes.count > 0) {
        wait_for_events(loop);
        call_database(loop);
        /* After the calls, because notifications may have arrived with a result. */
        listen_to_database(loop);
        if (loop->is_draining && clock_now_ms() >= loop->drain_until)
            drain(loop);
    }
}

/* For --fail-fast: dies if the database cannot be reached or its schema is not supported. */
static void require_database(struct delivery_loop *loop)
{
    bool is_schema_unsupported = false;

    if (!outbox_connect(&loop->outbox, &is_schema_unsupported))
        die(loop->outbox.error);
    expect_work(loop);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DATABASE_CONNECTED, 1);
}

struct delivery_loop *delivery_loop_start(const struct config *config)
{
    /* The loop blocks while a statement is executed. */
    const uint64_t stall_ms = (uint64_t)config->stall_timeout + (uint64_t)config->database_timeout +
                              (uint64_t)config->database_connect_timeout * 1000;
    struct delivery_loop *loop = memory_require(calloc(1, sizeof(*loop)));
    const char *password = NULL;

    loop->config = config;
    loop->metrics = delivery_metrics_create(stall_ms * 1000);
    loop->outbox = (struct outbox){.config = config, .stop_fd = -1, .deadline_ms = INT64_MAX};
    loop->outcomes.metrics = loop->metrics;
    loop->upkeep = (struct upkeep){.config = config, .metrics = loop->metrics, .outbox = &loop->outbox};
    loop->seed = (unsigned)getpid();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    mime_read_mailbox(config->mail_from, &loop->from);
    loop->templates = templates_require(config->templates);
    if (config->fail_fast)
        require_database(loop);
    loop->outbox.stop_fd = signals_stop_fd();
    /* From here on a stop must wait for mails in flight. */
    signals_pass(1);
    if (*config->smtp_user != '\0' && (password = smtp_read_password(config, loop->password)) == NULL)
        die("--smtp-password-file: cannot be read, or is empty");
    loop->sender = sender_start(config, password);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_HEARTBEAT, clock_now_us());
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_IN_FLIGHT_MAX, (uint64_t)config->mails_in_flight);
    return loop;
}

const struct delivery_metrics *delivery_loop_metrics(const struct delivery_loop *loop)
{
    return loop->metrics;
}

bool delivery_loop_run(struct delivery_loop *loop)
{
    run(loop);
    sender_stop(loop->sender);
    outbox_disconnect(&loop->outbox);
    return !loop->has_aborted;
}

void delivery_loop_free(struct delivery_loop *loop)
{
    delivery_metrics_free(loop->metrics);
    templates_free(loop->templates);
    curl_global_cleanup();
    free(loop);
}
