#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "delivery/outcomes.h"

static struct delivery_metrics *metrics;
static struct outcomes outcomes;

static void begin(void)
{
    cr_assert_not_null(metrics = delivery_metrics_create(1));
    outcomes = (struct outcomes){.metrics = metrics};
}

static void end(void)
{
    outcomes_drop_all(&outcomes);
    delivery_metrics_free(metrics);
}

TestSuite(outcomes, .init = begin, .fini = end);

static void keep(int64_t id, enum outcome outcome, int64_t lease_ms)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));

    cr_assert_not_null(delivery);
    delivery->id = id;
    delivery->result.outcome = outcome;
    delivery->lease_until_ms = clock_now_ms() + lease_ms;
    outcomes_keep(&outcomes, delivery);
}

static void expect_metric(const char *line)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    delivery_metrics_write_metrics(metrics, out);
    fclose(out);
    cr_expect_not_null(strstr(text, line), "no %s in %s", line, text);
    free(text);
}

Test(outcomes, are_counted_when_they_are_kept)
{
    keep(1, OUTCOME_SENT, 60000);
    keep(2, OUTCOME_REFUSED, 60000);
    cr_expect_eq(outcomes.count, 2);
    expect_metric("\naccountsd_deliveries_total{outcome=\"sent\"} 1\n");
    expect_metric("\naccountsd_deliveries_total{outcome=\"refused\"} 1\n");
    expect_metric("\naccountsd_delivery_results_unreported 2\n");
}

Test(outcomes, are_dropped_with_their_lease_unless_the_mail_was_sent)
{
    keep(1, OUTCOME_FAILED, -1);
    keep(2, OUTCOME_SENT, -1);
    keep(3, OUTCOME_FAILED, 60000);
    outcomes_drop_overdue(&outcomes);
    cr_assert_eq(outcomes.count, 2);
    cr_expect_eq(outcomes.deliveries->id, 3);
    cr_expect_eq(outcomes.deliveries->next->id, 2);
    expect_metric("\naccountsd_delivery_results_lost_total 1\n");
}

Test(outcomes, are_kept_while_there_is_no_database)
{
    struct outbox outbox = {.config = &(struct config){.drain_timeout = 100}, .deadline_ms = INT64_MAX};

    keep(1, OUTCOME_SENT, 60000);
    cr_expect_not(outcomes_report(&outcomes, &outbox));
    cr_expect_eq(outcomes.count, 1);
}

Test(outcomes, are_counted_as_lost_when_dropped)
{
    keep(1, OUTCOME_SENT, 60000);
    keep(2, OUTCOME_FAILED, 60000);
    outcomes_drop_all(&outcomes);
    cr_expect_eq(outcomes.count, 0);
    cr_expect_null(outcomes.deliveries);
    expect_metric("\naccountsd_delivery_results_lost_total 2\n");
    expect_metric("\naccountsd_delivery_results_unreported 0\n");
}
