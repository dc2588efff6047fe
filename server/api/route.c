#include "api/route.h"

#include <stdbool.h>
#include <string.h>

#include "base/count.h"
#include "base/field_rules.h"
#include "base/text.h"
#include "http/problem.h"

#define BASE "/public/v1/accounts"
#define ACCOUNT_USERS BASE "/account-users"
#define ACCOUNT_USER ACCOUNT_USERS "/{accountUser}"
#define INVITATION "/invitations/{accountUser}/{code}"
#define USERS BASE "/accounts/{account}/users"
#define USER USERS "/{user}"

static const struct route routes[] = {
    {"GET", BASE "/openapi.json", NULL, NULL, 0, NULL, ROUTE_IS_PUBLIC | ROUTE_IS_DOCUMENT},
    {"GET", PROBLEM_TYPES "{" ROUTE_PROBLEM "}", NULL, NULL, 0, NULL, ROUTE_IS_PUBLIC | ROUTE_IS_PROBLEM},

    {"GET", ACCOUNT_USERS, "list", "account_user", STATEMENT_LIST, NULL, 0},
    {"POST", ACCOUNT_USERS, "create", "account_user", STATEMENT_CREATE_ACCOUNT_USERS,
        &validate_create_account_user, ROUTE_CREATES},
    {"GET", ACCOUNT_USER, "get", "account_user", STATEMENT_READ, NULL, 0},
    {"DELETE", ACCOUNT_USER, "remove", "account_user", STATEMENT_CHANGE, NULL, 0},
    {"POST", ACCOUNT_USER "/accept-invite", "accept_invite", "account_user", STATEMENT_CHANGE,
        &validate_accept_invite, ROUTE_IS_PUBLIC},
    {"POST", ACCOUNT_USER "/resend-invite", "resend_invite", "account_user", STATEMENT_CHANGE, NULL, 0},
    {"POST", ACCOUNT_USER "/send-new-invite", "send_new_invite", "account_user", STATEMENT_CHANGE, NULL, 0},
    {"POST", ACCOUNT_USER "/groups", "add_group", "account_user", STATEMENT_CHANGE, &validate_add_group, 0},
    {"PUT", ACCOUNT_USER "/groups", "replace_groups", "account_user", STATEMENT_CHANGE,
        &validate_replace_groups, 0},
    {"DELETE", ACCOUNT_USER "/groups/{group}", "take_group", "account_user", STATEMENT_CHANGE, NULL, 0},

    {"GET", INVITATION, "get_invitation", "account_user", STATEMENT_READ, NULL,
        ROUTE_IS_PUBLIC | ROUTE_IS_PAGE},
    {"POST", INVITATION, "accept_invite", "account_user", STATEMENT_CHANGE, NULL,
        ROUTE_IS_PUBLIC | ROUTE_IS_PAGE},

    {"GET", USERS, "list", "user", STATEMENT_LIST, NULL, 0},
    {"POST", USERS, "create", "user", STATEMENT_CREATE_ACCOUNT_USERS, &validate_create_account_user,
        ROUTE_CREATES},
    {"GET", USER, "get", "user", STATEMENT_READ, NULL, 0},
    {"PUT", USER, "replace_user", "user", STATEMENT_CHANGE, &validate_replace_user, 0},
    {"DELETE", USER, "remove", "user", STATEMENT_CHANGE, NULL, 0},
    {"POST", USER "/accept-invite", "accept_invite", "user", STATEMENT_CHANGE, &validate_accept_invite,
        ROUTE_IS_PUBLIC},
    {"POST", USER "/resend-invite", "resend_invite", "user", STATEMENT_CHANGE, NULL, 0},
    {"POST", USER "/send-new-invite", "send_new_invite", "user", STATEMENT_CHANGE, NULL, 0},
    {"POST", USER "/groups", "add_group", "user", STATEMENT_CHANGE, &validate_add_group, 0},
    {"PUT", USER "/groups", "replace_groups", "user", STATEMENT_CHANGE, &validate_replace_groups, 0},
    {"DELETE", USER "/groups/{group}", "take_group", "user", STATEMENT_CHANGE, NULL, 0},
};

