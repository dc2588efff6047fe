#include "http/response.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/trace.h"
#include "words/page.h"

void response_add_header(struct response *response, const char *name, const char *value)
{
    if (response->header_count == RESPONSE_MAX_HEADERS)
        abort();
    response->headers[response->header_count++] = (struct response_header){name, value};
}

/* A page runs no script, loads nothing, may not be framed, and sends no Referer: its URL is secret. */
void response_add_page_headers(struct response *response, const struct templates *pages)
{
    static const struct response_header headers[] = {
        {"referrer-policy", "no-referrer"},
        {"x-content-type-options", "nosniff"},
        {"x-frame-options", "DENY"},
        {"x-robots-tag", "noindex"},
        {"vary", "Accept-Language"},
    };

    for (size_t i = 0; i < COUNT(headers); i++)
        response_add_header(response, headers[i].name, headers[i].value);
    snprintf(response->policy, sizeof(response->policy),
        "default-src 'none'; style-src '%s'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        templates_style_hash(pages));
    response_add_header(response, "content-security-policy", response->policy);
}

void response_set_page(struct response *response, const struct response_reader *reader, char *page,
    const struct catalogue *catalogue)
{
    response->media_type = RESPONSE_PAGE_MEDIA_TYPE;
    response->is_static = page == NULL;
    response->text = page != NULL ? page : page_out_of_memory;
    response->len = strlen(response->text);
    response_add_page_headers(response, reader->pages);
    response_add_header(response, "content-language", page == NULL ? "en" : catalogue_language(catalogue));
}

static void set_page_of_problem(struct response *response, const struct response_reader *reader, int status)
{
    const struct catalogue *catalogue = templates_accept(reader->pages, reader->languages);
    char reference[TRACE_ID_LEN + 1];

    snprintf(reference, sizeof(reference), "%s", reader->traceparent + TRACE_ID_AT);
    response_set_page(
        response, reader, page_render_problem(reader->pages, catalogue, status, reference), catalogue);
}

/* RFC 6750, section 3: the error is given only if a token was sent. */
static const char *challenge(const struct response_reader *reader)
{
    return reader->has_token ? "Bearer realm=\"accountsd\", error=\"invalid_token\", "
                               "error_description=\"The token is malformed, unknown or disabled\""
                             : "Bearer realm=\"accountsd\"";
}

void response_set_problem(
    struct response *response, const struct response_reader *reader, const struct problem *problem)
{
    long retry_after = problem_retry_after(problem);
    char *text;

    if (problem->status == 401)
        response_add_header(response, "www-authenticate", challenge(reader));
    if (retry_after > 0) {
        snprintf(response->retry_after, sizeof(response->retry_after), "%ld", retry_after);
        response_add_header(response, "retry-after", response->retry_after);
    }
    if (reader->pages != NULL) {
        set_page_of_problem(response, reader, problem->status);
        return;
    }
    response->media_type = PROBLEM_MEDIA_TYPE;
    text = problem_render(problem, reader->traceparent, &response->len);
    response->is_static = text == NULL;
    response->text = text != NULL ? text : "{}";
    if (text == NULL)
        response->len = strlen(response->text);
}

void response_dispose(struct response *response)
{
    if (!response->is_static)
        free((char *)(uintptr_t)response->text);
}
