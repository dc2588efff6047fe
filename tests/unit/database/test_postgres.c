#include <criterion/criterion.h>
#include <dlfcn.h>
#include <jansson.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/count.h"
#include "database/postgres.h"
#include "database/session.h"

/* Hosts that implement just enough of PostgreSQL's protocol (version 3, "Message Formats") to be connected
 * to; they never answer a statement. */

TestSuite(dial, .timeout = 120);

#define LONG_MS 20000
#define SHORT_MS 300

enum manner { SILENT, WRITABLE, STANDBY, ABSENT };

struct host {
    char dir[64];
    int listener;
    enum manner manner;
    pthread_t thread;
};

/* A message of two strings, each with its terminating byte. */
static void put_parameter(FILE *out, const char *name, const char *value)
{
    size_t len = 4 + strlen(name) + 1 + strlen(value) + 1;

    fprintf(out, "S%c%c%c%c%s%c%s%c", 0, 0, 0, (int)len, name, 0, value, 0);
}

/* The client may have chosen another host meanwhile, and disconnected. */
static void greet(int fd, enum manner manner)
{
    char startup[1024], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    recv(fd, startup, sizeof(startup), 0);
    /* Authentication is over; parameters that libpq needs; a key for cancelling; ready for a query. */
    fwrite("R\0\0\0\10\0\0\0\0", 1, 9, out);
    put_parameter(out, "server_version", "15.0");
    put_parameter(out, "client_encoding", "UTF8");
    put_parameter(out, "default_transaction_read_only", "off");
    put_parameter(out, "in_hot_standby", manner == STANDBY ? "on" : "off");
    fwrite("K\0\0\0\14\0\0\0\1\0\0\0\1Z\0\0\0\5I", 1, 19, out);
    fclose(out);
    send(fd, text, size, MSG_NOSIGNAL);
    free(text);
}

/* Until the listener is shut down. Accepted connections end with the test. */
static void *serve(void *data)
{
    struct host *host = data;
    int fd;

    while ((fd = accept(host->listener, NULL, NULL)) >= 0) {
        if (host->manner != SILENT)
            greet(fd, host->manner);
    }
    return NULL;
}

static void host_start(struct host *host, enum manner manner)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    host->manner = manner;
    snprintf(host->dir, sizeof(host->dir), "/tmp/accountsd-dial-XXXXXX");
    cr_assert_not_null(mkdtemp(host->dir));
    if (manner == ABSENT)
        return;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", host->dir);
    host->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(host->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(host->listener, 16), 0);
    cr_assert_eq(pthread_create(&host->thread, NULL, serve, host), 0);
}

static void host_end(struct host *host)
{
    char path[96];

    if (host->manner != ABSENT) {
        shutdown(host->listener, SHUT_RDWR);
        pthread_join(host->thread, NULL);
        close(host->listener);
        snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", host->dir);
        unlink(path);
    }
    rmdir(host->dir);
}

static PGconn *dial(const char *url, long ms, char error[POSTGRES_ERROR_MAX])
{
    const struct postgres_limit limit = {.deadline_ms = clock_now_ms() + ms, .stop_fd = -1};

    return postgres_connect(url, &limit, error);
}

/* The text before and after two hosts with a comma between them. */
struct form {
    const char *before, *after;
};

static const struct form in_a_list = {"postgresql:///x?host=", "&user=u"};
static const struct form with_ports = {"postgresql:///x?host=", "&port=5432,5432&user=u"};
static const struct form with_one_port = {"postgresql:///x?host=", "&port=5432&user=u"};
/* libpq parses this as a list of empty ports. */
static const struct form in_authority = {"postgresql://u@", "/x"};

static void make_url(
    char url[512], const struct form *form, const struct host *first, const struct host *second)
{
    snprintf(url, 512, "%s%%2Ftmp%%2F%s,%%2Ftmp%%2F%s%s", form->before, strrchr(first->dir, '/') + 1,
        strrchr(second->dir, '/') + 1, form->after);
}

/* Which of two hosts was chosen, 1 or 2; 0 for none. */
static int taken_of(
    enum manner first, enum manner second, const struct form *form, long ms, char error[POSTGRES_ERROR_MAX])
{
    struct host hosts[2];
    char url[512];
    PGconn *pg;
    int taken = 0;

    host_start(&hosts[0], first);
    host_start(&hosts[1], second);
    make_url(url, form, &hosts[0], &hosts[1]);
    pg = dial(url, ms, error);
    for (int i = 0; i < 2 && pg != NULL; i++) {
        if (strcmp(PQhost(pg), hosts[i].dir) == 0)
            taken = i + 1;
    }
    PQfinish(pg);
    host_end(&hosts[0]);
    host_end(&hosts[1]);
    return taken;
}

