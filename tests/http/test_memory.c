#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "flood.h"
#include "process.h"

/* The server's memory under the worst that clients can make it hold, and over many requests. */

#define HOST "Host: a\r\n"
/* A hundred bytes a request in the short form, two in the long one. */
#define GROWTH_MAX_KIB 2048
/* What the server keeps for reuse, however many there were. */
#define KEPT_MAX_KIB 6144
#define HEAD_WITHOUT_END "GET /a HTTP/1.1\r\n" HOST "X: "

static char *url;

static void set_up(void)
{
    url = server_database_url(database_url());
}

static void tear_down(void)
{
    free(url);
}

TestSuite(memory, .init = set_up, .fini = tear_down, .timeout = 3000);

/* Sends to all in turn, a piece at a time, and no more to who has been refused. */
static void send_to_all(const int *fds, size_t count, size_t len)
{
    static char piece[16384];
    bool *is_refused = calloc(count, sizeof(*is_refused));

    memset(piece, 'a', sizeof(piece));
    for (size_t sent = 0; sent < len; sent += sizeof(piece)) {
        size_t piece_len = len - sent < sizeof(piece) ? len - sent : sizeof(piece);

        for (size_t i = 0; i < count; i++) {
            if (!is_refused[i])
                is_refused[i] = send(fds[i], piece, piece_len, MSG_NOSIGNAL) < 0;
        }
    }
    free(is_refused);
}

/* As many clients as the row says send that much, and then nothing. */
Test(memory, is_bounded_under_the_worst_heads_and_bodies)
{
    static const struct {
        const char *name;
        const char *beginning;
        size_t len;
        /* KiB that each may cost while it is there, and when a refusal has had its time. */
        size_t each_max, later_max;
    } rows[] = {
        {"bodies that may be", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n", 65000, 160, 160},
        {"heads that may be", HEAD_WITHOUT_END, 16000, 48, 48},
        {"bodies that are too large", "POST /a HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n", 3999999,
            4500, 16},
        {"chunks that are too many",
            "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3d0900\r\n", 3999999, 8500, 16},
        {"heads that are too long", HEAD_WITHOUT_END, 400000, 1100, 16},
    };
    size_t count = is_soak() ? 1000 : 100;
    int *fds = calloc(count, sizeof(*fds));

    process_allow_descriptors(2 * count + 100);
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        struct server *server = server_start(url, (const char *[]){"--request-timeout", "5000", NULL});
        size_t before = process_resident(server->pid), now, later;
        const char *beginning = rows[row].beginning;
        /* The largest are few, or they would not come at once. */
        size_t these = rows[row].len > 1000000 ? count / 10 : count;

        for (size_t i = 0; i < these; i++) {
            fds[i] = connect_raw(server);
            cr_assert_eq(
                send(fds[i], beginning, strlen(beginning), MSG_NOSIGNAL), (ssize_t)strlen(beginning));
        }
        send_to_all(fds, these, rows[row].len);
        now = process_resident(server->pid);
        sleep_ms(2000);
        later = process_resident(server->pid);
        fprintf(stderr, "%s: %zu clients, %zu KiB each, later %zu\n", rows[row].name, these,
            now > before ? (now - before) / these : 0, later > before ? (later - before) / these : 0);
        if (IS_RESIDENT_TOLD) {
            cr_expect_leq(
                now, before + these * rows[row].each_max, "%s: %zu KiB", rows[row].name, now - before);
            cr_expect_leq(later, before + these * rows[row].later_max + KEPT_MAX_KIB, "%s: %zu KiB",
                rows[row].name, later - before);
        }
        for (size_t i = 0; i < these; i++)
            close(fds[i]);
        server_end(server);
    }
    free(fds);
}

#define KINDS 6

struct soak {
    const struct server *server;
    size_t count, answered, at_tenth;
    char *requests[KINDS];
};

static const int statuses[KINDS] = {200, 400, 404, 200, 411, 405};

static void make_requests(struct soak *soak, const char *token, const char *id)
{
    char *authorization = NULL;

    cr_assert_geq(asprintf(&authorization, "HTTP/1.1\r\n" HOST "Authorization: Bearer %s\r\n", token), 0);
    cr_assert_geq(asprintf(&soak->requests[0], "GET " ACCOUNT_USERS "/%s %s\r\n", id, authorization), 0);
    cr_assert_geq(asprintf(&soak->requests[1],
                      "POST " ACCOUNT_USERS " %sContent-Type: application/json\r\nContent-Length: 25\r\n\r\n"
                      "{\"user\":{\"email\":\"none\"}}",
                      authorization),
        0);
    soak->requests[2] = strdup("GET /a HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_geq(asprintf(&soak->requests[3], "GET " ACCOUNT_USERS "?eq(id,%s)&select=audit %s\r\n", id,
                      authorization),
        0);
    soak->requests[4] = strdup("POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    soak->requests[5] = strdup("PATCH " ACCOUNT_USERS " HTTP/1.1\r\n" HOST "\r\n");
    free(authorization);
}

static char *next_request(void *data, size_t index, enum flood_manner *manner)
{
    const struct soak *soak = data;

    (void)manner;
    return strdup(soak->requests[index % KINDS]);
}

static void on_answer(void *data, size_t index, const struct answer *answer)
{
    struct soak *soak = data;

    cr_assert_eq(answer->status, statuses[index % KINDS], "request of kind %zu: %ld %s", index % KINDS,
        answer->status, answer->text);
    if (++soak->answered == soak->count / 10)
        soak->at_tenth = process_resident(soak->server->pid);
}

Test(memory, is_the_same_after_many_requests)
{
    PGconn *pg = database_connect(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url, NULL);
    char *email = new_email(), *body = create_body(email, NULL, NULL);
    struct member *member = member_invite(server, account->token, body);
    struct soak soak = {.server = server, .count = is_soak() ? 1000000 : 20000};
    struct flood flood = {.servers = &server,
        .server_count = 1,
        .count = soak.count,
        .data = &soak,
        .next = next_request,
        .on_answer = on_answer};
    size_t at_end;
    long started = now_us();

    make_requests(&soak, account->token, member->id);
    flood_run(&flood);
    at_end = process_resident(server->pid);
    fprintf(stderr, "%zu requests in %ld ms: %zu KiB after a tenth, %zu at the end\n", soak.count,
        (now_us() - started) / 1000, soak.at_tenth, at_end);
    if (IS_RESIDENT_TOLD)
        cr_expect_leq(
            at_end, soak.at_tenth + GROWTH_MAX_KIB, "%zu KiB have become %zu", soak.at_tenth, at_end);
    for (size_t i = 0; i < KINDS; i++)
        free(soak.requests[i]);
    member_free(member);
    server_end(server);
    account_free(account);
    PQfinish(pg);
    free(body);
    free(email);
}
