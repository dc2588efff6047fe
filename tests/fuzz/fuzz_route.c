#include <stdbool.h>
#include <string.h>

#include "api/route.h"
#include "base/count.h"
#include "fuzz.h"
#include "http/problem.h"

/* A method, a space and a path. A match has the route's path with ids of the right shape and a code in
 * their places, and Allow names exactly the methods of the path. */

#define PATH_MAX_LEN 256

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
#define METHOD_COUNT COUNT(methods)

static const struct {
    const char *name, *shape;
} shapes[] = {{"account", "ACC-0000-0000"}, {"user", "USR-0000-0000"}, {"accountUser", "AUSR-0000-0000-0000"},
    {"group", "UGR-0000-0000"}};

/* The shape, possibly with one more group of four digits. */
static bool has_shape(const char *shape, const char *value, size_t len)
{
    size_t shape_len = strlen(shape);

    if (len != shape_len && len != shape_len + 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        const char *of_shape = i < shape_len ? &shape[i] : &"-0000"[i - shape_len];

        if (*of_shape == '0' ? value[i] < '0' || value[i] > '9' : value[i] != *of_shape)
            return false;
    }
    return true;
}

static bool is_code(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!fuzz_is_base64url(value[i]))
            return false;
    }
    return len > 0;
}

/* The route's path with the match's ids is the requested path. */
static void must_round_trip(const struct route_match *match, const char *path, size_t path_len)
{
    char made[PATH_MAX_LEN] = "";
    size_t len = 0, parameter = 0;

    for (const char *at = match->route->path; *at != '\0'; at++) {
        if (*at != '{') {
            made[len++] = *at;
            continue;
        }
        const char *close = strchr(at, '}'), *name = match->parameters[parameter].name;
        size_t name_len = match->parameters[parameter].name_len;
        size_t value_len = match->parameters[parameter].value_len;
        bool known = false;

        MUST(parameter < match->count && (size_t)(close - at - 1) == name_len);
        MUST(memcmp(at + 1, name, name_len) == 0);
        for (size_t i = 0; i < COUNT(shapes); i++) {
            if (strlen(shapes[i].name) != name_len || memcmp(shapes[i].name, name, name_len) != 0)
                continue;
            known = true;
            MUST(has_shape(shapes[i].shape, match->parameters[parameter].value, value_len));
        }
        if (name_len == strlen(ROUTE_CODE) && memcmp(name, ROUTE_CODE, name_len) == 0)
            known = is_code(match->parameters[parameter].value, value_len);
        if (name_len == strlen(ROUTE_PROBLEM) && memcmp(name, ROUTE_PROBLEM, name_len) == 0)
            known = problem_type_find(match->parameters[parameter].value, value_len) != NULL;
        MUST(known && len + value_len < sizeof(made));
        memcpy(made + len, match->parameters[parameter++].value, value_len);
        len += value_len;
        at = close;
    }
    MUST(parameter == match->count && len == path_len && memcmp(made, path, len) == 0);
}

static bool is_allowed(const char *allow, const char *method)
{
    size_t len = strlen(method);

    for (const char *at = allow; (at = strstr(at, method)) != NULL; at += len) {
        if ((at == allow || at[-1] == ' ') && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

int fuzz_one(const uint8_t *data, size_t size)
{
    const char *method = (const char *)data, *space = memchr(data, ' ', size);
    size_t method_len = space != NULL ? (size_t)(space - method) : size;
    const char *path = method + method_len + (space != NULL ? 1 : 0);
    size_t path_len = size - (size_t)(path - method);
    struct route_match match = {0};
    enum route_verdict verdict = route_find(method, method_len, path, path_len, &match);
    char allow[ROUTE_ALLOW_MAX] = "";

    MUST((verdict == ROUTE_FOUND || verdict == ROUTE_METHOD_NOT_ALLOWED) == (match.route != NULL));
    if (verdict == ROUTE_FOUND)
        must_round_trip(&match, path, path_len);
    if (match.route != NULL)
        route_allow(match.route, allow);
    MUST((match.route == NULL) == (*allow == '\0'));
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        struct route_match other = {0};
        bool is_method = strlen(methods[i]) == method_len && memcmp(methods[i], method, method_len) == 0;
        bool is_found = route_find(methods[i], strlen(methods[i]), path, path_len, &other) == ROUTE_FOUND;

        MUST(match.route == NULL ? !is_found || verdict == ROUTE_METHOD_UNKNOWN
                                 : is_found == is_allowed(allow, methods[i]));
        MUST(!is_method || is_found == (verdict == ROUTE_FOUND));
    }
    return 0;
}
