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
#include "base/signals.h"
#include "database/postgres.h"
#include "delivery/delivery_metrics.h"
#include "delivery/mime.h"
#include "delivery/outbox.h"
#include "delivery/outcomes.h"
#include "delivery/sender.h"
#include "delivery/smtp.h"
#include "words/template.h"

#define RETRY_MIN_MS 100
#define AWAY_MIN_MS 500
/* libcurl may take that much longer than it was given, and to notice that it is to stop. */
#define OVERRUN_MS 1000
/* After a word of a mail: of transactions that commit at a time one says it for all, maybe before the others.
 */
#define LOOK_AGAIN_MS 200
/* For so long api.claim_deliveries passes over what is not to be sent: then there may be more. */
#define CLAIM_PATIENCE_MS 2000
/* Invitations that one call announces; where there were as many, there may be more. */
#define ANNOUNCED_AT_ONCE 100
/* Events that one call numbers, likewise. */
#define NUMBERED_AT_ONCE 1000
/* From this percentage of the ids of a kind on, the share that is used is logged. */
#define KEY_SPACE_WARNING 80

/* Something that fails for a while: each failure doubles the time until it is tried again. */
struct pause {
    long ms;
    int64_t until;
};

struct delivery_loop {
    const struct config *config;
    struct templates *templates;
    struct mailbox from;
    struct outbox outbox;
    struct log_repeat failure;
    struct sender *sender;
    struct delivery_metrics *metrics;
    unsigned seed;
    /* How many the sender has. */
    size_t in_flight;
    struct outcomes outcomes;
    /* There may be a mail that is due, and an event without a position. */
    bool is_hungry, may_have_events;
    struct pause database, transport;
    /* When to look into the queue, to do so after the last word of a mail, to count it, and to announce. */
    int64_t poll_at, look_again_at, backlog_at, announce_at;
    uint64_t key_space_logged;
    bool announces_more;
    bool is_draining, broke_off;
    int64_t drain_until;
    char password[SMTP_SECRET_MAX];
};

/* At most max_ms, and at random no less than half of what it would be. */
static void extend(struct delivery_loop *loop, struct pause *pause, long min_ms, long max_ms)
{
    pause->ms = pause->ms == 0 ? min_ms : pause->ms * 2;
    if (pause->ms > max_ms)
        pause->ms = max_ms;
    pause->until = clock_now_ms() + pause->ms / 2 + rand_r(&loop->seed) % (pause->ms - pause->ms / 2 + 1);
}

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

static void forget_database(struct delivery_loop *loop)
{
    delivery_metrics_add(loop->metrics, DELIVERY_METRICS_DATABASE_LOST, 1);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DATABASE_CONNECTED, 0);
    log_event("database_lost", json_pack("{s:s}", "reason", loop->outbox.error));
    extend(loop, &loop->database, RETRY_MIN_MS, loop->config->database_retry_interval);
}

/* After a call that failed, and whose connection may be there yet. */
static void note_failure(struct delivery_loop *loop, const char *function)
{
    if (loop->outbox.pg == NULL) {
        forget_database(loop);
        return;
    }
    log_event("database_error", json_pack("{s:s, s:s}", "function", function, "reason", loop->outbox.error));
    extend(loop, &loop->database, RETRY_MIN_MS, loop->config->database_retry_interval);
}

static void connect_database(struct delivery_loop *loop)
{
    bool was_draining = loop->is_draining, is_unfit = false;

    if (outbox_connect(&loop->outbox, &is_unfit)) {
        loop->database = (struct pause){0};
        loop->failure = (struct log_repeat){0};
        loop->is_hungry = loop->may_have_events = true;
        delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DATABASE_CONNECTED, 1);
        delivery_metrics_set(loop->metrics, DELIVERY_METRICS_SCHEMA_UNFIT, 0);
        log_event("database_connected", NULL);
        return;
    }
    read_signals(loop);
    /* Cut short, an attempt says nothing of the database. */
    if (loop->is_draining && !was_draining)
        return;
    delivery_metrics_add(loop->metrics, DELIVERY_METRICS_DATABASE_FAILURES, 1);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_SCHEMA_UNFIT, is_unfit);
    if (log_is_news(&loop->failure, loop->outbox.error))
        log_event("database_away", json_pack("{s:s}", "reason", loop->outbox.error));
    extend(loop, &loop->database, RETRY_MIN_MS, loop->config->database_retry_interval);
}

