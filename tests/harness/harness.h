#ifndef ACCOUNTSD_TESTS_HARNESS_H
#define ACCOUNTSD_TESTS_HARNESS_H

/* What the black-box tests share: a real accountsd, its database and a client. A test that cannot go on fails
 * here; nothing returns an error. */

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACCOUNT_USERS "/public/v1/accounts/account-users"

/* The test database, as a superuser; of the environment's DATABASE_URL. */
const char *database_url(void);
/* The same database as accountsd's own role; the caller frees it. */
char *server_database_url(const char *url);
PGconn *database_connect(const char *url);
/* Runs a statement and returns the first column of its first row, "" where there is none; the caller frees
 * it. Up to three parameters, then NULL. */
char *database_query(PGconn *pg, const char *sql, ...);
/* Tells the planner how large the tables are now. Without it a query over what a test has just made may be
 * planned for empty tables, and read them whole, once for each row. */
void database_analyze(PGconn *pg);

#define LOG_PATH_SIZE 64

struct server {
    pid_t pid;
    int port;
    int telemetry_port;
    char log_path[LOG_PATH_SIZE];
};

/* Of a server whose requests wait, rather than be refused, where the machine is busy. */
#define PATIENT "--queue-timeout", "60000"

/* Starts accountsd on free ports with more arguments, NULL-terminated, and waits until it listens. */
struct server *server_start(const char *url, const char *const *arguments);
/* The same for accountsd deliver, which has a telemetry port only. */
struct server *server_start_deliver(const char *url, const char *const *arguments);
/* The same two, with a log that is a pipe and that nobody reads after the line that says that it has begun;
 * *log_fd, the end to read, is the caller's. */
struct server *server_start_unread(const char *url, const char *const *arguments, int *log_fd);
struct server *server_start_deliver_unread(const char *url, const char *const *arguments, int *log_fd);
/* Starts it with these arguments and no others, and waits for nothing. */
struct server *server_spawn(const char *const *arguments);
/* Waits until it listens, which sets its ports. False where it has ended before: then server_await_end. */
bool server_await_listening(struct server *server);
/* Waits for it to end by itself, and frees: its exit status, and what it said, which the caller frees. */
int server_await_end(struct server *server, char **said);
/* Starts it and waits for it to end by itself: its exit status, and what it said, which the caller frees. */
int server_run(const char *const *arguments, char **said);
/* Sends a signal (0: none), waits for the end, frees; the exit status, negative for a signal; SIGKILL if it
 * did not end in 40 seconds. */
int server_stop(struct server *server, int signal);
/* server_stop with SIGTERM, for the end of a test: a status but 0 is a crash of the test. */
void server_end(struct server *server);
/* What it has logged so far, after a moment in which it writes that; the caller frees it. */
char *server_log(const struct server *server);

/* Waits until it has logged a text. */
void await_logged(const struct server *server, const char *text);

struct answer {
    long status;
    /* NULL where the body is not JSON. */
    json_t *body;
    char *text;
    /* All header lines, as received. */
    char *headers;
};

/* One request on a connection of its own. token: NULL for none. Status 0: no answer came. */
struct answer request(const struct server *server, const char *method, const char *path, const char *token,
    const char *body, const char *const *headers);
/* GET from the telemetry port. */
struct answer telemetry_get(const struct server *server, const char *path);
/* POST as JSON. */
struct answer post(const struct server *server, const char *token, const char *body);
/* One request with a body that says it is JSON. */
struct answer request_json(
    const struct server *server, const char *method, const char *path, const char *token, const char *body);
void answer_free(struct answer *answer);
/* The value of a header, "" where it is missing; the caller frees it. */
char *answer_header(const struct answer *answer, const char *name);
void expect_header(const struct answer *answer, const char *name, const char *value);
/* A text at a path of keys, such as "user", "name", NULL; "(none)" where there is none. */
const char *answer_text(const struct answer *answer, ...);

/* Keeps bytes that were sent and what came back for tests/openapi, as request and send_raw do by themselves.
 */
void record_raw(const char *sent, size_t sent_len, const char *received, size_t received_len);
/* Sends bytes and reads until the other end closes or, once it has begun to answer, is silent for a second;
 * the caller frees what it said. */
char *send_raw(const struct server *server, const char *bytes, size_t len);
/* The same; *closed says whether the other end did. */
char *exchange_raw(const struct server *server, const char *bytes, size_t len, bool *closed);
/* A connection whose reads end after five seconds of silence; the caller closes it. */
int connect_raw(const struct server *server);
/* The same to the telemetry port. */
int connect_telemetry_raw(const struct server *server);
/* The same to the telemetry port. */
char *telemetry_send_raw(const struct server *server, const char *bytes, size_t len);

#endif
