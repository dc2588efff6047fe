#include "link.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_LINES 64
#define BUFFER_SIZE 65536
/* The first message of the execution of a prepared statement (PostgreSQL's protocol, "Message Formats"):
 * Bind. Earlier messages, to connect and to prepare, pass. */
#define BIND 'B'
#define NO_CUT LINK_CUTS

struct line {
    /* The sockets to the server and to the database; -1: free. */
    int server, database;
    /* A call is in flight, and how it will be cut. */
    bool is_busy;
    enum link_cut cut;
};

struct link {
    pthread_t thread;
    char url[128];
    struct sockaddr_un database;
    int listener;
    /* Closed by link_stop. */
    int stop[2];
    unsigned one_in;
    unsigned long seed;
    size_t turn;
    /* How to cut each call, or NO_CUT for a random choice. */
    _Atomic enum link_cut forced;
    size_t cuts[LINK_CUTS];
    struct line lines[MAX_LINES];
};

/* The high bits of Knuth's MMIX generator. */
static size_t random_below(struct link *link, size_t limit)
{
    link->seed = link->seed * 6364136223846793005UL + 1442695040888963407UL;
    return (size_t)(link->seed >> 33) % limit;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t written = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);

        if (written <= 0)
            return false;
        sent += (size_t)written;
    }
    return true;
}

static void close_line(struct line *line)
{
    close(line->server);
    close(line->database);
    line->server = line->database = -1;
}

static void cut_line(struct link *link, struct line *line)
{
    link->cuts[line->cut]++;
    close_line(line);
}

static void accept_line(struct link *link)
{
    int server = accept4(link->listener, NULL, NULL, SOCK_CLOEXEC);
    int database = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(database, (struct sockaddr *)&link->database, sizeof(link->database)) == 0) {
        for (size_t i = 0; i < MAX_LINES; i++) {
            if (link->lines[i].server < 0) {
                link->lines[i] = (struct line){.server = server, .database = database};
                return;
            }
        }
    }
    close(server);
    close(database);
}

static enum link_cut choose_cut(struct link *link)
{
    if (link->forced != NO_CUT)
        return link->forced;
    return random_below(link, link->one_in) == 0 ? (enum link_cut)(link->turn++ % LINK_CUTS) : NO_CUT;
}

static void pass_call(struct link *link, struct line *line, char *bytes)
{
    ssize_t got = recv(line->server, bytes, BUFFER_SIZE, 0);
    bool is_sent;

    if (got <= 0) {
        close_line(line);
        return;
    }
    if (!line->is_busy && bytes[0] == BIND) {
        line->is_busy = true;
        line->cut = choose_cut(link);
    } else if (!line->is_busy) {
        line->cut = NO_CUT;
    }
    if (line->cut == LINK_CUT_BEFORE_SEND)
        got = 0;
    else if (line->cut == LINK_CUT_IN_SEND)
        got = (ssize_t)random_below(link, (size_t)got);
    is_sent = send_all(line->database, bytes, (size_t)got);
    if (line->cut <= LINK_CUT_AFTER_SEND)
        cut_line(link, line);
    else if (!is_sent)
        close_line(line);
}

static void pass_answer(struct link *link, struct line *line, char *bytes)
{
    ssize_t got = recv(line->database, bytes, BUFFER_SIZE, 0);

    if (got <= 0) {
        close_line(line);
        return;
    }
    if (line->is_busy && line->cut == LINK_CUT_BEFORE_ANSWER) {
        cut_line(link, line);
        return;
    }
    if (line->is_busy && line->cut == LINK_CUT_IN_ANSWER) {
        send_all(line->server, bytes, random_below(link, (size_t)got));
        cut_line(link, line);
        return;
    }
    if (line->is_busy && line->cut == LINK_CUT_WITH_ERROR) {
        static const char error[] = "E\0\0\0\60SFATAL\0VFATAL\0C08P01\0Mserver conn crashed?\0";

        send_all(line->server, error, sizeof(error));
        cut_line(link, line);
        return;
    }
    if (!send_all(line->server, bytes, (size_t)got))
        close_line(line);
    /* ReadyForQuery ends an answer: Z, its length, and the transaction status. */
    else if (got >= 6 && memcmp(bytes + got - 6, "Z\0\0\0\5", 5) == 0)
        line->is_busy = false;
}