/* Tells the database what became of mails. What it cannot be told now is kept. */
static void tell(struct delivery_loop *loop)
{
    if (outcomes_tell(&loop->outcomes, &loop->outbox))
        loop->database = (struct pause){0};
    else
        note_failure(loop, "complete_deliveries");
}

static void set_away(struct delivery_loop *loop, const struct delivery *delivery)
{
    bool was_away = loop->transport.ms > 0;

    /* Those that were in flight together are one failure. */
    if (clock_now_ms() < loop->transport.until)
        return;
    extend(loop, &loop->transport, AWAY_MIN_MS, loop->config->smtp_retry_interval);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_TRANSPORT_AWAY, 1);
    if (!was_away)
        log_event(
            "transport_away", json_pack("{s:s, s:i}", "stage", transport_stage_name(delivery->result.stage),
                                  "reply_code", delivery->result.code));
}

static void set_back(struct delivery_loop *loop)
{
    if (loop->transport.ms == 0)
        return;
    loop->transport = (struct pause){0};
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_TRANSPORT_AWAY, 0);
    log_event("transport_back", NULL);
}

static void take_done(struct delivery_loop *loop)
{
    struct delivery *next;

    for (struct delivery *delivery = sender_take(loop->sender); delivery != NULL; delivery = next) {
        next = delivery->next;
        loop->in_flight--;
        if (delivery->result.is_away)
            set_away(loop, delivery);
        else
            set_back(loop);
        outcomes_keep(&loop->outcomes, delivery);
    }
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_IN_FLIGHT, loop->in_flight);
}

static void begin(struct delivery_loop *loop, struct delivery *delivery, const char *text)
{
    if (!delivery_write(delivery, loop->templates, &loop->from, text)) {
        outcomes_keep(&loop->outcomes, delivery);
        return;
    }
    /* By SMTP no mail may be under way when its lease is over. To write a file takes as long as it takes. */
    if (loop->is_draining ||
        clock_now_ms() + loop->config->smtp_timeout + OVERRUN_MS > delivery->lease_until_ms) {
        delivery->result.outcome = OUTCOME_RELEASED;
        outcomes_keep(&loop->outcomes, delivery);
        return;
    }
    loop->in_flight++;
    sender_give(loop->sender, delivery);
}

/* A server that was away gets one mail, to see whether it is back. */
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
    /* Before the database begins to count. */
    int64_t begun = clock_now_ms(), lease_until = begun + loop->config->lease;
    PGresult *claimed = outbox_claim_deliveries(&loop->outbox, count);

    if (claimed == NULL) {
        note_failure(loop, "claim_deliveries");
        return;
    }
    loop->database = (struct pause){0};
    loop->is_hungry = (size_t)PQntuples(claimed) == count || clock_now_ms() - begun >= CLAIM_PATIENCE_MS;
    /* A signal that came meanwhile: what is not begun is given back. */
    read_signals(loop);
    for (int row = 0; row < PQntuples(claimed); row++) {
        struct delivery *delivery = calloc(1, sizeof(*delivery));

        /* Another worker gets it when the lease is over. */
        if (delivery == NULL)
            break;
        delivery->id = strtoll(PQgetvalue(claimed, row, 0), NULL, 10);
        delivery->attempt = atoi(PQgetvalue(claimed, row, 1));
        delivery->is_repeat = *PQgetvalue(claimed, row, 2) == 't';
        delivery->lease_until_ms = lease_until;
        delivery_metrics_add(loop->metrics, DELIVERY_METRICS_REPEATS, delivery->is_repeat);
        begin(loop, delivery, PQgetvalue(claimed, row, 3));
    }
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_IN_FLIGHT, loop->in_flight);
    PQclear(claimed);
}

