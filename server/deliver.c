#include "deliver.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "dial.h"
#include "die.h"
#include "log.h"
#include "message.h"
#include "metrics.h"
#include "outbox.h"
#include "results.h"
#include "sender.h"
#include "signals.h"
#include "smtp.h"
#include "tally.h"
#include "telemetry.h"
#include "template.h"

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

struct worker {
    const struct config *config;
    struct templates *templates;
    struct mailbox from;
    struct outbox outbox;
    struct log_repeat failure;
    struct sender *sender;
    struct tally *tally;
    unsigned seed;
    /* How many the sender has. */
    size_t in_flight;
    struct results results;
    /* There may be a mail that is due, and an event without a position. */
    bool is_hungry, may_have_events;
    struct pause database, transport;
    /* When to look into the queue, to do so after the last word of a mail, to count it, and to announce. */
    int64_t poll_at, look_again_at, backlog_at, announce_at;
    uint64_t key_space_logged;
    bool announces_more;
    bool is_draining, broke_off;
    int64_t drain_until;
};

/* At most max_ms, and at random no less than half of what it would be. */
static void extend(struct worker *worker, struct pause *pause, long min_ms, long max_ms)
{
    pause->ms = pause->ms == 0 ? min_ms : pause->ms * 2;
    if (pause->ms > max_ms)
        pause->ms = max_ms;
    pause->until = dial_now_ms() + pause->ms / 2 + rand_r(&worker->seed) % (pause->ms - pause->ms / 2 + 1);
}

static void end_drain_at(struct worker *worker, int64_t moment)
{
    worker->drain_until = moment;
    worker->outbox.deadline_ms = moment;
}

static void read_signals(struct worker *worker)
{
    int signal = signals_take_stop();

    if (signal == 0)
        return;
    worker->is_draining = true;
    worker->outbox.stop_fd = -1;
    end_drain_at(worker, dial_now_ms() + worker->config->drain_timeout);
    tally_set(worker->tally, TALLY_DRAINING, 1);
    log_event("draining", json_pack("{s:s}", "signal", strsignal(signal)));
}

static void forget_database(struct worker *worker)
{
    tally_add(worker->tally, TALLY_DATABASE_LOST, 1);
    tally_set(worker->tally, TALLY_DATABASE_CONNECTED, 0);
    log_event("database_lost", json_pack("{s:s}", "reason", worker->outbox.error));
    extend(worker, &worker->database, RETRY_MIN_MS, worker->config->database_retry_interval);
}

/* After a call that failed, and whose connection may be there yet. */
static void note_failure(struct worker *worker, const char *function)
{
    if (worker->outbox.pg == NULL) {
        forget_database(worker);
        return;
    }
    log_event(
        "database_error", json_pack("{s:s, s:s}", "function", function, "reason", worker->outbox.error));
    extend(worker, &worker->database, RETRY_MIN_MS, worker->config->database_retry_interval);
}

static void connect_database(struct worker *worker)
{
    bool was_draining = worker->is_draining, is_unfit = false;

    if (outbox_connect(&worker->outbox, &is_unfit)) {
        worker->database = (struct pause){0};
        worker->failure = (struct log_repeat){0};
        worker->is_hungry = worker->may_have_events = true;
        tally_set(worker->tally, TALLY_DATABASE_CONNECTED, 1);
        tally_set(worker->tally, TALLY_SCHEMA_UNFIT, 0);
        log_event("database_connected", NULL);
        return;
    }
    read_signals(worker);
    /* Cut short, an attempt says nothing of the database. */
    if (worker->is_draining && !was_draining)
        return;
    tally_add(worker->tally, TALLY_DATABASE_FAILURES, 1);
    tally_set(worker->tally, TALLY_SCHEMA_UNFIT, is_unfit);
    if (log_is_news(&worker->failure, worker->outbox.error))
        log_event("database_away", json_pack("{s:s}", "reason", worker->outbox.error));
    extend(worker, &worker->database, RETRY_MIN_MS, worker->config->database_retry_interval);
}

/* Tells the database what became of mails. What it cannot be told now is kept. */
static void tell(struct worker *worker)
{
    if (results_tell(&worker->results, &worker->outbox))
        worker->database = (struct pause){0};
    else
        note_failure(worker, "complete_deliveries");
}

