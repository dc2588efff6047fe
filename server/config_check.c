#include "config_check.h"

#include <curl/curl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "base/text.h"
#include "database/postgres.h"
#include "delivery/mime.h"
#include "delivery/smtp.h"
#include "http/tls.h"
#include "words/template.h"

/* libcurl checks its timeout once a second, and the outcome must be reported before the lease ends. */
#define LEASE_MARGIN_MS 2000

static bool is_smtp_url(const char *text)
{
    static const CURLUPart unwanted[] = {
        CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT};
    CURLU *url = curl_url();
    char *scheme = NULL, *path = NULL;
    bool is_valid = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    (strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0) &&
                    curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK && strcmp(path, "/") == 0;

    for (size_t i = 0; is_valid && i < COUNT(unwanted); i++) {
        char *part = NULL;

        is_valid = curl_url_get(url, unwanted[i], &part, 0) != CURLUE_OK;
        curl_free(part);
    }
    curl_free(scheme);
    curl_free(path);
    curl_url_cleanup(url);
    return is_valid;
}

static bool check_deliver(const struct config *config, FILE *err)
{
    const bool has_url = *config->smtp_url != '\0', has_user = *config->smtp_user != '\0',
               has_password = *config->smtp_password != '\0', has_file = *config->smtp_password_file != '\0';
    struct mailbox from;
    const bool has_from = mime_read_mailbox(config->mail_from, &from);
    const struct {
        bool is_wrong;
        const char *text;
    } mistakes[] = {
        {!has_url && *config->mail_directory == '\0', "one of --smtp-url and --mail-directory is required"},
        {has_url && *config->mail_directory != '\0', "--smtp-url and --mail-directory must not both be set"},
        {has_url && !is_smtp_url(config->smtp_url),
            "--smtp-url is not smtp://host:port or smtps://host:port, with nothing else in it"},
        {!has_from, "--mail-from must be an address or Name <address>"},
        {has_from && !text_is_ascii(from.address.text, from.address.len),
            "--mail-from must be an ASCII address: not every server accepts others"},
        {has_user != (has_password || has_file), "--smtp-user and the password must be set together"},
        {has_password && has_file, "ACCOUNTSD_SMTP_PASSWORD and --smtp-password-file must not both be set"},
        {has_user && config->smtp_tls != CONFIG_TLS_REQUIRED &&
                strncasecmp(config->smtp_url, "smtps:", 6) != 0,
            "--smtp-user needs --smtp-tls required or smtps: the password could be sent in clear text"},
        {config->smtp_connect_timeout > config->smtp_timeout,
            "--smtp-connect-timeout must not be longer than --smtp-timeout"},
        {config->lease < config->smtp_timeout + LEASE_MARGIN_MS,
            "--lease must be at least two seconds longer than --smtp-timeout: a mail could be sent twice"},
    };
    bool is_valid = true;

    for (size_t i = 0; i < COUNT(mistakes); i++) {
        if (!mistakes[i].is_wrong)
            continue;
        fprintf(err, "accountsd: %s\n", mistakes[i].text);
        is_valid = false;
    }
    return is_valid;
}

static bool check_serve(const struct config *config, FILE *err)
{
    if ((*config->tls_certificate == '\0') == (*config->tls_key == '\0'))
        return true;
    fputs("accountsd: --tls-certificate and --tls-key must be set together\n", err);
    return false;
}

bool config_check_options(const struct config *config, FILE *err)
{
    return config->command == CONFIG_DELIVER ? check_deliver(config, err) : check_serve(config, err);
}

static bool report_error(FILE *err, const char *option, const char *reason)
{
    fprintf(err, "accountsd: %s%s%s\n", option, *option != '\0' ? ": " : "", reason);
    return false;
}

static bool check_address(const char *option, const char *host, FILE *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    struct addrinfo *address = NULL;
    const bool is_address = *host != '\0' && getaddrinfo(host, NULL, &hints, &address) == 0;

    if (address != NULL)
        freeaddrinfo(address);
    return is_address || report_error(err, option, "is not an IP address");
}

static bool check_templates(const struct config *config, FILE *err)
{
    char error[TEMPLATE_ERROR_MAX], *rest = error;
    struct templates *templates = templates_load(config->templates, error);

    if (templates != NULL) {
        templates_free(templates);
        return true;
    }
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;)
        report_error(err, "", line);
    return false;
}

static bool check_certificate(const struct config *config, FILE *err)
{
    char error[TLS_ERROR_MAX];
    SSL_CTX *tls;

    if (*config->tls_certificate == '\0' || *config->tls_key == '\0')
        return true;
    if ((tls = tls_load(config->tls_certificate, config->tls_key, error)) == NULL)
        return report_error(err, "", error);
    SSL_CTX_free(tls);
    return true;
}

static bool check_mail(const struct config *config, FILE *err)
{
    char secret[SMTP_SECRET_MAX];
    bool is_valid = true;

    if (*config->smtp_user != '\0' && *config->smtp_password == '\0' && *config->smtp_password_file != '\0' &&
        smtp_read_password(config, secret) == NULL)
        is_valid = report_error(err, "--smtp-password-file", "cannot be read, or is empty");
    if (*config->smtp_ca_file != '\0' && access(config->smtp_ca_file, R_OK) != 0)
        is_valid = report_error(err, "--smtp-ca-file", "cannot be read");
    return is_valid;
}

bool config_check_references(const struct config *config, FILE *err)
{
    char error[POSTGRES_ERROR_MAX];
    bool is_valid = true;

    if (!postgres_check_url(config->database_url, error)) {
        fprintf(err, "accountsd: --database-url: libpq does not accept it: %s\n", error);
        is_valid = false;
    }

    if (*config->telemetry_address != '\0')
        is_valid &= check_address("--telemetry-address", config->telemetry_address, err);
    is_valid &= check_templates(config, err);
    if (config->command == CONFIG_DELIVER)
        return check_mail(config, err) && is_valid;
    is_valid &= check_address("--listen-address", config->listen_address, err);
    return check_certificate(config, err) && is_valid;
}
