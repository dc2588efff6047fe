#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/fixture.h"
#include "harness/process.h"

/* Crowds of clients that send slowly, never read or send nothing, and their effect on other clients. */

#define HOST "Host: a\r\n"
#define DOCUMENT "GET /public/v1/accounts/openapi.json HTTP/1.1\r\n" HOST "\r\n"
/* How often a client of the crowd acts; the clients are spread over this time. */
#define TURN_MS 500
#define TICK_MS 2
#define DEADLINE_MS 2000
/* How long a refused client may continue to send, so that it gets the answer. */
#define LINGER_MS 2000
/* For a late check, a client's turn, the kernel's timer, and a busy machine. */
#define SLACK_MS 3000
#define GONE_MS (DEADLINE_MS + LINGER_MS + SLACK_MS)
/* How often the p99 beside a crowd is measured, and its maximum in hundredths of the value without it: the
 * best one in the short form, which only detects a collapse, the median in the long form. */
#define ROUNDS 3
#define SHORT_RATIO_MAX 500
#define LONG_RATIO_MAX 200
/* The maximum of memory for a crowd: a client that never reads has sent what the kernel buffers, which the
 * server holds until it cuts the client off; and some slack. */
#define SLOW_MAX_KIB 4
#define MUTE_MAX_KIB 512
#define MORE_MAX_KIB 8192

enum manner { TRICKLES, IDLES, NEVER_READS, MANNERS };

struct size {
    /* The number of clients of each manner, in their order. */
    size_t clients[MANNERS];
    size_t requests;
};

static const struct size short_form = {{200, 200, 20}, 500}, long_form = {{2000, 2000, 200}, 3000};

struct client {
    int fd;
    enum manner manner;
    size_t sent;
};

struct crowd {
    pthread_t thread;
    const struct server *server;
    size_t count;
    atomic_size_t cut[MANNERS];
    atomic_bool is_over;
    struct client *clients;
    /* Many requests for the document in one write, because single ones would cost the test more than the
     * server. */
    char documents[512 * (sizeof(DOCUMENT) - 1)];
};

static PGconn *pg;
static struct account *account;
static struct member *member;
static char *url;

static void set_up(void)
{
    url = server_database_url(database_url());
    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    member = member_make(account);
}

static void tear_down(void)
{
    member_free(member);
    account_free(account);
    PQfinish(pg);
    free(url);
}

TestSuite(crowd, .init = set_up, .fini = tear_down, .timeout = 580);

static void open_client(const struct crowd *crowd, struct client *client, enum manner manner)
{
    int fd = connect_raw(crowd->server);

    if (manner == NEVER_READS) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){2048}, sizeof(int));
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){65536}, sizeof(int));
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *client = (struct client){.fd = fd, .manner = manner};
}

/* A byte of an endless head, or requests until the kernel accepts no more, or nothing. False if the server
 * has closed the connection. */
