#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "balancer.h"
#include "harness/fixture.h"
#include "harness/process.h"

/* Servers are restarted one after the other behind a load balancer, while clients with persistent
 * connections, which repeat unanswered requests, send invitations. */

#define SERVERS 3
#define CLIENTS 12
#define MAX_TRIES 20
#define ANSWER_SIZE 65536
/* At most, for a client with pauses; less than the drain delay, so no retry is needed. */
#define THINK_MS 300
#define DRAIN_DELAY_MS "600"

TestSuite(restarts, .timeout = 540);

/* A third of the clients each. */
enum habit { HABIT_BUSY, HABIT_THINKS, HABIT_DISCONNECTS, HABITS };

struct client {
    pthread_t thread;
    unsigned number, seed;
    int port;
    const struct account *account;
    atomic_bool *is_over;
    int fd;
    /* Acknowledged invitations, as {"email", "id", "code"}. */
    json_t *invited;
    /* Attempts without an answer, or with a 503; creates given up. */
    size_t unanswered, unavailable, failed;
    long longest_ms;
};

static void disconnect(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

static bool send_all(struct client *client, const char *bytes, size_t len)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)client->port)};
    struct timeval timeout = {.tv_sec = 60};
    char byte;

    /* Every client checks this before it reuses a connection. */
    if (client->fd >= 0 && recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        disconnect(client);
    if (client->fd < 0) {
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
            return false;
    }
    for (size_t sent = 0; sent < len;) {
        ssize_t written = send(client->fd, bytes + sent, len - sent, MSG_NOSIGNAL);

        if (written <= 0)
            return false;
        sent += (size_t)written;
    }
    return true;
}

/* Reads one answer; status 0 if the connection ends before it is complete. */
static struct answer receive(struct client *client)
{
    char *bytes = calloc(1, ANSWER_SIZE), *blank = NULL;
    struct answer answer = {0};
    size_t len = 0, whole = ANSWER_SIZE - 1;

    while (len < whole) {
        ssize_t got = recv(client->fd, bytes + len, ANSWER_SIZE - 1 - len, 0);

        if (got <= 0)
            break;
        len += (size_t)got;
        if (blank == NULL && (blank = strstr(bytes, "\r\n\r\n")) != NULL) {
            char *length;

            answer.headers = strndup(bytes, (size_t)(blank + 4 - bytes));
            length = answer_header(&answer, "content-length");
            whole = (size_t)(blank + 4 - bytes) + strtoul(length, NULL, 10);
            free(length);
        }
    }
    if (blank != NULL && len == whole) {
        answer.status = atol(bytes + strlen("HTTP/1.1 "));
        answer.text = strdup(blank + 4);
        answer.body = json_loads(answer.text, 0, NULL);
    }
    free(bytes);
    return answer;
}

/* One attempt of a request. */
static struct answer try_once(struct client *client, const char *bytes)
{
    struct answer answer = {0};
    char *connection;

    if (send_all(client, bytes, strlen(bytes)))
        answer = receive(client);
    connection = answer.headers != NULL ? answer_header(&answer, "connection") : strdup("close");
    if (answer.status == 0 || strcasecmp(connection, "close") == 0)
        disconnect(client);
    free(connection);
    return answer;
}

/* Invites a person, with as many attempts as needed. */
static void invite(struct client *client, size_t index)
{
    char *email = NULL, *body, *bytes = NULL;
    long started = now_ms(), took;
    bool is_done = false;

    cr_assert_geq(
        asprintf(&email, "%s-%u-%zu@example.com", client->account->token_id, client->number, index), 0);
    body = create_body(email, NULL, NULL);
    cr_assert_geq(
        asprintf(&bytes,
            "POST " ACCOUNT_USERS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
            "Content-Type: application/json\r\nIdempotency-Key: %s\r\nContent-Length: %zu\r\n\r\n%s",
            client->account->token, email, strlen(body), body),
        0);
    for (long tries = 0; !is_done && tries < MAX_TRIES; tries++) {
        struct answer answer;

        if (tries > 0)
            sleep_ms(tries * 20);
        answer = try_once(client, bytes);
        client->unanswered += answer.status == 0;
        client->unavailable += answer.status == 503;
        if (answer.status == 201) {
            char *code = invitation_code(answer.body);

            json_array_append_new(client->invited, json_pack("{s:s, s:s, s:s}", "email", email, "id",
                                                       answer_text(&answer, "id", NULL), "code", code));
            free(code);
            is_done = true;
        } else if (answer.status != 0 && answer.status != 503) {
            fprintf(stderr, "restarts: %ld %s\n", answer.status, answer.text);
            tries = MAX_TRIES;
        }
        answer_free(&answer);
    }
    took = now_ms() - started;
    client->failed += !is_done;
    client->longest_ms = took > client->longest_ms ? took : client->longest_ms;
    free(bytes);
    free(body);
    free(email);
}

