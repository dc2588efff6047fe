#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/fixture.h"
#include "harness/process.h"

/* A port has one owner, and a process that cannot open all its ports serves none. */

#define HOST "127.0.0.1"
#define TAKEN "Address already in use"

static char *url;

static void set_up(void)
{
    url = server_database_url(database_url());
}

static void tear_down(void)
{
    free(url);
}

TestSuite(ports, .init = set_up, .fini = tear_down, .timeout = 300);

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* more: a flag and its value, or NULL. */
static struct server *spawn_on(int port, int telemetry_port, const char *flag, const char *value)
{
    char port_text[8], telemetry_text[8];

    snprintf(port_text, sizeof(port_text), "%d", port);
    snprintf(telemetry_text, sizeof(telemetry_text), "%d", telemetry_port);
    return server_spawn((const char *[]){"--port", port_text, "--telemetry-port", telemetry_text, "--workers",
        "2", "--database-url", url, flag, value, NULL});
}

static void expect_refused(struct server *server, int port)
{
    char reason[96], *said;
    int status = server_await_end(server, &said);

    snprintf(reason, sizeof(reason), "accountsd: cannot listen on " HOST " port %d: " TAKEN "\n", port);
    cr_expect_eq(status, 1, "status %d: %s", status, said);
    cr_expect_not_null(strstr(said, reason), "not \"%s\": %s", reason, said);
    cr_expect_null(strstr(said, "\"listening\""), "%s", said);
    free(said);
}

Test(ports, have_one_owner_of_two_concurrent_starts)
{
    for (int round = 0; round < short_or_soak(15, 100); round++) {
        int port = free_port();
        struct server *first = spawn_on(port, 0, NULL, NULL), *second = spawn_on(port, 0, NULL, NULL);
        bool first_listens = server_await_listening(first), second_listens = server_await_listening(second);

        cr_expect_eq(first_listens + second_listens, 1, "round %d: %d of two listen", round,
            first_listens + second_listens);
        if (first_listens)
            server_end(first);
        else
            expect_refused(first, port);
        if (second_listens)
            server_end(second);
        else
            expect_refused(second, port);
    }
}

Test(ports, are_shared_with_reuse_port)
{
    int port = free_port();
    struct server *first = spawn_on(port, 0, "--reuse-port", "1"),
                  *second = spawn_on(port, 0, "--reuse-port", "1");

    cr_assert(server_await_listening(first));
    cr_assert(server_await_listening(second));
    cr_expect_eq(first->port, second->port);
    expect_refused(spawn_on(port, 0, NULL, NULL), port);
    server_end(first);
    server_end(second);
}

struct knocker {
    pthread_t thread;
    int port;
    atomic_bool is_over;
    atomic_int answered, tried;
};

/* Connects again and again, and counts the answers. */
static void *connect_repeatedly(void *data)
{
    static const char bytes[] = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct knocker *knocker = data;
    const struct sockaddr_in address = loopback(knocker->port);
    const struct timeval silence = {.tv_sec = 1};

    while (!knocker->is_over) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
            send(fd, bytes, sizeof(bytes) - 1, MSG_NOSIGNAL) > 0 && recv(fd, &(char){0}, 1, 0) > 0)
            knocker->answered++;
        knocker->tried++;
        close(fd);
    }
    return NULL;
}

/* It would answer first, and then exit. */
Test(ports, no_request_is_answered_if_the_telemetry_port_is_in_use)
{
    struct server *owner = server_start(url, NULL);
    struct knocker knocker = {.port = free_port()};

    cr_assert_eq(pthread_create(&knocker.thread, NULL, connect_repeatedly, &knocker), 0);
    for (int round = 0; round < 10; round++)
        expect_refused(spawn_on(knocker.port, owner->telemetry_port, NULL, NULL), owner->telemetry_port);
    knocker.is_over = true;
    pthread_join(knocker.thread, NULL);
    cr_expect_gt(knocker.tried, 0);
    cr_expect_eq(knocker.answered, 0, "%d answers", knocker.answered);
    server_end(owner);
}