static bool send_more(const struct crowd *crowd, struct client *client)
{
    static const char beginning[] = "POST /a HTTP/1.1\r\n" HOST "X: ";
    const char *bytes = "a";
    size_t len = 1;
    ssize_t sent;

    if (client->manner == IDLES)
        return recv(client->fd, &(char){0}, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    do {
        if (client->manner == NEVER_READS) {
            bytes = &crowd->documents[client->sent % strlen(DOCUMENT)];
            len = sizeof(crowd->documents) - strlen(DOCUMENT);
        } else if (client->sent < strlen(beginning))
            bytes = &beginning[client->sent];
        sent = send(client->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        client->sent += sent > 0 ? (size_t)sent : 0;
    } while (client->manner == NEVER_READS && sent == (ssize_t)len);
    return sent >= 0 || errno == EAGAIN;
}

/* A client that was cut off connects again. */
static void act(struct crowd *crowd, struct client *client)
{
    if (send_more(crowd, client))
        return;
    crowd->cut[client->manner]++;
    close(client->fd);
    open_client(crowd, client, client->manner);
}

static void *run_crowd(void *data)
{
    struct crowd *crowd = data;
    size_t ticks = TURN_MS / TICK_MS;

    /* The crowd runs at low priority, because on few cores it would slow down what is measured. */
    setpriority(PRIO_PROCESS, (id_t)gettid(), 10);
    for (size_t tick = 0; !crowd->is_over; tick++) {
        for (size_t i = tick % ticks; i < crowd->count && !crowd->is_over; i += ticks)
            act(crowd, &crowd->clients[i]);
        sleep_ms(TICK_MS);
    }
    return NULL;
}

static size_t count_clients(const struct size *size)
{
    size_t count = 0;

    for (size_t i = 0; i < MANNERS; i++)
        count += size->clients[i];
    return count;
}

static struct crowd *crowd_gather(const struct server *server, const struct size *size)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    crowd->server = server;
    crowd->clients = calloc(count_clients(size), sizeof(*crowd->clients));
    for (size_t i = 0; i < sizeof(crowd->documents); i++)
        crowd->documents[i] = DOCUMENT[i % strlen(DOCUMENT)];
    for (enum manner manner = 0; manner < MANNERS; manner++) {
        for (size_t i = 0; i < size->clients[manner]; i++)
            open_client(crowd, &crowd->clients[crowd->count++], manner);
    }
    cr_assert_eq(pthread_create(&crowd->thread, NULL, run_crowd, crowd), 0);
    return crowd;
}

/* From now on all are silent, with their connections open. */
static void crowd_freeze(struct crowd *crowd)
{
    crowd->is_over = true;
    pthread_join(crowd->thread, NULL);
}

static void crowd_free(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        close(crowd->clients[i].fd);
    free(crowd->clients);
    free(crowd);
}

/* The 99th percentile of an honest client's latency in microseconds. */
static long p99_of_ordinary(const struct server *server, size_t requests)
{
    long *times = calloc(requests, sizeof(*times)), p99;
    char *path = member_path(member, PATH_OF_ACCOUNT_USER, ""), *bytes = NULL, answer[16384];
    int fd = connect_raw(server);

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    cr_assert_geq(
        asprintf(&bytes, "GET %s HTTP/1.1\r\n" HOST "Authorization: Bearer %s\r\n\r\n", path, account->token),
        0);
    for (size_t i = 0; i < requests; i++) {
        long started = now_us();
        ssize_t got;

        cr_assert_eq(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
        got = recv(fd, answer, sizeof(answer) - 1, 0);
        cr_assert_gt(got, 0, "request %zu of %zu is not answered", i, requests);
        answer[got] = '\0';
        times[i] = now_us() - started;
        cr_assert_eq(strncmp(answer, "HTTP/1.1 200 ", 13), 0, "%s", answer);
    }
    p99 = percentile(times, requests, 99);
    close(fd);
    free(bytes);
    free(path);
    free(times);
    return p99;
}

static void expect_gone(const struct server *server, size_t descriptors)
{
    long started = now_us();

    while (process_descriptors(server->pid) > descriptors) {
        cr_assert_lt(now_us() - started, GONE_MS * 1000L, "%zu descriptors instead of %zu",
            process_descriptors(server->pid), descriptors);
        sleep_ms(50);
    }
}

/* Most clients of a manner have been cut off, and have connected again. */
static void expect_cut(const struct crowd *crowd, const struct size *size, enum manner manner, long started)
{
    size_t most = size->clients[manner] / 2;

    while (crowd->cut[manner] <= most && now_us() - started < GONE_MS * 1000L)
        sleep_ms(50);
    cr_expect_gt(crowd->cut[manner], most, "of manner %d only %zu were cut", manner, crowd->cut[manner]);
}

/* The p99 beside a crowd that is cut off and connects again, in hundredths of the p99 before and after. */
static long crowded_p99(const struct server *server, const struct size *size)
{
    size_t descriptors, before = process_resident(server->pid), resident,
                        resident_max = (size->clients[TRICKLES] + size->clients[IDLES]) * SLOW_MAX_KIB +
                                       size->clients[NEVER_READS] * MUTE_MAX_KIB + MORE_MAX_KIB;
    long calm = p99_of_ordinary(server, size->requests), crowded, calm_again, started;
    struct crowd *crowd;

    descriptors = process_descriptors(server->pid);
    crowd = crowd_gather(server, size);
    started = now_us();
    for (enum manner manner = 0; manner < MANNERS; manner++)
        expect_cut(crowd, size, manner, started);
    crowded = p99_of_ordinary(server, size->requests);
    resident = process_resident(server->pid);
    crowd_freeze(crowd);
    expect_gone(server, descriptors);
    calm_again = p99_of_ordinary(server, size->requests);
    fprintf(stderr, "crowd of %zu: p99 %ld us, calm %ld and %ld us; %zu KiB, before %zu\n", crowd->count,
        crowded, calm, calm_again, resident, before);
    if (IS_RESIDENT_MEANINGFUL)
        cr_expect_lt(resident, before + resident_max, "%zu KiB, before %zu", resident, before);
    crowd_free(crowd);
    return crowded * 200 / (calm + calm_again);
}

Test(crowd, hardly_delays_others_and_is_disconnected_in_time)
{
    const struct size *size = is_soak() ? &long_form : &short_form;
    struct server *server;
    long ratios[ROUNDS];
    size_t rounds = 0;

    process_allow_descriptors(2 * count_clients(size) + 100);
    server = server_start(url, (const char *[]){"--request-timeout", "2000", "--send-timeout", "2000",
                                   "--response-timeout", "2000", NULL});
    p99_of_ordinary(server, size->requests / 10);
    do
        ratios[rounds++] = crowded_p99(server, size);
    while (rounds < ROUNDS && (is_soak() || ratios[rounds - 1] > SHORT_RATIO_MAX));
    if (is_soak()) {
        long median_ratio = percentile(ratios, ROUNDS, 50);

        cr_expect_leq(median_ratio, LONG_RATIO_MAX, "the median of the ratios is %ld %%", median_ratio);
    } else
        cr_expect_leq(
            ratios[rounds - 1], SHORT_RATIO_MAX, "the last of the ratios is %ld %%", ratios[rounds - 1]);
    server_end(server);
}

/* Opens connections and sends nothing; returns how many the server has accepted. */
static size_t fill_up(const struct server *server, int *fds, size_t count)
{
    size_t before = process_descriptors(server->pid);

    for (size_t i = 0; i < count; i++)
        fds[i] = connect_raw(server);
    sleep_ms(500);
    return process_descriptors(server->pid) - before;
}

static void expect_served_after(const struct server *server, const int *fds, size_t count)
{
    static const char bytes[] = "GET /a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
    char *answer;

    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    answer = send_raw(server, bytes, sizeof(bytes) - 1);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0, "%s", answer);
    free(answer);
}

/* The usual soft limit is below the default of --max-connections. */
Test(crowd, raises_the_limit_of_open_files)
{
    int fds[600];
    struct server *server;
    size_t taken;

    process_allow_descriptors(200);
    server = server_start(url, (const char *[]){"--max-connections", "500", NULL});
    process_allow_descriptors(2000);
    taken = fill_up(server, fds, 600);
    /* The database connections are opened meanwhile. */
    cr_expect(taken >= 500 && taken <= 510, "%zu connections are open", taken);
    expect_served_after(server, fds, 600);
    server_end(server);
}

Test(crowd, lowers_max_connections_to_the_limit_of_open_files)
{
    struct rlimit limit = {432, 432};
    int fds[290];
    struct server *server;
    size_t taken;
    char *log;

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    server = server_start(url, NULL);
    log = server_log(server);
    cr_expect_not_null(strstr(log, "\"max_connections_lowered\""), "%s", log);
    taken = fill_up(server, fds, 280);
    cr_expect(taken > 200 && taken < 280, "%zu connections are open", taken);
    expect_served_after(server, fds, 280);
    free(log);
    server_end(server);
}