static void set_away(struct worker *worker, const struct job *job)
{
    bool was_away = worker->transport.ms > 0;

    /* Those that were in flight together are one failure. */
    if (dial_now_ms() < worker->transport.until)
        return;
    extend(worker, &worker->transport, AWAY_MIN_MS, worker->config->smtp_retry_interval);
    tally_set(worker->tally, TALLY_TRANSPORT_AWAY, 1);
    if (!was_away)
        log_event("transport_away", json_pack("{s:s, s:i}", "stage", transport_stage_name(job->result.stage),
                                        "reply_code", job->result.code));
}

static void set_back(struct worker *worker)
{
    if (worker->transport.ms == 0)
        return;
    worker->transport = (struct pause){0};
    tally_set(worker->tally, TALLY_TRANSPORT_AWAY, 0);
    log_event("transport_back", NULL);
}

static void take_done(struct worker *worker)
{
    struct job *next;

    for (struct job *job = sender_take(worker->sender); job != NULL; job = next) {
        next = job->next;
        worker->in_flight--;
        if (job->result.is_away)
            set_away(worker, job);
        else
            set_back(worker);
        results_keep(&worker->results, job);
    }
    tally_set(worker->tally, TALLY_IN_FLIGHT, worker->in_flight);
}

static void begin(struct worker *worker, struct job *job, const char *text)
{
    if (!job_write(job, worker->templates, &worker->from, text)) {
        results_keep(&worker->results, job);
        return;
    }
    /* By SMTP no mail may be under way when its lease is over. To write a file takes as long as it takes. */
    if (worker->is_draining ||
        dial_now_ms() + worker->config->smtp_timeout + OVERRUN_MS > job->lease_until_ms) {
        job->result.outcome = OUTCOME_RELEASED;
        results_keep(&worker->results, job);
        return;
    }
    worker->in_flight++;
    sender_give(worker->sender, job);
}

/* A server that was away gets one mail, to see whether it is back. */
static size_t room(const struct worker *worker)
{
    size_t taken = worker->in_flight + worker->results.count, most = (size_t)worker->config->mails_in_flight;

    if (worker->is_draining || dial_now_ms() < worker->transport.until || taken >= most)
        return 0;
    return worker->transport.ms == 0 ? most - taken : taken == 0 ? 1 : 0;
}

static void claim(struct worker *worker)
{
    size_t count = room(worker);
    /* Before the database begins to count. */
    int64_t begun = dial_now_ms(), lease_until = begun + worker->config->lease;
    PGresult *claimed = outbox_claim_deliveries(&worker->outbox, count);

    if (claimed == NULL) {
        note_failure(worker, "claim_deliveries");
        return;
    }
    worker->database = (struct pause){0};
    worker->is_hungry = (size_t)PQntuples(claimed) == count || dial_now_ms() - begun >= CLAIM_PATIENCE_MS;
    /* A signal that came meanwhile: what is not begun is given back. */
    read_signals(worker);
    for (int row = 0; row < PQntuples(claimed); row++) {
        struct job *job = calloc(1, sizeof(*job));

        /* Another worker gets it when the lease is over. */
        if (job == NULL)
            break;
        job->id = strtoll(PQgetvalue(claimed, row, 0), NULL, 10);
        job->attempt = atoi(PQgetvalue(claimed, row, 1));
        job->is_repeat = *PQgetvalue(claimed, row, 2) == 't';
        job->lease_until_ms = lease_until;
        tally_add(worker->tally, TALLY_REPEATS, job->is_repeat);
        begin(worker, job, PQgetvalue(claimed, row, 3));
    }
    tally_set(worker->tally, TALLY_IN_FLIGHT, worker->in_flight);
    PQclear(claimed);
}

/* Logs each percent once that is used of a kind of id, from KEY_SPACE_WARNING on. */
static void look_at_keys(struct worker *worker)
{
    PGresult *keys = outbox_key_space(&worker->outbox);
    uint64_t percent;

    if (keys == NULL) {
        note_failure(worker, "key_space");
        return;
    }
    percent = strtoull(PQgetvalue(keys, 0, 1), NULL, 10);
    tally_set(worker->tally, TALLY_KEY_SPACE_USED_PERCENT, percent);
    if (percent >= KEY_SPACE_WARNING && percent > worker->key_space_logged) {
        worker->key_space_logged = percent;
        log_event("key_space_low",
            json_pack("{s:s, s:i}", "object", PQgetvalue(keys, 0, 0), "used_percent", (int)percent));
    }
    PQclear(keys);
}

