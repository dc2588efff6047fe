#include "metric.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define TRIES 2000

double metric_in(const char *metrics, const char *series)
{
    size_t len = strlen(series);

    for (const char *at = metrics; (at = strstr(at, series)) != NULL; at += len) {
        if ((at == metrics || at[-1] == '\n') && at[len] == ' ')
            return strtod(at + len, NULL);
    }
    return -1;
}

double metric(const struct server *server, const char *series)
{
    struct answer answer = telemetry_get(server, "/metrics");
    double value;

    cr_assert_eq(answer.status, 200);
    value = metric_in(answer.text, series);
    answer_free(&answer);
    return value;
}

void await_metric_between(const struct server *server, const char *series, double least, double most)
{
    for (int tries = 0;; tries++, sleep_ms(10)) {
        double value = metric(server, series);

        if (value >= least && value <= most)
            return;
        cr_assert_lt(tries, TRIES, "%s is %g and not %g to %g", series, value, least, most);
    }
}

void await_metric(const struct server *server, const char *series, double value)
{
    await_metric_between(server, series, value, value);
}

void await_ready(const struct server *server, long status, const char *text)
{
    for (int tries = 0; tries < 2000; tries++, sleep_ms(10)) {
        struct answer answer = telemetry_get(server, "/ready");
        bool is_reached = answer.status == status && strstr(answer.text, text) != NULL;

        answer_free(&answer);
        if (is_reached)
            return;
    }
    cr_assert_fail("/ready is not %ld with %s", status, text);
}
