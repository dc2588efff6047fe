#include "database/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/text.h"
#include "database/opening.h"

/* How long to wait for an earlier host when a later one has connected. */
#define PREFERENCE_MS 200

/* An attempt to connect to one host, or with a URL as it is. */
struct attempt {
    /* Not NULL while the host name is looked up. */
    struct opening *opening;
    /* Not NULL after that, until the attempt fails. */
    PGconn *pg;
    PostgresPollingStatusType wants;
};

struct host_list {
    /* The memory of the elements. */
    char *hosts, *addresses, *ports;
    const char *host[POSTGRES_HOSTS_MAX], *address[POSTGRES_HOSTS_MAX], *port[POSTGRES_HOSTS_MAX];
    /* Compiled into libpq. */
    const char *default_port;
    size_t count;
};

void postgres_copy_error(char error[POSTGRES_ERROR_MAX], const char *message)
{
    text_print_line(error, POSTGRES_ERROR_MAX, "%s", message);
}

/* Waits until a descriptor is ready or until until_ms. False if the limit has ended; error says why. */
static bool wait_until(struct pollfd *fds, size_t count, int64_t until_ms, struct postgres_limit *limit,
    char error[POSTGRES_ERROR_MAX])
{
    int64_t now = clock_now_ms();

    if (until_ms > limit->deadline_ms)
        until_ms = limit->deadline_ms;
    fds[count] = (struct pollfd){.fd = limit->stop_fd, .events = POLLIN};
    if (poll(fds, count + 1, until_ms > now ? (int)(until_ms - now) : 0) < 0 && errno != EINTR) {
        snprintf(error, POSTGRES_ERROR_MAX, "poll: %s", strerror(errno));
        return false;
    }
    if (fds[count].revents != 0 && limit->grace_ms == 0) {
        snprintf(error, POSTGRES_ERROR_MAX, "the server is stopping");
        return false;
    }
    if (fds[count].revents != 0) {
        limit->stop_fd = -1;
        if (limit->deadline_ms > clock_now_ms() + limit->grace_ms)
            limit->deadline_ms = clock_now_ms() + limit->grace_ms;
    }
    if (clock_now_ms() >= limit->deadline_ms) {
        snprintf(error, POSTGRES_ERROR_MAX, "no answer in time");
        return false;
    }
    return true;
}

/* Splits a list at its commas; 0 elements if there are too many. */
static size_t split(char *list, const char *elements[POSTGRES_HOSTS_MAX])
{
    size_t count = 0;
    char *element;

    while ((element = strsep(&list, ",")) != NULL) {
        if (count == POSTGRES_HOSTS_MAX)
            return 0;
        elements[count++] = element;
    }
    return count;
}

static const PQconninfoOption *find_option(const PQconninfoOption *options, const char *keyword)
{
    while (options->keyword != NULL && strcmp(options->keyword, keyword) != 0)
        options++;
    return options;
}

/* The value of a URL's parameter, or of the variable that libpq uses instead; the caller frees it. */
static char *value_of(const PQconninfoOption *option)
{
    const char *value = option->val == NULL && option->envvar != NULL ? getenv(option->envvar) : option->val;

    return value != NULL && *value != '\0' ? strdup(value) : NULL;
}

static bool has_empty(const char *const elements[POSTGRES_HOSTS_MAX], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (*elements[i] == '\0')
            return true;
    }
    return false;
}

/* Lists the hosts of a URL. count is 0 if there are not several, or if libpq must handle or reject the URL as
 * it is. */
static void list_hosts(struct host_list *list, const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    size_t hosts, addresses, ports;

    memset(list, 0, sizeof(*list));
    if (options == NULL)
        return;
    list->hosts = value_of(find_option(options, "host"));
    list->addresses = value_of(find_option(options, "hostaddr"));
    list->ports = value_of(find_option(options, "port"));
    list->default_port = find_option(options, "port")->compiled;
    PQconninfoFree(options);
    hosts = split(list->hosts, list->host);
    addresses = split(list->addresses, list->address);
    ports = split(list->ports, list->port);
    if ((list->hosts != NULL && list->addresses != NULL && hosts != addresses) ||
        has_empty(list->host, hosts) || has_empty(list->address, addresses))
        return;
    list->count = addresses > hosts ? addresses : hosts;
    if (list->count < 2 || (list->ports != NULL && ports != list->count && ports != 1)) {
        list->count = 0;
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *port = ports == 1 ? list->port[0] : list->port[i];

        list->port[i] = port != NULL && *port != '\0' ? port : list->default_port;
    }
}

static void free_hosts(struct host_list *list)
{
    free(list->hosts);
    free(list->addresses);
    free(list->ports);
}

/* Whether messages must not contain the value of an option. A password that is not escaped in the URL may end
 * up in any of these. */