static void *invite_many(void *data)
{
    struct client *client = data;

    client->seed = client->number;
    for (size_t i = 0; !atomic_load(client->is_over); i++) {
        invite(client, i);
        if (client->number % HABITS == HABIT_THINKS)
            sleep_ms(rand_r(&client->seed) % THINK_MS);
        else if (client->number % HABITS == HABIT_DISCONNECTS)
            disconnect(client);
    }
    disconnect(client);
    return NULL;
}

/* Every acknowledged create exists once, with its code, and nothing else exists. Repeated requests were
 * performed once: there is one invitation each. */
static void check(PGconn *pg, const struct account *account, json_t *invited)
{
    char *text = json_dumps(invited, JSON_COMPACT), *found, *members, *invitations, expected[32];

    snprintf(expected, sizeof(expected), "%zu", json_array_size(invited));
    found = database_query(pg,
        "select count(distinct i.key) from jsonb_to_recordset($1) as a (email text, id text, code text)"
        " join accounts.account_user as u on u.key = internal.account_user_key(a.id) and u.email = a.email"
        " join accounts.invitation as i on i.account_user_key = u.key and i.status = 'Open'"
        " and i.code_sha256 = sha256(convert_to(a.code, 'UTF8'))",
        text, NULL);
    members = database_query(pg,
        "select count(*) from accounts.account_user where account_key = internal.account_key($1)",
        account->id, NULL);
    invitations = database_query(pg,
        "select count(*) from accounts.invitation as i join accounts.account_user as u on u.key = "
        "i.account_user_key where u.account_key = internal.account_key($1)",
        account->id, NULL);
    cr_expect_str_eq(found, expected, "%s of %s acknowledged creates are there", found, expected);
    cr_expect_str_eq(members, expected, "%s members of %s acknowledged creates", members, expected);
    cr_expect_str_eq(
        invitations, expected, "%s invitations of %s acknowledged creates", invitations, expected);
    free(invitations);
    free(members);
    free(found);
    free(text);
}

/* Restarts this often. Whether the end of a server may cost a retry depends on the delay. */
static void restart(unsigned restarts, const char *delay, bool expects_every_answer)
{
    PGconn *pg = database_connect(database_url());
    char *url = server_database_url(database_url());
    const char *const options[] = {"--drain-delay", delay, NULL};
    struct account *account = account_make(pg, "Client");
    struct balancer *balancer = balancer_start();
    struct server *servers[SERVERS];
    struct client clients[CLIENTS], sum = {.invited = json_array()};
    atomic_bool is_over = false;

    for (size_t i = 0; i < SERVERS; i++)
        balancer_add(balancer, servers[i] = server_start(url, options));
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.number = i,
            .port = balancer_port(balancer),
            .account = account,
            .is_over = &is_over,
            .fd = -1,
            .invited = json_array()};
        cr_assert_eq(pthread_create(&clients[i].thread, NULL, invite_many, &clients[i]), 0);
    }
    for (unsigned i = 0; i < restarts; i++) {
        struct server **server = &servers[i % SERVERS], old = **server;

        sleep_ms(300);
        cr_expect_eq(server_stop(*server, SIGTERM), 0);
        balancer_remove(balancer, &old);
        *server = server_start(url, options);
        balancer_add(balancer, *server);
    }
    sleep_ms(300);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        json_array_extend(sum.invited, clients[i].invited);
        json_decref(clients[i].invited);
        sum.unanswered += clients[i].unanswered;
        sum.unavailable += clients[i].unavailable;
        sum.failed += clients[i].failed;
        sum.longest_ms = clients[i].longest_ms > sum.longest_ms ? clients[i].longest_ms : sum.longest_ms;
    }
    size_t untaken = balancer_stop(balancer);
    fprintf(stderr,
        "restarts: %u with a drain delay of %s ms: %zu creates, %zu failed; %zu tries without an answer, %zu "
        "with 503, %zu connections that no server took; the longest create took %ld ms\n",
        restarts, delay, json_array_size(sum.invited), sum.failed, sum.unanswered, sum.unavailable, untaken,
        sum.longest_ms);
    cr_expect_eq(sum.failed, 0, "%zu failed", sum.failed);
    if (expects_every_answer)
        cr_expect_eq(sum.unanswered + sum.unavailable, 0);
    check(pg, account, sum.invited);
    for (size_t i = 0; i < SERVERS; i++)
        server_end(servers[i]);
    json_decref(sum.invited);
    account_free(account);
    PQfinish(pg);
    free(url);
}

Test(restarts, lose_nothing)
{
    restart((unsigned)short_or_soak(3, 20), "0", false);
}

Test(restarts, announced_ones_need_no_retry)
{
    restart((unsigned)short_or_soak(3, 20), DRAIN_DELAY_MS, true);
}
