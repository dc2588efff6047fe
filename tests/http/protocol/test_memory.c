#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/fixture.h"
#include "harness/flood.h"
#include "harness/process.h"
#include "harness/tls_client.h"

/* The server's memory when clients make it hold as much as possible, and over many requests. */

#define HOST "Host: a\r\n"
/* Memory that the server keeps for reuse, however many clients there were. */
#define KEPT_MAX_KIB 6144
/* The time for refusals, even on a busy machine; long before --request-timeout would end all. */
#define LATER_MS 12000
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

/* Sends to all in turn, a piece at a time, and no more to refused clients. */
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

/* The resident size, once it is below a bound, or when the time is up. */
static size_t await_resident(const struct server *server, size_t max)
{
    size_t resident = process_resident(server->pid);

    for (int i = 0; IS_RESIDENT_MEANINGFUL && i < LATER_MS / 100 && resident > max; i++) {
        sleep_ms(100);
        resident = process_resident(server->pid);
    }
    return resident;
}

/* As many clients as the row says send that much, and then nothing. */
Test(memory, is_bounded_for_large_heads_and_bodies)
{
    static const struct {
        const char *name;
        const char *beginning;
        size_t len;
        /* The maximum in KiB for each, while it is connected and after the time for refusals. */
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
    for (size_t row = 0; row < COUNT(rows); row++) {
        struct server *server = server_start(url, (const char *[]){"--request-timeout", "20000", NULL});
        size_t before = process_resident(server->pid), now, later;
        const char *beginning = rows[row].beginning;
        /* Few of the largest, because many could not be sent at once. */
        size_t these = rows[row].len > 1000000 ? count / 10 : count, later_max;

        for (size_t i = 0; i < these; i++) {
            fds[i] = connect_raw(server);
            cr_assert_eq(
                send(fds[i], beginning, strlen(beginning), MSG_NOSIGNAL), (ssize_t)strlen(beginning));
        }
        send_to_all(fds, these, rows[row].len);
        now = process_resident(server->pid);
        later_max = before + these * rows[row].later_max + KEPT_MAX_KIB;
        later = await_resident(server, later_max);
        fprintf(stderr, "%s: %zu clients, %zu KiB each, later %zu\n", rows[row].name, these,
            now > before ? (now - before) / these : 0, later > before ? (later - before) / these : 0);
        if (IS_RESIDENT_MEANINGFUL) {
            cr_expect_leq(
                now, before + these * rows[row].each_max, "%s: %zu KiB", rows[row].name, now - before);
            cr_expect_leq(later, later_max, "%s: %zu KiB", rows[row].name, later - before);
        }
        for (size_t i = 0; i < these; i++)
            close(fds[i]);
        server_end(server);
    }
    free(fds);
}

static void send_close_notify(struct tls_client *client)
{
    SSL_shutdown(client->ssl);
}

/* A TLS alert by which the client reports an error. */
static void send_alert(struct tls_client *client)
{
    static const char record[5 + 32] = "\x17\x03\x03\x00\x20";
    char byte;

    SSL_set0_rbio(client->ssl, BIO_new_mem_buf(record, sizeof(record)));
    cr_assert_leq(SSL_read(client->ssl, &byte, 1), 0);
}

/* Bytes after the last record of TLS are dropped. */
Test(memory, is_bounded_after_an_alert)
{
    static void (*const last_words[])(struct tls_client *) = {send_close_notify, send_alert};
    static char piece[65536];
    struct certificate *certificate = certificate_make("first", KEY_EC);

    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT(last_words); i++) {
        struct server *server =
            server_start(url, (const char *[]){"--tls-certificate", certificate->certificate_path,
                                  "--tls-key", certificate->key_path, "--request-timeout", "20000", NULL});
        struct tls_client *client = tls_connect(server, &(struct tls_options){0});
        size_t before = process_resident(server->pid), most = before, now;

        cr_assert_not_null(client);
        last_words[i](client);
        for (size_t sent = 0; sent < 64UL * 1024 * 1024; sent += sizeof(piece)) {
            if (send(client->fd, piece, sizeof(piece), MSG_NOSIGNAL) < 0)
                break;
            now = process_resident(server->pid);
            most = now > most ? now : most;
        }
        if (IS_RESIDENT_MEANINGFUL)
            cr_expect_leq(most, before + KEPT_MAX_KIB, "word %zu: %zu KiB", i, most - before);
        tls_close(client);
        server_end(server);
    }
    certificate_free(certificate);
}

/* Measured after the first fifth of the requests, when all caches are full; in the long form less than
 * malloc's smallest block, 32 bytes, for each request of the rarest kind. */
#define GROWTH_MAX_KIB 2048
#define GROWTH_OF_SOAK_MAX_KIB 224
#define PERSON(email) "{\"user\":{\"email\":\"" email "\",\"firstName\":\"Ann\",\"lastName\":\"Lee\"}"