static bool is_secret(const PQconninfoOption *option)
{
    static const char *const secrets[] = {"user", "password", "dbname", "host", "options", "service",
        "passfile", "sslpassword", "sslkey", "sslcert", "sslrootcert", "krbsrvname"};

    for (size_t i = 0; i < COUNT(secrets); i++) {
        if (strcmp(secrets[i], option->keyword) == 0)
            return true;
    }
    return false;
}

#define REDACTED "..."
/* Shorter values occur in ordinary words. */
#define REDACTED_MIN 3

/* Replaces every occurrence of a text by REDACTED, which is not longer. */
static void redact_text(char *line, const char *text)
{
    size_t len = strlen(text);

    if (len < REDACTED_MIN)
        return;
    for (char *at = line; (at = strstr(at, text)) != NULL; at += strlen(REDACTED)) {
        memmove(at + strlen(REDACTED), at + len, strlen(at + len) + 1);
        memset(at, *REDACTED, strlen(REDACTED));
    }
}

/* Replaces quoted text, which comes from the connection string. */
static void redact_quoted(char *line)
{
    for (char *open = strchr(line, '"'); open != NULL; open = strchr(open, '"')) {
        char *close = strchr(++open, '"');

        if (close == NULL) {
            *open = '\0';
            return;
        }
        if (close - open >= (ptrdiff_t)strlen(REDACTED)) {
            memcpy(open, REDACTED, strlen(REDACTED));
            memmove(open + strlen(REDACTED), close, strlen(close) + 1);
            close = open + strlen(REDACTED);
        } else {
            memset(open, '.', (size_t)(close - open));
        }
        open = close + 1;
    }
}

/* Copies a message about a connection without values from the connection string. */
static void copy_redacted(const char *url, const char *message, char line[POSTGRES_ERROR_MAX])
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);

    postgres_copy_error(line, message);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (option->val != NULL && is_secret(option))
            redact_text(line, option->val);
    }
    PQconninfoFree(options);
    redact_quoted(line);
}

/* Copies a message about the options up to the first value. */
static void copy_until_value(const char *message, char line[POSTGRES_ERROR_MAX])
{
    size_t len = strcspn(message, "\"\n");

    while (len > 0 && (message[len - 1] == ' ' || message[len - 1] == ':' || message[len - 1] == '('))
        len--;
    snprintf(line, POSTGRES_ERROR_MAX, "%.*s", (int)len, message);
}

static bool check_syntax(const char *url, char error[POSTGRES_ERROR_MAX])
{
    char *reason = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &reason);
    const bool is_valid = options != NULL;

    if (!is_valid)
        copy_until_value(reason != NULL ? reason : "memory ran out", error);
    PQfreemem(reason);
    PQconninfoFree(options);
    return is_valid;
}

/* Ends a failed attempt and appends its reason to error. */
static void fail(struct attempt *attempt, const char *reason, char error[POSTGRES_ERROR_MAX])
{
    size_t len = strlen(error);

    text_print_line(error + len, POSTGRES_ERROR_MAX - len, "%s%s", len > 0 ? "; " : "", reason);
    PQfinish(attempt->pg);
    attempt->pg = NULL;
}

/* Continues an attempt as far as possible without waiting. */
static void advance(const char *url, struct attempt *attempt, char error[POSTGRES_ERROR_MAX])
{
    char reason[POSTGRES_ERROR_MAX];

    if (attempt->opening != NULL) {
        attempt->pg = opening_take(attempt->opening);
        attempt->opening = NULL;
        /* libpq demands a wait for writing before the first PQconnectPoll. */
        attempt->wants = PGRES_POLLING_WRITING;
        if (PQstatus(attempt->pg) == CONNECTION_BAD) {
            copy_redacted(url, PQerrorMessage(attempt->pg), reason);
            fail(attempt, reason, error);
        }
        return;
    }
    attempt->wants = PQconnectPoll(attempt->pg);
    if (attempt->wants != PGRES_POLLING_FAILED)
        return;
    copy_redacted(url, PQerrorMessage(attempt->pg), reason);
    fail(attempt, reason, error);
}

static void fail_all(
    struct attempt *attempts, size_t count, const char *reason, char error[POSTGRES_ERROR_MAX])
{
    for (size_t i = 0; i < count; i++) {
        char text[POSTGRES_ERROR_MAX];

        if (attempts[i].opening != NULL) {
            snprintf(
                text, sizeof(text), "host %zu: the name is still being looked up: %.200s", i + 1, reason);
            fail(&attempts[i], text, error);
        } else if (attempts[i].pg != NULL) {

            snprintf(text, sizeof(text), "host %zu: %.200s", i + 1, reason);
            fail(&attempts[i], text, error);
        }
    }
}

