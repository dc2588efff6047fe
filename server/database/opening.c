#include "database/opening.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum opening_state { OPENING_UNDER_WAY, OPENING_DONE, OPENING_ABANDONED };

struct opening {
    char *url, *host, *address, *port;
    int done_fd;
    PGconn *pg;
    /* The thread sets OPENING_DONE, the caller OPENING_ABANDONED; the second of them frees everything. */
    _Atomic int state;
};

static void free_all(struct opening *opening)
{
    if (opening->done_fd >= 0)
        close(opening->done_fd);
    free(opening->url);
    free(opening->host);
    free(opening->address);
    free(opening->port);
    free(opening);
}

/* libpq would write notices, for example of a collation mismatch, to stderr and block if nobody reads it. */
static void ignore_notice(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

/* Keywords before dbname are defaults that the URL may override; those after it override the URL. The
 * timeouts detect within seconds that a server no longer answers. A standby counts as unavailable. */
PGconn *opening_connect(const char *url, const char *host, const char *address, const char *port)
{
    const char *const keywords[] = {"target_session_attrs", "tcp_user_timeout", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "dbname", "host", "hostaddr", "port", "client_encoding",
        "fallback_application_name", NULL};
    const char *const values[] = {getenv("PGTARGETSESSIONATTRS") != NULL ? NULL : "read-write", "5000", "10",
        "3", "3", url, host, address, port, "UTF8", "accountsd", NULL};
    PGconn *pg = PQconnectStartParams(keywords, values, 1);

    PQsetNoticeReceiver(pg, ignore_notice, NULL);
    return pg;
}

static bool hand_over(struct opening *opening, enum opening_state state)
{
    int under_way = OPENING_UNDER_WAY;

    return atomic_compare_exchange_strong(&opening->state, &under_way, state);
}

static void *run(void *data)
{
    struct opening *opening = data;

    opening->pg = opening_connect(opening->url, opening->host, opening->address, opening->port);
    if (hand_over(opening, OPENING_DONE)) {
        eventfd_write(opening->done_fd, 1);
        return NULL;
    }
    PQfinish(opening->pg);
    free_all(opening);
    return NULL;
}

static bool copy(char **to, const char *from)
{
    return from == NULL || (*to = strdup(from)) != NULL;
}

struct opening *opening_start(const char *url, const char *host, const char *address, const char *port)
{
    struct opening *opening = calloc(1, sizeof(*opening));
    pthread_t thread;

    if (opening == NULL)
        return NULL;
    opening->done_fd = eventfd(0, EFD_CLOEXEC);
    if (opening->done_fd < 0 || !copy(&opening->url, url) || !copy(&opening->host, host) ||
        !copy(&opening->address, address) || !copy(&opening->port, port) ||
        pthread_create(&thread, NULL, run, opening) != 0) {
        free_all(opening);
        return NULL;
    }
    pthread_setname_np(thread, "opening");
    pthread_detach(thread);
    return opening;
}

int opening_done_fd(const struct opening *opening)
{
    return opening->done_fd;
}

PGconn *opening_take(struct opening *opening)
{
    eventfd_t count;
    PGconn *pg;

    /* The thread may have set OPENING_DONE and not yet written to done_fd. */
    eventfd_read(opening->done_fd, &count);
    pg = opening->pg;
    free_all(opening);
    return pg;
}

void opening_abandon(struct opening *opening)
{
    if (!hand_over(opening, OPENING_ABANDONED))
        PQfinish(opening_take(opening));
}
