#ifndef ACCOUNTSD_TESTS_HARNESS_H
#define ACCOUNTSD_TESTS_HARNESS_H

/* What the black-box tests share: a real accountsd, its database and a client. Errors fail the test; no
 * function returns one. */

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACCOUNT_USERS "/public/v1/accounts/account-users"

/* The test database as a superuser, from DATABASE_URL. */
const char *database_url(void);
/* The same database as accountsd's role; the caller frees it. */
char *server_database_url(const char *url);
PGconn *database_connect(const char *url);
/* Runs a statement and returns the first column of its first row, "" if there is none; the caller frees
 * it. Takes up to three parameters, then NULL. */
char *database_query(PGconn *pg, const char *sql, ...);
/* Updates the planner's statistics. Without it, a query over rows that a test has just inserted may be
 * planned for empty tables, and read them whole for each row. */
void database_analyze(PGconn *pg);

#define LOG_PATH_SIZE 64

struct server {
    pid_t pid;
    int port;
    int telemetry_port;
    char log_path[LOG_PATH_SIZE];
};

/* For a server whose requests wait instead of being refused when the machine is busy. */
#define PATIENT "--queue-timeout", "60000"

/* Starts accountsd on free ports with further arguments, NULL-terminated, and waits until it listens. */
struct server *server_start(const char *url, const char *const *arguments);
/* The same for accountsd deliver, which has a telemetry port only. */
struct server *server_start_deliver(const char *url, const char *const *arguments);
/* The same two, with a log that is a pipe which nobody reads after the line of the start. *log_fd, the end
 * to read, belongs to the caller. */
struct server *server_start_unread(const char *url, const char *const *arguments, int *log_fd);
struct server *server_start_deliver_unread(const char *url, const char *const *arguments, int *log_fd);
/* Starts it with exactly these arguments, without waiting. */
struct server *server_spawn(const char *const *arguments);
/* Waits until it listens, and sets its ports. False if it has exited; then call server_await_end. */
bool server_await_listening(struct server *server);
/* Waits for it to exit by itself, and frees it: the exit status, and its output, which the caller frees. */
int server_await_end(struct server *server, char **said);
/* Starts it and waits for it to exit by itself: the exit status, and its output, which the caller frees. */
int server_run(const char *const *arguments, char **said);
/* Sends a signal (0: none), waits for the exit, and frees; the exit status, negative for a signal. SIGKILL
 * after 40 seconds. */
int server_stop(struct server *server, int signal);
/* server_stop with SIGTERM, for the end of a test: any status but 0 crashes the test. */
void server_end(struct server *server);
/* The log so far, after a short wait for the log's writer; the caller frees it. */
char *server_log(const struct server *server);
/* How often the log contains a text. */
size_t server_log_count(const struct server *server, const char *text);

/* Waits until the log contains a text. */
void await_logged(const struct server *server, const char *text);

struct answer {
    long status;
    /* NULL if the body is not JSON. */
    json_t *body;
    char *text;
    /* All header lines, as received. */
    char *headers;
};

/* One request on its own connection. token: NULL for none. Status 0: no answer came. */
struct answer request(const struct server *server, const char *method, const char *path, const char *token,
    const char *body, const char *const *headers);
/* GET from the telemetry port. */
struct answer telemetry_get(const struct server *server, const char *path);
/* POST as JSON. */
struct answer post(const struct server *server, const char *token, const char *body);
/* One request with a JSON body. */
struct answer request_json(
    const struct server *server, const char *method, const char *path, const char *token, const char *body);
void answer_free(struct answer *answer);
/* The value of a header, "" if it is missing; the caller frees it. */
char *answer_header(const struct answer *answer, const char *name);
void expect_header(const struct answer *answer, const char *name, const char *value);
/* The text at a path of keys, such as "user", "name", NULL; "(none)" if there is none. */
const char *answer_text(const struct answer *answer, ...);

/* Records sent and received bytes for tests/openapi, as request and send_raw do. */
void record_raw(const char *sent, size_t sent_len, const char *received, size_t received_len);
/* Sends bytes and reads until the server closes the connection or, once it has begun to answer, is silent
 * for a second; the caller frees the result. */
char *send_raw(const struct server *server, const char *bytes, size_t len);
/* The same; *closed says whether the server closed the connection. */
char *exchange_raw(const struct server *server, const char *bytes, size_t len, bool *closed);
/* A connection whose reads time out after five seconds; the caller closes it. */
int connect_raw(const struct server *server);
/* A TCP port of the loopback address that nobody uses. */
int free_port(void);
/* The same to the telemetry port. */
int connect_telemetry_raw(const struct server *server);
/* The same to the telemetry port. */
char *telemetry_send_raw(const struct server *server, const char *bytes, size_t len);

#endif
