#include "handler.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer.h"
#include "bearer.h"
#include "connection.h"
#include "element.h"
#include "header.h"
#include "idempotency.h"
#include "log.h"
#include "openapi.h"
#include "page.h"
#include "prefer.h"
#include "problem.h"
#include "route.h"
#include "trace.h"
#include "validate.h"
#include "wire.h"

/* Of the requests behind which the client has sent more already, how many are answered in one turn of the
 * loop: what they take all others wait for. */
#define MAX_FOLLOWED 4

/* One request. It lives in libh2o's pool of the request, which goes when the response has left or the
 * connection has ended; on HTTP/1 neither happens while the database works on it. */
struct request {
    struct database_call call;
    h2o_req_t *req;
    struct handler_context *context;
    struct route_match match;
    struct trace trace;
    struct answer answer;
    /* The value of the header, and what it says. */
    h2o_iovec_t authorization;
    struct bearer bearer;
    struct idempotency_key key;
    bool is_dry_run;
    /* Whose requests in flight it is one of, or NULL. */
    struct address *address;
    uint64_t started_us;
    /* Of those that wait, the one behind it. */
    struct request *next;
};

static void send_status(struct request *request, int status, const char *detail)
{
    struct problem problem = {.status = status, .detail = detail};

    answer_problem(&request->answer, &problem);
}

static size_t path_len(const h2o_req_t *req)
{
    return req->query_at == SIZE_MAX ? req->path.len : req->query_at;
}

static void send_success(struct request *request, const struct database_reply *reply)
{
    h2o_req_t *req = request->req;

    if ((request->match.route->flags & ROUTE_CREATES) != 0 && reply->id != NULL) {
        h2o_iovec_t parts[] = {h2o_iovec_init(req->path.base, path_len(req)), h2o_iovec_init(H2O_STRLIT("/")),
            h2o_iovec_init(reply->id, strlen(reply->id))};
        h2o_iovec_t location = h2o_concat_list(&req->pool, parts, sizeof(parts) / sizeof(parts[0]));

        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL, location.base, location.len);
    }
    if (reply->body != NULL) {
        answer_json(&request->answer, reply->status, reply->body, strlen(reply->body));
        return;
    }
    answer_no_content(&request->answer, reply->status);
}

/* What became of a page's form is told by the page itself, which a browser may then load again at will. */
static bool send_page(struct request *request, const struct database_reply *reply)
{
    static const int told_by_page[] = {200, 400, 404, 409};
    h2o_req_t *req = request->req;

    if (!statements[request->match.route->statement].is_change) {
        if (reply->status != 200 || reply->body == NULL)
            return false;
        answer_invitation(&request->answer, reply->body);
        return true;
    }
    for (size_t i = 0; i < sizeof(told_by_page) / sizeof(told_by_page[0]); i++) {
        if (reply->status == told_by_page[i]) {
            answer_see_other(&request->answer, req->path.base, path_len(req));
            return true;
        }
    }
    return false;
}

static void add_header(struct request *request, const char *name, const char *value)
{
    h2o_req_t *req = request->req;

    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value, strlen(value));
}

static void on_reply(struct database_call *call, const struct database_reply *reply)
{
    struct request *request = H2O_STRUCT_FROM_MEMBER(struct request, call, call);
    struct problem problem = {
        .status = reply->status, .detail = reply->detail, .errors = reply->errors, .type = reply->type};

    if (reply->status == 401 && call->bearer != NULL)
        refusals_add(request->context->refusals, call->bearer, metrics_now());
    if ((request->match.route->flags & ROUTE_IS_PAGE) != 0 && send_page(request, reply))
        return;
    if (reply->is_replay)
        add_header(request, "idempotency-replayed", "true");
    if (reply->is_rolled_back)
        add_header(request, "preference-applied", "tx=rollback");
    if (reply->status < 300) {
        send_success(request, reply);
        return;
    }
    if (reply->status == 500)
        log_event("internal_error",
            json_pack("{s:s%, s:s, s:s?}", "trace_id", trace_id(&request->trace), (size_t)TRACE_ID_LEN,
                "traceparent", request->trace.parent, "sqlstate", reply->sqlstate));
    answer_problem(&request->answer, &problem);
}

static void start_trace(struct request *request)
{
    static const char name[] = "traceparent";
    const h2o_headers_t *headers = &request->req->headers;
    ssize_t first = h2o_find_header_by_str(headers, name, sizeof(name) - 1, -1);

    /* Of two that are sent neither is to be trusted. */
    if (first < 0 || h2o_find_header_by_str(headers, name, sizeof(name) - 1, first) >= 0 ||
        !trace_parse(headers->entries[first].value.base, headers->entries[first].value.len, &request->trace))
        trace_make(&request->trace);
}

