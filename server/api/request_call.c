#include <jansson.h>
#include <string.h>

#include "api/bearer.h"
#include "api/openapi.h"
#include "api/refused_tokens.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "base/text.h"
#include "database/call_json.h"

static void send_success(struct request *request, const struct database_reply *reply)
{
    h2o_req_t *req = request->req;

    if ((request->match.route->flags & ROUTE_CREATES) != 0 && reply->id != NULL) {
        h2o_iovec_t parts[] = {h2o_iovec_init(req->path.base, request_path_len(req)),
            h2o_iovec_init(H2O_STRLIT("/")), h2o_iovec_init(reply->id, strlen(reply->id))};
        h2o_iovec_t location = h2o_concat_list(&req->pool, parts, COUNT(parts));

        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL, location.base, location.len);
    }
    if (reply->body != NULL) {
        respond_json(&request->responder, reply->status, reply->body, strlen(reply->body));
        return;
    }
    respond_no_content(&request->responder, reply->status);
}

/* After a form the browser is redirected to the page, which shows the outcome and can be reloaded. */
static bool send_page(struct request *request, const struct database_reply *reply)
{
    static const int page_statuses[] = {200, 400, 404, 409};
    h2o_req_t *req = request->req;

    if (!statements[request->match.route->statement].is_change) {
        if (reply->status != 200 || reply->body == NULL)
            return false;
        respond_invitation(&request->responder, reply->body);
        return true;
    }
    for (size_t i = 0; i < COUNT(page_statuses); i++) {
        if (reply->status == page_statuses[i]) {
            respond_see_other(&request->responder, req->path.base, request_path_len(req));
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
    struct problem problem = {.status = reply->status,
        .detail = reply->detail,
        .errors = reply->errors,
        .type = reply->type,
        .retry_after = reply->retry_after};

    if (reply->status == 401 && call->token != NULL)
        refused_tokens_add(request->context->refused_tokens, call->token, clock_now_us());
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
    respond_problem(&request->responder, &problem);
}

/* Without the question mark. */
static h2o_iovec_t query_of(const h2o_req_t *req)
{
    size_t at = request_path_len(req) < req->path.len ? request_path_len(req) + 1 : req->path.len;

    return h2o_iovec_init(req->path.base + at, req->path.len - at);
}

/* Whether a parameter of the path is the code, which the database expects in the body. */
static bool is_code(const struct route_match *match, size_t index)
{
    return text_equals(match->parameters[index].name, match->parameters[index].name_len, ROUTE_CODE);
}

static void add_parameters(const struct request *request, struct call_json *call)
{
    const struct route_match *match = &request->match;

    for (size_t i = 0; i < match->count; i++) {
        h2o_iovec_t name = h2o_iovec_init(match->parameters[i].name, match->parameters[i].name_len);
        h2o_iovec_t value = h2o_iovec_init(match->parameters[i].value, match->parameters[i].value_len);

        if (is_code(match, i)) {
            h2o_iovec_t parts[] = {h2o_iovec_init(H2O_STRLIT("{\"" ROUTE_CODE "\":\"")), value,
                h2o_iovec_init(H2O_STRLIT("\"}"))};

            call->body = h2o_concat_list(&request->req->pool, parts, COUNT(parts));
        } else {
            call->ids[call->id_count].name = name;
            call->ids[call->id_count++].value = value;
        }
    }
}

static enum call_json_verdict render_call(struct request *request)
{
    const struct route *route = request->match.route;
    const struct idempotency_key *key = &request->key;
    const bool is_public = (route->flags & ROUTE_IS_PUBLIC) != 0;
    char code_seed[TOKEN_HASH_LEN + 1];
    struct call_json call = {
        .operation = route->operation,
        .kind = route->kind,
        .traceparent = request->trace.parent,
        .token = is_public ? NULL : &request->token,
        /* Pages ignore query parameters, which mail programs may append to links. */
        .query =
            (route->flags & ROUTE_IS_PAGE) != 0 ? h2o_iovec_init(H2O_STRLIT("")) : query_of(request->req),
        .idempotency_key = h2o_iovec_init(key->text, key->len),
        .body = route->body != NULL ? request->req->entity : h2o_iovec_init(NULL, 0),
        .is_dry_run = request->is_dry_run,
    };

    add_parameters(request, &call);
    if (key->len > 0 && !is_public) {
        if (!bearer_mac(
                request->authorization.base, request->authorization.len, key->text, key->len, code_seed))
            return CALL_JSON_OUT_OF_MEMORY;
        call.code_seed = code_seed;
    }
    return call_json_render(&request->req->pool, &call, &request->call.request);
}

static void submit(struct request *request)
{
    const struct route *route = request->match.route;

    request->call.statement = route->statement;
    request->call.on_reply = on_reply;
    request->call.token = (route->flags & ROUTE_IS_PUBLIC) == 0 ? &request->token : NULL;
    request->call.alone = request->is_dry_run;
    switch (render_call(request)) {
    case CALL_JSON_OK:
        if (database_submit(request->context->database, &request->call))
            return;
        break;
    case CALL_JSON_NOT_UTF8:
        respond_status(&request->responder, 400, "The query is not UTF-8.");
        return;
    case CALL_JSON_OUT_OF_MEMORY:
        break;
    }
    respond_status(&request->responder, 503, NULL);
}

void request_call(struct request *request)
{
    const struct route_match *match = &request->match;

    if ((match->route->flags & ROUTE_IS_DOCUMENT) != 0)
        respond_document(&request->responder, openapi_json, openapi_json_len);
    else if ((match->route->flags & ROUTE_IS_PROBLEM) != 0)
        respond_problem_type(&request->responder,
            problem_type_find(match->parameters[0].value, match->parameters[0].value_len));
    else
        submit(request);
}
