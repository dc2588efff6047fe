#include "api/validate.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/field_rules.h"
#include "base/memory.h"

/* The path in errors that concern the whole body. */
#define ROOT_PATH "$"
#define MAX_ITEMS 100

enum field_kind { FIELD_TEXT, FIELD_OBJECT, FIELD_ARRAY };

/* A field that is null counts as missing. */
struct field {
    const char *name;
    bool required;
    enum field_kind kind;
    enum field_rule rule;               /* of a string */
    const struct validate_shape *shape; /* of an object, or of each item of an array */
};

struct validate_shape {
    const struct field *fields;
    size_t count;
    /* Not NULL: the shape of an array, with this shape of its items. */
    const struct validate_shape *items;
};

#define SHAPE(name, ...)                                                                                     \
    static const struct field name##_fields[] = {__VA_ARGS__};                                               \
    static const struct validate_shape name = {name##_fields, COUNT(name##_fields), NULL}
#define TEXT(name, required, rule)                                                                           \
    {                                                                                                        \
        name, required, FIELD_TEXT, rule, NULL                                                               \
    }
#define OBJECT(name, required, shape)                                                                        \
    {                                                                                                        \
        name, required, FIELD_OBJECT, 0, &(shape)                                                            \
    }
#define ARRAY(name, required, shape)                                                                         \
    {                                                                                                        \
        name, required, FIELD_ARRAY, 0, &(shape)                                                             \
    }

SHAPE(phone, TEXT("prefix", false, FIELD_PHONE_PREFIX), TEXT("number", false, FIELD_PHONE_NUMBER));
SHAPE(user_settings, TEXT("cultureCode", false, FIELD_LANGUAGE_TAG),
    TEXT("languageCode", false, FIELD_LANGUAGE_TAG));
SHAPE(user, TEXT("email", true, FIELD_EMAIL), TEXT("firstName", true, FIELD_NAME),
    TEXT("lastName", true, FIELD_NAME), OBJECT("phone", false, phone),
    OBJECT("settings", false, user_settings));
SHAPE(account, TEXT("id", false, FIELD_ACCOUNT_ID));
SHAPE(group, TEXT("id", true, FIELD_USER_GROUP_ID));
SHAPE(invitation, TEXT("status", false, FIELD_INVITATION_STATUS));

/* A user's profile, of which no field is required. */
SHAPE(user_profile, TEXT("email", false, FIELD_EMAIL), TEXT("firstName", false, FIELD_NAME),
    TEXT("lastName", false, FIELD_NAME), OBJECT("phone", false, phone),
    OBJECT("settings", false, user_settings));

#define BODY(shape_name, ...)                                                                                \
    static const struct field shape_name##_fields[] = {__VA_ARGS__};                                         \
    const struct validate_shape shape_name = {shape_name##_fields, COUNT(shape_name##_fields), NULL}

BODY(validate_create_account_user, OBJECT("user", true, user), OBJECT("account", false, account),
    ARRAY("groups", false, group), OBJECT("invitation", false, invitation));
BODY(validate_accept_invite, TEXT("code", true, FIELD_ANY));
BODY(validate_add_group, TEXT("id", true, FIELD_USER_GROUP_ID));
BODY(validate_replace_user, OBJECT("user", false, user_profile), ARRAY("groups", true, group));
const struct validate_shape validate_replace_groups = {NULL, 0, &group};

/* failed: memory ran out for a path, so errors are missing. memory_ran_out reports other allocations. */
struct errors {
    json_t *by_path;
    bool failed;
};

static void add_error(struct errors *errors, const char *path, const char *message)
{
    json_t *messages = json_object_get(errors->by_path, path);

    if (messages == NULL) {
        messages = json_array();
        json_object_set_new(errors->by_path, path, messages);
    }
    json_array_append_new(messages, json_string(message));
}

/* The path of a member or item; NULL, with errors->failed set, if memory ran out. */
__attribute__((format(printf, 2, 3))) static char *path_below(struct errors *errors, const char *format, ...)
{
    va_list arguments;
    char *path;

    va_start(arguments, format);
    if (vasprintf(&path, format, arguments) < 0) {
        path = NULL;
        errors->failed = true;
    }
    va_end(arguments);
    return path;
}

static char *path_of_member(struct errors *errors, const char *path, const char *name)
{
    return path_below(errors, "%s%s%s", path, *path != '\0' ? "." : "", name);
}

static void check_text(struct errors *errors, enum field_rule rule, const char *path, json_t *value)
{
    const char *messages[FIELD_MAX_MESSAGES];
    size_t count;

    if (!json_is_string(value)) {
        add_error(errors, path, "is not a string");
        return;
    }
    count = field_check(rule, json_string_value(value), json_string_length(value), messages);
    for (size_t i = 0; i < count; i++)
        add_error(errors, path, messages[i]);
}

static void check_object(
    struct errors *errors, const struct validate_shape *shape, const char *path, json_t *value);

/* Whether an earlier item has the same id. */
static bool is_repeated(json_t *items, size_t index)
{
    const char *id = json_string_value(json_object_get(json_array_get(items, index), "id"));

    for (size_t i = 0; id != NULL && i < index; i++) {
        const char *earlier = json_string_value(json_object_get(json_array_get(items, i), "id"));

        if (earlier != NULL && strcmp(id, earlier) == 0)
            return true;
    }
    return false;
}

static void check_array(
    struct errors *errors, const struct validate_shape *shape, const char *path, json_t *items)
{
    size_t index;
    json_t *item;

    const char *own_path = *path != '\0' ? path : ROOT_PATH;

    if (!json_is_array(items)) {
        add_error(errors, own_path, "is not an array");
        return;
    }
    if (json_array_size(items) == 0) {
        add_error(errors, own_path, "is empty");
        return;
    }
    if (json_array_size(items) > MAX_ITEMS) {
        add_error(errors, own_path, "has more than 100 items");
        return;
    }
    json_array_foreach(items, index, item)
    {
        char *item_path = path_below(errors, "%s[%zu]", path, index);
        char *id_path = path_below(errors, "%s[%zu].id", path, index);

        if (item_path != NULL)
            check_object(errors, shape, item_path, item);
        if (id_path != NULL && is_repeated(items, index))
            add_error(errors, id_path, "is given more than once");
        free(item_path);
        free(id_path);
    }
}

static void check_field(struct errors *errors, const struct field *field, const char *path, json_t *value)
{
    if (value == NULL || json_is_null(value)) {
        if (field->required)
            add_error(errors, path, "is required");
        return;
    }
    switch (field->kind) {
    case FIELD_TEXT:
        check_text(errors, field->rule, path, value);
        break;
    case FIELD_OBJECT:
        check_object(errors, field->shape, path, value);
        break;
    case FIELD_ARRAY:
        check_array(errors, field->shape, path, value);
        break;
    }
}

static bool is_known(const struct validate_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (strcmp(shape->fields[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_object(
    struct errors *errors, const struct validate_shape *shape, const char *path, json_t *value)
{
    const char *name;
    json_t *member;

    if (!json_is_object(value)) {
        add_error(errors, *path != '\0' ? path : ROOT_PATH, "is not an object");
        return;
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        char *field_path = path_of_member(errors, path, field->name);

        if (field_path != NULL)
            check_field(errors, field, field_path, json_object_get(value, field->name));
        free(field_path);
    }
    json_object_foreach(value, name, member)
    {
        if (!is_known(shape, name)) {
            char *field_path = path_of_member(errors, path, name);

            if (field_path != NULL)
                add_error(errors, field_path, "is not a known field");
            free(field_path);
        }
    }
}

/* Whether arrays and objects nest deeper than max_depth. Counts only brackets outside strings. The check
 * comes before parsing to bound the parser's recursion. */
static bool is_too_deep(const char *body, size_t len, size_t max_depth)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        char c = body[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > max_depth)
                return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* The parser's messages quote the body, so they are replaced. */
static const char *syntax_message(enum json_error_code code)
{
    switch (code) {
    case json_error_duplicate_key:
        return "has a key twice in one object";
    case json_error_invalid_utf8:
        return "is not UTF-8";
    case json_error_numeric_overflow:
        return "has a number that is too large";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "has a NUL character";
    default:
        return "is not JSON";
    }
}

static void add_syntax_error(struct errors *errors, const json_error_t *error)
{
    char message[80];

    snprintf(message, sizeof(message), "%s (line %d, column %d)", syntax_message(json_error_code(error)),
        error->line, error->column);
    add_error(errors, ROOT_PATH, message);
}

enum validate_verdict validate_body(
    const struct validate_shape *shape, const char *body, size_t len, size_t max_depth, char **errors)
{
    enum validate_verdict verdict = VALIDATE_OUT_OF_MEMORY;
    struct errors found = {.by_path = json_object()};
    json_t *value = NULL;
    json_error_t error;

    memory_begin();
    if (found.by_path == NULL)
        return verdict;
    if (body == NULL)
        body = "";
    if (is_too_deep(body, len, max_depth)) {
        char message[64];

        snprintf(message, sizeof(message), "nests deeper than %zu levels", max_depth);
        add_error(&found, ROOT_PATH, message);
    } else if ((value = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error)) == NULL) {
        if (memory_ran_out())
            goto done;
        add_syntax_error(&found, &error);
    } else if (shape->items != NULL) {
        check_array(&found, shape->items, "", value);
    } else {
        check_object(&found, shape, "", value);
    }
    if (found.failed || memory_ran_out())
        goto done;
    if (json_object_size(found.by_path) == 0) {
        verdict = VALIDATE_OK;
        goto done;
    }
    char *text = json_dumps(found.by_path, JSON_COMPACT);
    if (text != NULL && !memory_ran_out()) {
        *errors = text;
        verdict = VALIDATE_INVALID;
    } else {
        free(text);
    }
done:
    json_decref(value);
    json_decref(found.by_path);
    return verdict;
}
