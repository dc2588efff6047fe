#include "answer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "language.h"
#include "page.h"

#define JSON_MEDIA_TYPE "application/json"
#define PAGE_MEDIA_TYPE "text/html; charset=utf-8"

/* What a response says. text is freed by whoever made the content, unless is_static: it is there for as long
 * as the process. */
struct content {
    const char *media_type;
    const char *text;
    size_t len;
    bool is_static;
};

static void free_content(const struct content *content)
{
    if (!content->is_static)
        free((char *)(uintptr_t)content->text);
}

static void add_header(h2o_req_t *req, const char *name, const char *value, size_t len)
{
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

/* A text that is static is not copied. */
static void send_text(h2o_req_t *req, const char *text, size_t len, bool is_static)
{
    /* libh2o looks at this when a head has come; the server may have been told to stop since, and the client
     * may have sent its next request. */
    if (req->conn->ctx->shutdown_requested)
        req->http1_is_persistent = 0;
    if (is_static)
        start_sending(req, text, len);
    else
        h2o_send_inline(req, text, len);
    connection_watch_response(req);
}

static void send_content(h2o_req_t *req, int status, const struct content *content)
{
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content->media_type,
        strlen(content->media_type));
    set_status(req, status, content->len);
    send_text(req, content->text, content->len, content->is_static);
}

void answer_json(const struct answer *answer, int status, const char *text, size_t len)
{
    send_content(answer->req, status, &(struct content){JSON_MEDIA_TYPE, text, len, false});
}

void answer_document(const struct answer *answer, const char *text, size_t len)
{
    send_content(answer->req, 200, &(struct content){JSON_MEDIA_TYPE, text, len, true});
}

/* RFC 9110, section 8.6: a 204 has no Content-Length. */
void answer_no_content(const struct answer *answer, int status)
{
    h2o_req_t *req = answer->req;

    req->res.status = status;
    req->res.reason = problem_title(status);
    req->res.content_length = SIZE_MAX;
    send_text(req, NULL, 0, false);
}

/* The languages that the browser asks for; "" where it does not. */
static const char *accepted_languages(const struct answer *answer)
{
    h2o_req_t *req = answer->req;
    ssize_t index = h2o_find_header_by_str(&req->headers, H2O_STRLIT("accept-language"), -1);
    h2o_iovec_t value;

    if (index < 0)
        return "";
    value = req->headers.entries[index].value;
    return h2o_strdup(&req->pool, value.base, value.len).base;
}

/* A page runs nothing, loads nothing, stands in no frame, and tells nobody its address, which is a secret. */
static void add_page_headers(const struct answer *answer)
{
    static const char *const headers[][2] = {
        {"referrer-policy", "no-referrer"},
        {"x-content-type-options", "nosniff"},
        {"x-frame-options", "DENY"},
        {"x-robots-tag", "noindex"},
        {"vary", "Accept-Language"},
    };
    h2o_req_t *req = answer->req;
    const char *hash = templates_style_hash(answer->pages);
    h2o_iovec_t policy[] = {
        h2o_iovec_init(H2O_STRLIT("default-src 'none'; style-src '")),
        h2o_iovec_init(hash, strlen(hash)),
        h2o_iovec_init(H2O_STRLIT("'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")),
    };
    h2o_iovec_t whole = h2o_concat_list(&req->pool, policy, sizeof(policy) / sizeof(policy[0]));

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        add_header(req, headers[i][0], headers[i][1], strlen(headers[i][1]));
    add_header(req, "content-security-policy", whole.base, whole.len);
}

static void set_page(struct content *content, char *page)
{
    content->media_type = PAGE_MEDIA_TYPE;
    content->is_static = page == NULL;
    content->text = page != NULL ? page : page_of_last_resort;
    content->len = strlen(content->text);
}

static void add_content_language(const struct answer *answer, const char *language)
{
    add_header(answer->req, "content-language", language, strlen(language));
}