/* Requests: $ is a member's id, # the number of the request. Few of them need the database. */
static const struct kind {
    const char *target;
    enum { NO_TOKEN, TOKEN, WRONG_TOKEN } token;
    /* Headers and the body, if any. */
    const char *more, *body;
    /* The share in a hundred requests. */
    size_t share;
    long status;
} kinds[] = {
    /* Answered by the database, accepted and refused. */
    {"POST " ACCOUNT_USERS, TOKEN, "", PERSON("soak-#-$@example.com") "}", 3, 201},
    {"POST " ACCOUNT_USERS, TOKEN, "Prefer: tx=rollback\r\n", PERSON("dry-#-$@example.com") "}", 1, 201},
    {"POST " ACCOUNT_USERS, TOKEN, "Idempotency-Key: #-$\r\n", PERSON("key-#-$@example.com") "}", 2, 201},
    {"POST " ACCOUNT_USERS, TOKEN, "",
        PERSON("soak-#-$@example.com") ",\"groups\":[{\"id\":\"UGR-0000-0000\"}]}", 2, 400},
    {"GET " ACCOUNT_USERS "/$", TOKEN, "", NULL, 4, 200},
    {"GET " ACCOUNT_USERS "/$", WRONG_TOKEN, "", NULL, 3, 401},
    {"GET " ACCOUNT_USERS "?eq(id,$)&select=audit", TOKEN, "", NULL, 1, 200},
    {"GET " ACCOUNT_USERS "?eq(id,$", TOKEN, "", NULL, 1, 400},
    /* Refused before it. */
    {"POST " ACCOUNT_USERS, TOKEN, "", "{\"user\":{\"email\":\"none\"}}", 32, 400},
    {"GET /a", NO_TOKEN, "", NULL, 18, 404},
    {"PATCH " ACCOUNT_USERS, NO_TOKEN, "", NULL, 18, 405},
    {"GET /public/v1/accounts/openapi.json", NO_TOKEN, "", NULL, 1, 200},
    {"POST /a", NO_TOKEN, "Transfer-Encoding: chunked\r\n", NULL, 14, 411},
};

#define KINDS COUNT(kinds)
#define HUNDRED 100

struct soak {
    const struct server *server;
    const char *token, *id;
    size_t count, answered, at_fifth;
    /* The kind of each of a hundred requests. */
    size_t order[HUNDRED];
};

/* In an order that mixes the kinds. */
static void shuffle_kinds(struct soak *soak)
{
    size_t place = 0;

    for (size_t kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < kinds[kind].share; i++)
            soak->order[place++ * 37 % HUNDRED] = kind;
    }
    cr_assert_eq(place, HUNDRED);
}

/* The caller frees it. */
static char *expand(const struct soak *soak, const char *pattern, size_t index)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '$')
            fputs(soak->id, out);
        else if (*pattern == '#')
            fprintf(out, "%zu", index);
        else
            fputc(*pattern, out);
    }
    fclose(out);
    return text;
}

static char *next_request(void *data, size_t index, enum flood_manner *manner)
{
    const struct soak *soak = data;
    const struct kind *kind = &kinds[soak->order[index % HUNDRED]];
    char *target = expand(soak, kind->target, index), *more = expand(soak, kind->more, index), *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)manner;
    fprintf(out, "%s HTTP/1.1\r\n" HOST "%s", target, more);
    if (kind->token != NO_TOKEN)
        fprintf(out, "Authorization: Bearer %s%s\r\n", soak->token, kind->token == WRONG_TOKEN ? "x" : "");
    if (kind->body != NULL) {
        char *body = expand(soak, kind->body, index);

        fprintf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
        free(body);
    } else
        fputs(strstr(more, "chunked") != NULL ? "\r\n0\r\n\r\n" : "\r\n", out);
    fclose(out);
    free(target);
    free(more);
    return text;
}

static void on_answer(void *data, size_t index, const struct answer *answer)
{
    struct soak *soak = data;
    const struct kind *kind = &kinds[soak->order[index % HUNDRED]];

    if (answer->status != kind->status)
        cr_assert_fail("%s: %ld, not %ld: %s", kind->target, answer->status, kind->status, answer->text);
    if (++soak->answered == soak->count / 5)
        soak->at_fifth = process_resident(soak->server->pid);
}

Test(memory, does_not_grow_with_requests)
{
    PGconn *pg = database_connect(database_url());
    struct account *account = account_make(pg, "Client");
    struct server *server = server_start(url, NULL);
    struct member *member = member_invite_new(server, account);
    struct soak soak = {
        .server = server, .token = account->token, .id = member->id, .count = is_soak() ? 1000000 : 20000};
    struct flood flood = {.servers = &server,
        .server_count = 1,
        .count = soak.count,
        .data = &soak,
        .next = next_request,
        .on_answer = on_answer,
        .skips_bodies = true};
    size_t at_end, growth_max = is_soak() ? GROWTH_OF_SOAK_MAX_KIB : GROWTH_MAX_KIB;
    long started = now_us();

    shuffle_kinds(&soak);
    flood_run(&flood);
    at_end = process_resident(server->pid);
    fprintf(stderr, "%zu requests in %ld ms: %zu KiB after a fifth, %zu at the end\n", soak.count,
        (now_us() - started) / 1000, soak.at_fifth, at_end);
    if (IS_RESIDENT_MEANINGFUL)
        cr_expect_leq(at_end, soak.at_fifth + growth_max, "%zu KiB have become %zu", soak.at_fifth, at_end);
    member_free(member);
    server_end(server);
    account_free(account);
    PQfinish(pg);
}
