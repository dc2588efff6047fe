#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "bench.h"
#include "harness/cluster.h"
#include "harness/process.h"

/* The wall clock is changed while the server runs, and responses cannot be sent. */

/* Sends a create that waits for a lock of pg's, and returns the connection once it waits. */
static int begin_create(struct bench *bench)
{
    char *text = create_request(bench->account, NULL);
    int fd = connect_raw(bench->server);

    account_lock(bench->pg, bench->account);
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    await_waiting(bench->pg, 1);
    free(text);
    return fd;
}

static void expect_status(int fd, const char *status, long step)
{
    char answer[4096] = "";

    cr_expect_gt(recv(fd, answer, sizeof(answer) - 1, 0), 0, "no answer after a step of %ld s", step);
    cr_expect_eq(
        strncmp(answer + strlen("HTTP/1.1 "), status, 3), 0, "after a step of %ld s: %s", step, answer);
    close(fd);
}

/* A silent connection to the telemetry port ends exactly when its time is up. */
static void expect_ended(int fd, long started_us, long step)
{
    long ms;

    cr_expect_eq(recv(fd, &(char){0}, 1, 0), 0, "telemetry after a step of %ld s", step);
    ms = (now_us() - started_us) / 1000;
    cr_expect(ms >= 2000 && ms <= 3000, "telemetry after a step of %ld s: %ld ms", step, ms);
    close(fd);
}

/* Deadlines pass as without the change: none early, none late. */
Test(torture, the_wall_clock_is_set)
{
    static const char half[] = "POST /a HTTP/1.1\r\nHost: a\r\n";
    static const long steps[] = {3600, -3600, -7200, 86400};
    struct bench *bench;

    setenv("ACCOUNTSD_REQUEST_TIMEOUT", "2000", 1);
    bench = bench_make();
    assert_recovers(bench, &create_operation, 0, RECOVERY_MS);
    for (size_t i = 0; i < COUNT(steps); i++) {
        long started = now_us();
        int silent = connect_telemetry_raw(bench->server), waiting = begin_create(bench),
            arriving = connect_raw(bench->server);

        cr_assert_eq(send(arriving, half, strlen(half), MSG_NOSIGNAL), (ssize_t)strlen(half));
        sleep_ms(100);
        atomic_store(&bench->faults->clock_step_seconds, steps[i]);
        sleep_ms(300);
        free(database_query(bench->pg, "commit", NULL));
        expect_status(waiting, "201", steps[i]);
        assert_recovers(bench, &create_operation, 0, 0);
        expect_ended(silent, started, steps[i]);
        expect_status(arriving, "408", steps[i]);
    }
    /* Threads are joined; without that, LeakSanitizer would report what they own. */
    atomic_store(&bench->faults->clock_step_seconds, -86400);
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}

/* The client's end arrives while the refusal cannot be sent. */
Test(torture, a_refused_request_does_not_run)
{
    char answer[65536] = "", *text;
    size_t len = 0, half;
    ssize_t got;
    struct bench *bench;
    int fd;

    setenv("ACCOUNTSD_REQUEST_TIMEOUT", "1000", 1);
    bench = bench_make();
    text = create_request(bench->account, NULL);
    half = strlen(text) - 10;
    fd = connect_raw(bench->server);
    cr_assert_eq(send(fd, text, half, MSG_NOSIGNAL), (ssize_t)half);
    atomic_store(&bench->faults->is_output_blocked, true);
    await_logged(bench->server, "\"status\":408,");
    cr_assert_eq(send(fd, text + half, 10, MSG_NOSIGNAL), 10);
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    sleep_ms(100);
    atomic_store(&bench->faults->is_output_blocked, false);
    while ((got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
        len += (size_t)got;
    cr_expect_eq(got, 0, "the connection is reset");
    cr_expect_eq(strncmp(answer, "HTTP/1.1 408 ", 13), 0, "%s", answer);
    cr_expect_null(strstr(answer + 1, "HTTP/1.1 "), "%s", answer);
    cr_expect_eq(account_count_members(bench->pg, bench->account), 0);
    free(text);
    close(fd);
    cr_expect_eq(server_stop(bench->server, SIGTERM), 0);
    bench_free(bench);
}
