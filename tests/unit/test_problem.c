#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "problem.h"

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

Test(problem, knows_the_status_of_an_sqlstate)
{
    static const struct {
        const char *sqlstate;
        int status;
    } cases[] = {{"PT400", 400}, {"PT409", 409}, {"PT503", 503}, {"PT200", 500}, {"PTxyz", 500},
        /* statement_timeout, pg_cancel_backend; lock_timeout. */
        {"57014", 504}, {"55P03", 503},
        /* Deadlock, serialization, statement completion unknown. */
        {"40P01", 503}, {"40001", 503}, {"40003", 503},
        /* The connection, or what a pooler says of it. */
        {"08006", 503}, {"08P01", 503}, {"08003", 503},
        /* Too many connections, disk full, out of memory, a limit of the configuration. */
        {"53300", 503}, {"53100", 503}, {"53200", 503}, {"53400", 503}, {"53000", 503},
        /* Shutdown, crash, recovery under way, database dropped, idle too long. */
        {"57P01", 503}, {"57P02", 503}, {"57P03", 503}, {"57P04", 503}, {"57P05", 503},
        /* Input and output; a file that is gone. */
        {"58000", 503}, {"58030", 503}, {"58P01", 503},
        /* A standby; idle in a transaction too long; a snapshot that is gone. */
        {"25006", 503}, {"25P03", 503}, {"72000", 503},
        /* What was prepared on the connection is gone. */
        {"26000", 503},
        /* Ours, or a broken database. */
        {"0A000", 500}, {"23505", 500}, {"25P02", 500}, {"42501", 500}, {"42883", 500}, {"22P02", 500},
        {"54001", 500}, {"P0001", 500}, {"XX000", 500}, {"XX001", 500}, {"", 500}, {NULL, 500}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(problem_status_of_sqlstate(cases[i].sqlstate), cases[i].status, "%s", cases[i].sqlstate);
}

Test(problem, may_have_a_type_of_its_own)
{
    json_t *object = rendered(&(struct problem){.status = 400, .type = "/problems/wrong-code"});

    cr_assert_str_eq(text_of(object, "type"), "/problems/wrong-code");
    json_decref(object);
}

Test(problem, says_when_to_try_again)
{
    static const struct {
        struct problem problem;
        long seconds;
    } cases[] = {{{.status = 503}, 1}, {{.status = 429, .errors = "{\"Retry-After\":[\"4211\"]}"}, 4211},
        {{.status = 429, .errors = "{\"Retry-After\":[\"0\"]}"}, 1},
        {{.status = 429, .errors = "{\"Retry-After\":[\"soon\"]}"}, 1},
        {{.status = 429, .errors = "{\"Retry-After\":[7]}"}, 1}, {{.status = 429, .errors = "{"}, 1},
        {{.status = 429}, 1}, {{.status = 400, .errors = "{\"Retry-After\":[\"4211\"]}"}, 0},
        {{.status = 409}, 0}, {{.status = 504}, 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(problem_retry_after(&cases[i].problem), cases[i].seconds, "case %zu", i);
}
