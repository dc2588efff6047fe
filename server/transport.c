#include "transport.h"

#include <jansson.h>
#include <string.h>

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
    json_t *is_utf8;

    if (len >= sizeof(result->reason))
        len = sizeof(result->reason) - 1;
    /* Not within a character. */
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(result->reason, text, len);
    result->reason[len] = '\0';
    result->reason[strcspn(result->reason, "\r\n")] = '\0';
    for (char *c = result->reason; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    is_utf8 = json_string(result->reason);
    for (char *c = result->reason; is_utf8 == NULL && *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    json_decref(is_utf8);
}
