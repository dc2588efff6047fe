#include "base/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/text.h"

#define SERVE "serve", CONFIG_SERVE
#define DELIVER "deliver", CONFIG_DELIVER
#define BOTH "both", CONFIG_SERVE | CONFIG_DELIVER

#define OPTION(name, bits, flag, variable, default_value, help, ...)                                         \
    {                                                                                                        \
        name, flag, variable, default_value, help, bits, __VA_ARGS__                                         \
    }
#define TEXT(commands, flag, variable, field, default_value, help)                                           \
    OPTION(commands, "--" flag, variable, default_value, help, OPTION_TEXT, offsetof(struct config, field),  \
        0, 0, NULL)
#define SECRET(commands, variable, field, help)                                                              \
    OPTION(commands, "", variable, "", help, OPTION_TEXT, offsetof(struct config, field), 0, 0, NULL)
#define NUMBER(commands, flag, variable, field, default_value, min, max, help)                               \
    OPTION(commands, "--" flag, variable, default_value, help, OPTION_NUMBER,                                \
        offsetof(struct config, field), min, max, NULL)
#define CHOICE(commands, flag, variable, field, default_value, choices, help)                                \
    OPTION(commands, "--" flag, variable, default_value, help, OPTION_CHOICE,                                \
        offsetof(struct config, field), 0, 0, choices)

#define SWITCH(commands, flag, variable, field, help)                                                        \
    OPTION(                                                                                                  \
        commands, "--" flag, variable, "0", help, OPTION_SWITCH, offsetof(struct config, field), 0, 1, NULL)

static const char *const tls_modes[] = {"required", "opportunistic", "none", NULL};