static void *run(void *data)
{
    struct link *link = data;
    char *bytes = malloc(BUFFER_SIZE);

    for (;;) {
        struct pollfd fds[2 + 2 * MAX_LINES] = {
            {.fd = link->stop[0], .events = POLLIN}, {.fd = link->listener, .events = POLLIN}};

        for (size_t i = 0; i < MAX_LINES; i++) {
            fds[2 + 2 * i] = (struct pollfd){.fd = link->lines[i].server, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = link->lines[i].database, .events = POLLIN};
        }
        poll(fds, 2 + 2 * MAX_LINES, -1);
        if (fds[0].revents != 0)
            break;
        for (size_t i = 0; i < MAX_LINES; i++) {
            struct line *line = &link->lines[i];

            if (line->server >= 0 && fds[3 + 2 * i].revents != 0)
                pass_answer(link, line, bytes);
            if (line->server >= 0 && fds[2 + 2 * i].revents != 0)
                pass_call(link, line, bytes);
        }
        if (fds[1].revents != 0)
            accept_line(link);
    }
    free(bytes);
    return NULL;
}

/* The socket that libpq would use. */
static void find_database(struct link *link, const char *database_url)
{
    PQconninfoOption *options = PQconninfoParse(database_url, NULL);
    const char *host = "", *port = "5432", *database = "";

    cr_assert_not_null(options, "%s", database_url);
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val != NULL && strcmp(option->keyword, "host") == 0)
            host = option->val;
        if (option->val != NULL && strcmp(option->keyword, "port") == 0)
            port = option->val;
        if (option->val != NULL && strcmp(option->keyword, "dbname") == 0)
            database = option->val;
    }
    cr_assert(host[0] == '/', "no Unix socket: %s", database_url);
    link->database.sun_family = AF_UNIX;
    snprintf(link->database.sun_path, sizeof(link->database.sun_path), "%s/.s.PGSQL.%s", host, port);
    snprintf(link->url, sizeof(link->url), "dbname='%s'", database);
    PQconninfoFree(options);
}

struct link *link_start(const char *database_url, unsigned one_in, unsigned long seed)
{
    struct link *link = calloc(1, sizeof(*link));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    link->one_in = one_in;
    link->seed = seed;
    link->forced = NO_CUT;
    for (size_t i = 0; i < MAX_LINES; i++)
        link->lines[i].server = link->lines[i].database = -1;
    find_database(link, database_url);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(link->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(link->listener, MAX_LINES), 0);
    cr_assert_eq(getsockname(link->listener, (struct sockaddr *)&address, &len), 0);
    cr_assert_eq(pipe(link->stop), 0);
    snprintf(link->url + strlen(link->url), sizeof(link->url) - strlen(link->url),
        " host=127.0.0.1 port=%d sslmode=disable user=accountsd_server", ntohs(address.sin_port));
    cr_assert_eq(pthread_create(&link->thread, NULL, run, link), 0);
    return link;
}

void link_cut_only(struct link *link, enum link_cut way)
{
    link->forced = way;
}

const char *link_url(const struct link *link)
{
    return link->url;
}

void link_stop(struct link *link, size_t cuts[LINK_CUTS])
{
    close(link->stop[1]);
    pthread_join(link->thread, NULL);
    close(link->stop[0]);
    close(link->listener);
    for (size_t i = 0; i < MAX_LINES; i++) {
        if (link->lines[i].server >= 0)
            close_line(&link->lines[i]);
    }
    memcpy(cuts, link->cuts, sizeof(link->cuts));
    free(link);
}
