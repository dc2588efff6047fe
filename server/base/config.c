#include "base/config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/log.h"

/* A switch is a number, 0 or 1, whose flag needs no value: it stands for 1. */
enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_CHOICE, OPTION_SWITCH };

struct option {
    struct config_option text;
    unsigned commands;
    enum option_kind kind;
    size_t offset;
    long min, max;
    /* The values of a choice; its number is a text's place among them. */
    const char *const *choices;
};

#define SERVE "serve", CONFIG_SERVE
#define DELIVER "deliver", CONFIG_DELIVER
#define BOTH "both", CONFIG_SERVE | CONFIG_DELIVER

#define OPTION(name, bits, flag, variable, default_value, help, ...)                                         \
    {                                                                                                        \
        {name, flag, variable, default_value, help}, bits, __VA_ARGS__                                       \
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

static const struct option options[] = {
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
        "longest time in milliseconds between a worker's attempts to connect while the database is away"),
    SWITCH(BOTH, "fail-fast", "ACCOUNTSD_FAIL_FAST", fail_fast,
        "exit with code 1 at the start if the database cannot be reached or its schema does not fit, instead "
        "of trying again"),
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
        "milliseconds for a whole response to leave"),
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
    NUMBER(DELIVER, "mails-in-flight", "ACCOUNTSD_MAILS_IN_FLIGHT", mails_in_flight, "4", 1, 64,
        "mails sent at once, each by its own thread and connection"),
    NUMBER(DELIVER, "lease", "ACCOUNTSD_LEASE", lease, "300000", 1000, 86400000,
        "milliseconds for which a claimed mail belongs to its worker; then another worker may claim it"),
    NUMBER(DELIVER, "poll-interval", "ACCOUNTSD_POLL_INTERVAL", poll_interval, "5000", 100, 600000,
        "milliseconds between looks into the queue while no notification arrives"),
    NUMBER(DELIVER, "announce-interval", "ACCOUNTSD_ANNOUNCE_INTERVAL", announce_interval, "60000", 100,
        86400000, "milliseconds between looks for invitations that have expired or are due for a reminder"),
    NUMBER(DELIVER, "smtp-retry-interval", "ACCOUNTSD_SMTP_RETRY_INTERVAL", smtp_retry_interval, "60000", 100,
        3600000,
        "longest time in milliseconds between attempts to send while the SMTP server or the directory is "
        "away"),
};

#define OPTION_COUNT COUNT(options)

size_t config_option_count(void)
{
    return OPTION_COUNT;
}

struct config_option config_option_at(size_t index)
{
    return options[index].text;
}

/* Sets one option. False, after a line to err, when the value does not fit; source is where it came from. */
static bool set_option(
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
        fprintf(err, "accountsd: %s is none of", source);
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

static const struct option *find_option(unsigned commands, const char *argument, size_t len)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((options[i].commands & commands) != 0 && len > 0 && strlen(options[i].text.flag) == len &&
            memcmp(options[i].text.flag, argument, len) == 0)
            return &options[i];
    }
    return NULL;
}

/* What an option is set to, and by what; NULL for its default. */
struct given {
    const char *source, *value;
};

/* Of all options, and then of the command's, which may have another default. */
static void load_defaults(struct config *config, FILE *err)
{
    for (unsigned commands = ~0U, i = 0; i < 2; commands = config->command, i++) {
        for (size_t n = 0; n < OPTION_COUNT; n++) {
            if ((options[n].commands & commands) != 0 &&
                !set_option(config, &options[n], options[n].text.flag, options[n].text.default_value, err))
                abort();
        }
    }
}

/* Kubernetes tells each container where the services of its namespace are, in variables that are named after
 * them: of one named accountsd or accountsd-telemetry, ACCOUNTSD_PORT=tcp://10.0.0.1:80 among them. */
static bool is_service_address(const char *value)
{
    static const char *const schemes[] = {"tcp://", "udp://", "sctp://"};

    for (size_t i = 0; i < COUNT(schemes); i++) {
        if (strncmp(value, schemes[i], strlen(schemes[i])) == 0)
            return true;
    }
    return false;
}

/* ..._SERVICE_HOST, ..._SERVICE_PORT[_NAME], ..._PORT, ..._PORT_80_TCP[_PROTO|_PORT|_ADDR]. */
static bool is_of_service(const char *name, const char *value)
{
    const char *port;

    if (strstr(name, "_SERVICE_HOST") != NULL || strstr(name, "_SERVICE_PORT") != NULL ||
        is_service_address(value))
        return true;
    for (port = name; (port = strstr(port, "_PORT_")) != NULL; port++) {
        size_t digits = strspn(port + strlen("_PORT_"), "0123456789");

        if (digits > 0 && port[strlen("_PORT_") + digits] == '_')
            return true;
    }
    return false;
}

/* An empty variable is as good as none. */
static void read_environment(const struct config *config, struct given given[OPTION_COUNT])
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *value = getenv(options[i].text.variable);

        if ((options[i].commands & config->command) != 0 && value != NULL && *value != '\0')
            given[i] = (struct given){options[i].text.variable, value};
    }
}

/* Only what is used is judged. */
static bool set_given(struct config *config, const struct given given[OPTION_COUNT], FILE *err)
{
    bool sound = true;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (given[i].value == NULL)
            continue;
        if (options[i].kind == OPTION_NUMBER && *given[i].source != '-' && is_service_address(given[i].value))
            continue;
        sound &= set_option(config, &options[i], given[i].source, given[i].value, err);
    }
    return sound;
}