const struct option options[] = {
    TEXT(BOTH, "database-url", "DATABASE_URL", database_url, "",
        "libpq connection string or URL; empty: libpq's PG* variables"),
    TEXT(SERVE, "listen-address", "ACCOUNTSD_LISTEN_ADDRESS", listen_address, "127.0.0.1",
        "IP address to listen on"),
    NUMBER(
        SERVE, "port", "ACCOUNTSD_PORT", port, "8080", 0, 65535, "TCP port to listen on; 0: any free port"),
    NUMBER(SERVE, "reuse-port", "ACCOUNTSD_REUSE_PORT", reuse_port, "0", 0, 1,
        "1: share the port with other processes of the same user (SO_REUSEPORT); 0: fail to start if the "
        "port is in use"),
    TEXT(SERVE, "tls-certificate", "ACCOUNTSD_TLS_CERTIFICATE", tls_certificate, "",
        "PEM file with the certificate and its chain; empty: clear text"),
    TEXT(SERVE, "tls-key", "ACCOUNTSD_TLS_KEY", tls_key, "",
        "PEM file with the certificate's key, not encrypted"),
    TEXT(BOTH, "telemetry-address", "ACCOUNTSD_TELEMETRY_ADDRESS", telemetry_address, "127.0.0.1",
        "IP address of the port for /live, /ready and /metrics; empty: none"),
    NUMBER(SERVE, "telemetry-port", "ACCOUNTSD_TELEMETRY_PORT", telemetry_port, "9180", 0, 65535,
        "TCP port for /live, /ready and /metrics; 0: any free port"),
    NUMBER(DELIVER, "telemetry-port", "ACCOUNTSD_TELEMETRY_PORT", telemetry_port, "9181", 0, 65535,
        "TCP port for /live, /ready and /metrics; 0: any free port"),
    TEXT(BOTH, "templates", "ACCOUNTSD_TEMPLATES", templates, "",
        "directory of files that replace built-in templates of mails and pages or add languages; empty: "
        "none"),
    NUMBER(SERVE, "invitation-page", "ACCOUNTSD_INVITATION_PAGE", invitation_page, "1", 0, 1,
        "1: serve the page below /invitations/ on which people accept; 0: do not"),
    NUMBER(SERVE, "workers", "ACCOUNTSD_WORKERS", workers, "0", 0, CONFIG_WORKERS_MAX,
        "worker threads; 0: one for each processor that affinity and CPU quota allow, rounded up"),
    NUMBER(SERVE, "database-connections", "ACCOUNTSD_DATABASE_CONNECTIONS", database_connections, "2", 1, 64,
        "database connections of each worker"),
    NUMBER(BOTH, "database-connect-timeout", "ACCOUNTSD_DATABASE_CONNECT_TIMEOUT", database_connect_timeout,
        "5", 2, 60, "seconds to connect to the database; all its hosts are tried at once"),
    NUMBER(BOTH, "database-retry-interval", "ACCOUNTSD_DATABASE_RETRY_INTERVAL", database_retry_interval,
        "1000", 100, 60000,
        "longest time in milliseconds between a worker's attempts to connect while the database is "
        "unavailable"),
    SWITCH(BOTH, "fail-fast", "ACCOUNTSD_FAIL_FAST", fail_fast,
        "exit with code 1 at the start if the database cannot be reached or its schema is not supported, "
        "instead of trying again"),
    NUMBER(BOTH, "database-timeout", "ACCOUNTSD_DATABASE_TIMEOUT", database_timeout, "10000", 100, 600000,
        "milliseconds to wait for the answer of the database"),
    NUMBER(SERVE, "prepared-statements", "ACCOUNTSD_PREPARED_STATEMENTS", prepared_statements, "1", 0, 1,
        "1: use prepared statements; 0: do not, for transaction pooling of PgBouncer"),
    NUMBER(SERVE, "queue-size", "ACCOUNTSD_QUEUE_SIZE", queue_size, "1024", 1, 1000000,
        "requests of a worker that may wait for a database connection; those of one token may take half of "
        "it"),
    NUMBER(SERVE, "queue-timeout", "ACCOUNTSD_QUEUE_TIMEOUT", queue_timeout, "5000", 100, 600000,
        "milliseconds that a request may wait for a database connection"),
    NUMBER(SERVE, "set-size", "ACCOUNTSD_SET_SIZE", set_size, "32", 1, CONFIG_SET_SIZE_MAX,
        "most requests in one database call"),
    NUMBER(SERVE, "set-time", "ACCOUNTSD_SET_TIME", set_time, "20", 1, 10000,
        "milliseconds that a database call of several requests may take while other tokens make requests, "
        "estimated from earlier calls"),
    NUMBER(SERVE, "refusal-lifetime", "ACCOUNTSD_REFUSAL_LIFETIME", refusal_lifetime, "3000", 0, 60000,
        "milliseconds for which a token that the database refused is refused without asking again; 0: always "
        "ask"),
    NUMBER(SERVE, "max-connections", "ACCOUNTSD_MAX_CONNECTIONS", max_connections, "10000", 1, 1000000,
        "most open client connections, divided evenly among the workers"),
    NUMBER(SERVE, "max-connections-per-address", "ACCOUNTSD_MAX_CONNECTIONS_PER_ADDRESS",
        max_connections_per_address, "0", 0, 1000000,
        "most open connections of one client address or IPv6 /64; more are closed at once; 0: no limit, as "
        "behind a proxy"),
    NUMBER(SERVE, "max-requests-per-address", "ACCOUNTSD_MAX_REQUESTS_PER_ADDRESS", max_requests_per_address,
        "0", 0, 1000000,
        "most requests in flight of one client address or IPv6 /64; more are answered 503; 0: no limit, as "
        "behind a proxy"),
    NUMBER(SERVE, "max-head-size", "ACCOUNTSD_MAX_HEAD_SIZE", max_head_size, "16384", 1024, 131072,
        "most bytes of a request's head"),
    NUMBER(SERVE, "max-body-size", "ACCOUNTSD_MAX_BODY_SIZE", max_body_size, "65536", 1024, 16777216,
        "most bytes of a request's body"),
    NUMBER(SERVE, "max-json-depth", "ACCOUNTSD_MAX_JSON_DEPTH", max_json_depth, "16", 4, 512,
        "most levels of nested arrays and objects in a body"),
    NUMBER(SERVE, "request-timeout", "ACCOUNTSD_REQUEST_TIMEOUT", request_timeout, "10000", 100, 600000,
        "milliseconds for a whole request to arrive, and for an idle connection to stay open"),
    NUMBER(SERVE, "send-timeout", "ACCOUNTSD_SEND_TIMEOUT", send_timeout, "10000", 100, 600000,
        "milliseconds that a client may leave sent bytes unacknowledged"),
    NUMBER(SERVE, "response-timeout", "ACCOUNTSD_RESPONSE_TIMEOUT", response_timeout, "60000", 100, 600000,
        "milliseconds to send a whole response"),
    NUMBER(SERVE, "drain-delay", "ACCOUNTSD_DRAIN_DELAY", drain_delay, "0", 0, 600000,
        "milliseconds after SIGTERM or SIGINT in which new connections are still accepted while /ready "
        "answers 503"),
    NUMBER(BOTH, "drain-timeout", "ACCOUNTSD_DRAIN_TIMEOUT", drain_timeout, "30000", 100, 600000,
        "milliseconds after SIGTERM or SIGINT for work in flight to end"),
    NUMBER(BOTH, "stall-timeout", "ACCOUNTSD_STALL_TIMEOUT", stall_timeout, "10000", 2000, 600000,
        "milliseconds without a heartbeat after which /live reports a worker as stuck"),
    NUMBER(BOTH, "log-buffer", "ACCOUNTSD_LOG_BUFFER", log_buffer, "1048576", 65536, 1073741824,
        "bytes of log lines that may wait for the reader of stderr; further lines are dropped and counted"),
    TEXT(DELIVER, "smtp-url", "ACCOUNTSD_SMTP_URL", smtp_url, "",
        "smtp://host:port, or smtps://host:port for implicit TLS; empty: mails become files"),
    TEXT(DELIVER, "smtp-user", "ACCOUNTSD_SMTP_USER", smtp_user, "", "user to log in as; empty: no login"),
    TEXT(DELIVER, "smtp-password-file", "ACCOUNTSD_SMTP_PASSWORD_FILE", smtp_password_file, "",
        "file whose first line is the password"),
    SECRET(DELIVER, "ACCOUNTSD_SMTP_PASSWORD", smtp_password,
        "the password; not a flag, because every user of the machine can read flags"),
    CHOICE(DELIVER, "smtp-tls", "ACCOUNTSD_SMTP_TLS", smtp_tls, "required", tls_modes,
        "STARTTLS of smtp://: required, with a verified certificate; opportunistic, if offered, with any "
        "certificate; none"),
    TEXT(DELIVER, "smtp-ca-file", "ACCOUNTSD_SMTP_CA_FILE", smtp_ca_file, "",
        "PEM file with certificates to trust in addition to those of the system"),
    TEXT(DELIVER, "smtp-ehlo-name", "ACCOUNTSD_SMTP_EHLO_NAME", smtp_ehlo_name, "",
        "name in EHLO; empty: the name of this host"),
    NUMBER(DELIVER, "smtp-connect-timeout", "ACCOUNTSD_SMTP_CONNECT_TIMEOUT", smtp_connect_timeout, "10000",
        100, 600000, "milliseconds to connect to the SMTP server, including TLS and login"),
    NUMBER(DELIVER, "smtp-timeout", "ACCOUNTSD_SMTP_TIMEOUT", smtp_timeout, "60000", 100, 3600000,
        "milliseconds to send a mail, including connecting; at least two seconds less than --lease"),
    TEXT(DELIVER, "mail-from", "ACCOUNTSD_MAIL_FROM", mail_from, "",
        "sender of mails: an ASCII address, or Name <address>; required"),
    TEXT(DELIVER, "mail-directory", "ACCOUNTSD_MAIL_DIRECTORY", mail_directory, "",
        "directory to write mails to as .eml files, without --smtp-url"),
    NUMBER(DELIVER, "mails-in-flight", "ACCOUNTSD_MAILS_IN_FLIGHT", mails_in_flight, "4", 1,
        CONFIG_MAILS_IN_FLIGHT_MAX, "mails sent at once, each by its own thread and connection"),
    NUMBER(DELIVER, "lease", "ACCOUNTSD_LEASE", lease, "300000", 1000, 86400000,
        "milliseconds for which a claimed mail belongs to its worker; then another worker may claim it"),
    NUMBER(DELIVER, "poll-interval", "ACCOUNTSD_POLL_INTERVAL", poll_interval, "5000", 100, 600000,
        "milliseconds between reads of the queue while no notification arrives"),
    NUMBER(DELIVER, "announce-interval", "ACCOUNTSD_ANNOUNCE_INTERVAL", announce_interval, "60000", 100,
        86400000, "milliseconds between checks for invitations that have expired or are due for a reminder"),
    NUMBER(DELIVER, "smtp-retry-interval", "ACCOUNTSD_SMTP_RETRY_INTERVAL", smtp_retry_interval, "60000", 100,
        3600000,
        "longest time in milliseconds between attempts to send while the SMTP server or the directory is "
        "unavailable"),
};

