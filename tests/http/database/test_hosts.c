#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/cluster.h"

/* A database host that accepts connections and sends nothing, like a machine whose network has failed, or
 * a pooler whose database is down. */

/* Of two workers. */
#define CONNECTIONS "4"

static PGconn *pg;
static struct account *account;
static char dir[64];
static char *real_host, *application;

static char *path_of(const char *name)
{
    char *path = NULL;

    cr_assert_geq(asprintf(&path, "%s/%s", dir, name), 0);
    return path;
}

static void set_up(void)
{
    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    real_host = database_query(pg,
        "select split_part(setting, ',', 1) from pg_settings where name = 'unix_socket_directories'", NULL);
    cr_assert_geq(asprintf(&application, "hosts-%d", (int)getpid()), 0);
    snprintf(dir, sizeof(dir), "/tmp/accountsd-hosts-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void tear_down(void)
{
    run_command("rm -rf '%s'", dir);
    free(application);
    free(real_host);
    account_free(account);
    PQfinish(pg);
}

TestSuite(hosts, .init = set_up, .fini = tear_down, .timeout = 300);

static char *url_of(const char *hosts, const char *ports)
{
    char *url = NULL;

    cr_assert_geq(
        asprintf(&url, "postgresql:///accountsd?host=%s&port=%s&user=accountsd_server&application_name=%s",
            hosts, ports, application),
        0);
    return url;
}

static int listen_silently(struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, address, len), 0);
    cr_assert_eq(listen(fd, 64), 0);
    return fd;
}

static bool has_connections(const char *count)
{
    char *found = database_query(
        pg, "select count(*) from pg_stat_activity where application_name = $1", application, NULL);
    bool has = strcmp(found, count) == 0;

    free(found);
    return has;
}

/* All other waits last a minute, so that only the responsive host can help. */
Test(hosts, silent_ones_cause_no_delay_if_another_answers)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int silent = listen_silently((struct sockaddr *)&address, sizeof(address));
    char *hosts = NULL, *ports = NULL, *url;
    struct timespec start = now();
    struct server *server;

    getsockname(silent, (struct sockaddr *)&address, &len);
    cr_assert_geq(asprintf(&hosts, "127.0.0.1,%s", real_host), 0);
    cr_assert_geq(asprintf(&ports, "%d,5432", ntohs(address.sin_port)), 0);
    url = url_of(hosts, ports);
    server = server_start(url, (const char *[]){"--database-connect-timeout", "60", NULL});
    await_status(server, account, 201);
    while (!has_connections(CONNECTIONS) && seconds_since(&start) < 30)
        sleep_ms(20);
    cr_expect_lt(seconds_since(&start), 30, "not all connections are there");
    server_end(server);
    close(silent);
    free(url);
    free(hosts);
    free(ports);
}

/* A host that is a link to a directory with the socket of the database, or with a silent socket. */
static void point_link_to(const char *target)
{
    char *link = path_of("host"), *new_link = path_of("host.new");

    cr_assert_eq(symlink(target, new_link), 0);
    cr_assert_eq(rename(new_link, link), 0);
    free(link);
    free(new_link);
}

static int make_silent_host(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_lt(snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", path),
        (int)sizeof(address.sun_path));
    return listen_silently((struct sockaddr *)&address, sizeof(address));
}

/* Starts a server on the database, which then becomes silent. */
static struct server *start_and_silence(const char *silent_path, const char *connect_timeout)
{
    char *link = path_of("host"), *url = url_of(link, "5432");
    struct server *server;

    point_link_to(real_host);
    server = server_start(url, (const char *[]){"--database-connect-timeout", connect_timeout, NULL});
    await_status(server, account, 201);
    point_link_to(silent_path);
    free(database_query(pg,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = $1",
        application, NULL));
    free(link);
    free(url);
    return server;
}

Test(hosts, silent_ones_delay_no_request)
{
    char *silent_path = path_of("silent");
    int silent = make_silent_host(silent_path);
    struct server *server = start_and_silence(silent_path, "2");

    await_status(server, account, 503);
    sleep_ms(3000);
    await_status(server, account, 503);
    point_link_to(real_host);
    await_status(server, account, 201);
    server_end(server);
    close(silent);
    free(silent_path);
}

Test(hosts, silent_ones_do_not_delay_a_stop)
{
    char *silent_path = path_of("silent");
    int silent = make_silent_host(silent_path);
    struct server *server = start_and_silence(silent_path, "60");

    sleep_ms(500);
    server_end(server);
    close(silent);
    free(silent_path);
}