static void warn(enum config_action action, const char *variable, size_t len, const char *text, FILE *err)
{
    if (action == CONFIG_RUN)
        log_event(
            "configuration_doubtful", json_pack("{s:s%, s:s}", "variable", variable, len, "reason", text));
    else
        fprintf(err, "accountsd: warning: %.*s %s\n", (int)len, variable, text);
}

static bool is_variable(const char *name, size_t len)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(options[i].text.variable) == len && memcmp(options[i].text.variable, name, len) == 0)
            return true;
    }
    return false;
}

static void warn_of_environment(const struct given given[OPTION_COUNT], enum config_action action, FILE *err)
{
    static const char prefix[] = "ACCOUNTSD_";

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (given[i].value != NULL && options[i].kind == OPTION_NUMBER && *given[i].source != '-' &&
            is_service_address(given[i].value))
            warn(action, given[i].source, strlen(given[i].source),
                "is the address of a service, as Kubernetes sets it; the default is used", err);
    }
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        size_t len = strcspn(*entry, "=");

        if (strncmp(*entry, prefix, sizeof(prefix) - 1) == 0 && (*entry)[len] == '=' &&
            !is_variable(*entry, len) && !is_of_service(*entry, *entry + len + 1))
            warn(action, *entry, len, "is the variable of no option", err);
    }
}

static const struct {
    const char *name;
    enum config_command command;
    const char *does;
} commands[] = {
    {"serve", CONFIG_SERVE, "Serves the account users of a PostgreSQL database over HTTP."},
    {"deliver", CONFIG_DELIVER, "Sends the mails that wait in the database's queue."},
};

/* Takes the command, where the arguments begin with one, and counts it in *taken. */
static bool take_command(struct config *config, const char *argument, int *taken, FILE *err)
{
    config->command = CONFIG_SERVE;
    *taken = 0;
    if (argument == NULL || *argument == '-')
        return true;
    *taken = 1;
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(argument, commands[i].name) == 0) {
            config->command = commands[i].command;
            return true;
        }
    }
    fputs("accountsd: the first argument is neither a command nor an option; see accountsd --help\n", err);
    return false;
}

/* Names an argument by its number: it may be a password. */
static void complain_of_option(const char *argument, int number, size_t len, FILE *err)
{
    const struct option *elsewhere = find_option(~0U, argument, len);

    if (elsewhere != NULL)
        fprintf(err, "accountsd: %s is an option of accountsd %s\n", elsewhere->text.flag,
            elsewhere->text.commands);
    else
        fprintf(err, "accountsd: argument %d is no option; see --help\n", number);
}

enum config_action config_load(struct config *config, int argc, char **argv, FILE *err)
{
    static const struct {
        const char *flag;
        enum config_action action;
    } actions[] = {{"--check-config", CONFIG_CHECK}, {"--help", CONFIG_HELP}, {"--version", CONFIG_VERSION}};
    enum config_action action = CONFIG_RUN;
    struct given given[OPTION_COUNT] = {0};
    int taken;
    bool sound = take_command(config, argc > 1 ? argv[1] : NULL, &taken, err);

    load_defaults(config, err);
    read_environment(config, given);
    for (int i = 1 + taken; i < argc; i++) {
        const char *argument = argv[i], *equals = strchr(argument, '=');
        size_t flag_len = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
        const struct option *option = find_option(config->command, argument, flag_len);
        bool is_action = false;

        for (size_t a = 0; a < COUNT(actions); a++) {
            if (strcmp(argument, actions[a].flag) == 0) {
                action = actions[a].action;
                is_action = true;
            }
        }
        if (is_action)
            continue;
        if (option == NULL) {
            complain_of_option(argument, i, flag_len, err);
            sound = false;
        } else if (option->kind == OPTION_SWITCH) {
            given[option - options] = (struct given){option->text.flag, equals != NULL ? equals + 1 : "1"};
        } else if (equals == NULL && i + 1 == argc) {
            fprintf(err, "accountsd: %s: a value is missing\n", option->text.flag);
            sound = false;
        } else {
            given[option - options] =
                (struct given){option->text.flag, equals != NULL ? equals + 1 : argv[++i]};
        }
    }
    if (action == CONFIG_HELP || action == CONFIG_VERSION)
        return action;
    sound &= set_given(config, given, err);
    warn_of_environment(given, sound ? action : CONFIG_INVALID, err);
    return sound ? action : CONFIG_INVALID;
}

static void write_option(const struct option *option, FILE *out)
{
    fprintf(out, "  %s%s%s\n      %s\n", option->text.flag, *option->text.flag != '\0' ? ", " : "",
        option->text.variable, option->text.help);
    if (option->kind == OPTION_SWITCH)
        fprintf(out, "      a switch, 0 or 1; default %s\n", option->text.default_value);
    else if (option->kind == OPTION_NUMBER)
        fprintf(
            out, "      default %s, from %ld to %ld\n", option->text.default_value, option->min, option->max);
    else
        fprintf(out, "      default \"%s\"\n", option->text.default_value);
}

void config_write_help(enum config_command command, FILE *out)
{
    fputs("Usage: accountsd [serve] [OPTION]...\n"
          "       accountsd deliver [OPTION]...\n",
        out);
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (commands[i].command == command)
            fprintf(out, "%s\n\n", commands[i].does);
    }
    fputs("Options, as --option VALUE or --option=VALUE, or --option alone for 1 where it is a switch, each "
          "with its\n"
          "environment variable:\n\n",
        out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((options[i].commands & command) != 0)
            write_option(&options[i], out);
    }
    fputs("\n  --check-config  say what is wrong with the configuration, and end\n"
          "  --help          show this text, and end\n"
          "  --version       show the version, and end\n",
        out);
    if (command == CONFIG_SERVE)
        fputs("\nSee accountsd deliver --help for the other command's.\n", out);
}
