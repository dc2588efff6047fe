#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "api/openapi.h"
#include "api/route.h"
#include "base/count.h"

static json_t *load_paths(void)
{
    json_error_t error;
    json_t *document = json_loadb(openapi_json, openapi_json_len, JSON_REJECT_DUPLICATES, &error), *paths;

    cr_assert_not_null(document, "openapi.json, line %d: %s", error.line, error.text);
    paths = json_incref(json_object_get(document, "paths"));
    json_decref(document);
    cr_assert(json_is_object(paths));
    return paths;
}

/* Whether two paths differ only in the names of their parameters. */
static bool same_path(const char *a, const char *b)
{
    for (;; a++, b++) {
        if (*a == '{' && *b == '{') {
            a = strchr(a, '}');
            b = strchr(b, '}');
        }
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
    }
}

static bool is_method(const char *key)
{
    static const char *const methods[] = {
        "get", "put", "post", "delete", "options", "head", "patch", "trace"};

    for (size_t i = 0; i < COUNT(methods); i++) {
        if (strcmp(methods[i], key) == 0)
            return true;
    }
    return false;
}

static bool is_described(json_t *paths, const struct route *route)
{
    const char *path, *key;
    json_t *item, *operation;

    json_object_foreach(paths, path, item)
    {
        if (!same_path(path, route->path))
            continue;
        json_object_foreach(item, key, operation)
        {
            if (is_method(key) && strcasecmp(key, route->method) == 0)
                return true;
        }
    }
    return false;
}

static bool is_route(const char *method, const char *path)
{
    for (size_t i = 0; i < route_count(); i++) {
        if (strcasecmp(route_at(i)->method, method) == 0 && same_path(route_at(i)->path, path))
            return true;
    }
    return false;
}

Test(openapi, describes_every_route)
{
    json_t *paths = load_paths();

    for (size_t i = 0; i < route_count(); i++)
        cr_expect(is_described(paths, route_at(i)), "openapi.json does not have %s %s", route_at(i)->method,
            route_at(i)->path);
    json_decref(paths);
}

Test(openapi, describes_only_routes)
{
    json_t *paths = load_paths(), *item, *operation;
    const char *path, *key;

    json_object_foreach(paths, path, item)
    {
        json_object_foreach(item, key, operation)
        {
            if (is_method(key))
                cr_expect(is_route(key, path), "there is no route for %s %s of openapi.json", key, path);
        }
    }
    json_decref(paths);
}

Test(openapi, ends_with_a_nul_that_does_not_count)
{
    cr_assert_eq(openapi_json[openapi_json_len], '\0');
    cr_assert_eq(strlen(openapi_json), openapi_json_len);
}