static bool find_route(struct request *request)
{
    h2o_req_t *req = request->req;
    char allow[ROUTE_ALLOW_MAX];

    if (request->answer.pages == NULL && page_is_at(req->path.base, path_len(req))) {
        send_status(request, 404, NULL);
        return false;
    }
    switch (route_find(req->method.base, req->method.len, req->path.base, path_len(req), &request->match)) {
    case ROUTE_FOUND:
        return true;
    case ROUTE_METHOD_NOT_ALLOWED:
        route_allow(request->match.route, allow);
        h2o_iovec_t value = h2o_strdup(&req->pool, allow, SIZE_MAX);
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_ALLOW, NULL, value.base, value.len);
        send_status(request, 405, NULL);
        return false;
    case ROUTE_METHOD_UNKNOWN:
        send_status(request, 501, NULL);
        return false;
    case ROUTE_NOT_FOUND:
        break;
    }
    send_status(request, 404, NULL);
    return false;
}

static bool check_token(struct request *request)
{
    h2o_iovec_t value;

    if ((request->match.route->flags & ROUTE_IS_PUBLIC) != 0)
        return true;
    value = request->authorization = header_find(request->req, "authorization");
    request->answer.has_token = bearer_is_sent(value.base, value.len);
    switch (value.base != NULL ? bearer_parse(value.base, value.len, &request->bearer) : BEARER_MALFORMED) {
    case BEARER_OK:
        return true;
    case BEARER_MALFORMED:
        send_status(request, 401, NULL);
        return false;
    case BEARER_OUT_OF_MEMORY:
        break;
    }
    send_status(request, 503, NULL);
    return false;
}

/* The last check, so that other mistakes get the same response whether or not the database has lately refused
 * the token. */
static bool check_refusals(struct request *request)
{
    struct handler_context *context = request->context;

    if ((request->match.route->flags & ROUTE_IS_PUBLIC) != 0 ||
        !refusals_has(context->refusals, &request->bearer, request->started_us))
        return true;
    metrics_add(context->metrics, METRICS_REFUSED_TOKENS, 1);
    send_status(request, 401, NULL);
    return false;
}

/* draft-ietf-httpapi-idempotency-key-header: for methods that are not idempotent by themselves. */
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
    answer_problem(&request->answer, &problem);
    return false;
}

/* A preference is no demand: what cannot be understood or met is passed over. */
static void read_preferences(struct request *request)
{
    static const char name[] = "prefer";
    h2o_req_t *req = request->req;
    enum prefer_verdict verdict = PREFER_UNSAID;
    ssize_t index = -1;

    if (!statements[request->match.route->statement].is_change ||
        (request->match.route->flags & ROUTE_IS_PAGE) != 0)
        return;
    while (verdict == PREFER_UNSAID &&
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
        send_status(request, 413, NULL);
        return false;
    }
    if (request->match.route->body == NULL)
        return true;
    if (!header_is_json(header_find(req, "content-type")) ||
        (encoding.base != NULL && !h2o_lcstris(encoding.base, encoding.len, H2O_STRLIT("identity")))) {
        send_status(request, 415, NULL);
        return false;
    }
    switch (validate_body(request->match.route->body, req->entity.base, req->entity.len,
        (size_t)config->max_json_depth, &errors)) {
    case VALIDATE_OK:
        return true;
    case VALIDATE_INVALID:
        problem.errors = errors;
        answer_problem(&request->answer, &problem);
        free(errors);
        return false;
    case VALIDATE_OUT_OF_MEMORY:
        break;
    }
    send_status(request, 503, NULL);
    return false;
}

/* Without the question mark. */
static h2o_iovec_t query_of(const h2o_req_t *req)
{
    size_t at = path_len(req) < req->path.len ? path_len(req) + 1 : req->path.len;

    return h2o_iovec_init(req->path.base + at, req->path.len - at);
}

static void submit(struct request *request)
{
    h2o_req_t *req = request->req;
    const struct element element = {
        .match = &request->match,
        .trace = &request->trace,
        .bearer = &request->bearer,
        .authorization = request->authorization,
        .key = &request->key,
        /* What others append to links is none of a page's business. */
        .query = (request->match.route->flags & ROUTE_IS_PAGE) != 0 ? h2o_iovec_init(H2O_STRLIT(""))
                                                                    : query_of(req),
        .body = req->entity,
        .is_dry_run = request->is_dry_run,
    };

    if ((request->match.route->flags & ROUTE_IS_DOCUMENT) != 0) {
        answer_document(&request->answer, openapi_json, openapi_json_len);
        return;
    }
    if ((request->match.route->flags & ROUTE_IS_PROBLEM) != 0) {
        answer_problem_type(&request->answer,
            problem_type_find(request->match.parameters[0].value, request->match.parameters[0].value_len));
        return;
    }
    request->call.statement = request->match.route->statement;
    request->call.on_reply = on_reply;
    request->call.bearer = (request->match.route->flags & ROUTE_IS_PUBLIC) == 0 ? &request->bearer : NULL;
    request->call.alone = request->is_dry_run;
    switch (element_render(&req->pool, &element, &request->call.request)) {
    case ELEMENT_OK:
        if (database_submit(request->context->database, &request->call))
            return;
        break;
    case ELEMENT_NOT_UTF8:
        send_status(request, 400, "The query is not UTF-8.");
        return;
    case ELEMENT_OUT_OF_MEMORY:
        break;
    }
    send_status(request, 503, NULL);
}

