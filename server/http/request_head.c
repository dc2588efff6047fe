#include "http/request_head.h"

#include <string.h>
#include <strings.h>

#include "base/count.h"
#include "base/text.h"

/* Header fields that may occur only once: two values would make framing, identity or meaning ambiguous. */
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
    size_t fields;
    bool is_http_1_0, has_other_coding, has_other_expectation;
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

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!text_is_token_character((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* A field's value without leading white space. libh2o treats trailing white space as part of the value. */
struct value {
    const char *text;
    size_t len;
};

/* Section 6.3: only digits, so that every recipient reads the same number. */
static bool read_content_length(struct value value, size_t *length)
{
    *length = 0;
    if (value.len == 0 || value.len > 19)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (!text_is_digit((unsigned char)value.text[i]))
            return false;
        *length = *length * 10 + (size_t)(value.text[i] - '0');
    }
    return true;
}

/* Checks the characters of a host with a port (RFC 3986, section 3.2.2), not the positions of brackets and
 * percent signs. */
static bool is_host(struct value value)
{
    while (value.len > 0 && (value.text[value.len - 1] == ' ' || value.text[value.len - 1] == '\t'))
        value.len--;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.text[i];

        if (!text_is_token_character(c) && (c == '\0' || strchr("()=,;:[]", c) == NULL))
            return false;
    }
    return true;
}

/* Section 3: a method, a target and a version, separated by single spaces. A line that is not whole is
 * accepted if it may become valid. */
static const char *check_request_line(struct head *head, const char *line, size_t len, bool is_whole)
{
    static const char version[] = "HTTP/1.";
    const size_t version_len = sizeof(version) - 1;
    const char *method_end = memchr(line, ' ', len), *target, *target_end, *found;
    size_t found_len;

    if (has_control(line, len) || memchr(line, '\t', len) != NULL)
        return "The request line has a control character.";
    if (!is_token(line, method_end != NULL ? (size_t)(method_end - line) : len))
        return "The method has a character that is not allowed.";
    if (method_end == line)
        return "The request line has no method.";
    target = method_end != NULL ? method_end + 1 : line + len;
    target_end = memchr(target, ' ', (size_t)(line + len - target));
    if (target_end == target || (is_whole && target_end == NULL))
        return "The request line is not a method, a target and a version.";
    if (target_end == NULL)
        return NULL;
    found = target_end + 1;
    found_len = (size_t)(line + len - found);
    if (memcmp(found, version, found_len < version_len ? found_len : version_len) != 0 ||
        (found_len > version_len && !text_is_digit((unsigned char)found[version_len])) ||
        found_len > version_len + 1 || (is_whole && found_len <= version_len))
        return "The request line does not end in a version of HTTP/1.";
    head->is_http_1_0 = found_len > version_len && found[version_len] == '0';
    return NULL;
}

/* Checks the value of a field that this server interprets; NULL if it is valid. */
static const char *check_value(
    struct head *head, const char *name, size_t name_len, struct value value, struct request_head *found)
{
    size_t i = 0;

    if (text_equals_in_any_case(name, name_len, "expect"))
        head->has_other_expectation |= !text_equals_in_any_case(value.text, value.len, "100-continue");
    while (i < SINGLE_COUNT && !text_equals_in_any_case(name, name_len, single_names[i]))
        i++;
    if (i == SINGLE_COUNT)
        return NULL;
    if (head->seen[i]++ > 0)
        return "A header field that may occur once occurs twice.";
    if (i == CONTENT_LENGTH && !read_content_length(value, &found->content_length))
        return "Content-Length is not a number.";
    if (i == HOST && !is_host(value))
        return "Host is not a name with a port.";
    head->has_other_coding |=
        i == TRANSFER_ENCODING && !text_equals_in_any_case(value.text, value.len, "chunked");
    return NULL;
}

/* NULL if the line is valid, or is not whole and may become valid. */
static const char *check_field_line(
    struct head *head, const char *line, size_t len, bool is_whole, struct request_head *found)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon != NULL ? (size_t)(colon - line) : len;
    struct value value = {line + name_len + 1, len - name_len - 1};

    if (len > 0 && (line[0] == ' ' || line[0] == '\t'))
        return "A header field is folded over several lines.";
    if (has_control(line, len))
        return "A header field has a control character.";
    if (!is_token(line, name_len) || (colon == line) || (is_whole && colon == NULL))
        return "A header field has no name, or a name with a character that is not allowed.";
    if (!is_whole)
        return NULL;
    while (value.len > 0 && (*value.text == ' ' || *value.text == '\t'))
        value.text++, value.len--;
    return check_value(head, line, name_len, value, found);
}

static enum request_head_verdict check_whole(const struct head *head, const char **reason)
{
    const bool has_coding = head->seen[TRANSFER_ENCODING] > 0, has_length = head->seen[CONTENT_LENGTH] > 0;