Test(dial, prefers_the_first_writable_host)
{
    static const struct {
        enum manner first, second;
        const struct form *form;
        int taken;
    } cases[] = {
        {WRITABLE, WRITABLE, &in_a_list, 1},
        {WRITABLE, SILENT, &in_a_list, 1},
        {SILENT, WRITABLE, &in_a_list, 2},
        {SILENT, WRITABLE, &with_ports, 2},
        {SILENT, WRITABLE, &with_one_port, 2},
        {SILENT, WRITABLE, &in_authority, 2},
        {ABSENT, WRITABLE, &in_authority, 2},
        {STANDBY, WRITABLE, &in_authority, 2},
        {WRITABLE, STANDBY, &in_authority, 1},
        {STANDBY, STANDBY, &in_authority, 0},
        {STANDBY, ABSENT, &in_authority, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char error[POSTGRES_ERROR_MAX];
        int64_t start = clock_now_ms();

        cr_expect_eq(taken_of(cases[i].first, cases[i].second, cases[i].form, LONG_MS, error), cases[i].taken,
            "case %zu: %s", i, error);
        cr_expect_lt(clock_now_ms() - start, LONG_MS / 2, "case %zu", i);
        if (cases[i].taken == 0)
            cr_expect_str_neq(error, "");
    }
}

Test(dial, reports_the_error_of_every_host)
{
    char error[POSTGRES_ERROR_MAX];

    cr_expect_eq(taken_of(STANDBY, SILENT, &in_a_list, SHORT_MS, error), 0);
    cr_expect_not_null(strstr(error, "read-only"), "%s", error);
    cr_expect_not_null(strstr(error, "no answer in time"), "%s", error);
    cr_expect_null(strchr(error, '\n'), "%s", error);
}

Test(dial, ends_on_a_stop)
{
    struct postgres_limit limit = {
        .deadline_ms = clock_now_ms() + (int64_t)LONG_MS * 10, .stop_fd = eventfd(1, EFD_CLOEXEC)};
    struct host hosts[2];
    char url[512], error[POSTGRES_ERROR_MAX];

    host_start(&hosts[0], SILENT);
    host_start(&hosts[1], SILENT);
    make_url(url, &in_a_list, &hosts[0], &hosts[1]);
    cr_expect_null(postgres_connect(url, &limit, error));
    close(limit.stop_fd);
    host_end(&hosts[0]);
    host_end(&hosts[1]);
}

#define LOOKUP_S 5

/* Overrides the function for libpq too: one name takes long to look up. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **list)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (name != NULL && strcmp(name, "slow.invalid") == 0) {
        sleep(LOOKUP_S);
        return EAI_AGAIN;
    }
    real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(
        RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, list);
}

/* A lookup cannot be cancelled, but its caller can stop waiting. */
Test(dial, waits_for_a_name_until_the_deadline)
{
    static const char url[] = "postgresql://u@slow.invalid/x";
    struct postgres_limit limit = {
        .deadline_ms = clock_now_ms() + LONG_MS, .stop_fd = eventfd(1, EFD_CLOEXEC)};
    int64_t begun = clock_now_ms();
    char error[POSTGRES_ERROR_MAX];

    cr_expect_null(dial(url, SHORT_MS, error));
    cr_expect_str_eq(error, "host 1: the name is still being looked up: no answer in time");
    cr_expect_null(postgres_connect(url, &limit, error));
    cr_expect_str_eq(error, "host 1: the name is still being looked up: the server is stopping");
    cr_expect_lt(clock_now_ms() - begun, LOOKUP_S * 1000 / 2);
    close(limit.stop_fd);
    /* The abandoned thread ends by itself. */
    sleep(LOOKUP_S);
}

Test(dial, does_not_wait_for_the_name_of_another_host)
{
    struct host host;
    char url[512], error[POSTGRES_ERROR_MAX];
    int64_t begun = clock_now_ms();
    PGconn *pg;

    host_start(&host, WRITABLE);
    snprintf(url, sizeof(url), "postgresql:///x?host=slow.invalid,%s&user=u", host.dir);
    pg = dial(url, LONG_MS, error);
    cr_assert_not_null(pg, "%s", error);
    cr_expect_str_eq(PQhost(pg), host.dir);
    cr_expect_lt(clock_now_ms() - begun, LOOKUP_S * 1000 / 2);
    PQfinish(pg);
    host_end(&host);
}

/* If a result is worth waiting for, the caller waits a little longer. */
Test(dial, waits_for_a_result_during_its_grace)
{
    struct host host;
    char url[512], error[POSTGRES_ERROR_MAX];
    struct postgres_limit limit = {.stop_fd = eventfd(1, EFD_CLOEXEC), .grace_ms = SHORT_MS};
    int64_t begun;
    PGconn *pg;

    host_start(&host, WRITABLE);
    snprintf(url, sizeof(url), "postgresql:///x?host=%s&user=u", host.dir);
    pg = dial(url, LONG_MS, error);
    cr_assert_not_null(pg, "%s", error);
    cr_assert_eq(PQsendQuery(pg, "select 1"), 1);
    begun = clock_now_ms();
    limit.deadline_ms = begun + LONG_MS;
    cr_expect_null(postgres_result(pg, &limit, error));
    cr_expect_geq(clock_now_ms() - begun, SHORT_MS);
    cr_expect_lt(clock_now_ms() - begun, LONG_MS / 2);
    PQfinish(pg);
    close(limit.stop_fd);
    host_end(&host);
}

Test(dial, waits_for_a_result_until_the_deadline)
{
    struct host hosts[2];
    char url[512], error[POSTGRES_ERROR_MAX];
    struct postgres_limit limit = {.stop_fd = -1};
    PGconn *pg;

    host_start(&hosts[0], WRITABLE);
    host_start(&hosts[1], ABSENT);
    make_url(url, &in_a_list, &hosts[0], &hosts[1]);
    pg = dial(url, LONG_MS, error);
    cr_assert_not_null(pg, "%s", error);
    cr_assert_eq(PQsendQuery(pg, "select 1"), 1);
    limit.deadline_ms = clock_now_ms() + SHORT_MS;
    cr_expect_null(postgres_result(pg, &limit, error));
    cr_expect_str_eq(error, "no answer in time");
    PQfinish(pg);
    host_end(&hosts[0]);
    host_end(&hosts[1]);
}

Test(dial, leaves_mistakes_in_the_url_to_libpq)
{
    char error[POSTGRES_ERROR_MAX];

    cr_expect_null(dial("host=/tmp/a,/tmp/b port=1,2,3 user=u", LONG_MS, error));
    cr_expect_not_null(strstr(error, "could not match 3 port numbers to 2 hosts"), "%s", error);
    cr_expect_null(dial("postgresql://u@/x?nonsense=1", LONG_MS, error));
    cr_expect_str_eq(error, "invalid URI query parameter");
}

/* Nothing listens, or a name does not exist: the message contains no part of the connection string. */
Test(dial, does_not_reveal_the_connection_string)
{
    static const char *const urls[] = {"postgresql://u:x@127.0.0.1:1/hunter2", "host=/hunter2 user=u",
        "postgresql://u:pa@ss-hunter2@127.0.0.1:1/db", "host='\"hunter2\"x\"' user=u",
        "postgresql://hunter2@127.0.0.1:1", "host=/hunter2,/tmp user=hunter2"};
    char error[POSTGRES_ERROR_MAX];

    for (size_t i = 0; i < COUNT(urls); i++) {
        cr_expect_null(dial(urls[i], LONG_MS, error));
        cr_expect_neq(*error, '\0');
        cr_expect_null(strstr(error, "hunter2"), "%s: %s", urls[i], error);
    }
}

Test(dial, checks_a_connection_string_without_connecting)
{
    static const struct {
        const char *url, *error;
    } rows[] = {{"", NULL}, {"host=no.such.host user=u", NULL},
        {"postgresql://u:p%40@a:1,b:2/d?sslmode=require", NULL},
        {"postgresql://u:50%off@h/db", "invalid percent-encoded token"},
        {"postgresql://u:p/w@h/db", "invalid integer value"}, {"host=h password=two words", "missing"},
        {"host=h sslmode=perhaps", "invalid sslmode value"}, {"host=h port=70000", "invalid port number"},
        {"host=a,b port=1,70000", "invalid port number"}, {"host=h nonsense=1", "invalid connection option"},
        {"password='open", "unterminated quoted string in connection info string"},
        {"hostaddr=127.0.0.1", NULL}};
    char error[POSTGRES_ERROR_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        bool is_valid = postgres_check_url(rows[i].url, error);

        cr_expect_eq(is_valid, rows[i].error == NULL, "%s: %s", rows[i].url, is_valid ? "sound" : error);
        if (!is_valid && rows[i].error != NULL)
            cr_expect_str_eq(error, rows[i].error);
    }
}

/* Messages are logged as JSON, although libpq quotes bytes that are not UTF-8, or the buffer is too short. */
Test(dial, reports_errors_in_utf8)
{
    static const char *const places[] = {"/tmp/\xe4", "/tmp/a\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
        "/tmp/ab\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"};

    for (size_t i = 0; i < COUNT(places); i++) {
        for (int padding = 0; padding < 60; padding++) {
            struct config config = {.database_connect_timeout = 1};
            const struct postgres_limit limit = {.deadline_ms = clock_now_ms() + LONG_MS, .stop_fd = -1};
            char url[512], error[POSTGRES_ERROR_MAX];
            bool is_schema_unsupported;
            json_t *text;

            snprintf(url, sizeof(url), "host=/tmp/%0*d,/tmp/%0*d,%s,%s,%s,%s,%s user=u", padding + 1, 0,
                padding + 1, 0, places[i], places[i], places[i], places[i], places[i]);
            cr_expect_null(dial(url, LONG_MS, error));
            cr_expect_not_null(text = json_string(error), "%s", error);
            json_decref(text);
            config.database_url = url;
            cr_expect_null(session_open(&config, &limit, error, &is_schema_unsupported));
            cr_expect_not_null(text = json_string(error), "%s", error);
            json_decref(text);
        }
    }
}