static void render_page_of_problem(const struct answer *answer, int status, struct content *content)
{
    const struct catalogue *catalogue = templates_accept(answer->pages, accepted_languages(answer));
    char reference[TRACE_ID_LEN + 1];

    memcpy(reference, trace_id(answer->trace), TRACE_ID_LEN);
    reference[TRACE_ID_LEN] = '\0';
    set_page(content, page_render_problem(answer->pages, catalogue, status, reference));
    add_page_headers(answer);
    add_content_language(answer, content->is_static ? "en" : catalogue_language(catalogue));
}

/* With the headers that say more than the status. */
static void render_problem(
    const struct answer *answer, const struct problem *problem, struct content *content)
{
    h2o_req_t *req = answer->req;
    long retry_after = problem_retry_after(problem);
    char *text;

    if (problem->status == 401)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_WWW_AUTHENTICATE, NULL, H2O_STRLIT("Bearer"));
    if (retry_after > 0) {
        char *value = h2o_mem_alloc_pool(&req->pool, sizeof(H2O_INT64_LONGEST_STR));
        int value_len = snprintf(value, sizeof(H2O_INT64_LONGEST_STR), "%ld", retry_after);

        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_RETRY_AFTER, NULL, value, (size_t)value_len);
    }
    if (answer->pages != NULL) {
        render_page_of_problem(answer, problem->status, content);
        return;
    }
    /* Out of memory: the status alone still tells the truth. */
    *content = (struct content){PROBLEM_MEDIA_TYPE, "{}", 2, true};
    if ((text = problem_render(problem, answer->trace->parent, &content->len)) != NULL) {
        content->text = text;
        content->is_static = false;
    }
}

void answer_problem(const struct answer *answer, const struct problem *problem)
{
    struct content content;

    render_problem(answer, problem, &content);
    send_content(answer->req, problem->status, &content);
    free_content(&content);
}

void answer_invitation(const struct answer *answer, const char *invitation)
{
    const char *languages = accepted_languages(answer);
    const struct catalogue *catalogue = templates_accept(answer->pages, languages);
    struct problem problem = {.status = 200};
    struct content content;
    char culture[LANGUAGE_CULTURE_MAX], *page;

    language_accepted_culture(languages, catalogue_language(catalogue), culture);
    page = page_render_invitation(answer->pages, catalogue, culture, invitation, &problem.status);
    if (page == NULL) {
        answer_problem(answer, &problem);
        return;
    }
    set_page(&content, page);
    add_page_headers(answer);
    add_content_language(answer, catalogue_language(catalogue));
    send_content(answer->req, problem.status, &content);
    free_content(&content);
}

void answer_see_other(const struct answer *answer, const char *location, size_t len)
{
    h2o_req_t *req = answer->req;

    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL, location, len);
    add_page_headers(answer);
    set_status(req, 303, 0);
    send_text(req, NULL, 0, false);
}

/* Sends a text of ours in place of what comes in. */
struct replacement {
    h2o_ostream_t super;
    h2o_iovec_t text;
    bool sent;
};

static void on_replacement_send(
    h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t bufcnt, h2o_send_state_t state)
{
    struct replacement *replacement = H2O_STRUCT_FROM_MEMBER(struct replacement, super, self);
    /* Nothing comes in where the request is HEAD. */
    size_t count = replacement->sent || bufcnt == 0 ? 0 : 1;

    (void)bufs;
    replacement->sent = true;
    h2o_ostream_send_next(self, req, &replacement->text, count, state);
    connection_watch_response(req);
}

h2o_ostream_t **answer_replace(const struct answer *answer, size_t type, h2o_ostream_t **slot)
{
    h2o_req_t *req = answer->req;
    struct problem problem = {.status = req->res.status};
    struct replacement *replacement = (struct replacement *)h2o_add_ostream(req, sizeof(*replacement), slot);
    struct content content;

    render_problem(answer, &problem, &content);
    replacement->super.do_send = on_replacement_send;
    replacement->sent = false;
    replacement->text = h2o_strdup(&req->pool, content.text, content.len);
    req->res.headers.entries[type].value = h2o_iovec_init(content.media_type, strlen(content.media_type));
    free_content(&content);
    set_status(req, problem.status, replacement->text.len);
    return &replacement->super.next;
}