/* Logs each percent once that is used of a kind of id, from KEY_SPACE_WARNING on. */
static void look_at_keys(struct delivery_loop *loop)
{
    PGresult *keys = outbox_key_space(&loop->outbox);
    uint64_t percent;

    if (keys == NULL) {
        note_failure(loop, "key_space");
        return;
    }
    percent = strtoull(PQgetvalue(keys, 0, 1), NULL, 10);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_KEY_SPACE_USED_PERCENT, percent);
    if (percent >= KEY_SPACE_WARNING && percent > loop->key_space_logged) {
        loop->key_space_logged = percent;
        log_event("key_space_low",
            json_pack("{s:s, s:i}", "object", PQgetvalue(keys, 0, 0), "used_percent", (int)percent));
    }
    PQclear(keys);
}

static void count_backlog(struct delivery_loop *loop)
{
    PGresult *backlog = outbox_delivery_backlog(&loop->outbox);

    loop->backlog_at = clock_now_ms() + loop->config->poll_interval;
    if (backlog == NULL) {
        note_failure(loop, "delivery_backlog");
        return;
    }
    delivery_metrics_set(
        loop->metrics, DELIVERY_METRICS_QUEUED, strtoull(PQgetvalue(backlog, 0, 0), NULL, 10));
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DUE, strtoull(PQgetvalue(backlog, 0, 1), NULL, 10));
    delivery_metrics_set(
        loop->metrics, DELIVERY_METRICS_OLDEST_DUE_SECONDS, strtoull(PQgetvalue(backlog, 0, 2), NULL, 10));
    PQclear(backlog);
    look_at_keys(loop);
}

static void announce(struct delivery_loop *loop)
{
    PGresult *announced = outbox_announce_expiries(&loop->outbox, ANNOUNCED_AT_ONCE);
    long count;

    loop->announce_at = clock_now_ms() + loop->config->announce_interval;
    loop->announces_more = false;
    if (announced == NULL) {
        note_failure(loop, "announce_expiries");
        return;
    }
    count = atol(PQgetvalue(announced, 0, 0));
    delivery_metrics_add(loop->metrics, DELIVERY_METRICS_ANNOUNCED, (uint64_t)count);
    loop->announces_more = count >= ANNOUNCED_AT_ONCE;
    PQclear(announced);
}

static void number_events(struct delivery_loop *loop)
{
    PGresult *numbered = outbox_number_events(&loop->outbox, NUMBERED_AT_ONCE);
    long count;

    loop->may_have_events = false;
    if (numbered == NULL) {
        note_failure(loop, "number_events");
        return;
    }
    count = atol(PQgetvalue(numbered, 0, 0));
    delivery_metrics_add(loop->metrics, DELIVERY_METRICS_EVENTS, (uint64_t)count);
    loop->may_have_events = count >= NUMBERED_AT_ONCE;
    PQclear(numbered);
}

/* All that the database has to do for us now; the most urgent first, since what was sent and is not known to
 * be could be sent again. */
static void call_database(struct delivery_loop *loop)
{
    int64_t now = clock_now_ms();

    outcomes_drop_overdue(&loop->outcomes);
    if (now < loop->database.until)
        return;
    if (loop->outbox.pg == NULL)
        connect_database(loop);
    if (loop->outbox.pg != NULL && loop->outcomes.count > 0)
        tell(loop);
    if (now >= loop->poll_at || now >= loop->look_again_at) {
        loop->poll_at = now + loop->config->poll_interval;
        loop->look_again_at = INT64_MAX;
        loop->is_hungry = loop->may_have_events = true;
    }
    if (loop->outbox.pg == NULL || loop->is_draining || clock_now_ms() < loop->database.until)
        return;
    /* What has a time of its own goes before mails, or a long queue would put it off for as long as it is. */
    if (loop->may_have_events)
        number_events(loop);
    else if (now >= loop->backlog_at)
        count_backlog(loop);
    else if (now < loop->announce_at && loop->is_hungry && room(loop) > 0)
        claim(loop);
    else if (now >= loop->announce_at || loop->announces_more)
        announce(loop);
}

static void wait_until(int64_t moment, int64_t *until)
{
    if (moment < *until)
        *until = moment;
}