/* Returns the first attempt that connects, preferring earlier hosts for PREFERENCE_MS; ends the others. */
static PGconn *race(const char *url, struct attempt *attempts, size_t count, struct postgres_limit limit,
    char error[POSTGRES_ERROR_MAX])
{
    int64_t until_ms = limit.deadline_ms;
    char reason[POSTGRES_ERROR_MAX];
    struct attempt *best;
    PGconn *pg;

    for (;;) {
        struct pollfd fds[POSTGRES_HOSTS_MAX + 1];
        struct attempt *polled[POSTGRES_HOSTS_MAX];
        size_t waiting = 0;

        best = NULL;
        for (size_t i = 0; i < count && best == NULL; i++) {
            struct attempt *attempt = &attempts[i];

            if (attempt->opening != NULL) {
                fds[waiting] = (struct pollfd){.fd = opening_done_fd(attempt->opening), .events = POLLIN};
                polled[waiting++] = attempt;
            } else if (attempt->pg != NULL && attempt->wants == PGRES_POLLING_OK) {
                best = attempt;
            } else if (attempt->pg != NULL) {
                fds[waiting] = (struct pollfd){.fd = PQsocket(attempt->pg),
                    .events = attempt->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};
                polled[waiting++] = attempt;
            }
        }
        if (best != NULL && until_ms == limit.deadline_ms)
            until_ms = clock_now_ms() + PREFERENCE_MS;
        if (waiting == 0 || (best != NULL && clock_now_ms() >= until_ms))
            break;
        if (!wait_until(fds, waiting, until_ms, &limit, reason)) {
            if (best == NULL)
                fail_all(attempts, count, reason, error);
            break;
        }
        for (size_t i = 0; i < waiting; i++) {
            if (fds[i].revents != 0)
                advance(url, polled[i], error);
        }
    }
    pg = best != NULL ? best->pg : NULL;
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].opening != NULL)
            opening_abandon(attempts[i].opening);
        if (attempts[i].pg != pg)
            PQfinish(attempts[i].pg);
    }
    return pg;
}

/* Not a directory, so that no socket can be in it. */
#define NO_SOCKET_DIRECTORY "/dev/null"

bool postgres_check_url(const char *url, char error[POSTGRES_ERROR_MAX])
{
    static const char tried[] = "connection to server on socket";
    struct host_list list;
    size_t count;
    bool is_valid = true;

    if (!check_syntax(url, error))
        return false;
    list_hosts(&list, url);
    /* Several hosts are checked each with its port; addresses, and lists left to libpq, are not checked. */
    count = list.count > 0 ? list.count : list.ports != NULL && strchr(list.ports, ',') != NULL ? 0 : 1;
    for (size_t i = 0; i < count && is_valid && list.addresses == NULL; i++) {
        PGconn *pg = opening_connect(url, NO_SOCKET_DIRECTORY, NULL, list.count > 0 ? list.port[i] : NULL);

        /* libpq checks all options before it connects. */
        is_valid = pg != NULL && strncmp(PQerrorMessage(pg), tried, sizeof(tried) - 1) == 0;
        if (!is_valid)
            copy_until_value(pg != NULL ? PQerrorMessage(pg) : "memory ran out", error);
        PQfinish(pg);
    }
    free_hosts(&list);
    return is_valid;
}

PGconn *postgres_connect(const char *url, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX])
{
    struct attempt attempts[POSTGRES_HOSTS_MAX] = {0};
    struct host_list list;
    size_t count;
    PGconn *pg;

    if (!check_syntax(url, error))
        return NULL;
    list_hosts(&list, url);
    count = list.count > 0 ? list.count : 1;
    error[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        attempts[i].opening = list.count > 0 ? opening_start(url, list.host[i], list.address[i], list.port[i])
                                             : opening_start(url, NULL, NULL, NULL);
        if (attempts[i].opening == NULL)
            fail(&attempts[i], "memory, descriptors or threads ran out", error);
    }
    free_hosts(&list);
    pg = race(url, attempts, count, *limit, error);
    if (pg != NULL && PQsetnonblocking(pg, 1) != 0) {
        postgres_copy_error(error, PQerrorMessage(pg));
        PQfinish(pg);
        return NULL;
    }
    return pg;
}

PGresult *postgres_result(PGconn *pg, const struct postgres_limit *limit, char error[POSTGRES_ERROR_MAX])
{
    struct postgres_limit left = *limit;
    PGresult *last = NULL;

    for (;;) {
        int unsent = PQflush(pg);
        struct pollfd fds[2] = {
            {.fd = PQsocket(pg), .events = (short)(unsent == 1 ? POLLIN | POLLOUT : POLLIN)}};

        while (!PQisBusy(pg)) {
            PGresult *result = PQgetResult(pg);

            if (result == NULL)
                return last;
            PQclear(last);
            last = result;
        }
        if (unsent < 0) {
            postgres_copy_error(error, PQerrorMessage(pg));
            break;
        }
        if (!wait_until(fds, 1, left.deadline_ms, &left, error))
            break;
        if (PQconsumeInput(pg) != 1) {
            postgres_copy_error(error, PQerrorMessage(pg));
            break;
        }
    }
    PQclear(last);
    return NULL;
}
