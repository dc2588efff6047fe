#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http/request_head.h"

/* The head of a request. An accepted head is checked against a second implementation of RFC 9112: other
 * readers of the same bytes must find the same head, host and length of the body. */

#define MAX_LEN 1024

/* The length of a head including its empty line; 0 if incomplete. An empty line may precede it. */
static size_t head_length(const char *head, size_t len, size_t *start)
{
    const char *end;

    *start = 0;
    if (len >= 2 && memcmp(head, "\r\n", 2) == 0)
        *start = 2;
    end = memmem(head + *start, len - *start, "\r\n\r\n", 4);
    return end != NULL ? (size_t)(end - head) + 4 : 0;
}

static bool is_digits(const char *text, size_t len)
{
    while (len > 0 && (*text == ' ' || *text == '\t'))
        text++, len--;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return len > 0;
}

/* How often a field occurs. */
static int count_field(const char *fields, const char *end, const char *name)
{
    int count = 0;

    for (const char *line = fields; line < end;
         line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1)
        count += (size_t)(end - line) > strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
    return count;
}

static void must_be_valid(const char *head, size_t len)
{
    size_t start, head_len = head_length(head, len, &start);
    const char *end = head + head_len - 2, *line_end, *fields;
    bool is_http_1_0;

    MUST(head_len > 0 && head_len <= MAX_LEN);
    for (const char *c = head; c < end; c++) {
        MUST((unsigned char)*c >= ' ' || *c == '\t' || *c == '\r' || *c == '\n');
        MUST(*c != 0x7f && (*c == '\r') == (c[1] == '\n'));
    }
    line_end = memmem(head + start, head_len - start, "\r\n", 2);
    fields = line_end + 2;
    MUST(memchr(head + start, '\t', (size_t)(line_end - head) - start) == NULL);
    is_http_1_0 = line_end - head >= 8 && memcmp(line_end - 8, "HTTP/1.0", 8) == 0;
    MUST(count_field(fields, end, "host:") <= 1 && (is_http_1_0 || count_field(fields, end, "host:") == 1));
    MUST(count_field(fields, end, "transfer-encoding:") == 0);
    MUST(count_field(fields, end, "content-length:") <= 1);
    MUST(count_field(fields, end, "authorization:") <= 1);
    MUST(count_field(fields, end, "content-type:") <= 1);
    for (const char *line = fields; line < end; line = line_end + 2) {
        static const char length[] = "content-length:";
        const char *colon;

        line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
        colon = memchr(line, ':', (size_t)(line_end - line));
        MUST(*line != ' ' && *line != '\t' && colon != NULL && colon > line);
        MUST(colon[-1] != ' ' && colon[-1] != '\t');
        if (strncasecmp(line, length, strlen(length)) == 0)
            MUST(is_digits(colon + 1, (size_t)(line_end - colon - 1)));
    }
}

int fuzz_one(const uint8_t *data, size_t size)
{
    const char *head = (const char *)data, *reason = NULL;
    size_t start, head_len = head_length(head, size, &start);
    struct request_head found;
    enum request_head_verdict verdict = request_head_check(head, size, MAX_LEN, &found, &reason);

    const char *value;
    size_t value_len;

    if (request_head_find_field(head, size, "host", &value, &value_len))
        MUST(value > head && value + value_len < head + size && memchr(value, '\n', value_len) == NULL);
    MUST((verdict == REQUEST_HEAD_OK || verdict == REQUEST_HEAD_INCOMPLETE) == (reason == NULL));
    /* An incomplete head only lacks its end. */
    if (verdict == REQUEST_HEAD_INCOMPLETE)
        MUST(!request_head_has_end(head, size, 0));
    if (verdict != REQUEST_HEAD_OK)
        return 0;
    must_be_valid(head, size);
    MUST(found.len == head_len && request_head_has_end(head, size, head_len - 1));
    /* The end of the head does not depend on what follows, and the limit is exact. */
    MUST(request_head_check(head, head_len, head_len, &found, &reason) == REQUEST_HEAD_OK);
    MUST(request_head_check(head, head_len, head_len - 1, &found, &reason) == REQUEST_HEAD_TOO_LARGE);
    for (size_t len = 0; len < head_len; len++)
        MUST(request_head_check(head, len, MAX_LEN, &found, &reason) == REQUEST_HEAD_INCOMPLETE);
    return 0;
}
