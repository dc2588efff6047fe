#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"

/* The tables of operations in server/README.md contain every route, and nothing else. */

#define USERS "/public/v1/accounts/accounts/{account}/users"
#define ACCOUNT_USER "/public/v1/accounts/account-users/{accountUser}"

static char *readme;

static void set_up(void)
{
    FILE *file = fopen("server/README.md", "r");
    size_t size = 0;

    cr_assert_not_null(file, "the tests run in the project's top folder");
    cr_assert_geq(getdelim(&readme, &size, '\0', file), 0);
    fclose(file);
}

static void tear_down(void)
{
    free(readme);
}

TestSuite(readme, .init = set_up, .fini = tear_down);

/* A route in the form of the table of endpoints: `POST …/{id}/groups`. The caller frees it. */
static char *row_of(const struct route *route)
{
    char *row = NULL;
    const char *more = route->path + strlen(ACCOUNT_USER);

    if (strncmp(route->path, ACCOUNT_USER, strlen(ACCOUNT_USER)) != 0)
        cr_assert_geq(asprintf(&row, "\n| `%s %s` |", route->method, route->path), 0);
    else if (*more == '\0')
        cr_assert_geq(asprintf(&row, "\n| `%s /public/v1/accounts/account-users/{id}` |", route->method), 0);
    else if (strcmp(more, "/groups/{group}") == 0)
        cr_assert_geq(asprintf(&row, "\n| `%s …/{id}/groups/{groupId}` |", route->method), 0);
    else
        cr_assert_geq(asprintf(&row, "\n| `%s …/{id}%s` |", route->method, more), 0);
    return row;
}

Test(readme, has_a_row_for_every_operation)
{
    size_t rows = 0, found = 0;

    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);

        /* Routes keyed by person have their own table. */
        if (strncmp(route->path, USERS, strlen(USERS)) == 0)
            continue;
        char *row = row_of(route);

        found++;
        cr_expect(strstr(readme, row) != NULL, "server/README.md has no row%s", row);
        free(row);
    }
    for (const char *at = strstr(readme, "\n| method and path |"), *end = strstr(at, "\n\n");
         (at = strstr(at + 1, "\n| `")) != NULL && at < end;)
        rows++;
    cr_expect_eq(rows, found, "%zu rows for %zu operations", rows, found);
}

/* A route keyed by person: `PUT /{userId}/groups`. The caller frees it. */
static char *user_row_of(const struct route *route)
{
    static const char user[] = "/{user}", group[] = "/groups/{group}";
    const char *more = route->path + strlen(USERS);
    char *row = NULL;

    if (*more == '\0')
        cr_assert_geq(asprintf(&row, "\n| `%s` |", route->method), 0);
    else if (strcmp(more + strlen(user), group) == 0)
        cr_assert_geq(asprintf(&row, "\n| `%s /{userId}/groups/{groupId}` |", route->method), 0);
    else
        cr_assert_geq(asprintf(&row, "\n| `%s /{userId}%s` |", route->method, more + strlen(user)), 0);
    return row;
}

Test(readme, has_a_row_for_every_operation_keyed_by_person)
{
    size_t rows = 0, found = 0;
    const char *table = strstr(readme, "\n| path below `/accounts/{accountId}/users` |"), *end;

    cr_assert_not_null(table);
    end = strstr(table, "\n\n");
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        const char *at;
        char *row;

        if (strncmp(route->path, USERS, strlen(USERS)) != 0)
            continue;
        row = user_row_of(route);
        at = strstr(table, row);
        found++;
        cr_expect(at != NULL && at < end, "server/README.md has no row%s", row);
        free(row);
    }
    for (const char *at = table; (at = strstr(at + 1, "\n| `")) != NULL && at < end;)
        rows++;
    cr_expect_eq(rows, found, "%zu rows for %zu operations", rows, found);
}
