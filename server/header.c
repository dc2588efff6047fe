#include "header.h"

#include <string.h>
#include <strings.h>

#define JSON_MEDIA_TYPE "application/json"

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

bool header_is_json(h2o_iovec_t media_type)
{
    static const char whole[] = "application/json", prefix[] = "application/", suffix[] = "+json";
    const char *type = media_type.base,
               *semicolon = media_type.len > 0 ? memchr(type, ';', media_type.len) : NULL;
    size_t len = semicolon != NULL ? (size_t)(semicolon - type) : media_type.len;

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
