#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { OPTION_TEXT, OPTION_NUMBER };

struct option {
    struct config_option text;
    enum option_kind kind;
    size_t offset;
    long min, max;
};

#define TEXT(flag, variable, field, default_value, help)                                                     \
    {                                                                                                        \
        {"--" flag, variable, default_value, help}, OPTION_TEXT, offsetof(struct config, field), 0, 0        \
    }
#define NUMBER(flag, variable, field, default_value, min, max, help)                                         \
    {                                                                                                        \
        {"--" flag, variable, default_value, help}, OPTION_NUMBER, offsetof(struct config, field), min, max  \
    }

static const struct option options[] = {
    TEXT("database-url", "DATABASE_URL", database_url, "",
        "libpq connection string or URL; empty: libpq's PG* variables"),
    TEXT(
        "listen-address", "ACCOUNTSD_LISTEN_ADDRESS", listen_address, "127.0.0.1", "IP address to listen on"),
    NUMBER("port", "ACCOUNTSD_PORT", port, "8080", 0, 65535, "TCP port to listen on; 0: any that is free"),
    TEXT("tls-certificate", "ACCOUNTSD_TLS_CERTIFICATE", tls_certificate, "",
        "PEM file with the certificate and those it is chained to; empty: clear text"),
    TEXT("tls-key", "ACCOUNTSD_TLS_KEY", tls_key, "", "PEM file with the certificate's key, not encrypted"),
    TEXT("telemetry-address", "ACCOUNTSD_TELEMETRY_ADDRESS", telemetry_address, "127.0.0.1",
        "IP address to answer /live, /ready and /metrics on; empty: none"),
    NUMBER("telemetry-port", "ACCOUNTSD_TELEMETRY_PORT", telemetry_port, "9180", 0, 65535,
        "TCP port to answer them on; 0: any that is free"),
    TEXT("templates", "ACCOUNTSD_TEMPLATES", templates, "",
        "directory of files that take the place of the built-in templates of mails and pages, or add languages; "
        "empty: none"),
    NUMBER("workers", "ACCOUNTSD_WORKERS", workers, "0", 0, 256, "worker threads; 0: one a core"),
    NUMBER("database-connections", "ACCOUNTSD_DATABASE_CONNECTIONS", database_connections, "2", 1, 64,
        "database connections of each worker"),
    NUMBER("database-connect-timeout", "ACCOUNTSD_DATABASE_CONNECT_TIMEOUT", database_connect_timeout, "5", 2,
        60, "seconds to connect to the database, whose hosts are all tried at once"),
    NUMBER("database-retry-interval", "ACCOUNTSD_DATABASE_RETRY_INTERVAL", database_retry_interval, "1000",
        100, 60000,
        "milliseconds, at most, between a worker's attempts to connect to a database that is away"),
    NUMBER("database-timeout", "ACCOUNTSD_DATABASE_TIMEOUT", database_timeout, "10000", 100, 600000,
        "milliseconds to wait for the database's answer"),
    NUMBER("prepared-statements", "ACCOUNTSD_PREPARED_STATEMENTS", prepared_statements, "1", 0, 1,
        "1: prepare statements by name; 0: do not, for PgBouncer's transaction pooling"),
    NUMBER("queue-size", "ACCOUNTSD_QUEUE_SIZE", queue_size, "1024", 1, 1000000,
        "requests of each worker that may wait for a database connection"),
    NUMBER("queue-timeout", "ACCOUNTSD_QUEUE_TIMEOUT", queue_timeout, "5000", 100, 600000,
        "milliseconds that a request may wait for a database connection"),
    NUMBER("set-size", "ACCOUNTSD_SET_SIZE", set_size, "32", 1, CONFIG_SET_SIZE_MAX,
        "waiting requests that one database call may take"),
    NUMBER("max-connections", "ACCOUNTSD_MAX_CONNECTIONS", max_connections, "10000", 1, 1000000,
        "open client connections, shared out evenly among the workers"),
    NUMBER("max-head-size", "ACCOUNTSD_MAX_HEAD_SIZE", max_head_size, "16384", 1024, 131072,
        "bytes of request line and headers"),
    NUMBER("max-body-size", "ACCOUNTSD_MAX_BODY_SIZE", max_body_size, "65536", 1024, 16777216,
        "bytes of a request's body"),
    NUMBER("max-json-depth", "ACCOUNTSD_MAX_JSON_DEPTH", max_json_depth, "16", 4, 512,
        "levels of nested arrays and objects in a body"),
    NUMBER("request-timeout", "ACCOUNTSD_REQUEST_TIMEOUT", request_timeout, "10000", 100, 600000,
        "milliseconds for a request to arrive whole, and for an idle connection to stay open"),
    NUMBER("send-timeout", "ACCOUNTSD_SEND_TIMEOUT", send_timeout, "10000", 100, 600000,
        "milliseconds that a client may leave sent bytes unacknowledged"),
    NUMBER("response-timeout", "ACCOUNTSD_RESPONSE_TIMEOUT", response_timeout, "60000", 100, 600000,
        "milliseconds for a response to leave whole"),
    NUMBER("drain-delay", "ACCOUNTSD_DRAIN_DELAY", drain_delay, "0", 0, 600000,
        "milliseconds after SIGTERM or SIGINT in which new connections are still served while /ready says "
        "503"),
    NUMBER("drain-timeout", "ACCOUNTSD_DRAIN_TIMEOUT", drain_timeout, "30000", 100, 600000,
        "milliseconds that requests in flight get to end after SIGTERM or SIGINT"),
    NUMBER("stall-timeout", "ACCOUNTSD_STALL_TIMEOUT", stall_timeout, "10000", 2000, 600000,
        "milliseconds without a sign of life after which /live calls a worker stuck"),
};

