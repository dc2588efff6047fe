#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "api/validate.h"
#include "base/count.h"
#include "fuzz.h"

/* A body; its first byte selects the shape to validate against. */

#define MAX_DEPTH 16

static const struct {
    const struct validate_shape *shape;
    json_type type;
} shapes[] = {{&validate_create_account_user, JSON_OBJECT}, {&validate_accept_invite, JSON_OBJECT},
    {&validate_add_group, JSON_OBJECT}, {&validate_replace_groups, JSON_ARRAY},
    {&validate_replace_user, JSON_OBJECT}};

static json_t *parse(const char *text, size_t len)
{
    return json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

static size_t depth_of(json_t *value)
{
    size_t deepest = 0, depth, index;
    const char *key;
    json_t *member;

    json_object_foreach(value, key, member)
    {
        if ((depth = depth_of(member)) > deepest)
            deepest = depth;
    }
    json_array_foreach(value, index, member)
    {
        if ((depth = depth_of(member)) > deepest)
            deepest = depth;
    }
    return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

/* {"path": ["message", ...], ...}, not empty, and not much longer than the body. */
static void must_be_errors(const char *errors, size_t body_len)
{
    json_auto_t *object = json_loads(errors, JSON_REJECT_DUPLICATES, NULL);
    const char *path;
    json_t *messages, *message;
    size_t index;

    MUST(json_is_object(object) && json_object_size(object) > 0);
    MUST(strlen(errors) <= 40 * body_len + 400);
    json_object_foreach(object, path, messages)
    {
        MUST(json_array_size(messages) > 0);
        json_array_foreach(messages, index, message) MUST(json_string_length(message) > 0);
    }
}

/* Whether the only mistake is the depth of nesting. */
static bool says_too_deep(const char *errors)
{
    json_auto_t *object = errors != NULL ? json_loads(errors, 0, NULL) : NULL;
    const char *message = json_string_value(json_array_get(json_object_get(object, "$"), 0));

    return message != NULL && strncmp(message, "nests deeper ", strlen("nests deeper ")) == 0;
}

/* Another spelling of the same value has the same verdict. */
static void must_not_depend_on_spelling(
    const struct validate_shape *shape, const json_t *value, const char *errors)
{
    char *spelling = json_dumps(value, JSON_ENSURE_ASCII | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_INDENT(1));
    char *others = NULL;
    enum validate_verdict verdict;

    MUST(spelling != NULL);
    verdict = validate_body(shape, spelling, strlen(spelling), MAX_DEPTH, &others);
    MUST(verdict == (errors == NULL ? VALIDATE_OK : VALIDATE_INVALID));
    if (errors != NULL) {
        json_auto_t *expected = json_loads(errors, 0, NULL), *found = json_loads(others, 0, NULL);

        MUST(json_equal(expected, found));
    }
    free(others);
    free(spelling);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    char *errors = NULL, *again = NULL;
    size_t choice = size > 0 ? data[0] % (COUNT(shapes)) : 0;
    const char *body = (const char *)data + (size > 0 ? 1 : 0);
    size_t len = size > 0 ? size - 1 : 0;
    enum validate_verdict verdict = validate_body(shapes[choice].shape, body, len, MAX_DEPTH, &errors);

    MUST(verdict != VALIDATE_OUT_OF_MEMORY);
    MUST((verdict == VALIDATE_INVALID) == (errors != NULL));
    MUST(validate_body(shapes[choice].shape, body, len, MAX_DEPTH, &again) == verdict);
    MUST(errors == NULL || strcmp(errors, again) == 0);
    if (errors != NULL)
        must_be_errors(errors, len);

    json_auto_t *value = parse(body, len);
    bool is_deep = value != NULL && depth_of(value) > MAX_DEPTH;

    if (verdict == VALIDATE_OK)
        MUST(value != NULL && json_typeof(value) == shapes[choice].type);
    MUST(value == NULL || is_deep == says_too_deep(errors));
    if (value != NULL && !is_deep)
        must_not_depend_on_spelling(shapes[choice].shape, value, errors);
    free(errors);
    free(again);
    return 0;
}
