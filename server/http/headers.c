#include "http/headers.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* The end of a text without the spaces behind it. */
static const char *trim_end(const char *text, const char *end)
{
    while (end > text && is_space(end[-1]))
        end--;
    return end;
}

void header_trim(h2o_req_t *req)
{
    for (size_t i = 0; i < req->headers.size; i++) {
        h2o_iovec_t *value = &req->headers.entries[i].value;

        value->len = (size_t)(trim_end(value->base, value->base + value->len) - value->base);
    }
}

h2o_iovec_t header_find(h2o_req_t *req, const char *name)
{
    ssize_t index = h2o_find_header_by_str(&req->headers, name, strlen(name), -1);

    return index < 0 ? h2o_iovec_init(NULL, 0) : req->headers.entries[index].value;
}

const char *header_skip_token(const char *at, const char *end)
{
    while (at < end && text_is_token_character((unsigned char)*at))
        at++;
    return at;
}

const char *header_skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

const char *header_skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return end;
}

bool header_value_is(const char *text, const char *end, const char *expected)
{
    bool is_string = text < end && *text == '"';

    if (is_string && (end - text < 2 || end[-1] != '"'))
        return false;
    if (is_string)
        text++, end--;
    for (; text < end; text++, expected++) {
        if (is_string && *text == '\\' && ++text == end)
            return false;
        if (*expected == '\0' || strncasecmp(text, expected, 1) != 0)
            return false;
    }
    return *expected == '\0';
}

/* JSON is UTF-8 (RFC 8259, section 8.1), so another charset is refused. */
static bool is_in_utf8(const char *at, const char *end)
{
    while (at < end) {
        const char *name, *name_end, *value;

        while (at < end && (*at == ';' || is_space(*at)))
            at++;
        for (name = at; at < end && *at != '=' && *at != ';';)
            at++;
        name_end = at;
        at += at < end && *at == '=';
        for (value = at; at < end && *at != ';';)
            at = *at == '"' ? header_skip_string(at, end) : at + 1;
        if (text_equals_in_any_case(name, (size_t)(name_end - name), "charset") &&
            !header_value_is(value, trim_end(value, at), "utf-8"))
            return false;
    }
    return true;
}

bool header_is_json(h2o_iovec_t media_type)
{
    static const char prefix[] = "application/", suffix[] = "+json";
    const size_t prefix_len = sizeof(prefix) - 1, suffix_len = sizeof(suffix) - 1;
    const char *type = media_type.base, *semicolon, *end;
    size_t len;

    if (media_type.len == 0)
        return false;
    end = type + media_type.len;
    if ((semicolon = memchr(type, ';', media_type.len)) == NULL)
        semicolon = end;
    if (!is_in_utf8(semicolon, end))
        return false;
    len = (size_t)(trim_end(type, semicolon) - type);
    return text_equals_in_any_case(type, len, "application/json") ||
           (len > prefix_len + suffix_len && text_equals_in_any_case(type, prefix_len, prefix) &&
               text_equals_in_any_case(type + len - suffix_len, suffix_len, suffix) &&
               memchr(type + prefix_len, '/', len - prefix_len) == NULL);
}

void header_honor_close(h2o_req_t *req)
{
    ssize_t at = -1;

    while ((at = h2o_find_header(&req->headers, H2O_TOKEN_CONNECTION, at)) != -1) {
        const h2o_iovec_t *value = &req->headers.entries[at].value;

        if (h2o_contains_token(value->base, value->len, H2O_STRLIT("close"), ','))
            req->http1_is_persistent = 0;
    }
}