#define COUNT (sizeof(options) / sizeof(options[0]))

size_t config_option_count(void)
{
    return COUNT;
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
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < option->min || number > option->max) {
        fprintf(err, "accountsd: %s: \"%s\" is not a number from %ld to %ld\n", source, value, option->min,
            option->max);
        return false;
    }
    *(long *)field = number;
    return true;
}

static const struct option *find_option(const char *argument, size_t len)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (strlen(options[i].text.flag) == len && memcmp(options[i].text.flag, argument, len) == 0)
            return &options[i];
    }
    return NULL;
}

static bool load_defaults_and_environment(struct config *config, FILE *err)
{
    bool sound = true;

    for (size_t i = 0; i < COUNT; i++) {
        const struct option *option = &options[i];
        const char *value = getenv(option->text.variable);

        if (!set_option(config, option, option->text.flag, option->text.default_value, err))
            abort();
        if (value != NULL && !set_option(config, option, option->text.variable, value, err))
            sound = false;
    }
    return sound;
}

enum config_action config_load(struct config *config, int argc, char **argv, FILE *err)
{
    static const struct {
        const char *flag;
        enum config_action action;
    } actions[] = {{"--check-config", CONFIG_CHECK}, {"--help", CONFIG_HELP}, {"--version", CONFIG_VERSION}};
    enum config_action action = CONFIG_RUN;
    bool sound = load_defaults_and_environment(config, err);

    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i], *equals = strchr(argument, '=');
        size_t flag_len = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
        const struct option *option = find_option(argument, flag_len);
        bool is_action = false;

        for (size_t a = 0; a < sizeof(actions) / sizeof(actions[0]); a++) {
            if (strcmp(argument, actions[a].flag) == 0) {
                action = actions[a].action;
                is_action = true;
            }
        }
        if (is_action)
            continue;
        if (option == NULL) {
            fprintf(err, "accountsd: there is no option \"%s\"; see accountsd --help\n", argument);
            sound = false;
        } else if (equals == NULL && i + 1 == argc) {
            fprintf(err, "accountsd: %s: a value is missing\n", argument);
            sound = false;
        } else if (!set_option(
                       config, option, option->text.flag, equals != NULL ? equals + 1 : argv[++i], err)) {
            sound = false;
        }
    }
    if ((*config->tls_certificate == '\0') != (*config->tls_key == '\0')) {
        fputs("accountsd: --tls-certificate and --tls-key: one is given without the other\n", err);
        sound = false;
    }
    return sound || action == CONFIG_HELP || action == CONFIG_VERSION ? action : CONFIG_INVALID;
}

void config_write_help(FILE *out)
{
    fputs("Usage: accountsd [OPTION]...\n"
          "Serves the account users of a PostgreSQL database over HTTP.\n\n"
          "Options, as --option VALUE or --option=VALUE, each with its environment variable:\n\n",
        out);
    for (size_t i = 0; i < COUNT; i++) {
        const struct option *option = &options[i];

        fprintf(out, "  %s, %s\n      %s\n", option->text.flag, option->text.variable, option->text.help);
        if (option->kind == OPTION_NUMBER)
            fprintf(out, "      default %s, from %ld to %ld\n", option->text.default_value, option->min,
                option->max);
        else
            fprintf(out, "      default \"%s\"\n", option->text.default_value);
    }
    fputs("\n  --check-config  say what is wrong with the configuration, and end\n"
          "  --help          show this text, and end\n"
          "  --version       show the version, and end\n",
        out);
}
