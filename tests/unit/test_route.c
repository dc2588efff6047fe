#include <criterion/criterion.h>
#include <string.h>

#include "route.h"

#define PATH "/public/v1/accounts/account-users"

static enum route_verdict find(const char *method, const char *path, const struct route **route)
{
    return route_find(method, strlen(method), path, strlen(path), route);
}

Test(route, finds_an_operation)
{
    const struct route *route = NULL;

    cr_assert_eq(find("POST", PATH, &route), ROUTE_FOUND);
    cr_assert_eq(route->statement, STATEMENT_CREATE_ACCOUNT_USERS);
    cr_assert_eq(route->body, &validate_create_account_user);
}

Test(route, says_which_methods_a_path_takes)
{
    const struct route *route = NULL;
    char allow[ROUTE_ALLOW_MAX];

    cr_assert_eq(find("PATCH", PATH, &route), ROUTE_METHOD_NOT_ALLOWED);
    route_allow(route, allow);
    cr_assert_str_eq(allow, "POST");
    cr_assert_eq(find("post", PATH, &route), ROUTE_METHOD_NOT_ALLOWED, "methods are case-sensitive");
    cr_assert_eq(find("", PATH, &route), ROUTE_METHOD_NOT_ALLOWED);
}

Test(route, takes_paths_byte_for_byte)
{
    static const char *const paths[] = {"", "/", PATH "/", "/" PATH, "/public/v1/accounts/account%2Dusers",
        "/public/v1/accounts/./account-users", "/PUBLIC/v1/accounts/account-users", PATH "x"};
    const struct route *route = NULL;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        cr_assert_eq(find("POST", paths[i], &route), ROUTE_NOT_FOUND, "found: %s", paths[i]);
    cr_assert_eq(route_find("POST", 4, PATH "\0x", strlen(PATH) + 2, &route), ROUTE_NOT_FOUND);
}
