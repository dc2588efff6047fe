#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "telemetry/metrics.h"

#define ACCOUNT_USERS "/public/v1/accounts/account-users"

/* Two routes have one path. */
static const char *const paths[] = {"/live", ACCOUNT_USERS, ACCOUNT_USERS, ACCOUNT_USERS "/{accountUser}"};
static const int statuses[] = {200, 201, 400, 404, 503};
static const char *const statements[] = {"read", "list"};
static const struct metrics_labels labels = {
    paths, COUNT(paths), statuses, COUNT(statuses), statements, COUNT(statements)};
static struct metrics *workers[2];

static void set_up(void)
{
    for (size_t i = 0; i < 2; i++)
        cr_assert_not_null(workers[i] = metrics_create(&labels));
}

static void tear_down(void)
{
    for (size_t i = 0; i < 2; i++)
        metrics_free(workers[i]);
}

TestSuite(metrics, .init = set_up, .fini = tear_down);

static char *rendered(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    metrics_render((const struct metrics *const *)workers, 2, out);
    fclose(out);
    return text;
}

/* Expects a complete line. */
static void expect_line(const char *text, const char *line)
{
    char *whole = NULL;

    cr_assert_geq(asprintf(&whole, "\n%s\n", line), 0);
    cr_expect_not_null(strstr(text, whole), "no line %s in\n%s", line, text);
    free(whole);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

Test(metrics, add_up_the_workers)
{
    char *text;

    metrics_set(workers[0], METRICS_QUEUE_LENGTH, 7);
    metrics_set(workers[0], METRICS_QUEUE_LENGTH, 3);
    metrics_set(workers[1], METRICS_QUEUE_LENGTH, 4);
    metrics_add(workers[0], METRICS_DATABASE_LOST, 1);
    metrics_add(workers[0], METRICS_DATABASE_LOST, 2);
    metrics_set(workers[1], METRICS_DATABASE_BUSY, 5);
    metrics_set(workers[1], METRICS_HEARTBEAT, 12345678);
    metrics_count_error(workers[0], "40P01");
    metrics_count_error(workers[1], "40001");
    metrics_count_error(workers[1], "ZZ000");
    metrics_count_error(workers[1], NULL);
    text = rendered();
    expect_line(text, "# TYPE accountsd_database_queue_length gauge");
    expect_line(text, "accountsd_database_queue_length 7");
    expect_line(text, "# TYPE accountsd_database_connections_lost_total counter");
    expect_line(text, "accountsd_database_connections_lost_total 3");
    expect_line(text, "accountsd_database_connections{state=\"busy\"} 5");
    expect_line(text, "accountsd_database_connections{state=\"idle\"} 0");
    expect_line(text, "accountsd_database_errors_total{class=\"40\"} 2");
    expect_line(text, "accountsd_database_errors_total{class=\"other\"} 2");
    cr_expect_null(strstr(text, "12345678"));
    free(text);
}

#define DURATION "accountsd_http_request_duration_seconds"
#define LABELS "method=\"GET\",route=\"/public/v1/accounts/account-users\",status=\"200\""

Test(metrics, requests_fall_into_the_bucket_of_their_duration)
{
    char *text;

    metrics_observe_request(workers[0], 1, "GET", 3, 200, 1000);
    metrics_observe_request(workers[1], 2, "GET", 3, 200, 1001);
    metrics_observe_request(workers[1], 1, "GET", 3, 200, 20000000);
    text = rendered();
    expect_line(text, "# TYPE " DURATION " histogram");
    expect_line(text, "accountsd_http_requests_total{" LABELS "} 3");
    expect_line(text, DURATION "_bucket{" LABELS ",le=\"0.001\"} 1");
    expect_line(text, DURATION "_bucket{" LABELS ",le=\"0.0025\"} 2");
    expect_line(text, DURATION "_bucket{" LABELS ",le=\"10\"} 2");
    expect_line(text, DURATION "_bucket{" LABELS ",le=\"+Inf\"} 3");
    expect_line(text, DURATION "_count{" LABELS "} 3");
    expect_line(text, DURATION "_sum{" LABELS "} 20.002001");
    free(text);
}

Test(metrics, sets_and_waits_have_buckets_of_their_own)
{
    char *text;

    metrics_observe(workers[0], METRICS_SET_SIZE, 1);
    metrics_observe(workers[1], METRICS_SET_SIZE, 33);
    metrics_observe(workers[1], METRICS_QUEUE_WAIT, 0);
    metrics_observe_call(workers[0], 1, 4000);
    text = rendered();
    expect_line(text, "accountsd_database_set_size_bucket{le=\"1\"} 1");
    expect_line(text, "accountsd_database_set_size_bucket{le=\"32\"} 1");
    expect_line(text, "accountsd_database_set_size_bucket{le=\"64\"} 2");
    expect_line(text, "accountsd_database_set_size_sum 34");
    expect_line(text, "accountsd_database_queue_wait_seconds_bucket{le=\"0.001\"} 1");
    expect_line(text, "accountsd_database_call_duration_seconds_bucket{statement=\"list\",le=\"0.0025\"} 0");
    expect_line(text, "accountsd_database_call_duration_seconds_bucket{statement=\"list\",le=\"0.005\"} 1");
    expect_line(text, "accountsd_database_call_duration_seconds_count{statement=\"read\"} 0");
    free(text);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Expects that every series occurs once. */
static void expect_no_line_twice(char *text)
{
    char **lines = calloc(count_lines(text), sizeof(*lines)), *line;
    size_t count = 0, twice = 0;

    while ((line = strsep(&text, "\n")) != NULL && *line != '\0') {
        if (*line != '#')
            *strrchr(line, ' ') = '\0';
        lines[count++] = line;
    }
    qsort(lines, count, sizeof(*lines), compare_texts);
    for (size_t i = 1; i < count; i++)
        twice += strcmp(lines[i - 1], lines[i]) == 0;
    cr_expect_eq(twice, 0, "%zu lines are there twice", twice);
    free(lines);
}

/* All possible events, and impossible ones: there are as many series as the tables allow, each once. */
Test(metrics, have_a_bounded_number_of_series)
{
    static const char *const methods[] = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};
    char *before = rendered(), *text, method[16];
    /* For each: a total, 13 buckets and one more, a sum and a count. Four paths, of which one is none, and
     * eight methods. */
    const size_t fixed = count_lines(before), series = 32 * (COUNT(statuses) + 1) * 17;

    for (size_t i = 0; i <= COUNT(paths); i++) {
        for (unsigned n = 0; n < 20; n++) {
            snprintf(method, sizeof(method), n < 8 ? "%.8s" : "%.8s%u", methods[n % 8], n);
            for (int status = 0; status < 700; status++)
                metrics_observe_request(workers[i % 2], i < COUNT(paths) ? i : METRICS_NO_PATH, method,
                    strlen(method), status, 1);
        }
    }
    text = rendered();
    cr_expect_eq(count_lines(text), fixed + series, "%zu lines, %zu before, %zu of requests",
        count_lines(text), fixed, series);
    expect_no_line_twice(text);
    free(text);
    free(before);
}

static void *add_many(void *data)
{
    (void)data;
    for (int i = 0; i < 1000000; i++)
        metrics_add(workers[0], METRICS_RETRIES, 1);
    return NULL;
}

/* A reader never sees lower values than before. */
Test(metrics, may_be_read_while_they_are_written)
{
    pthread_t writer;
    uint64_t seen = 0;
    bool went_back = false;

    cr_assert_eq(pthread_create(&writer, NULL, add_many, NULL), 0);
    while (seen < 1000000 && !went_back) {
        uint64_t now = metrics_get(workers[0], METRICS_RETRIES);

        went_back = now < seen;
        seen = now;
    }
    pthread_join(writer, NULL);
    cr_assert_not(went_back);
    cr_assert_eq(metrics_get(workers[0], METRICS_RETRIES), 1000000);
}

Test(metrics, have_a_fixed_set_of_methods)
{
    cr_assert_str_eq(metrics_method("GET", 3), "GET");
    cr_assert_str_eq(metrics_method("DELETE", 6), "DELETE");
    cr_assert_str_eq(metrics_method("get", 3), "other");
    cr_assert_str_eq(metrics_method("GETX", 4), "other");
    cr_assert_str_eq(metrics_method("", 0), "other");
}
