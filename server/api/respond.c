#include "api/respond.h"

#include <stdbool.h>
#include <string.h>

#include "base/count.h"
#include "http/connection.h"
#include "http/response.h"
#include "words/language.h"
#include "words/page.h"

#define TEXT_MEDIA_TYPE "text/plain; charset=utf-8"

/* is_own: the value lives as long as the request, so it is not copied. */
static void add_header(h2o_req_t *req, const char *name, const char *value, bool is_own)
{
    size_t len = strlen(value);

    if (!is_own)
        value = h2o_strdup(&req->pool, value, len).base;
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value, len);
}

static void set_status(h2o_req_t *req, int status, size_t content_length)
{
    req->res.status = status;
    req->res.reason = problem_title(status);
    req->res.content_length = content_length;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL, H2O_STRLIT("no-store"));
}

static void start_sending(h2o_req_t *req, const char *text, size_t len)
{
    static h2o_generator_t generator;
    h2o_iovec_t whole = h2o_iovec_init(text, len);
    bool is_head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));

    h2o_start_response(req, &generator);
    h2o_send(req, &whole, is_head ? 0 : 1, H2O_SEND_STATE_FINAL);
}

/* is_static: the text is not copied. */
static void send_text(const struct responder *responder, const char *text, size_t len, bool is_static)
{
    h2o_req_t *req = responder->req;

    add_header(req, "traceparent", responder->trace->parent, true);
    /* libh2o decides this when a head has arrived; a drain may have begun since, and the client may have sent
     * its next request. */
    if (req->conn->ctx->shutdown_requested)
        req->http1_is_persistent = 0;
    if (is_static)
        start_sending(req, text, len);
    else
        h2o_send_inline(req, text, len);
    connection_watch_response(req);
}

static void send_content(const struct responder *responder, int status, const char *media_type,
    const char *text, size_t len, bool is_static)
{
    h2o_req_t *req = responder->req;

    h2o_add_header(
        &req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, media_type, strlen(media_type));
    set_status(req, status, len);
    send_text(responder, text, len, is_static);
}

static void add_headers(h2o_req_t *req, const struct response *response)
{
    for (size_t i = 0; i < response->header_count; i++)
        add_header(req, response->headers[i].name, response->headers[i].value, false);
}

static void send_response(const struct responder *responder, int status, struct response *response)
{
    add_headers(responder->req, response);
    send_content(responder, status, response->media_type, response->text, response->len, response->is_static);
    response_dispose(response);
}

void respond_json(const struct responder *responder, int status, const char *text, size_t len)
{
    send_content(responder, status, RESPONSE_JSON_MEDIA_TYPE, text, len, false);
}

void respond_document(const struct responder *responder, const char *text, size_t len)
{
    send_content(responder, 200, RESPONSE_JSON_MEDIA_TYPE, text, len, true);
}

/* RFC 9110, section 8.6: a 204 has no Content-Length. */
void respond_no_content(const struct responder *responder, int status)
{
    h2o_req_t *req = responder->req;

    req->res.status = status;
    req->res.reason = problem_title(status);
    req->res.content_length = SIZE_MAX;
    send_text(responder, NULL, 0, false);
}

/* The value of Accept-Language, or "". */
static const char *accepted_languages(const struct responder *responder)
{
    h2o_req_t *req = responder->req;
    ssize_t index = h2o_find_header_by_str(&req->headers, H2O_STRLIT("accept-language"), -1);
    h2o_iovec_t value;

    if (index < 0)
        return "";
    value = req->headers.entries[index].value;
    return h2o_strdup(&req->pool, value.base, value.len).base;
}

static struct response_reader reader_of(const struct responder *responder)
{
    return (struct response_reader){
        .traceparent = responder->trace->parent,
        .pages = responder->pages,
        .languages = responder->pages != NULL ? accepted_languages(responder) : "",
        .has_token = responder->has_token,
    };
}

void respond_problem(const struct responder *responder, const struct problem *problem)
{
    const struct response_reader reader = reader_of(responder);
    struct response response = {0};

    response_set_problem(&response, &reader, problem);
    send_response(responder, problem->status, &response);
}

void respond_status(const struct responder *responder, int status, const char *detail)
{
    const struct problem problem = {.status = status, .detail = detail};

    respond_problem(responder, &problem);
}

void respond_problem_type(const struct responder *responder, const struct problem_type *type)
{
    h2o_req_t *req = responder->req;
    const char *const parts[] = {type->title, "\n\n", type->text, "\n"};
    h2o_iovec_t texts[COUNT(parts)], whole;

    for (size_t i = 0; i < COUNT(parts); i++)
        texts[i] = h2o_iovec_init(parts[i], strlen(parts[i]));
    whole = h2o_concat_list(&req->pool, texts, COUNT(parts));
    send_content(responder, 200, TEXT_MEDIA_TYPE, whole.base, whole.len, false);
}

void respond_invitation(const struct responder *responder, const char *invitation)
{
    const struct response_reader reader = reader_of(responder);
    const struct catalogue *catalogue = templates_accept(responder->pages, reader.languages);
    struct problem problem = {.status = 200};
    struct response response = {0};
    char culture[LANGUAGE_CULTURE_MAX], *page;

    language_accepted_culture(reader.languages, catalogue_language(catalogue), culture);
    page = page_render_invitation(responder->pages, catalogue, culture, invitation, &problem.status);
    if (page == NULL) {
        respond_problem(responder, &problem);
        return;
    }
    response_set_page(&response, &reader, page, catalogue);
    send_response(responder, problem.status, &response);
}

void respond_see_other(const struct responder *responder, const char *location, size_t len)
{
    h2o_req_t *req = responder->req;
    struct response response = {.is_static = true};

    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL, location, len);
    response_add_page_headers(&response, responder->pages);
    add_headers(req, &response);
    set_status(req, 303, 0);
    send_text(responder, NULL, 0, false);
}
