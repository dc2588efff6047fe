#include "wire.h"

#include <string.h>
#include <strings.h>

/* The header fields that decide about framing, identity and meaning, of which a second one is an attack or a
 * mistake. */
enum { HOST, CONTENT_LENGTH, TRANSFER_ENCODING, AUTHORIZATION, CONTENT_TYPE, SINGLE_COUNT };

static const char *const single_names[SINGLE_COUNT] = {
    [HOST] = "host",
    [CONTENT_LENGTH] = "content-length",
    [TRANSFER_ENCODING] = "transfer-encoding",
    [AUTHORIZATION] = "authorization",
    [CONTENT_TYPE] = "content-type",
};

struct head {
    unsigned seen[SINGLE_COUNT];
    bool is_http_1_0;
};

static bool has_control(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* Section 6.3: digits and nothing else, so that every reader finds the same number. */
static bool is_content_length(const char *value, size_t len)
{
    while (len > 0 && (*value == ' ' || *value == '\t'))
        value++, len--;
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    if (len == 0 || len > 18)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
    }
    return true;
}

/* Section 5.6.2 of RFC 9110. */
static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* RFC 3986, section 3.2.2, with a port; not whether brackets and percents are where they belong. Two names
 * that somebody has joined have a space between them. */
static bool is_host(const char *value, size_t len)
{
    while (len > 0 && (*value == ' ' || *value == '\t'))
        value++, len--;
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (!is_token_char(c) && strchr("()=,;:[]", c) == NULL)
            return false;
    }
    return true;
}

/* Section 3: a method, a target, the version, with one space between them. libh2o has seen to it, but for
 * what a method is made of. */
static const char *check_request_line(const char *line, size_t len)
{
    if (has_control(line, len) || memchr(line, '\t', len) != NULL)
        return "The request line has a control character.";
    for (size_t i = 0; i < len && line[i] != ' '; i++) {
        if (!is_token_char((unsigned char)line[i]))
            return "The method has a character that no method has.";
    }
    return NULL;
}

static bool is_name(const char *name, size_t len, const char *expected)
{
    return strlen(expected) == len && strncasecmp(name, expected, len) == 0;
}

/* What is wrong with one header line, or NULL. */
static const char *check_field_line(struct head *head, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon != NULL ? (size_t)(colon - line) : 0;

    if (line[0] == ' ' || line[0] == '\t')
        return "A header field is folded over several lines.";
    if (name_len == 0 || line[name_len - 1] == ' ' || line[name_len - 1] == '\t')
        return "A header field has no name, or space after its name.";
    if (has_control(line, len))
        return "A header field has a control character.";
    for (size_t i = 0; i < SINGLE_COUNT; i++) {
        if (is_name(line, name_len, single_names[i]) && head->seen[i]++ > 0)
            return "A header field that may be given once is given twice.";
    }
    if (is_name(line, name_len, single_names[CONTENT_LENGTH]) &&
        !is_content_length(colon + 1, len - name_len - 1))
        return "Content-Length is not a number.";
    if (is_name(line, name_len, single_names[HOST]) && !is_host(colon + 1, len - name_len - 1))
        return "Host is not a name with a port.";
    return NULL;
}

static enum wire_verdict check_whole(const struct head *head, const char **reason)
{
    if (head->seen[TRANSFER_ENCODING] > 0 && head->seen[CONTENT_LENGTH] > 0)
        *reason = "Transfer-Encoding and Content-Length are both given.";
    else if (head->seen[TRANSFER_ENCODING] > 0 && head->is_http_1_0)
        *reason = "HTTP/1.0 has no Transfer-Encoding.";
    else if (head->seen[HOST] == 0 && !head->is_http_1_0)
        *reason = "Host is missing.";
    else if (head->seen[TRANSFER_ENCODING] > 0) {
        *reason = "A body needs a Content-Length.";
        return WIRE_LENGTH_REQUIRED;
    } else
        return WIRE_OK;
    return WIRE_BAD_REQUEST;
}

enum wire_verdict wire_check_head(const char *input, size_t len, size_t max_len, const char **reason)
{
    static const char http_1_0[] = "HTTP/1.0";
    struct head head = {0};
    const char *line = input, *end = input + len;
    bool is_request_line = true;

    /* Section 2.2 lets a server skip empty lines before the request line, and libh2o does. */
    while (end - line >= 2 && memcmp(line, "\r\n", 2) == 0)
        line += 2;
    for (;;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size_t line_len;

        if (line_end == NULL || line_end == line || line_end[-1] != '\r') {
            *reason = "A line of the head does not end in CR LF.";
            return WIRE_BAD_REQUEST;
        }
        if ((size_t)(line_end + 1 - input) > max_len) {
            *reason = "The head of the request is too long.";
            return WIRE_TOO_LARGE;
        }
        line_len = (size_t)(line_end - 1 - line);
        if (line_len == 0)
            return check_whole(&head, reason);
        if (is_request_line) {
            if ((*reason = check_request_line(line, line_len)) != NULL)
                return WIRE_BAD_REQUEST;
            head.is_http_1_0 =
                line_len >= sizeof(http_1_0) - 1 &&
                memcmp(line + line_len - (sizeof(http_1_0) - 1), http_1_0, sizeof(http_1_0) - 1) == 0;
            is_request_line = false;
        } else if ((*reason = check_field_line(&head, line, line_len)) != NULL) {
            return WIRE_BAD_REQUEST;
        }
        line = line_end + 1;
    }
}

bool wire_find_field(const char *input, size_t len, const char *name, const char **value, size_t *value_len)
{
    const char *end = input + len, *line = memchr(input, '\n', len), *next;
    size_t name_len = strlen(name), found = 0;

    for (; line != NULL; line = next) {
        line++;
        if ((next = memchr(line, '\n', (size_t)(end - line))) == NULL || next - line <= 1)
            break;
        if ((size_t)(next - line) <= name_len || strncasecmp(line, name, name_len) != 0 ||
            line[name_len] != ':')
            continue;
        const char *first = line + name_len + 1, *last = next;

        while (first < last && (*first == ' ' || *first == '\t'))
            first++;
        while (last > first && (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\r'))
            last--;
        *value = first;
        *value_len = (size_t)(last - first);
        found++;
    }
    return found == 1;
}

size_t wire_path_start(const char *target, size_t len)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t scheme_len = strlen(schemes[i]);

        if (len > scheme_len && strncasecmp(target, schemes[i], scheme_len) == 0) {
            for (size_t at = scheme_len; at < len; at++) {
                if (target[at] == '/')
                    return at > scheme_len ? at : 0;
                if (target[at] == '?')
                    return 0;
            }
        }
    }
    return 0;
}
