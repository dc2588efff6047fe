#include <criterion/criterion.h>
#include <string.h>

#include "api/route.h"
#include "base/count.h"

#define PATH "/public/v1/accounts/account-users"

static enum route_verdict find(const char *method, const char *path, struct route_match *match)
{
    return route_find(method, strlen(method), path, strlen(path), match);
}

Test(route, finds_an_operation)
{
    struct route_match match;

    cr_assert_eq(find("POST", PATH, &match), ROUTE_FOUND);
    cr_assert_eq(match.route->statement, STATEMENT_CREATE_ACCOUNT_USERS);
    cr_assert_eq(match.route->body, &validate_create_account_user);
}

Test(route, lists_the_allowed_methods_of_a_path)
{
    struct route_match match;
    char allow[ROUTE_ALLOW_MAX];

    cr_assert_eq(find("PATCH", PATH, &match), ROUTE_METHOD_NOT_ALLOWED);
    route_allow(match.route, allow);
    cr_assert_str_eq(allow, "GET, HEAD, POST");
    cr_assert_eq(find("post", PATH, &match), ROUTE_METHOD_UNKNOWN, "methods are case-sensitive");
    cr_assert_eq(find("", PATH, &match), ROUTE_METHOD_UNKNOWN);
    cr_assert_eq(find("PROPFIND", "/nothing", &match), ROUTE_METHOD_UNKNOWN);
    cr_assert_null(match.route);
}

Test(route, allows_head_with_get)
{
    struct route_match get, head;
    char allow[ROUTE_ALLOW_MAX];

    cr_assert_eq(find("GET", PATH "/AUSR-4134-7183-7330", &get), ROUTE_FOUND);
    cr_assert_eq(find("HEAD", PATH "/AUSR-4134-7183-7330", &head), ROUTE_FOUND);
    cr_assert_eq(head.route, get.route);
    cr_assert_eq(head.count, 1);
    cr_assert_eq(find("HEAD", PATH "/AUSR-4134-7183-7330/groups", &head), ROUTE_METHOD_NOT_ALLOWED);
    route_allow(head.route, allow);
    cr_assert_str_eq(allow, "POST, PUT");
    cr_assert_eq(find("HEA", PATH, &head), ROUTE_METHOD_UNKNOWN);
    cr_assert_eq(find("HEADS", PATH, &head), ROUTE_METHOD_UNKNOWN);
    cr_assert_eq(find("head", PATH, &head), ROUTE_METHOD_UNKNOWN);
}

Test(route, compares_paths_byte_by_byte)
{
    static const char *const paths[] = {"", "/", PATH "/", "/" PATH, "/public/v1/accounts/account%2Dusers",
        "/public/v1/accounts/./account-users", "/PUBLIC/v1/accounts/account-users", PATH "x"};
    struct route_match match;

    for (size_t i = 0; i < COUNT(paths); i++)
        cr_assert_eq(find("POST", paths[i], &match), ROUTE_NOT_FOUND, "found: %s", paths[i]);
    cr_assert_eq(route_find("POST", 4, PATH "\0x", strlen(PATH) + 2, &match), ROUTE_NOT_FOUND);
}

Test(route, extracts_ids_from_a_path)
{
    struct route_match match;

    cr_assert_eq(find("DELETE", PATH "/AUSR-4134-7183-7330/groups/UGR-8447-7590", &match), ROUTE_FOUND);
    cr_assert_str_eq(match.route->operation, "take_group");
    cr_assert_eq(match.count, 2);
    cr_assert_eq(match.parameters[0].name_len, strlen("accountUser"));
    cr_assert_eq(strncmp(match.parameters[0].name, "accountUser", match.parameters[0].name_len), 0);
    cr_assert_eq(strncmp(match.parameters[0].value, "AUSR-4134-7183-7330", match.parameters[0].value_len), 0);
    cr_assert_eq(match.parameters[0].value_len, strlen("AUSR-4134-7183-7330"));
    cr_assert_eq(strncmp(match.parameters[1].value, "UGR-8447-7590", match.parameters[1].value_len), 0);
    cr_assert_eq(
        find("GET", "/public/v1/accounts/accounts/ACC-1671-0642/users/USR-6375-2499", &match), ROUTE_FOUND);
    cr_assert_str_eq(match.route->kind, "user");
}

Test(route, refuses_a_malformed_id)
{
    static const char *const paths[] = {PATH "/AUSR-4134-7183", PATH "/USR-6375-2499",
        PATH "/AUSR-4134-7183-7330/", PATH "/AUSR-4134-7183-733x", PATH "/{accountUser}", PATH "//groups",
        PATH "/AUSR-4134-7183-7330/groups/", "/public/v1/accounts/accounts/ACC-1671-064/users",
        "/public/v1/accounts/accounts//users"};
    struct route_match match;

    for (size_t i = 0; i < COUNT(paths); i++)
        cr_assert_eq(find("GET", paths[i], &match), ROUTE_NOT_FOUND, "found: %s", paths[i]);
}

#define INVITATION "/invitations/AUSR-4134-7183-7330/"

Test(route, extracts_a_code_from_a_path)
{
    struct route_match match;
    char allow[ROUTE_ALLOW_MAX];

    cr_assert_eq(find("HEAD", INVITATION "fVreVke7_rns-9", &match), ROUTE_FOUND);
    cr_assert_str_eq(match.route->operation, "get_invitation");
    cr_assert_eq(match.count, 2);
    cr_assert_eq(match.parameters[1].name_len, strlen(ROUTE_CODE));
    cr_assert_eq(strncmp(match.parameters[1].value, "fVreVke7_rns-9", match.parameters[1].value_len), 0);
    cr_assert_eq(find("POST", INVITATION "x", &match), ROUTE_FOUND);
    cr_assert_str_eq(match.route->operation, "accept_invite");
    cr_assert_eq(find("DELETE", INVITATION "x", &match), ROUTE_METHOD_NOT_ALLOWED);
    route_allow(match.route, allow);
    cr_assert_str_eq(allow, "GET, HEAD, POST");
}

Test(route, refuses_a_malformed_code)
{
    static const char *const paths[] = {"/invitations/", "/invitations/AUSR-4134-7183-7330", INVITATION,
        INVITATION "/", INVITATION "a/", INVITATION "a.", INVITATION "a\"", INVITATION "a%41",
        INVITATION "\xc3\xa9", "/invitations/AUSR-4134-7183/a", "/invitations/USR-4134-7183/a",
        "/INVITATIONS/AUSR-4134-7183-7330/a"};
    struct route_match match;
    char longest[256] = INVITATION;

    for (size_t i = 0; i < COUNT(paths); i++)
        cr_assert_eq(find("GET", paths[i], &match), ROUTE_NOT_FOUND, "found: %s", paths[i]);
    memset(longest + strlen(INVITATION), 'a', 128);
    cr_assert_eq(find("GET", longest, &match), ROUTE_FOUND);
    longest[strlen(longest)] = 'a';
    cr_assert_eq(find("GET", longest, &match), ROUTE_NOT_FOUND);
}
