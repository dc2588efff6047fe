#include "http/headers.h"
#include "base/count.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

void header_trim(h2o_req_t *req)
{
    for (size_t i = 0; i < req->headers.size; i++) {
        h2o_iovec_t *value = &req->headers.entries[i].value;

        while (value->len > 0 && is_space(value->base[value->len - 1]))
            value->len--;
    }
}

h2o_iovec_t header_find(h2o_req_t *req, const char *name)
{
    ssize_t index = h2o_find_header_by_str(&req->headers, name, strlen(name), -1);

    return index < 0 ? h2o_iovec_init(NULL, 0) : req->headers.entries[index].value;
}

/* Goes over one parameter of a media type, "; name=value", where the value may be a quoted string. False
 * where there is none. */
static bool next_parameter(h2o_iovec_t *rest, h2o_iovec_t *name, h2o_iovec_t *value)
{
    const char *at = rest->base, *end = at + rest->len;
    bool is_quoted = false;

    while (at < end && (*at == ';' || is_space(*at)))
        at++;
    if (at == end)
        return false;
    *name = h2o_iovec_init(at, 0);
    while (at < end && *at != '=' && *at != ';')
        at++;
    name->len = (size_t)(at - name->base);
    at += at < end && *at == '=';
    *value = h2o_iovec_init(at, 0);
    for (; at < end && (*at != ';' || is_quoted); at++)
        is_quoted ^= *at == '"';
    value->len = (size_t)(at - value->base);
    *rest = h2o_iovec_init(at, (size_t)(end - at));
    while (value->len > 0 && is_space(value->base[value->len - 1]))
        value->len--;
    return true;
}

/* RFC 8259, section 8.1: JSON is UTF-8. A charset that says otherwise would be read as what it is not. */
static bool is_in_utf8(h2o_iovec_t parameters)
{
    static const char *const names[] = {"utf-8", "\"utf-8\""};
    h2o_iovec_t name, value;

    while (next_parameter(&parameters, &name, &value)) {
        bool is_utf8 = false;

        if (name.len != 7 || strncasecmp(name.base, "charset", 7) != 0)
            continue;
        for (size_t i = 0; i < COUNT(names); i++)
            is_utf8 |= value.len == strlen(names[i]) && strncasecmp(value.base, names[i], value.len) == 0;
        if (!is_utf8)
            return false;
    }
    return true;
}

bool header_is_json(h2o_iovec_t media_type)
{
    static const char whole[] = "application/json", prefix[] = "application/", suffix[] = "+json";
    const char *type = media_type.base,
               *semicolon = media_type.len > 0 ? memchr(type, ';', media_type.len) : NULL;
    size_t len = semicolon != NULL ? (size_t)(semicolon - type) : media_type.len;

    if (!is_in_utf8(h2o_iovec_init(type + len, media_type.len - len)))
        return false;
    while (len > 0 && is_space(type[len - 1]))
        len--;
    if (len == sizeof(whole) - 1 && strncasecmp(type, whole, len) == 0)
        return true;
    return len > sizeof(prefix) - 1 + sizeof(suffix) - 1 &&
           strncasecmp(type, prefix, sizeof(prefix) - 1) == 0 &&
           strncasecmp(type + len - (sizeof(suffix) - 1), suffix, sizeof(suffix) - 1) == 0 &&
           memchr(type + sizeof(prefix) - 1, '/', len - (sizeof(prefix) - 1)) == NULL;
}

void header_mind_close(h2o_req_t *req)
{
    ssize_t at = -1;

    while ((at = h2o_find_header(&req->headers, H2O_TOKEN_CONNECTION, at)) != -1) {
        const h2o_iovec_t *value = &req->headers.entries[at].value;

        if (h2o_contains_token(value->base, value->len, H2O_STRLIT("close"), ','))
            req->http1_is_persistent = 0;
    }
}
