#include "http/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "http/request_head.h"
#include "http/response.h"
#include "words/page.h"

#define DATE_SIZE 32
#define LANGUAGES_MAX 256

/* RFC 9110, section 5.6.7. */
static void write_date(char date[DATE_SIZE])
{
    time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(date, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

static void start_trace(struct refusal *refusal)
{
    const char *value;
    size_t len;

    if (!request_head_find_field(refusal->input, refusal->input_len, "traceparent", &value, &len) ||
        !trace_parse(value, len, &refusal->trace))
        trace_make(&refusal->trace);
}

static void read_languages(const struct refusal *refusal, char languages[LANGUAGES_MAX])
{
    const char *value;
    size_t len;

    languages[0] = '\0';
    if (request_head_find_field(refusal->input, refusal->input_len, "accept-language", &value, &len) &&
        len < LANGUAGES_MAX) {
        memcpy(languages, value, len);
        languages[len] = '\0';
    }
}

/* The request line may be incomplete. Returns the templates if the path is answered with pages. */
static const struct templates *read_request_line(struct refusal *refusal)
{
    const char *target;
    size_t target_len, start;

    request_head_read_request_line(
        refusal->input, refusal->input_len, &refusal->method, &refusal->method_len, &target, &target_len);
    start = request_head_path_start(target, target_len);
    return page_is_at(target + start, target_len - start) ? refusal->pages : NULL;
}

char *refusal_render(struct refusal *refusal, size_t *len)
{
    const struct problem problem = {.status = refusal->status, .detail = refusal->detail};
    char languages[LANGUAGES_MAX], date[DATE_SIZE], *text = NULL;
    const struct response_reader reader = {
        .traceparent = refusal->trace.parent,
        .pages = read_request_line(refusal),
        .languages = languages,
    };
    struct response response = {0};
    FILE *out;

    start_trace(refusal);
    read_languages(refusal, languages);
    write_date(date);
    response_set_problem(&response, &reader, &problem);
    if ((out = open_memstream(&text, len)) != NULL) {
        bool failed;

        fprintf(out,
            "HTTP/1.1 %d %s\r\nConnection: close\r\nDate: %s\r\nServer: accountsd\r\nContent-Length: %zu\r\n"
            "content-type: %s\r\ncache-control: no-store\r\ntraceparent: %s\r\n",
            problem.status, problem_title(problem.status), date, response.len, response.media_type,
            refusal->trace.parent);
        for (size_t i = 0; i < response.header_count; i++)
            fprintf(out, "%s: %s\r\n", response.headers[i].name, response.headers[i].value);
        fputs("\r\n", out);
        refusal->body_len = text_equals(refusal->method, refusal->method_len, "HEAD") ? 0 : response.len;
        fwrite(response.text, 1, refusal->body_len, out);
        failed = ferror(out) != 0;
        if (fclose(out) != 0 || failed) {
            free(text);
            text = NULL;
        }
    }
    response_dispose(&response);
    return text;
}
