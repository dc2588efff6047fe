#include <criterion/criterion.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/fixture.h"
#include "harness/process.h"

/* Deadlines of many clients that pass together: none early, none late by more than a tenth, while others
 * are served. */

#define HOST "Host: a\r\n"
#define WHOLE "GET /a HTTP/1.1\r\n" HOST "\r\n"
#define HALF "POST /a HTTP/1.1\r\n" HOST "X-"
#define SHORT_MS 8000
#define LONG_MS 10000
/* The latency of an answer without the database, beside a crowd whose deadlines pass, on a busy machine. */
#define SLOWEST_MS 500

enum manner {
    /* Sends nothing; nothing after an answer. */
    SILENT,
    SERVED,
    /* Half a head, on a new connection and on a used one. */
    BEGINS,
    BEGINS_AGAIN,
    MANNERS,
};

/* A sanitizer makes each five times as expensive. */
#ifdef __SANITIZE_ADDRESS__
#define UNIT ((size_t)100)
#else
#define UNIT ((size_t)500)
#endif
static const size_t counts[MANNERS] = {
    [SILENT] = UNIT, [SERVED] = UNIT, [BEGINS] = 3 * UNIT, [BEGINS_AGAIN] = UNIT};
#define COUNT (6 * UNIT)

struct client {
    int fd;
    enum manner manner;
    /* From now_us(). */
    long since;
};

TestSuite(deadlines, .timeout = 200);

static void send_text(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void expect_answered(int fd, const char *status)
{
    char answer[4096] = "";

    cr_assert_gt(recv(fd, answer, sizeof(answer) - 1, 0), 0, "no answer");
    cr_expect_eq(strncmp(answer + strlen("HTTP/1.1 "), status, 3), 0, "%s", answer);
}

static void open_client(const struct server *server, struct client *client, enum manner manner)
{
    client->manner = manner;
    client->since = now_us();
    client->fd = connect_raw(server);
    if (manner == SERVED || manner == BEGINS_AGAIN) {
        send_text(client->fd, WHOLE);
        expect_answered(client->fd, "404");
    }
}

/* Called half a deadline after connecting, which does not count. */
static void begin(struct client *client)
{
    client->since = now_us();
    send_text(client->fd, HALF);
}

/* Milliseconds from a client's start to the end of its connection. */
static long await_end(const struct client *client)
{
    long ms = (now_us() - client->since) / 1000;

    if (client->manner == BEGINS || client->manner == BEGINS_AGAIN)
        expect_answered(client->fd, "408");
    else
        cr_expect_eq(recv(client->fd, &(char){0}, 1, 0), 0, "an idle connection does not just end");
    close(client->fd);
    return ms;
}

/* Sends requests all the time, on its own connection. */
struct other {
    pthread_t thread;
    const struct server *server;
    atomic_bool is_over;
    long slowest_ms;
};

static void *ask(void *data)
{
    struct other *other = data;
    int fd = connect_raw(other->server);

    while (!other->is_over) {
        long started = now_us(), ms;

        send_text(fd, WHOLE);
        expect_answered(fd, "404");
        ms = (now_us() - started) / 1000;
        other->slowest_ms = ms > other->slowest_ms ? ms : other->slowest_ms;
        sleep_ms(2);
    }
    close(fd);
    return NULL;
}

static int watch(struct client *clients)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    for (size_t i = 0; i < COUNT; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};

        cr_assert_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event), 0);
    }
    return epoll;
}

Test(deadlines, pass_in_time_when_many_pass_together)
{
    const long timeout_ms = short_or_soak(SHORT_MS, LONG_MS);
    static struct client clients[COUNT];
    long first[MANNERS], last[MANNERS] = {0};
    char *url = server_database_url(database_url()), timeout[16];
    struct server *server;
    struct other other = {0};
    size_t count = 0;
    int epoll;

    process_allow_descriptors(2 * COUNT + 100);
    snprintf(timeout, sizeof(timeout), "%ld", timeout_ms);
    server = server_start(url, (const char *[]){"--request-timeout", timeout, NULL});
    for (enum manner manner = 0; manner < MANNERS; manner++) {
        first[manner] = LONG_MAX;
        for (size_t i = 0; i < counts[manner]; i++)
            open_client(server, &clients[count++], manner);
    }
    sleep_ms(timeout_ms / 2);
    for (size_t i = 0; i < COUNT; i++) {
        if (clients[i].manner == BEGINS || clients[i].manner == BEGINS_AGAIN)
            begin(&clients[i]);
    }
    other.server = server;
    cr_assert_eq(pthread_create(&other.thread, NULL, ask, &other), 0);
    epoll = watch(clients);
    for (size_t left = COUNT; left > 0;) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, 20);

        for (int i = 0; i < ready; i++) {
            const struct client *client = events[i].data.ptr;
            long ms = await_end(client);

            first[client->manner] = ms < first[client->manner] ? ms : first[client->manner];
            last[client->manner] = ms > last[client->manner] ? ms : last[client->manner];
        }
        left -= (size_t)(ready > 0 ? ready : 0);
        cr_assert_lt(
            now_us() - clients[COUNT - 1].since, 3000 * timeout_ms, "%zu of %d do not end", left, COUNT);
    }
    other.is_over = true;
    pthread_join(other.thread, NULL);
    for (enum manner manner = 0; manner < MANNERS; manner++) {
        fprintf(stderr, "deadline of %ld ms, manner %d: %ld to %ld ms\n", timeout_ms, (int)manner,
            first[manner], last[manner]);
        cr_expect_geq(first[manner], timeout_ms, "manner %d: %ld ms", (int)manner, first[manner]);
        cr_expect_leq(last[manner], timeout_ms * 11 / 10, "manner %d: %ld ms", (int)manner, last[manner]);
    }
    fprintf(stderr, "the slowest answer to another took %ld ms\n", other.slowest_ms);
    cr_expect_leq(other.slowest_ms, SLOWEST_MS, "another waited for %ld ms", other.slowest_ms);
    close(epoll);
    server_end(server);
    free(url);
}
