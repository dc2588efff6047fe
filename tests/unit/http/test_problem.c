#include <criterion/criterion.h>
#include <glob.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/openapi.h"
#include "base/count.h"
#include "http/problem.h"

static json_t *rendered(const struct problem *problem)
{
    size_t len;
    char *text = problem_render(problem, "00-trace", &len);
    json_t *object;

    cr_assert_eq(strlen(text), len);
    object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(object, "not JSON: %s", text);
    free(text);
    return object;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

Test(problem, has_the_members_of_rfc_9457)
{
    json_t *object = rendered(&(struct problem){.status = 404});

    cr_assert_str_eq(text_of(object, "type"), "about:blank");
    cr_assert_str_eq(text_of(object, "title"), "Not Found");
    cr_assert_eq(json_integer_value(json_object_get(object, "status")), 404);
    cr_assert_str_eq(text_of(object, "detail"), "There is nothing at this path.");
    cr_assert_str_eq(text_of(object, "traceId"), "00-trace");
    cr_assert_eq(json_object_size(object), 5);
    json_decref(object);
}

Test(problem, carries_errors_as_they_are)
{
    json_t *object = rendered(
        &(struct problem){.status = 400, .detail = "Say \"why\"\n", .errors = "{\"a.b\":[\"is required\"]}"});

    cr_assert_str_eq(text_of(object, "detail"), "Say \"why\"\n");
    cr_assert_str_eq(
        json_string_value(json_array_get(json_object_get(json_object_get(object, "errors"), "a.b"), 0)),
        "is required");
    json_decref(object);
}

Test(problem, may_have_a_type_of_its_own)
{
    json_t *object = rendered(&(struct problem){.status = 400, .type = "/problems/wrong-code"});

    cr_assert_str_eq(text_of(object, "type"), "/problems/wrong-code");
    json_decref(object);
}

Test(problem, has_a_retry_after)
{
    static const struct {
        struct problem problem;
        long seconds;
    } cases[] = {{{.status = 503}, 1}, {{.status = 429, .retry_after = 4211}, 4211}, {{.status = 429}, 1},
        {{.status = 400}, 0}, {{.status = 409}, 0}, {{.status = 504}, 0},
        {{.status = 409, .type = "/problems/request-in-progress"}, 1},
        {{.status = 422, .type = "/problems/idempotency-key-reused"}, 0},
        {{.status = 409, .type = "/problems/other"}, 0}};

    for (size_t i = 0; i < COUNT(cases); i++)
        cr_assert_eq(problem_retry_after(&cases[i].problem), cases[i].seconds, "case %zu", i);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    cr_assert_not_null(file, "%s: the tests run in the project's top folder", path);
    cr_assert_geq(getdelim(&text, &size, '\0', file), 0, "%s", path);
    fclose(file);
    return text;
}

/* Counts each type that a file of SQL raises; an unknown type fails. */
static void count_types(const char *path, size_t *counts)
{
    char *text = read_file(path);

    for (const char *at = text; (at = strstr(at, "'" PROBLEM_TYPES)) != NULL;) {
        const struct problem_type *type;

        at += strlen("'" PROBLEM_TYPES);
        type = problem_type_find(at, strcspn(at, "'"));
        cr_expect_not_null(type, "%s: " PROBLEM_TYPES "%.*s has no page", path, (int)strcspn(at, "'"), at);
        for (size_t i = 0; i < problem_type_count(); i++)
            counts[i] += type == problem_type_at(i);
    }
    free(text);
}

Test(problem, knows_every_type_that_the_database_raises)
{
    size_t *counts = calloc(problem_type_count(), sizeof(*counts));
    glob_t files;

    cr_assert_eq(glob("sql/api/*.sql", 0, NULL, &files), 0);
    cr_assert_eq(glob("sql/internal/*/*.sql", GLOB_APPEND, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        count_types(files.gl_pathv[i], counts);
    globfree(&files);
    for (size_t i = 0; i < problem_type_count(); i++)
        cr_expect_gt(counts[i], 0, "nothing raises %s", problem_type_at(i)->name);
    free(counts);
}

Test(problem, types_are_in_readme_and_in_the_document)
{
    char *readme = read_file("server/README.md");
    json_t *document = json_loadb(openapi_json, openapi_json_len, 0, NULL), *names, *name;
    size_t rows = 0, index;

    json_unpack(
        document, "{s:{s:{s:{s:{s:o}}}}}", "components", "parameters", "problem", "schema", "enum", &names);
    cr_expect_eq(json_array_size(names), problem_type_count());
    json_array_foreach(names, index, name)
    {
        const char *text = json_string_value(name);

        cr_expect_not_null(problem_type_find(text, strlen(text)), "there is no type %s", text);
    }
    for (size_t i = 0; i < problem_type_count(); i++) {
        char row[128];

        snprintf(row, sizeof(row), "\n| `" PROBLEM_TYPES "%s` | %d | ", problem_type_at(i)->name,
            problem_type_at(i)->status);
        cr_expect_not_null(strstr(readme, row), "server/README.md has no row%s", row);
    }
    for (const char *at = readme; (at = strstr(at, "\n| `" PROBLEM_TYPES)) != NULL; at++)
        rows++;
    cr_expect_eq(rows, problem_type_count());
    json_decref(document);
    free(readme);
}

Test(problem, statuses_are_in_readme)
{
    char *readme = read_file("server/README.md"), row[16];
    const char *table = strstr(readme, "\n| status | meaning |"), *end;
    size_t rows = 0;

    cr_assert_not_null(table);
    end = strstr(table, "\n\n");
    for (size_t i = 0; i < problem_status_count(); i++) {
        const char *at;

        snprintf(row, sizeof(row), "\n| %d | ", problem_status_at(i));
        at = strstr(table, row);
        cr_expect(at != NULL && at < end, "server/README.md has no row%s", row);
    }
    for (const char *at = table; (at = strchr(at + 1, '\n')) != NULL && at < end;)
        rows += at[3] >= '1' && at[3] <= '9';
    cr_expect_eq(rows, problem_status_count());
    free(readme);
}