    if (has_coding && has_length)
        *reason = "Transfer-Encoding and Content-Length both occur.";
    else if (has_coding && head->is_http_1_0)
        *reason = "HTTP/1.0 does not allow Transfer-Encoding.";
    else if (head->seen[HOST] == 0 && !head->is_http_1_0)
        *reason = "Host is missing.";
    else if (has_coding && head->has_other_coding)
        *reason = "Transfer-Encoding is not chunked.";
    else if (has_coding) {
        *reason = "A body needs a Content-Length.";
        return REQUEST_HEAD_LENGTH_REQUIRED;
    } else if (has_length && head->has_other_expectation) {
        *reason = "The only expectation that can be met is 100-continue.";
        return REQUEST_HEAD_EXPECTATION_FAILED;
    } else
        return REQUEST_HEAD_OK;
    return REQUEST_HEAD_BAD_REQUEST;
}

/* Checks the last line, whose end has not arrived. */
static enum request_head_verdict check_partial(struct head *head, const char *line, size_t len,
    bool is_request_line, struct request_head *found, const char **reason)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    *reason = is_request_line ? check_request_line(head, line, len, false)
                              : check_field_line(head, line, len, false, found);
    return *reason != NULL ? REQUEST_HEAD_BAD_REQUEST : REQUEST_HEAD_INCOMPLETE;
}

enum request_head_verdict request_head_check(
    const char *input, size_t len, size_t max_len, struct request_head *found, const char **reason)
{
    struct head head = {0};
    const char *line = input, *end = input + len;
    bool is_request_line = true;

    *found = (struct request_head){0};
    *reason = NULL;
    /* Section 2.2 allows skipping an empty line before the request line, which libh2o does. */
    if (len >= 2 && memcmp(line, "\r\n", 2) == 0)
        line += 2;
    for (;; is_request_line = false) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        size_t line_len;

        if ((size_t)((line_end != NULL ? line_end + 1 : end) - input) > max_len) {
            *reason = "The head of the request is too long.";
            return REQUEST_HEAD_TOO_LARGE;
        }
        if (line_end == NULL)
            return check_partial(&head, line, (size_t)(end - line), is_request_line, found, reason);
        if (line_end == line || line_end[-1] != '\r') {
            *reason = "A line of the head does not end in CR LF.";
            return REQUEST_HEAD_BAD_REQUEST;
        }
        line_len = (size_t)(line_end - 1 - line);
        if (line_len == 0 && !is_request_line) {
            found->len = (size_t)(line_end + 1 - input);
            return check_whole(&head, reason);
        }
        if (!is_request_line && ++head.fields > REQUEST_HEAD_MAX_FIELDS) {
            *reason = "The head of the request has too many fields.";
            return REQUEST_HEAD_TOO_LARGE;
        }
        *reason = is_request_line ? check_request_line(&head, line, line_len, true)
                                  : check_field_line(&head, line, line_len, true, found);
        if (*reason != NULL)
            return REQUEST_HEAD_BAD_REQUEST;
        line = line_end + 1;
    }
}

int request_head_status(enum request_head_verdict verdict)
{
    static const int statuses[] = {
        [REQUEST_HEAD_BAD_REQUEST] = 400,
        [REQUEST_HEAD_LENGTH_REQUIRED] = 411,
        [REQUEST_HEAD_EXPECTATION_FAILED] = 417,
        [REQUEST_HEAD_TOO_LARGE] = 431,
    };

    return statuses[verdict];
}

bool request_head_has_end(const char *input, size_t len, size_t seen)
{
    const char *at = input + (seen > 2 ? seen - 2 : 0), *end = input + len;

    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        if ((at < end && *at == '\n') || (end - at >= 2 && memcmp(at, "\r\n", 2) == 0))
            return true;
    }
    return false;
}

/* The length up to a space or the end of the line. */
static size_t word_len(const char *word, const char *end)
{
    size_t len = 0;

    while (word + len < end && strchr(" \r\n", word[len]) == NULL)
        len++;
    return len;
}

void request_head_read_request_line(const char *input, size_t len, const char **method, size_t *method_len,
    const char **target, size_t *target_len)
{
    const char *end = input + len;

    *method = len >= 2 && memcmp(input, "\r\n", 2) == 0 ? input + 2 : input;
    *method_len = word_len(*method, end);
    *target = *method + *method_len;
    if (*target < end && **target == ' ')
        ++*target;
    *target_len = word_len(*target, end);
}

bool request_head_find_field(
    const char *input, size_t len, const char *name, const char **value, size_t *value_len)
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

size_t request_head_path_start(const char *target, size_t len)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < COUNT(schemes); i++) {
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