static void count_backlog(struct worker *worker)
{
    PGresult *backlog = outbox_delivery_backlog(&worker->outbox);

    worker->backlog_at = dial_now_ms() + worker->config->poll_interval;
    if (backlog == NULL) {
        note_failure(worker, "delivery_backlog");
        return;
    }
    tally_set(worker->tally, TALLY_QUEUED, strtoull(PQgetvalue(backlog, 0, 0), NULL, 10));
    tally_set(worker->tally, TALLY_DUE, strtoull(PQgetvalue(backlog, 0, 1), NULL, 10));
    tally_set(worker->tally, TALLY_OLDEST_DUE_SECONDS, strtoull(PQgetvalue(backlog, 0, 2), NULL, 10));
    PQclear(backlog);
    look_at_keys(worker);
}

static void announce(struct worker *worker)
{
    PGresult *announced = outbox_announce_expiries(&worker->outbox, ANNOUNCED_AT_ONCE);
    long count;

    worker->announce_at = dial_now_ms() + worker->config->announce_interval;
    worker->announces_more = false;
    if (announced == NULL) {
        note_failure(worker, "announce_expiries");
        return;
    }
    count = atol(PQgetvalue(announced, 0, 0));
    tally_add(worker->tally, TALLY_ANNOUNCED, (uint64_t)count);
    worker->announces_more = count >= ANNOUNCED_AT_ONCE;
    PQclear(announced);
}

static void number_events(struct worker *worker)
{
    PGresult *numbered = outbox_number_events(&worker->outbox, NUMBERED_AT_ONCE);
    long count;

    worker->may_have_events = false;
    if (numbered == NULL) {
        note_failure(worker, "number_events");
        return;
    }
    count = atol(PQgetvalue(numbered, 0, 0));
    tally_add(worker->tally, TALLY_EVENTS, (uint64_t)count);
    worker->may_have_events = count >= NUMBERED_AT_ONCE;
    PQclear(numbered);
}

/* All that the database has to do for us now; the most urgent first, since what was sent and is not known to
 * be could be sent again. */
static void call_database(struct worker *worker)
{
    int64_t now = dial_now_ms();

    results_drop_overdue(&worker->results);
    if (now < worker->database.until)
        return;
    if (worker->outbox.pg == NULL)
        connect_database(worker);
    if (worker->outbox.pg != NULL && worker->results.count > 0)
        tell(worker);
    if (now >= worker->poll_at || now >= worker->look_again_at) {
        worker->poll_at = now + worker->config->poll_interval;
        worker->look_again_at = INT64_MAX;
        worker->is_hungry = worker->may_have_events = true;
    }
    if (worker->outbox.pg == NULL || worker->is_draining || dial_now_ms() < worker->database.until)
        return;
    /* What has a time of its own goes before mails, or a long queue would put it off for as long as it is. */
    if (worker->may_have_events)
        number_events(worker);
    else if (now >= worker->backlog_at)
        count_backlog(worker);
    else if (now < worker->announce_at && worker->is_hungry && room(worker) > 0)
        claim(worker);
    else if (now >= worker->announce_at || worker->announces_more)
        announce(worker);
}

static void wait_until(int64_t moment, int64_t *until)
{
    if (moment < *until)
        *until = moment;
}

/* When the loop has to turn though nothing happens. */
static int64_t next_turn(const struct worker *worker)
{
    const bool is_connected = worker->outbox.pg != NULL;
    int64_t until = dial_now_ms() + 1000;

    if (!is_connected || worker->results.count > 0)
        wait_until(worker->database.until, &until);
    if (worker->is_draining) {
        wait_until(worker->drain_until, &until);
        return until;
    }
    if (is_connected && worker->database.until > dial_now_ms()) {
        wait_until(worker->database.until, &until);
    } else if (is_connected) {
        wait_until(worker->poll_at, &until);
        wait_until(worker->look_again_at, &until);
        wait_until(worker->backlog_at, &until);
        wait_until(worker->announce_at, &until);
        if (worker->announces_more || worker->may_have_events || (worker->is_hungry && room(worker) > 0))
            until = 0;
        else if (worker->is_hungry && worker->transport.ms > 0)
            wait_until(worker->transport.until, &until);
    }
    return until;
}

static void listen_to_database(struct worker *worker)
{
    bool has_mail = false;

    if (worker->outbox.pg == NULL)
        return;
    if (!outbox_listen(&worker->outbox, &has_mail))
        forget_database(worker);
    if (has_mail) {
        worker->is_hungry = worker->may_have_events = true;
        worker->look_again_at = dial_now_ms() + LOOK_AGAIN_MS;
    }
}

