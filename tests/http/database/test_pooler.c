#include <criterion/criterion.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cluster.h"

/* PgBouncer in transaction pooling between server and database: two database connections for four of the
 * server's, and no session settings. */

#define PORT "6432"
#define POOL_SIZE "2"

struct pooler {
    char dir[512];
    pid_t pid;
    /* As the server's role. */
    char *url;
};

static struct pooler pooler;
static PGconn *pg;
static struct account *account;
static struct server *server;

/* PgBouncer, like PostgreSQL, refuses to run as root. */
static void run_pooler(const char *configuration)
{
    const struct passwd *postgres = getuid() == 0 ? getpwnam("postgres") : NULL;
    int log = open("/dev/null", O_WRONLY);

    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (postgres != NULL && (setgid(postgres->pw_gid) != 0 || setuid(postgres->pw_uid) != 0))
        _exit(126);
    /* After the change of user, which resets it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl("/usr/sbin/pgbouncer", "pgbouncer", "-q", configuration, (char *)NULL);
    _exit(127);
}

static void await_pooler(void)
{
    for (int i = 0; i < 1000; i++) {
        PGconn *through = PQconnectdb(pooler.url);
        bool is_there = PQstatus(through) == CONNECTION_OK;

        PQfinish(through);
        if (is_there)
            return;
        sleep_ms(10);
    }
    cr_assert_fail("PgBouncer does not answer at %s", pooler.url);
}

static void start_pooler(void)
{
    char configuration[600];

    snprintf(configuration, sizeof(configuration), "%s/pgbouncer.ini", pooler.dir);
    pooler.pid = fork();
    cr_assert_geq(pooler.pid, 0);
    if (pooler.pid == 0)
        run_pooler(configuration);
    await_pooler();
}

static void stop_pooler(void)
{
    kill(pooler.pid, SIGKILL);
    waitpid(pooler.pid, NULL, 0);
}

__attribute__((format(printf, 2, 3))) static void write_file(const char *name, const char *format, ...)
{
    char path[600];
    va_list arguments;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", pooler.dir, name);
    file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fclose(file);
}

/* The directory of the database's socket, which PgBouncer's user can enter. */
static char *socket_dir(void)
{
    char *dir = database_query(pg,
        "select split_part(setting, ',', 1) from pg_settings where name = "
        "'unix_socket_directories'",
        NULL);

    return dir;
}

static void set_up(void)
{
    char *socket;

    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    socket = socket_dir();
    snprintf(pooler.dir, sizeof(pooler.dir), "%s/pgbouncer-%d", socket, (int)getpid());
    cr_assert_eq(mkdir(pooler.dir, 0755), 0, "%s", pooler.dir);
    run_command("chown --reference='%s' '%s'", socket, pooler.dir);
    write_file("users.txt", "\"accountsd_server\" \"\"\n");
    write_file("pgbouncer.ini",
        "[databases]\naccountsd = host=%s port=5432 dbname=accountsd\n"
        "[pgbouncer]\nlisten_addr =\nlisten_port = " PORT "\nunix_socket_dir = %s\nauth_type = trust\n"
        "auth_file = %s/users.txt\npool_mode = transaction\ndefault_pool_size = " POOL_SIZE "\n"
        "server_login_retry = 1\nlogfile = %s/log\n",
        socket, pooler.dir, pooler.dir, pooler.dir);
    free(socket);
    cr_assert_geq(asprintf(&pooler.url, "postgresql:///accountsd?host=%s&port=" PORT "&user=accountsd_server",
                      pooler.dir),
        0);
    start_pooler();
    server = server_start(pooler.url, (const char *[]){"--prepared-statements", "0", NULL});
}

static void tear_down(void)
{
    server_end(server);
    stop_pooler();
    run_command("rm -rf '%s'", pooler.dir);
    free(pooler.url);
    account_free(account);
    PQfinish(pg);
}

TestSuite(pooler, .init = set_up, .fini = tear_down, .timeout = 300);

static void expect(struct answer answer, long status)
{
    cr_expect_eq(answer.status, status, "%ld, not %ld: %s", answer.status, status, answer.text);
    answer_free(&answer);
}

Test(pooler, passes_every_kind_of_request)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *accept, *path, *group;
    struct member *member = member_invite(server, account->token, body);
    struct answer list = request(server, "GET", ACCOUNT_USERS "?limit=10", account->token, NULL, NULL);

    cr_expect_eq(list.status, 200);
    cr_expect_eq(json_array_size(json_object_get(list.body, "data")), 1, "%s", list.text);
    answer_free(&list);
    accept = accept_body(member->code);
    path = member_path(member, PATH_OF_ACCOUNT_USER, "/accept-invite");
    expect(request_json(server, "POST", path, NULL, accept), 200);
    free(path);
    path = member_path(member, PATH_OF_USER, "");
    expect(request(server, "GET", path, account->token, NULL, NULL), 200);
    free(path);
    path = member_path(member, PATH_OF_USER, "/groups");
    cr_assert_geq(asprintf(&group, "{\"id\": \"%s\"}", account->other_group), 0);
    expect(request_json(server, "POST", path, account->token, group), 200);
    expect(post(server, account->token, body), 409);
    free(path);
    free(group);
    free(accept);
    free(body);
    free(email);
    member_free(member);
}

/* They are set for the role. Nothing else ends the wait before --database-timeout, which would be a 504. */
Test(pooler, does_not_disable_the_timeouts)
{
    char *email = new_email(), *body = create_body(email, NULL, NULL), *settings;
    PGconn *through = database_connect(pooler.url);

    settings = database_query(through,
        "select string_agg(name || '=' || setting, ' ' order by name) from pg_settings where name in"
        " ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', "
        "'client_connection_check_interval')",
        NULL);
    cr_expect_str_eq(settings, "client_connection_check_interval=1000 "
                               "idle_in_transaction_session_timeout=10000 lock_timeout=2000 "
                               "statement_timeout=8000");
    free(settings);
    PQfinish(through);

    account_lock(pg, account);
    expect(post(server, account->token, body), 503);
    free(database_query(pg, "rollback", NULL));
    expect(post(server, account->token, body), 201);
    free(body);
    free(email);
}

Test(pooler, may_be_killed_under_load)
{
    struct load *load = load_start(server, account, 8);

    for (int round = 0; round < short_or_soak(2, 20); round++) {
        struct timespec start = now();

        load_await_success(load, &start);
        sleep_ms(200);
        stop_pooler();
        await_status(server, account, 503);
        start_pooler();
        load_await_success(load, &start);
    }
    load_pause(load);
    cr_expect_gt(load_check(load, pg, SLOWEST_SECONDS), 0);
    load_print(load, "pooler");
    load_free(load);
}
