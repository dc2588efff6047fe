#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/validate.h"
#include "base/count.h"

#define MAX_DEPTH 16

static const char *const sound =
    "{\"user\":{\"email\":\"ann@example.com\",\"firstName\":\"Ann\",\"lastName\":\"Lee\"}}";

/* The errors of an invalid body; the caller frees them. */
static char *errors_of(const char *body)
{
    char *errors = NULL;

    cr_assert_eq(validate_body(&validate_create_account_user, body, strlen(body), MAX_DEPTH, &errors),
        VALIDATE_INVALID, "taken: %s", body);
    return errors;
}

static void assert_root_error(const char *body, const char *message)
{
    char *errors = errors_of(body);
    json_t *object = json_loads(errors, 0, NULL);

    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(object, "$"), 0)), message);
    cr_assert_eq(json_object_size(object), 1);
    json_decref(object);
    free(errors);
}

Test(validate, accepts_a_valid_body)
{
    char *errors = (char *)1;

    cr_assert_eq(
        validate_body(&validate_create_account_user, sound, strlen(sound), MAX_DEPTH, &errors), VALIDATE_OK);
    cr_assert_eq(errors, (char *)1, "errors was touched");
}

Test(validate, reports_all_mistakes_at_once)
{
    char *errors =
        errors_of("{\"user\":{\"email\":\"x\",\"firstName\":\"\",\"lastName\":7,\"age\":1},"
                  "\"groups\":[{\"id\":\"UGR-1\"},5],\"invitation\":{\"status\":\"Active\"},\"z\":null}");
    json_t *object = json_loads(errors, 0, NULL);
    static const char *const paths[] = {"user.email", "user.firstName", "user.lastName", "user.age",
        "groups[0].id", "groups[1]", "invitation.status", "z"};

    for (size_t i = 0; i < COUNT(paths); i++)
        cr_assert(json_is_array(json_object_get(object, paths[i])), "%s is missing", paths[i]);
    cr_assert_eq(json_object_size(object), COUNT(paths));
    json_decref(object);
    free(errors);
}

Test(validate, reports_the_position_of_a_syntax_error)
{
    assert_root_error("", "is not JSON (line 1, column 0)");
    assert_root_error("{\"user\":\n}", "is not JSON (line 2, column 1)");
    assert_root_error("{} {}", "is not JSON (line 1, column 4)");
    assert_root_error("{\"a\":1,\"a\":2}", "has a key twice in one object (line 1, column 10)");
    assert_root_error("{\"a\":\"\\u0000\"}", "has a NUL character (line 1, column 13)");
    assert_root_error("{\"a\":\"\xff\"}", "is not UTF-8 (line 1, column 6)");
    assert_root_error("{\"a\":1e999}", "has a number that is too large (line 1, column 10)");
    assert_root_error("[]", "is not an object");
    assert_root_error("null", "is not an object");
}

Test(validate, treats_a_missing_body_as_empty)
{
    char *errors = NULL;

    cr_assert_eq(validate_body(&validate_add_group, NULL, 0, MAX_DEPTH, &errors), VALIDATE_INVALID);
    cr_expect_str_eq(errors, "{\"$\":[\"is not JSON (line 1, column 0)\"]}");
    free(errors);
}

Test(validate, bounds_the_depth_before_it_parses)
{
    char *deep = malloc(200001), *errors = NULL;

    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    deep[200000] = '\0';
    assert_root_error(deep, "nests deeper than 16 levels");
    free(deep);

    /* The outermost object is the first level; brackets in a text do not count. */
    cr_assert_eq(validate_body(&validate_create_account_user, sound, strlen(sound), 2, &errors), VALIDATE_OK);
    cr_assert_eq(
        validate_body(&validate_create_account_user, sound, strlen(sound), 1, &errors), VALIDATE_INVALID);
    free(errors);
    errors = errors_of("{\"\\\"[[[[[[[[[[[[[[[[[[[[\":1}");
    cr_assert(strstr(errors, "is required") != NULL, "%s", errors);
    free(errors);
}

static void assert_errors(const struct validate_shape *shape, const char *body, const char *expected)
{
    char *errors = NULL;
    enum validate_verdict verdict = validate_body(shape, body, strlen(body), MAX_DEPTH, &errors);

    cr_assert_eq(verdict, expected == NULL ? VALIDATE_OK : VALIDATE_INVALID, "%s", body);
    if (expected != NULL)
        cr_expect_str_eq(errors, expected);
    free(errors);
}

Test(validate, checks_the_bodies_of_the_other_operations)
{
    assert_errors(&validate_accept_invite, "{\"code\":\"abc\"}", NULL);
    assert_errors(&validate_accept_invite, "{}", "{\"code\":[\"is required\"]}");
    assert_errors(&validate_accept_invite, "{\"code\":5}", "{\"code\":[\"is not a string\"]}");
    assert_errors(&validate_add_group, "{\"id\":\"UGR-8447-7590\"}", NULL);
    assert_errors(&validate_add_group, "{\"id\":\"UGR-1\"}", "{\"id\":[\"is not a user group id\"]}");
    assert_errors(&validate_replace_groups, "[{\"id\":\"UGR-8447-7590\"}]", NULL);
    assert_errors(&validate_replace_groups, "[]", "{\"$\":[\"is empty\"]}");
    assert_errors(&validate_replace_groups, "{}", "{\"$\":[\"is not an array\"]}");
    assert_errors(&validate_replace_groups, "[{\"id\":\"UGR-8447-7590\"},{\"id\":\"UGR-8447-7590\"},7]",
        "{\"[1].id\":[\"is given more than once\"],\"[2]\":[\"is not an object\"]}");
    assert_errors(&validate_replace_user,
        "{\"groups\":[{\"id\":\"UGR-8447-7590\"}],\"user\":{\"email\":\"x\"}}",
        "{\"user.email\":[\"is not an email address\"]}");
    assert_errors(&validate_replace_user, "{\"groups\":[{\"id\":\"UGR-8447-7590\"}]}", NULL);
}
