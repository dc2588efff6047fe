#include "feed.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "harness/fixture.h"

#define WAIT_MS 300

bool await_wake(PGconn *pg)
{
    struct pollfd fd = {.fd = PQsocket(pg), .events = POLLIN};
    PGnotify *notification;
    bool is_woken = false;

    poll(&fd, 1, WAIT_MS);
    cr_assert(PQconsumeInput(pg), "%s", PQerrorMessage(pg));
    while ((notification = PQnotifies(pg)) != NULL) {
        cr_expect(strcmp(notification->relname, "accountsd_events") == 0 ||
                  strcmp(notification->relname, "accountsd_outbox") == 0);
        PQfreemem(notification);
        is_woken = true;
    }
    return is_woken;
}

PGconn *listen_to(const char *statement)
{
    PGconn *pg = database_connect(database_url());

    free(database_query(pg, statement, NULL));
    return pg;
}

PGconn *listen_to_events(void)
{
    return listen_to("listen accountsd_events");
}

long drain(PGconn *pg)
{
    long last = 0;

    events_number(pg);
    for (;;) {
        char after[32], *read;

        snprintf(after, sizeof(after), "%ld", last);
        read = database_query(pg, "select max(position) from api.read_events($1::bigint, 1000)", after, NULL);
        if (*read == '\0') {
            free(read);
            return last;
        }
        last = atol(read);
        free(read);
    }
}