static void wait_for_events(struct worker *worker)
{
    struct pollfd fds[] = {
        {.fd = signals_stop_fd(), .events = POLLIN},
        {.fd = sender_done_fd(worker->sender), .events = POLLIN},
        {.fd = worker->outbox.pg != NULL ? PQsocket(worker->outbox.pg) : -1, .events = POLLIN},
    };
    int64_t wait = next_turn(worker) - dial_now_ms();

    poll(fds, sizeof(fds) / sizeof(fds[0]), wait > 0 ? (int)wait : 0);
    tally_set(worker->tally, TALLY_HEARTBEAT, metrics_now());
    read_signals(worker);
    take_done(worker);
}

/* Ends what takes too long, and in the end all that the database will not hear. */
static void drain(struct worker *worker)
{
    if (worker->in_flight > 0 && !worker->broke_off) {
        log_event("deliveries_broken_off", json_pack("{s:i}", "deliveries", (int)worker->in_flight));
        worker->broke_off = true;
        end_drain_at(worker, dial_now_ms() + OVERRUN_MS + worker->config->database_timeout);
        sender_break_off(worker->sender);
        return;
    }
    worker->broke_off |= worker->results.count > 0;
    results_give_up(&worker->results);
    worker->in_flight = 0;
}

static void run(struct worker *worker)
{
    while (!worker->is_draining || worker->in_flight > 0 || worker->results.count > 0) {
        wait_for_events(worker);
        call_database(worker);
        /* After the calls, since what the database says unasked may have come with a result. */
        listen_to_database(worker);
        if (worker->is_draining && dial_now_ms() >= worker->drain_until)
            drain(worker);
    }
}

/* For --fail-fast: ends the process, with the reason, when the database cannot be reached or does not fit. */
static void require_database(struct worker *worker)
{
    bool is_unfit = false;

    if (!outbox_connect(&worker->outbox, &is_unfit))
        die(worker->outbox.error);
    worker->is_hungry = worker->may_have_events = true;
    tally_set(worker->tally, TALLY_DATABASE_CONNECTED, 1);
}

int deliver(const struct config *config)
{
    /* A statement may be on its way for that long with the loop standing still. */
    const uint64_t patience_ms = (uint64_t)config->stall_timeout + (uint64_t)config->database_timeout +
                                 (uint64_t)config->database_connect_timeout * 1000;
    struct worker worker = {.config = config,
        .outbox = {.config = config, .stop_fd = -1, .deadline_ms = INT64_MAX},
        .seed = (unsigned)getpid()};
    struct telemetry_subject subject = {NULL, tally_report_health, tally_write_metrics};
    struct telemetry *telemetry;
    char secret[SMTP_SECRET_MAX];
    const char *password = NULL;
    int telemetry_fd, telemetry_port;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    message_read_mailbox(config->mail_from, &worker.from);
    worker.templates = templates_require(config->templates);
    worker.tally = tally_create(patience_ms * 1000);
    if (worker.tally == NULL)
        die("cannot start: memory ran out");
    worker.results.tally = worker.tally;
    telemetry_fd = telemetry_open(config, &telemetry_port);
    if (config->fail_fast)
        require_database(&worker);
    worker.outbox.stop_fd = signals_stop_fd();
    /* From here on there may be mails under way. */
    signals_pass(1);
    if (*config->smtp_user != '\0' && (password = smtp_read_password(config, secret)) == NULL)
        die("--smtp-password-file: cannot be read, or is empty");
    if ((worker.sender = sender_start(config, password)) == NULL)
        die("cannot start a thread");
    subject.data = worker.tally;
    tally_set(worker.tally, TALLY_HEARTBEAT, metrics_now());
    tally_set(worker.tally, TALLY_IN_FLIGHT_MAX, (uint64_t)config->mails_in_flight);
    telemetry = telemetry_start(config, &subject, telemetry_fd);
    log_event(
        "delivering", json_pack("{s:s, s:i, s:i}", "to", *config->smtp_url != '\0' ? "smtp" : "files",
                          "mails_in_flight", (int)config->mails_in_flight, "telemetry_port", telemetry_port));
    run(&worker);
    sender_stop(worker.sender);
    outbox_disconnect(&worker.outbox);
    telemetry_stop(telemetry);
    tally_free(worker.tally);
    templates_free(worker.templates);
    curl_global_cleanup();
    log_event("stopped", NULL);
    return worker.broke_off ? EXIT_FAILURE : EXIT_SUCCESS;
}