/* When the loop has to turn though nothing happens. */
static int64_t next_turn(const struct delivery_loop *loop)
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
        wait_until(loop->look_again_at, &until);
        wait_until(loop->backlog_at, &until);
        wait_until(loop->announce_at, &until);
        if (loop->announces_more || loop->may_have_events || (loop->is_hungry && room(loop) > 0))
            until = 0;
        else if (loop->is_hungry && loop->transport.ms > 0)
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
        forget_database(loop);
    if (has_mail) {
        loop->is_hungry = loop->may_have_events = true;
        loop->look_again_at = clock_now_ms() + LOOK_AGAIN_MS;
    }
}

static void wait_for_events(struct delivery_loop *loop)
{
    struct pollfd fds[] = {
        {.fd = signals_stop_fd(), .events = POLLIN},
        {.fd = sender_done_fd(loop->sender), .events = POLLIN},
        {.fd = loop->outbox.pg != NULL ? PQsocket(loop->outbox.pg) : -1, .events = POLLIN},
    };
    int64_t wait = next_turn(loop) - clock_now_ms();

    poll(fds, COUNT(fds), wait > 0 ? (int)wait : 0);
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_HEARTBEAT, clock_now_us());
    read_signals(loop);
    take_done(loop);
}

/* Ends what takes too long, and in the end all that the database will not hear. */
static void drain(struct delivery_loop *loop)
{
    if (loop->in_flight > 0 && !loop->broke_off) {
        log_event("deliveries_broken_off", json_pack("{s:i}", "deliveries", (int)loop->in_flight));
        loop->broke_off = true;
        end_drain_at(loop, clock_now_ms() + OVERRUN_MS + loop->config->database_timeout);
        sender_break_off(loop->sender);
        return;
    }
    loop->broke_off |= loop->outcomes.count > 0;
    outcomes_give_up(&loop->outcomes);
    loop->in_flight = 0;
}

static void run(struct delivery_loop *loop)
{
    while (!loop->is_draining || loop->in_flight > 0 || loop->outcomes.count > 0) {
        wait_for_events(loop);
        call_database(loop);
        /* After the calls, since what the database says unasked may have come with a result. */
        listen_to_database(loop);
        if (loop->is_draining && clock_now_ms() >= loop->drain_until)
            drain(loop);
    }
}

/* For --fail-fast: ends the process, with the reason, when the database cannot be reached or does not fit. */
static void require_database(struct delivery_loop *loop)
{
    bool is_unfit = false;

    if (!outbox_connect(&loop->outbox, &is_unfit))
        die(loop->outbox.error);
    loop->is_hungry = loop->may_have_events = true;
    delivery_metrics_set(loop->metrics, DELIVERY_METRICS_DATABASE_CONNECTED, 1);
}

struct delivery_loop *delivery_loop_start(const struct config *config)
{
    /* A statement may be on its way for that long with the loop standing still. */
    const uint64_t patience_ms = (uint64_t)config->stall_timeout + (uint64_t)config->database_timeout +
                                 (uint64_t)config->database_connect_timeout * 1000;
    struct delivery_loop *loop = calloc(1, sizeof(*loop));
    const char *password = NULL;

    if (loop == NULL || (loop->metrics = delivery_metrics_create(patience_ms * 1000)) == NULL)
        die("cannot start: memory ran out");
    loop->config = config;
    loop->outbox = (struct outbox){.config = config, .stop_fd = -1, .deadline_ms = INT64_MAX};
    loop->outcomes.metrics = loop->metrics;
    loop->seed = (unsigned)getpid();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    mime_read_mailbox(config->mail_from, &loop->from);
    loop->templates = templates_require(config->templates);
    if (config->fail_fast)
        require_database(loop);
    loop->outbox.stop_fd = signals_stop_fd();
    /* From here on there may be mails under way. */
    signals_pass(1);
    if (*config->smtp_user != '\0' && (password = smtp_read_password(config, loop->password)) == NULL)
        die("--smtp-password-file: cannot be read, or is empty");
    if ((loop->sender = sender_start(config, password)) == NULL)
        die("cannot start a thread");
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
    return !loop->broke_off;
}

void delivery_loop_free(struct delivery_loop *loop)
{
    delivery_metrics_free(loop->metrics);
    templates_free(loop->templates);
    curl_global_cleanup();
    free(loop);
}
