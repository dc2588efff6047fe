#include "api/handler.h"

#include <string.h>

#include "api/request.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/connection.h"
#include "http/headers.h"
#include "http/request_head.h"
#include "words/page.h"

/* The most pipelined requests that are processed in one iteration of the loop; all other clients wait for
 * them. */
#define MAX_FOLLOWED 4

static void start_trace(struct request *request)
{
    static const char name[] = "traceparent";
    const h2o_headers_t *headers = &request->req->headers;
    ssize_t first = h2o_find_header_by_str(headers, name, sizeof(name) - 1, -1);

    /* If there are two, neither can be trusted. */
    if (first < 0 || h2o_find_header_by_str(headers, name, sizeof(name) - 1, first) >= 0 ||
        !trace_parse(headers->entries[first].value.base, headers->entries[first].value.len, &request->trace))
        trace_make(&request->trace);
}

static void count_in_flight(struct handler_context *context, size_t in_flight)
{
    context->in_flight = in_flight;
    metrics_set(context->metrics, METRICS_REQUESTS_IN_FLIGHT, in_flight);
}

/* Called when the response has been sent or the connection has ended. */
static void on_dispose(void *data)
{
    struct request *request = data;
    const h2o_req_t *req = request->req;
    uint64_t duration_us = clock_now_us() - request->started_us;

    metrics_observe_request(request->context->metrics,
        request->match.route != NULL ? route_index(request->match.route) : METRICS_NO_PATH, req->method.base,
        req->method.len, req->res.status, duration_us);
    log_request(&(struct log_request){
        .traceparent = request->trace.parent,
        .method = metrics_method(req->method.base, req->method.len),
        .route = request->match.route != NULL ? request->match.route->path : "",
        .token_id = request->token.id,
        .status = req->res.status,
        .duration_us = (long)duration_us,
        .bytes = req->bytes_sent,
    });
    count_in_flight(request->context, request->context->in_flight - 1);
    if (request->address != NULL)
        address_end_request(request->address);
}

/* Reduces a target in absolute-form to its path and query. The authority is ignored: there is one host. */
static void take_path(h2o_req_t *req)
{
    size_t start = request_head_path_start(req->path.base, request_path_len(req));

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
    request->started_us = clock_now_us();
    header_trim(req);
    start_trace(request);
    take_path(req);
    request->responder = (struct responder){.req = req, .trace = &request->trace};
    if (context->config->invitation_page != 0 && page_is_at(req->path.base, request_path_len(req)))
        request->responder.pages = context->templates;
    return request;
}

/* False if the request was refused because its client has too many in flight. */
static bool count_address(struct request *request)
{
    const long max = request->context->config->max_requests_per_address;
    struct address *address = connection_address(request->req);

    if (max == 0 || address == NULL)
        return true;
    if (!address_begin_request(address, (size_t)max)) {
        respond_status(
            &request->responder, 503, "The client's address has as many requests in flight as are allowed.");
        return false;
    }
    request->address = address;
    return true;
}

static void process(struct request *request)
{
    header_honor_close(request->req);
    if (count_address(request) && request_check(request))
        request_call(request);
}

/* Whether the client has already sent more than this request. */
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

/* When a response is sent at once, libh2o goes straight on to the client's next pipelined request, so one
 * client could keep the loop from everything else. Therefore a request that is followed by another waits for
 * handler_run; meanwhile libh2o neither reads nor closes the connection. */
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
