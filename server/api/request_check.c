#include <stdlib.h>
#include <string.h>

#include "api/bearer.h"
#include "api/prefer.h"
#include "api/request.h"
#include "api/validate.h"
#include "http/headers.h"
#include "words/page.h"

size_t request_path_len(const h2o_req_t *req)
{
    return req->query_at == SIZE_MAX ? req->path.len : req->query_at;
}

static bool find_route(struct request *request)
{
    h2o_req_t *req = request->req;
    char allow[ROUTE_ALLOW_MAX];

    if (request->responder.pages == NULL && page_is_at(req->path.base, request_path_len(req))) {
        respond_status(&request->responder, 404, NULL);
        return false;
    }
    switch (route_find(
        req->method.base, req->method.len, req->path.base, request_path_len(req), &request->match)) {
    case ROUTE_FOUND:
        return true;
    case ROUTE_METHOD_NOT_ALLOWED:
        route_allow(request->match.route, allow);
        h2o_iovec_t value = h2o_strdup(&req->pool, allow, SIZE_MAX);
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_ALLOW, NULL, value.base, value.len);
        respond_status(&request->responder, 405, NULL);
        return false;
    case ROUTE_METHOD_UNKNOWN:
        respond_status(&request->responder, 501, NULL);
        return false;
    case ROUTE_NOT_FOUND:
        break;
    }
    respond_status(&request->responder, 404, NULL);
    return false;
}

static bool check_token(struct request *request)
{
    h2o_iovec_t value;

    if ((request->match.route->flags & ROUTE_IS_PUBLIC) != 0)
        return true;
    value = request->authorization = header_find(request->req, "authorization");
    request->responder.has_token = bearer_is_sent(value.base, value.len);
    switch (value.base != NULL ? bearer_parse(value.base, value.len, &request->token) : BEARER_MALFORMED) {
    case BEARER_OK:
        return true;
    case BEARER_MALFORMED:
        respond_status(&request->responder, 401, NULL);
        return false;
    case BEARER_OUT_OF_MEMORY:
        break;
    }
    respond_status(&request->responder, 503, NULL);
    return false;
}

/* The last check, so that other mistakes get the same response whether or not the token is in the cache. */
static bool check_refusals(struct request *request)
{
    struct handler_context *context = request->context;

    if ((request->match.route->flags & ROUTE_IS_PUBLIC) != 0 ||
        !refused_tokens_has(context->refused_tokens, &request->token, request->started_us))
        return true;
    metrics_add(context->metrics, METRICS_REFUSED_TOKENS, 1);
    respond_status(&request->responder, 401, NULL);
    return false;
}

/* draft-ietf-httpapi-idempotency-key-header: only for methods that are not idempotent. */
static bool check_idempotency_key(struct request *request)
{
    static const char name[] = "idempotency-key";
    h2o_req_t *req = request->req;
    ssize_t index = h2o_find_header_by_str(&req->headers, H2O_STRLIT(name), -1);
    struct problem problem = {
        .status = 400, .errors = "{\"Idempotency-Key\":[\"is not 1 to 255 characters of visible ASCII\"]}"};

    if (index < 0 || strcmp(request->match.route->method, "POST") != 0 ||
        (request->match.route->flags & ROUTE_IS_PAGE) != 0)
        return true;
    if (h2o_find_header_by_str(&req->headers, H2O_STRLIT(name), index) >= 0)
        problem.errors = "{\"Idempotency-Key\":[\"is given more than once\"]}";
    else if (idempotency_key_parse(req->headers.entries[index].value.base,
                 req->headers.entries[index].value.len, &request->key))
        return true;
    respond_problem(&request->responder, &problem);
    return false;
}

/* Preferences that are malformed or not supported are ignored (RFC 7240, section 2). */
static void read_preferences(struct request *request)
{
    static const char name[] = "prefer";
    h2o_req_t *req = request->req;
    enum prefer_verdict verdict = PREFER_NOT_GIVEN;
    ssize_t index = -1;

    if (!statements[request->match.route->statement].is_change ||
        (request->match.route->flags & ROUTE_IS_PAGE) != 0)
        return;
    while (verdict == PREFER_NOT_GIVEN &&
           (index = h2o_find_header_by_str(&req->headers, H2O_STRLIT(name), index)) >= 0)
        verdict = prefer_find(
            req->headers.entries[index].value.base, req->headers.entries[index].value.len, "tx", "rollback");
    request->is_dry_run = verdict == PREFER_YES;
}

static bool check_body(struct request *request)
{
    const struct config *config = request->context->config;
    h2o_req_t *req = request->req;
    h2o_iovec_t encoding = header_find(req, "content-encoding");
    struct problem problem = {.status = 400};
    char *errors;

    if (req->entity.len > (size_t)config->max_body_size) {
        respond_status(&request->responder, 413, NULL);
        return false;
    }
    if (request->match.route->body == NULL)
        return true;
    if (!header_is_json(header_find(req, "content-type")) ||
        (encoding.base != NULL && !h2o_lcstris(encoding.base, encoding.len, H2O_STRLIT("identity")))) {
        respond_status(&request->responder, 415, NULL);
        return false;
    }
    switch (validate_body(request->match.route->body, req->entity.base, req->entity.len,
        (size_t)config->max_json_depth, &errors)) {
    case VALIDATE_OK:
        return true;
    case VALIDATE_INVALID:
        problem.errors = errors;
        respond_problem(&request->responder, &problem);
        free(errors);
        return false;
    case VALIDATE_OUT_OF_MEMORY:
        break;
    }
    respond_status(&request->responder, 503, NULL);
    return false;
}

bool request_check(struct request *request)
{
    if (!find_route(request) || !check_token(request) || !check_idempotency_key(request) ||
        !check_body(request) || !check_refusals(request))
        return false;
    read_preferences(request);
    return true;
}
