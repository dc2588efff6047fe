#include "delivery/smtp.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/memory.h"
#include "base/text.h"

/* A connection that has been idle for longer is not reused: the server may be about to close it. */
#define IDLE_MAX_S 30L
#define URL_MAX 1024

/* The extensions that the server announced in its reply to EHLO. */
struct extensions {
    bool has_utf8, has_auth;
};

struct smtp {
    const struct config *config;
    const _Atomic bool *stop;
    CURL *curl;
    char url[URL_MAX];
    char error[CURL_ERROR_SIZE];
    /* Of the open connection. */
    struct extensions extensions;

    /* Of the mail in flight. */
    const struct envelope *envelope;
    struct transport_result *result;
    size_t sent;
    bool has_greeted, lacks_extension, was_refused, is_accepted, has_quit;
    struct extensions offered;
};

/* The commands of libcurl and the stages that they begin. */
static const struct {
    const char *command;
    enum stage stage;
} commands[] = {
    {"EHLO", STAGE_HELLO},
    {"HELO", STAGE_HELLO},
    {"STARTTLS", STAGE_TLS},
    {"AUTH", STAGE_LOGIN},
    {"MAIL", STAGE_SENDER},
    {"RCPT", STAGE_RECIPIENT},
    {"DATA", STAGE_DATA},
};

/* Compares exactly, because libcurl also sends lines that are not commands: names and passwords in base64. */
static bool is_command(const char *line, size_t len, const char *command)
{
    size_t command_len = strlen(command);

    return len > command_len && memcmp(line, command, command_len) == 0 &&
           (line[command_len] == ' ' || line[command_len] == '\r');
}

static void on_command(struct smtp *smtp, const char *line, size_t len)
{
    /* libcurl sends QUIT after a refusal; the reply to it says nothing about the mail. */
    smtp->has_quit |= is_command(line, len, "QUIT");
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (!is_command(line, len, commands[i].command))
            continue;
        smtp->result->stage = commands[i].stage;
        if (commands[i].stage == STAGE_HELLO) {
            smtp->has_greeted = true;
            smtp->offered = (struct extensions){false, false};
        }
        return;
    }
}

static int on_debug(CURL *curl, curl_infotype type, char *data, size_t len, void *context)
{
    (void)curl;
    if (type == CURLINFO_HEADER_OUT)
        on_command(context, data, len);
    return 0;
}

/* Compares as libcurl does, because libcurl uses only extensions that it recognizes. */
static bool announces(const char *line, size_t len, const char *extension)
{
    size_t extension_len = strlen(extension);

    return len >= 4 + extension_len && memcmp(line + 4, extension, extension_len) == 0;
}

/* Why the mail must not be sent over this connection, or NULL. libcurl checks neither. */
static const char *find_missing_extension(const struct smtp *smtp)
{
    if (*smtp->config->smtp_user != '\0' && !smtp->extensions.has_auth)
        return "the server offers no login";
    /* RFC 6531. */
    if (!smtp->extensions.has_utf8 && !text_is_ascii(smtp->envelope->to, strlen(smtp->envelope->to)))
        return "the server does not take addresses that are not ASCII";
    return NULL;
}

/* Called for each line of a reply. */
static size_t on_reply(char *line, size_t size, size_t count, void *context)
{
    struct smtp *smtp = context;
    struct transport_result *result = smtp->result;
    size_t len = size * count;
    const char *missing;

    if (smtp->has_quit || len < 4 || line[0] < '2' || line[0] > '5')
        return len;
    if (result->stage == STAGE_CONNECT)
        result->stage = STAGE_GREETING;
    result->code = atoi(line);
    transport_set_reason(result, line, len);
    if (result->stage == STAGE_HELLO && result->code == 250) {
        smtp->offered.has_utf8 |= announces(line, len, "SMTPUTF8");
        smtp->offered.has_auth |= announces(line, len, "AUTH ");
    }
    /* The last line of a reply may have no text after the code (RFC 5321, section 4.2). */
    if (line[3] != ' ' && len != strlen("250\r\n"))
        return len;
    if (result->stage == STAGE_SENDER && result->code == 250) {
        if (smtp->has_greeted)
            smtp->extensions = smtp->offered;
        if ((missing = find_missing_extension(smtp)) != NULL) {
            transport_set_reason(result, missing, strlen(missing));
            result->code = 0;
            smtp->lacks_extension = true;
            smtp->was_refused = smtp->extensions.has_auth || *smtp->config->smtp_user == '\0';
            result->stage = smtp->was_refused ? STAGE_RECIPIENT : STAGE_LOGIN;
            return 0;
        }
    }
    /* The mail is sent, whatever happens to the connection now. */
    smtp->is_accepted |= result->stage == STAGE_END && result->code == 250;
    return len;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *context)
{
    struct smtp *smtp = context;
    size_t room = size * count, left = smtp->envelope->len - smtp->sent, len = left < room ? left : room;

    memcpy(buffer, smtp->envelope->message + smtp->sent, len);
    smtp->sent += len;
    /* libcurl knows the size and does not call again after the last byte. */
    smtp->result->stage = smtp->sent < smtp->envelope->len ? STAGE_BODY : STAGE_END;
    return len;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct smtp *smtp = context;

    (void)a, (void)b, (void)c, (void)d;
    /* The reply to QUIT does not matter, but libcurl would wait for it until the timeout. */
    return *smtp->stop || smtp->has_quit;
}

