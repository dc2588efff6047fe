#include "delivery/upkeep.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"

/* The most rows of one call. If a call returns as many, there may be more. */
#define EXPIRIES_AT_ONCE 100
#define EVENTS_AT_ONCE 1000
/* The use of the key space is logged from this percentage on. */
#define KEY_SPACE_WARNING 80

const char *upkeep_number_events(struct upkeep *upkeep)
{
    PGresult *numbered = outbox_number_events(upkeep->outbox, EVENTS_AT_ONCE);
    long count;

    upkeep->may_have_events = false;
    if (numbered == NULL)
        return "number_events";
    count = atol(PQgetvalue(numbered, 0, 0));
    PQclear(numbered);
    delivery_metrics_add(upkeep->metrics, DELIVERY_METRICS_EVENTS, (uint64_t)count);
    upkeep->may_have_events = count >= EVENTS_AT_ONCE;
    return NULL;
}

/* Logs each percentage once. */
static const char *measure_key_space(struct upkeep *upkeep)
{
    PGresult *keys = outbox_key_space(upkeep->outbox);
    uint64_t percent;

    if (keys == NULL)
        return "key_space";
    percent = strtoull(PQgetvalue(keys, 0, 1), NULL, 10);
    delivery_metrics_set(upkeep->metrics, DELIVERY_METRICS_KEY_SPACE_USED_PERCENT, percent);
    if (percent >= KEY_SPACE_WARNING && percent > upkeep->logged_percent) {
        upkeep->logged_percent = percent;
        log_event("key_space_low",
            json_pack("{s:s, s:i}", "object", PQgetvalue(keys, 0, 0), "used_percent", (int)percent));
    }
    PQclear(keys);
    return NULL;
}

const char *upkeep_measure(struct upkeep *upkeep)
{
    static const enum delivery_metrics_number numbers[] = {
        DELIVERY_METRICS_QUEUED, DELIVERY_METRICS_DUE, DELIVERY_METRICS_OLDEST_DUE_SECONDS};
    PGresult *backlog = outbox_delivery_backlog(upkeep->outbox);

    upkeep->measure_at = clock_now_ms() + upkeep->config->poll_interval;
    if (backlog == NULL)
        return "delivery_backlog";
    for (int column = 0; column < (int)COUNT(numbers); column++)
        delivery_metrics_set(
            upkeep->metrics, numbers[column], strtoull(PQgetvalue(backlog, 0, column), NULL, 10));
    PQclear(backlog);
    return measure_key_space(upkeep);
}

const char *upkeep_announce(struct upkeep *upkeep)
{
    PGresult *announced = outbox_announce_expiries(upkeep->outbox, EXPIRIES_AT_ONCE);
    long count;

    upkeep->announce_at = clock_now_ms() + upkeep->config->announce_interval;
    upkeep->may_have_expiries = false;
    if (announced == NULL)
        return "announce_expiries";
    count = atol(PQgetvalue(announced, 0, 0));
    PQclear(announced);
    delivery_metrics_add(upkeep->metrics, DELIVERY_METRICS_ANNOUNCED, (uint64_t)count);
    upkeep->may_have_expiries = count >= EXPIRIES_AT_ONCE;
    return NULL;
}