static void count_in_flight(struct handler_context *context, size_t in_flight)
{
    context->in_flight = in_flight;
    metrics_set(context->metrics, METRICS_REQUESTS_IN_FLIGHT, in_flight);
}

/* The response has left, or the connection has ended. */
static void on_dispose(void *data)
{
    struct request *request = data;
    const h2o_req_t *req = request->req;
    uint64_t duration_us = metrics_now() - request->started_us;

    metrics_observe_request(request->context->metrics, request->match.route, req->method.base,
        req->method.len, req->res.status, duration_us);
    log_request(&(struct log_request){
        .traceparent = request->trace.parent,
        .method = metrics_method(req->method.base, req->method.len),
        .route = request->match.route != NULL ? request->match.route->path : "",
        .token_id = request->bearer.id,
        .status = req->res.status,
        .duration_us = (long)duration_us,
        .bytes = req->bytes_sent,
    });
    count_in_flight(request->context, request->context->in_flight - 1);
    if (request->address != NULL)
        address_end_request(request->address);
}

/* A target in absolute-form is its path and query: there is one host. */
static void take_path(h2o_req_t *req)
{
    size_t start = wire_path_start(req->path.base, path_len(req));

    req->path.base += start;
    req->path.len -= start;
    if (req->query_at != SIZE_MAX)
        req->query_at -= start;
}

static struct request *start_request(struct handler_context *context, h2o_req_t *req)
{
    struct request *request = h2o_mem_alloc_shared(&req->pool, sizeof(*request), on_dispose);

    memset(request, 0, sizeof(*request));
    request->req = req;
    request->context = context;
    count_in_flight(context, context->in_flight + 1);
    request->started_us = metrics_now();
    header_trim(req);
    start_trace(request);
    take_path(req);
    request->answer = (struct answer){.req = req, .trace = &request->trace};
    if (context->config->invitation_page != 0 && page_is_at(req->path.base, path_len(req)))
        request->answer.pages = context->templates;
    return request;
}

/* False when the request has been answered, since its client has enough of them in flight. */
static bool count_address(struct request *request)
{
    const long max = request->context->config->max_requests_per_address;
    struct address *address = connection_address(request->req);

    if (max == 0 || address == NULL)
        return true;
    if (!address_begin_request(address, (size_t)max)) {
        send_status(request, 503, "The client's address has as many requests in flight as it may have.");
        return false;
    }
    request->address = address;
    return true;
}

static void process(struct request *request)
{
    header_mind_close(request->req);
    if (count_address(request) && find_route(request) && check_token(request) &&
        check_idempotency_key(request) && check_body(request) && check_refusals(request)) {
        read_preferences(request);
        submit(request);
    }
}

/* Whether the client has sent more already than this request. */
static bool is_followed(const h2o_req_t *req)
{
    const h2o_buffer_t *input = req->conn->callbacks->get_socket(req->conn)->input;
    const char *end = req->entity.base, *blank;

    if (end != NULL)
        return end + req->entity.len < input->bytes + input->size;
    blank = memmem(input->bytes, input->size, "\r\n\r\n", 4);
    return blank == NULL || blank + 4 < input->bytes + input->size;
}

void handler_run(struct handler_context *context)
{
    for (size_t i = 0; i < MAX_FOLLOWED && handler_is_waiting(context); i++) {
        struct request *request = context->first_waiting;

        if ((context->first_waiting = request->next) == NULL)
            context->last_waiting = &context->first_waiting;
        process(request);
    }
}

bool handler_is_waiting(const struct handler_context *context)
{
    return context->first_waiting != NULL;
}

/* libh2o goes from an answer that has left at once to the client's next request: all that one client has sent
 * would come before the others, the database and the clock. So what is not the last of it waits for its turn,
 * in which libh2o neither reads nor closes the connection. */
static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    struct handler_context *context = h2o_context_get_handler_context(req->conn->ctx, self);
    struct request *request = start_request(context, req);

    if (is_followed(req)) {
        *context->last_waiting = request;
        context->last_waiting = &request->next;
    } else {
        process(request);
    }
    return 0;
}

void handler_register(h2o_hostconf_t *host)
{
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = on_req;
}

void handler_attach(h2o_context_t *context, h2o_hostconf_t *host, struct handler_context *handler_context)
{
    h2o_context_set_handler_context(context, host->fallback_path.handlers.entries[0], handler_context);
    handler_context->last_waiting = &handler_context->first_waiting;
}