static void configure_tls(const struct smtp *smtp)
{
    const struct config *config = smtp->config;
    const bool is_smtps = strncasecmp(config->smtp_url, "smtps:", 6) == 0;
    const long use = config->smtp_tls == CONFIG_TLS_REQUIRED        ? CURLUSESSL_ALL
                     : config->smtp_tls == CONFIG_TLS_OPPORTUNISTIC ? CURLUSESSL_TRY
                                                                    : CURLUSESSL_NONE;

    curl_easy_setopt(smtp->curl, CURLOPT_USE_SSL, use);
    curl_easy_setopt(smtp->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* Verification would not help: an attacker could also remove STARTTLS from the reply to EHLO. */
    if (!is_smtps && config->smtp_tls == CONFIG_TLS_OPPORTUNISTIC) {
        curl_easy_setopt(smtp->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(smtp->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    /* In addition to the system's certificates, which libcurl's built-in CA directory has. */
    if (*config->smtp_ca_file != '\0')
        curl_easy_setopt(smtp->curl, CURLOPT_CAINFO, config->smtp_ca_file);
}

const char *smtp_read_password(const struct config *config, char secret[SMTP_SECRET_MAX])
{
    FILE *file;
    bool is_read;

    if (*config->smtp_password != '\0')
        return config->smtp_password;
    file = fopen(config->smtp_password_file, "re");
    is_read = file != NULL && fgets(secret, SMTP_SECRET_MAX, file) != NULL;
    if (file != NULL)
        fclose(file);
    if (!is_read)
        return NULL;
    secret[strcspn(secret, "\r\n")] = '\0';
    return secret;
}

struct smtp *smtp_create(const struct config *config, const char *password, const _Atomic bool *stop)
{
    struct smtp *smtp = memory_require(calloc(1, sizeof(*smtp)));

    smtp->curl = memory_require(curl_easy_init());
    smtp->config = config;
    smtp->stop = stop;
    /* libcurl sends the URL's path as the name in EHLO. */
    snprintf(smtp->url, sizeof(smtp->url), "%.700s%s%.255s", config->smtp_url,
        config->smtp_url[strlen(config->smtp_url) - 1] == '/' ? "" : "/", config->smtp_ehlo_name);
    curl_easy_setopt(smtp->curl, CURLOPT_URL, smtp->url);
    curl_easy_setopt(smtp->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    /* Ignore proxies of the environment. */
    curl_easy_setopt(smtp->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(smtp->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(smtp->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(smtp->curl, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    curl_easy_setopt(smtp->curl, CURLOPT_CONNECTTIMEOUT_MS, config->smtp_connect_timeout);
    curl_easy_setopt(smtp->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, config->smtp_timeout / 1000 + 1);
    curl_easy_setopt(smtp->curl, CURLOPT_ERRORBUFFER, smtp->error);
    curl_easy_setopt(smtp->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(smtp->curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(smtp->curl, CURLOPT_READDATA, smtp);
    curl_easy_setopt(smtp->curl, CURLOPT_HEADERFUNCTION, on_reply);
    curl_easy_setopt(smtp->curl, CURLOPT_HEADERDATA, smtp);
    curl_easy_setopt(smtp->curl, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(smtp->curl, CURLOPT_DEBUGDATA, smtp);
    curl_easy_setopt(smtp->curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(smtp->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(smtp->curl, CURLOPT_XFERINFODATA, smtp);
    curl_easy_setopt(smtp->curl, CURLOPT_NOPROGRESS, 0L);
    configure_tls(smtp);
    if (password != NULL) {
        curl_easy_setopt(smtp->curl, CURLOPT_USERNAME, config->smtp_user);
        curl_easy_setopt(smtp->curl, CURLOPT_PASSWORD, password);
    }
    return smtp;
}

void smtp_free(struct smtp *smtp)
{
    /* on_debug must not be called any more: there is no mail in flight. */
    curl_easy_setopt(smtp->curl, CURLOPT_VERBOSE, 0L);
    curl_easy_cleanup(smtp->curl);
    free(smtp);
}

/* Whether a reply concerns the connection and not the mail: the server closes it, or refuses the login. */
static bool is_about_connection(int code)
{
    return code == 421 || code == 454 || code == 530 || code == 534 || code == 535 || code == 538;
}

static void set_outcome(struct smtp *smtp, CURLcode code)
{
    struct transport_result *result = smtp->result;

    if (smtp->is_accepted || (code == CURLE_OK && result->stage == STAGE_END)) {
        result->outcome = OUTCOME_SENT;
        return;
    }
    result->outcome = smtp->was_refused || (result->stage >= STAGE_RECIPIENT && result->code >= 500 &&
                                               !is_about_connection(result->code))
                          ? OUTCOME_REFUSED
                          : OUTCOME_FAILED;
    /* A refused MAIL concerns the sender's address, which is the same for all mails. */
    result->is_unavailable =
        !smtp->was_refused && (result->stage <= STAGE_SENDER || is_about_connection(result->code));
    /* The last reply is the reason only if it is negative. */
    if (result->code >= 400 || smtp->lacks_extension)
        return;
    /* libcurl has read the whole mail, so the server may have all of it. */
    if (result->stage == STAGE_END)
        result->outcome = OUTCOME_UNKNOWN;
    result->code = 0;
    transport_set_reason(result, *smtp->error != '\0' ? smtp->error : curl_easy_strerror(code),
        strlen(*smtp->error != '\0' ? smtp->error : curl_easy_strerror(code)));
}

/* Whether sending failed because the server had closed a reused connection; a new one is then tried. */
static bool was_stale(const struct smtp *smtp)
{
    long connects = 0;

    curl_easy_getinfo(smtp->curl, CURLINFO_NUM_CONNECTS, &connects);
    return connects == 0 && smtp->result->stage <= STAGE_SENDER && !smtp->lacks_extension &&
           (smtp->result->code == 0 || smtp->result->code == 421);
}

static CURLcode perform(struct smtp *smtp, long timeout_ms, bool is_fresh)
{
    smtp->sent = 0;
    smtp->has_greeted = smtp->lacks_extension = smtp->was_refused = smtp->is_accepted = smtp->has_quit =
        false;
    smtp->error[0] = '\0';
    *smtp->result = (struct transport_result){.stage = STAGE_CONNECT};
    curl_easy_setopt(smtp->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(smtp->curl, CURLOPT_FRESH_CONNECT, (long)is_fresh);
    return curl_easy_perform(smtp->curl);
}

void smtp_send(struct smtp *smtp, const struct envelope *envelope, struct transport_result *result)
{
    static const char no_memory[] = "memory ran out";
    struct curl_slist *to = curl_slist_append(NULL, envelope->to);
    curl_off_t taken_us = 0;
    CURLcode code;

    if (to == NULL) {
        *result = (struct transport_result){.outcome = OUTCOME_FAILED, .stage = STAGE_MESSAGE};
        transport_set_reason(result, no_memory, strlen(no_memory));
        return;
    }
    smtp->envelope = envelope;
    smtp->result = result;
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_FROM, envelope->from);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(smtp->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)envelope->len);
    code = perform(smtp, smtp->config->smtp_timeout, false);
    if (code != CURLE_OK && !smtp->is_accepted && was_stale(smtp)) {
        curl_easy_getinfo(smtp->curl, CURLINFO_TOTAL_TIME_T, &taken_us);
        if (taken_us / 1000 < smtp->config->smtp_timeout)
            code = perform(smtp, smtp->config->smtp_timeout - (long)(taken_us / 1000), true);
    }
    set_outcome(smtp, code);
    curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(to);
}
