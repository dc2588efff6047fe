#include <criterion/criterion.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"

/* README's tables of endpoints and of functions: every operation of ours in them, and none that is not ours.
 */

#define USERS "/public/v1/accounts/accounts/{account}/users"
#define ACCOUNT_USER "/public/v1/accounts/account-users/{accountUser}"

static char *readme;

static void set_up(void)
{
    FILE *file = fopen("README.md", "r");
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

/* A route as the table of endpoints has it: `POST …/{id}/groups`. The caller frees it. */
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

        /* Of an account's users README says that they are the same, and names what is more. */
        if (strncmp(route->path, USERS, strlen(USERS)) == 0)
            continue;
        char *row = row_of(route);

        found++;
        cr_expect(strstr(readme, row) != NULL, "README has no row%s", row);
        free(row);
    }
    for (const char *at = strstr(readme, "\n## Endpoints\n"), *end = strstr(at, "\n| status |");
         (at = strstr(at + 1, "\n| `")) != NULL && at < end;)
        rows++;
    cr_expect_eq(rows, found, "%zu rows for %zu operations", rows, found);
}

static bool has_twin(const struct route *route)
{
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *other = route_at(i);

        if (other->operation != NULL && strcmp(other->operation, route->operation) == 0 &&
            strcmp(other->kind, route->kind) != 0 && strcmp(other->method, route->method) == 0)
            return true;
    }
    return false;
}

Test(readme, says_what_an_accounts_users_have_more)
{
    cr_expect_not_null(
        strstr(readme, "The same operations are under `/public/v1/accounts/accounts/{accountId}/users"));
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);

        if (route->operation == NULL || (route->flags & ROUTE_IS_PAGE) != 0 || has_twin(route))
            continue;
        cr_expect_str_eq(route->operation, "replace_user");
        cr_expect_not_null(strstr(readme, "There `PUT …/{userId}` takes"));
    }
}

Test(readme, has_every_function_for_dbas)
{
    DIR *dir = opendir("sql/api");
    const struct dirent *entry;
    size_t found = 0, named = 0;

    cr_assert_not_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        char *name = NULL, *row;

        if (len < 4 || strcmp(entry->d_name + len - 4, ".sql") != 0)
            continue;
        cr_assert_geq(asprintf(&name, "`api.%.*s", (int)len - 4, entry->d_name), 0);
        row = strstr(readme, name);
        while (row != NULL && strchr("(`", row[strlen(name)]) == NULL)
            row = strstr(row + 1, name);
        cr_expect_not_null(row, "README does not name %s", name + 1);
        found++;
        free(name);
    }
    closedir(dir);
    for (const char *at = strstr(readme, "\n| function |"), *end = strstr(at, "\n\n");
         (at = strstr(at + 1, "`api.")) != NULL && at < end;)
        named++;
    cr_expect_eq(named, found, "README names %zu functions of %zu", named, found);
}
