#include "service.h"

#include <stdlib.h>

PGconn *pg;
char *url;
struct account *account, *other;
struct server *server;

void service_start(const char *const *arguments)
{
    const char *all[16] = {PATIENT};

    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++)
        all[2 + i] = arguments[i];
    url = server_database_url(database_url());
    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    other = account_make(pg, "Vendor");
    server = server_start(url, all);
}

void service_set_up(void)
{
    service_start(NULL);
}

void service_tear_down(void)
{
    server_end(server);
    account_free(account);
    account_free(other);
    PQfinish(pg);
    free(url);
}

struct answer send_json(const char *method, const char *path, const char *token, const char *body,
    const char *first_header, const char *second_header)
{
    const char *const headers[] = {"Content-Type: application/json", first_header, second_header, NULL};

    return request(server, method, path, token, body, headers);
}
