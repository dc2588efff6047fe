#include "route.h"

#include <stdbool.h>
#include <string.h>

#define BASE "/public/v1/accounts"

static const struct route routes[] = {
    {"POST", BASE "/account-users", &validate_create_account_user, STATEMENT_CREATE_ACCOUNT_USERS,
        BASE "/account-users/"},
};

#define COUNT (sizeof(routes) / sizeof(routes[0]))

static bool is_text(const char *text, const char *value, size_t len)
{
    return strlen(text) == len && memcmp(text, value, len) == 0;
}

enum route_verdict route_find(
    const char *method, size_t method_len, const char *path, size_t path_len, const struct route **route)
{
    enum route_verdict verdict = ROUTE_NOT_FOUND;

    for (size_t i = 0; i < COUNT; i++) {
        if (!is_text(routes[i].path, path, path_len))
            continue;
        *route = &routes[i];
        if (is_text(routes[i].method, method, method_len))
            return ROUTE_FOUND;
        verdict = ROUTE_METHOD_NOT_ALLOWED;
    }
    return verdict;
}

void route_allow(const struct route *route, char allow[ROUTE_ALLOW_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < COUNT; i++) {
        size_t method_len = strlen(routes[i].method);

        if (strcmp(routes[i].path, route->path) != 0 || len + 2 + method_len >= ROUTE_ALLOW_MAX)
            continue;
        if (len > 0) {
            memcpy(allow + len, ", ", 2);
            len += 2;
        }
        memcpy(allow + len, routes[i].method, method_len);
        len += method_len;
    }
    allow[len] = '\0';
}
