#include "delivery/outcomes.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "database/postgres.h"

void outcomes_keep(struct outcomes *outcomes, struct delivery *delivery)
{
    delivery->next = outcomes->deliveries;
    outcomes->deliveries = delivery;
    outcomes->count++;
    delivery_metrics_observe(outcomes->metrics, delivery->result.outcome, delivery->duration_us);
    delivery_metrics_set(outcomes->metrics, DELIVERY_METRICS_UNREPORTED, outcomes->count);
}

/* Unlinks, logs and frees a delivery. */
static void remove_delivery(struct outcomes *outcomes, struct delivery **link, const char *status)
{
    struct delivery *delivery = *link;

    *link = delivery->next;
    delivery_log(delivery, status);
    delivery_free(delivery);
    outcomes->count--;
    delivery_metrics_set(outcomes->metrics, DELIVERY_METRICS_UNREPORTED, outcomes->count);
}

static void drop(struct outcomes *outcomes, struct delivery **link)
{
    delivery_metrics_add(outcomes->metrics, DELIVERY_METRICS_RESULTS_LOST, 1);
    remove_delivery(outcomes, link, "unknown");
}

void outcomes_drop_overdue(struct outcomes *outcomes)
{
    int64_t now = clock_now_ms();

    for (struct delivery **link = &outcomes->deliveries; *link != NULL;) {
        if ((*link)->lease_until_ms > now || (*link)->result.outcome == OUTCOME_SENT)
            link = &(*link)->next;
        else
            drop(outcomes, link);
    }
}

/* The argument of api.complete_deliveries; NULL if memory ran out. */
static char *render(const struct outcomes *outcomes)
{
    json_auto_t *array = json_array();

    memory_begin();
    for (const struct delivery *delivery = outcomes->deliveries; delivery != NULL; delivery = delivery->next)
        json_array_append_new(
            array, json_pack("{s:I, s:i, s:s, s:s?}", "id", (json_int_t)delivery->id, "attempt",
                       delivery->attempt, "outcome", transport_outcome_name(delivery->result.outcome),
                       "reason", *delivery->result.reason != '\0' ? delivery->result.reason : NULL));
    return memory_ran_out() ? NULL : json_dumps(array, JSON_COMPACT);
}

static const char *status_of(const PGresult *result, int64_t id)
{
    for (int row = 0; row < PQntuples(result); row++) {
        if (strtoll(PQgetvalue(result, row, 0), NULL, 10) == id)
            return PQgetvalue(result, row, 1);
    }
    /* Another worker has claimed the mail, or this outcome was reported before and the answer was lost. */
    return "superseded";
}

bool outcomes_report(struct outcomes *outcomes, struct outbox *outbox)
{
    char *text = render(outcomes);
    PGresult *result;

    if (text == NULL) {
        postgres_copy_error(outbox->error, "memory ran out");
        return false;
    }
    result = outbox_complete_deliveries(outbox, text);
    free(text);
    if (result == NULL)
        return false;
    while (outcomes->deliveries != NULL)
        remove_delivery(outcomes, &outcomes->deliveries, status_of(result, outcomes->deliveries->id));
    PQclear(result);
    return true;
}

void outcomes_drop_all(struct outcomes *outcomes)
{
    while (outcomes->deliveries != NULL)
        drop(outcomes, &outcomes->deliveries);
}