const size_t option_count = COUNT(options);

_Static_assert(COUNT(options) <= OPTIONS_MAX, "OPTIONS_MAX is too small");

bool option_set(
    struct config *config, const struct option *option, const char *source, const char *value, FILE *err)
{
    char *field = (char *)config + option->offset;

    if (option->kind == OPTION_TEXT) {
        *(const char **)field = value;
        return true;
    }
    if (option->kind == OPTION_CHOICE) {
        for (long i = 0; option->choices[i] != NULL; i++) {
            if (strcmp(value, option->choices[i]) == 0) {
                *(long *)field = i;
                return true;
            }
        }
        fprintf(err, "accountsd: %s is not one of", source);
        for (long i = 0; option->choices[i] != NULL; i++)
            fprintf(err, "%s %s", i > 0 ? "," : "", option->choices[i]);
        fputc('\n', err);
        return false;
    }
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < option->min || number > option->max) {
        fprintf(err, "accountsd: %s is not a number from %ld to %ld\n", source, option->min, option->max);
        return false;
    }
    *(long *)field = number;
    return true;
}

const struct option *option_find(unsigned commands, const char *flag, size_t len)
{
    for (size_t i = 0; i < option_count; i++) {
        if ((options[i].commands & commands) != 0 && len > 0 && text_equals(flag, len, options[i].flag))
            return &options[i];
    }
    return NULL;
}
