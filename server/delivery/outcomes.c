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
    delivery_metrics_set(outcomes->metrics, DELIVERY_METRICS_UNTOLD, outcomes->count);
}

/* Takes a delivery out of the list, and frees it. */
static void forget(struct outcomes *outcomes, struct delivery **link, const char *status)
{
    struct delivery *delivery = *link;

    *link = delivery->next;
    delivery_log(delivery, status);
    delivery_free(delivery);
    outcomes->count--;
    delivery_metrics_set(outcomes->metrics, DELIVERY_METRICS_UNTOLD, outcomes->count);
}

static void lose(struct outcomes *outcomes, struct delivery **link)
{
    delivery_metrics_add(outcomes->metrics, DELIVERY_METRICS_UNTOLD_LOST, 1);
    forget(outcomes, link, "unknown");
}

void outcomes_drop_overdue(struct outcomes *outcomes)
{
    int64_t now = clock_now_ms();

    for (struct delivery **link = &outcomes->deliveries; *link != NULL;) {
        if ((*link)->lease_until_ms > now || (*link)->result.outcome == OUTCOME_SENT)
            link = &(*link)->next;
        else
            lose(outcomes, link);
    }
}

/* As api.complete_deliveries takes them; NULL when memory ran out. */
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

static const char *status_of(const PGresult *told, int64_t id)
{
    for (int row = 0; row < PQntuples(told); row++) {
        if (strtoll(PQgetvalue(told, row, 0), NULL, 10) == id)
            return PQgetvalue(told, row, 1);
    }
    /* Not this attempt's to say any more: another has it, or the database was told before, and its answer did
     * not arrive. */
    return "superseded";
}

bool outcomes_report(struct outcomes *outcomes, struct outbox *outbox)
{
    char *text = render(outcomes);
    PGresult *told;

    if (text == NULL) {
        postgres_copy_error(outbox->error, "memory ran out");
        return false;
    }
    told = outbox_complete_deliveries(outbox, text);
    free(text);
    if (told == NULL)
        return false;
    while (outcomes->deliveries != NULL)
        forget(outcomes, &outcomes->deliveries, status_of(told, outcomes->deliveries->id));
    PQclear(told);
    return true;
}

void outcomes_give_up(struct outcomes *outcomes)
{
    while (outcomes->deliveries != NULL)
        lose(outcomes, &outcomes->deliveries);
}
