#include "delivery/transport.h"

#include "base/text.h"

static const char *const outcomes[OUTCOMES] = {
    [OUTCOME_SENT] = "Sent",
    [OUTCOME_FAILED] = "Failed",
    [OUTCOME_UNKNOWN] = "Unknown",
    [OUTCOME_REFUSED] = "Refused",
    [OUTCOME_RELEASED] = "Released",
};

static const char *const stages[STAGES] = {
    [STAGE_MESSAGE] = "message",
    [STAGE_CONNECT] = "connect",
    [STAGE_GREETING] = "greeting",
    [STAGE_HELLO] = "hello",
    [STAGE_TLS] = "tls",
    [STAGE_LOGIN] = "login",
    [STAGE_SENDER] = "sender",
    [STAGE_RECIPIENT] = "recipient",
    [STAGE_DATA] = "data",
    [STAGE_BODY] = "body",
    [STAGE_END] = "end",
    [STAGE_FILE] = "file",
};

const char *transport_outcome_name(enum outcome outcome)
{
    return outcomes[outcome];
}

const char *transport_stage_name(enum stage stage)
{
    return stages[stage];
}

void transport_set_reason(struct transport_result *result, const char *text, size_t len)
{
    text_print_line(result->reason, sizeof(result->reason), "%.*s", (int)len, text);
}
