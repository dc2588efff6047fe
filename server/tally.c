#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "series.h"

#define DELIVERIES "Mails that were tried, by what became of them."

static const struct series_number numbers[TALLY_NUMBERS] = {
    [TALLY_SENT] = SERIES_COUNTER("deliveries", "outcome=\"sent\"", DELIVERIES),
    [TALLY_FAILED] = SERIES_COUNTER("deliveries", "outcome=\"failed\"", DELIVERIES),
    [TALLY_UNKNOWN] = SERIES_COUNTER("deliveries", "outcome=\"unknown\"", DELIVERIES),
    [TALLY_REFUSED] = SERIES_COUNTER("deliveries", "outcome=\"refused\"", DELIVERIES),
    [TALLY_RELEASED] = SERIES_COUNTER("deliveries", "outcome=\"released\"", DELIVERIES),
    [TALLY_REPEATS] = SERIES_COUNTER("delivery_repeats", "",
        "Attempts at mails of which one before ended without a word: only these may be sent twice."),
    [TALLY_UNTOLD_LOST] = SERIES_COUNTER("delivery_results_lost", "",
        "Outcomes that the database was not told before the lease was over or the worker ended."),
    [TALLY_IN_FLIGHT] = SERIES_GAUGE("deliveries_in_flight", "", "Mails that are being sent."),
    [TALLY_IN_FLIGHT_MAX] = SERIES_GAUGE("deliveries_in_flight_max", "", "Mails that may be sent at once."),
    [TALLY_UNTOLD] =
        SERIES_GAUGE("delivery_results_untold", "", "Outcomes that the database has not been told yet."),
    [TALLY_QUEUED] = SERIES_GAUGE("delivery_queue_length", "", "Mails in the database's queue."),
    [TALLY_DUE] = SERIES_GAUGE("delivery_queue_due", "", "Mails in the queue that could be sent now."),
    [TALLY_OLDEST_DUE_SECONDS] =
        SERIES_GAUGE("delivery_queue_oldest_due_seconds", "", "How long the oldest of them has been due."),
    [TALLY_KEY_SPACE_USED_PERCENT] = SERIES_GAUGE("key_space_used_percent", "",
        "Share of the ids with the usual number of digits that is used, of the kind with the largest share."),
    [TALLY_TRANSPORT_AWAY] = SERIES_GAUGE(
        "delivery_transport_away", "", "1 while the SMTP server, or the directory, takes no mail at all."),
    [TALLY_DATABASE_CONNECTED] =
        SERIES_GAUGE("delivery_database_connected", "", "1 while there is a connection to the database."),
    [TALLY_DATABASE_FAILURES] = SERIES_COUNTER(
        "database_connection_failures", "", "Attempts to connect to the database that failed."),
    [TALLY_DATABASE_LOST] = SERIES_COUNTER(
        "database_connections_lost", "", "Database connections that broke or were given up as too slow."),
    [TALLY_ANNOUNCED] =
        SERIES_COUNTER("expiries_announced", "", "Reminders and ends of invitations that were announced."),
    [TALLY_EVENTS] = SERIES_COUNTER("events_numbered", "", "Events that were given their position."),
    [TALLY_SCHEMA_UNFIT] = SERIES_GAUGE(
        "schema_unfit_workers", "", "Workers that found a schema that this server does not fit."),
    [TALLY_DRAINING] = SERIES_GAUGE(
        "draining_workers", "", "Workers that have been told to end what is in flight and to stop."),
};

struct tally {
    uint64_t stall_us;
    series_cell numbers[TALLY_NUMBERS];
    struct series_histogram durations;
};

struct tally *tally_create(uint64_t stall_us)
{
    struct tally *tally = calloc(1, sizeof(*tally));

    if (tally != NULL)
        tally->stall_us = stall_us;
    return tally;
}

void tally_free(struct tally *tally)
{
    free(tally);
}

void tally_set(struct tally *tally, enum tally_number number, uint64_t value)
{
    series_set(&tally->numbers[number], value);
}

void tally_add(struct tally *tally, enum tally_number number, uint64_t value)
{
    series_add(&tally->numbers[number], value);
}

void tally_observe(struct tally *tally, enum outcome outcome, uint64_t us)
{
    static const enum tally_number counters[OUTCOMES] = {
        [OUTCOME_SENT] = TALLY_SENT,
        [OUTCOME_FAILED] = TALLY_FAILED,
        [OUTCOME_UNKNOWN] = TALLY_UNKNOWN,
        [OUTCOME_REFUSED] = TALLY_REFUSED,
        [OUTCOME_RELEASED] = TALLY_RELEASED,
    };

    tally_add(tally, counters[outcome], 1);
    if (outcome != OUTCOME_RELEASED)
        series_observe(&tally->durations, &series_seconds, us);
}

static uint64_t heartbeat_age(const struct tally *tally)
{
    uint64_t now = metrics_now(), beat = series_get(&tally->numbers[TALLY_HEARTBEAT]);

    return now > beat ? now - beat : 0;
}

char *tally_report_health(const void *data, enum health_question question, bool *passes)
{
    const struct tally *tally = data;
    const struct {
        enum health_question question;
        bool fails;
        const char *reason;
    } checks[] = {
        {HEALTH_LIVE, heartbeat_age(tally) > tally->stall_us, "is stuck: its loop does not turn"},
        {HEALTH_READY, series_get(&tally->numbers[TALLY_DRAINING]) != 0,
            "is draining: it has been told to stop"},
        {HEALTH_READY, series_get(&tally->numbers[TALLY_DATABASE_CONNECTED]) == 0,
            "has no database connection"},
        {HEALTH_READY, series_get(&tally->numbers[TALLY_SCHEMA_UNFIT]) != 0,
            "found a schema that does not fit; the log says why"},
        {HEALTH_READY, series_get(&tally->numbers[TALLY_TRANSPORT_AWAY]) != 0,
            "can send nothing: the SMTP server or the directory is away; the log says why"},
    };
    json_t *reasons = json_array();

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        /* Who is ready is alive. */
        if (checks[i].question <= question && checks[i].fails)
            json_array_append_new(reasons, json_sprintf("the delivery worker %s", checks[i].reason));
    }
    return health_answer(reasons, passes);
}

void tally_write_metrics(const void *data, FILE *out)
{
    static const struct series_family durations = {
        "accountsd_delivery_duration_seconds", "histogram", "Time that it took to try to send a mail."};
    static const char age[] = "accountsd_worker_heartbeat_age_seconds";
    const struct tally *tally = data;
    struct series_total total = {0};
    const char *last_name = "";

    for (size_t n = 0; n < TALLY_NUMBERS; n++) {
        const struct series_family *family = &numbers[n].family;

        if (family->name == NULL)
            continue;
        if (strcmp(family->name, last_name) != 0)
            series_render_family(family, out);
        last_name = family->name;
        series_render_number(family->name, numbers[n].labels, series_get(&tally->numbers[n]), out);
    }
    series_add_up(&total, &tally->durations);
    series_render_family(&durations, out);
    series_render_total(durations.name, "", &series_seconds, &total, out);
    fprintf(out,
        "# HELP %s Time since the worker's loop last gave a sign of life.\n# TYPE %s gauge\n%s %.3f\n", age,
        age, age, (double)heartbeat_age(tally) / 1e6);
}