#define ROUTE_COUNT COUNT(routes)

/* The form of each id in a path. */
static const struct {
    const char *name;
    const char *prefix;
    size_t groups;
} parameters[] = {
    {"account", "ACC-", 2}, {"user", "USR-", 2}, {"accountUser", "AUSR-", 3}, {"group", "UGR-", 2}};

/* Longer than any code. */
#define CODE_MAX 128

static bool is_code(const char *value, size_t len)
{
    return len > 0 && len <= CODE_MAX && text_is_base64url(value, len);
}

static bool is_parameter(const char *name, size_t name_len, const char *value, size_t value_len)
{
    if (text_equals(name, name_len, ROUTE_CODE))
        return is_code(value, value_len);
    if (text_equals(name, name_len, ROUTE_PROBLEM))
        return problem_type_find(value, value_len) != NULL;
    for (size_t i = 0; i < COUNT(parameters); i++) {
        if (text_equals(name, name_len, parameters[i].name))
            return field_is_id(value, value_len, parameters[i].prefix, parameters[i].groups);
    }
    return false;
}

/* Whether a path matches a route; sets the ids in match. */
static bool matches(const struct route *route, const char *path, size_t path_len, struct route_match *match)
{
    const char *pattern = route->path, *end = path + path_len;

    match->route = route;
    match->count = 0;
    while (*pattern != '\0') {
        if (*pattern != '{') {
            if (path == end || *path++ != *pattern++)
                return false;
            continue;
        }
        const char *name = pattern + 1, *close = strchr(pattern, '}'), *value = path;

        while (path < end && *path != '/')
            path++;
        if (!is_parameter(name, (size_t)(close - name), value, (size_t)(path - value)))
            return false;
        match->parameters[match->count].name = name;
        match->parameters[match->count].name_len = (size_t)(close - name);
        match->parameters[match->count].value = value;
        match->parameters[match->count++].value_len = (size_t)(path - value);
        pattern = close + 1;
    }
    return path == end;
}

static bool has_method(const struct route *route, const char *method, size_t method_len)
{
    /* RFC 9110, section 9.3.2: HEAD is GET without the content of the answer. */
    if (text_equals(method, method_len, "HEAD"))
        return strcmp(route->method, "GET") == 0;
    return text_equals(method, method_len, route->method);
}

/* Whether a method is one of RFC 9110 or RFC 5789. */
static bool is_known(const char *method, size_t method_len)
{
    static const char *const methods[] = {
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"};

    for (size_t i = 0; i < COUNT(methods); i++) {
        if (text_equals(method, method_len, methods[i]))
            return true;
    }
    return false;
}

enum route_verdict route_find(
    const char *method, size_t method_len, const char *path, size_t path_len, struct route_match *match)
{
    const struct route *of_path = NULL;

    match->route = NULL;
    if (!is_known(method, method_len))
        return ROUTE_METHOD_UNKNOWN;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!matches(&routes[i], path, path_len, match))
            continue;
        of_path = &routes[i];
        if (has_method(of_path, method, method_len))
            return ROUTE_FOUND;
    }
    match->route = of_path;
    return of_path != NULL ? ROUTE_METHOD_NOT_ALLOWED : ROUTE_NOT_FOUND;
}

void route_allow(const struct route *route, char allow[ROUTE_ALLOW_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const char *methods = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method;
        size_t methods_len = strlen(methods);

        if (strcmp(routes[i].path, route->path) != 0 || len + 2 + methods_len >= ROUTE_ALLOW_MAX)
            continue;
        if (len > 0) {
            memcpy(allow + len, ", ", 2);
            len += 2;
        }
        memcpy(allow + len, methods, methods_len);
        len += methods_len;
    }
    allow[len] = '\0';
}

size_t route_count(void)
{
    return ROUTE_COUNT;
}

const struct route *route_at(size_t index)
{
    return &routes[index];
}

size_t route_index(const struct route *route)
{
    return (size_t)(route - routes);
}
