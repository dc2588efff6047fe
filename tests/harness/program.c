#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "process.h"

/* The program as a process: start, stop, and log. */

#define MAX_ARGUMENTS 32
#define START_TIMEOUT_MS 20000
#define STOP_TIMEOUT_MS 40000
#define TICK_MS 10
/* A thread of the server writes its log a little later. */
#define LOG_DELAY_MS 100

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t len = 0;
    ssize_t got;

    cr_assert_not_null(file, "%s", path);
    got = getdelim(&text, &len, '\0', file);
    fclose(file);
    if (got < 0) {
        free(text);
        return strdup("");
    }
    return text;
}

static int open_log(char log_path[LOG_PATH_SIZE])
{
    int log;

    snprintf(log_path, LOG_PATH_SIZE, "/tmp/accountsd-test-XXXXXX");
    log = mkstemp(log_path);
    cr_assert_geq(log, 0);
    return log;
}

/* Starts the program with stderr and stdout in log, and closes log. */
static pid_t spawn(const char *const *arguments, int log)
{
    char *argv[MAX_ARGUMENTS + 2] = {getenv("ACCOUNTSD_BINARY")};
    pid_t pid;

    cr_assert_not_null(argv[0], "ACCOUNTSD_BINARY is not set: scripts/test sets it");
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[i + 1] = strdup(arguments[i]);
    pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        /* The server must not outlive a test that crashes. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        /* Variables of the tests, about which accountsd would warn. */
        unsetenv("ACCOUNTSD_BINARY");
        execv(argv[0], argv);
        _exit(127);
    }
    close(log);
    for (size_t i = 0; arguments[i] != NULL; i++)
        free(argv[i + 1]);
    return pid;
}

/* The exit status; negative for a signal, such as SIGKILL after the timeout. */
static int await_end(pid_t pid, long timeout_ms)
{
    int status;

    for (long waited = 0; waited < timeout_ms; waited += TICK_MS) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        sleep_ms(TICK_MS);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

/* The number after a key in a line of the log; 0 if there is none. */
static int number_of(const char *line, const char *key)
{
    const char *found = strstr(line, key);

    return found != NULL ? atoi(found + strlen(key)) : 0;
}

struct server *server_spawn(const char *const *arguments)
{
    struct server *server = calloc(1, sizeof(*server));

    server->pid = spawn(arguments, open_log(server->log_path));
    return server;
}

/* The program's arguments before those of a test. */
static const char *const serve_arguments[] = {"--port", "0", "--telemetry-port", "0", "--workers", "2", NULL};
static const char *const deliver_arguments[] = {"deliver", "--telemetry-port", "0", NULL};

static void join_arguments(
    const char *all[MAX_ARGUMENTS + 1], const char *const *first, const char *url, const char *const *more)
{
    size_t count = 0;

    for (; first[count] != NULL; count++)
        all[count] = first[count];
    all[count++] = "--database-url";
    all[count++] = url;
    for (size_t i = 0; more != NULL && more[i] != NULL; i++)
        all[count++] = more[i];
    cr_assert_leq(count, MAX_ARGUMENTS);
    all[count] = NULL;
}

static const char *ready_event(const char *const *first)
{
    return first == serve_arguments ? "\"event\":\"listening\"" : "\"event\":\"delivering\"";
}

static void note_ports(struct server *server, const char *line)
{
    server->port = number_of(line, "\"port\":");
    server->telemetry_port = number_of(line, "\"telemetry_port\":");
}

/* Waits for the line of its log that says that it is ready. False if it has exited. */
static bool await_ready(struct server *server, const char *ready)
{
    siginfo_t end = {0};

    for (long waited = 0; waited < START_TIMEOUT_MS; waited += TICK_MS) {
        char *log = read_file(server->log_path), *line = strstr(log, ready);
        bool is_ready = line != NULL && strchr(line, '\n') != NULL;

        if (is_ready)
            note_ports(server, line);
        free(log);
        if (is_ready)
            return true;
        if (waitid(P_PID, (id_t)server->pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid != 0)
            return false;
        sleep_ms(TICK_MS);
    }
    cr_assert_fail("accountsd does not begin");
    return false;
}

static struct server *start(const char *const *first, const char *url, const char *const *more)
{
    const char *all[MAX_ARGUMENTS + 1];
    struct server *server;

    join_arguments(all, first, url, more);
    server = server_spawn(all);
    if (!await_ready(server, ready_event(first))) {
        char *log = server_log(server);

        cr_assert_fail("accountsd ended: %s", log);
        free(log);
    }
    return server;
}

static struct server *start_unread(
    const char *const *first, const char *url, const char *const *more, int *log_fd)
{
    struct server *server = calloc(1, sizeof(*server));
    const char *all[MAX_ARGUMENTS + 1];
    char line[4096] = "";
    size_t len = 0;
    int fds[2];

    join_arguments(all, first, url, more);
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    /* A pipe so small that a few lines fill it. */
    cr_assert_geq(fcntl(fds[1], F_SETPIPE_SZ, 4096), 4096);
    server->pid = spawn(all, fds[1]);
    while (len < sizeof(line) - 1 &&
           (len == 0 || line[len - 1] != '\n' || strstr(line, ready_event(first)) == NULL)) {
        cr_assert_eq(read(fds[0], line + len, 1), 1, "accountsd ended: %s", line);
        line[++len] = '\0';
    }
    note_ports(server, line);
    *log_fd = fds[0];
    return server;
}

struct server *server_start(const char *url, const char *const *arguments)
{
    return start(serve_arguments, url, arguments);
}

struct server *server_start_deliver(const char *url, const char *const *arguments)
{
    return start(deliver_arguments, url, arguments);
}

struct server *server_start_unread(const char *url, const char *const *arguments, int *log_fd)
{
    return start_unread(serve_arguments, url, arguments, log_fd);
}

struct server *server_start_deliver_unread(const char *url, const char *const *arguments, int *log_fd)
{
    return start_unread(deliver_arguments, url, arguments, log_fd);
}

bool server_await_listening(struct server *server)
{
    return await_ready(server, ready_event(serve_arguments));
}

int server_await_end(struct server *server, char **said)
{
    int status = await_end(server->pid, START_TIMEOUT_MS);

    *said = read_file(server->log_path);
    unlink(server->log_path);
    free(server);
    return status;
}

int server_run(const char *const *arguments, char **said)
{
    return server_await_end(server_spawn(arguments), said);
}

int server_stop(struct server *server, int signal)
{
    int status;

    kill(server->pid, signal);
    status = await_end(server->pid, STOP_TIMEOUT_MS);
    if (status != 0 && *server->log_path != '\0') {
        char *log = server_log(server);

        fprintf(stderr, "accountsd ended with status %d: %s", status, log);
        free(log);
    }
    unlink(server->log_path);
    free(server);
    return status;
}

void server_end(struct server *server)
{
    /* A failed assertion in a tear-down does not fail the test; this does. */
    if (server_stop(server, SIGTERM) != 0)
        abort();
}

char *server_log(const struct server *server)
{
    sleep_ms(LOG_DELAY_MS);
    return read_file(server->log_path);
}

size_t server_log_count(const struct server *server, const char *text)
{
    char *log = server_log(server);
    size_t count = 0;

    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    free(log);
    return count;
}

void await_logged(const struct server *server, const char *text)
{
    for (long waited = 0; waited < START_TIMEOUT_MS; waited += LOG_DELAY_MS) {
        char *log = server_log(server);
        bool found = strstr(log, text) != NULL;

        free(log);
        if (found)
            return;
    }
    cr_assert_fail("not logged: %s", text);
}
