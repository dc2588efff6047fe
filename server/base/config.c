#include "base/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"

/* The value of an option and the flag or variable that set it; NULL for the default. */
struct given {
    const char *source, *value;
};

/* Sets the defaults of all options, then those of the command, which may differ. */
static void load_defaults(struct config *config, FILE *err)
{
    for (unsigned commands = ~0U, i = 0; i < 2; commands = config->command, i++) {
        for (size_t n = 0; n < option_count; n++) {
            if ((options[n].commands & commands) != 0 &&
                !option_set(config, &options[n], options[n].flag, options[n].default_value, err))
                abort();
        }
    }
}

/* Kubernetes sets variables with the addresses of all services of a namespace in each container: for a
 * service named accountsd, ACCOUNTSD_PORT=tcp://10.0.0.1:80. */
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

/* An empty variable counts as unset. */
static void read_environment(const struct config *config, struct given given[OPTIONS_MAX])
{
    for (size_t i = 0; i < option_count; i++) {
        const char *value = getenv(options[i].variable);

        if ((options[i].commands & config->command) != 0 && value != NULL && *value != '\0')
            given[i] = (struct given){options[i].variable, value};
    }
}

/* Only values that are used are checked: a flag hides its variable. */
static bool set_given(struct config *config, const struct given given[OPTIONS_MAX], FILE *err)
{
    bool is_valid = true;

    for (size_t i = 0; i < option_count; i++) {
        if (given[i].value == NULL)
            continue;
        if (options[i].kind == OPTION_NUMBER && *given[i].source != '-' && is_service_address(given[i].value))
            continue;
        is_valid &= option_set(config, &options[i], given[i].source, given[i].value, err);
    }
    return is_valid;
}

static void warn(enum config_action action, const char *variable, size_t len, const char *text, FILE *err)
{
    if (action == CONFIG_RUN)
        log_event(
            "configuration_warning", json_pack("{s:s%, s:s}", "variable", variable, len, "reason", text));
    else
        fprintf(err, "accountsd: warning: %.*s %s\n", (int)len, variable, text);
}

static bool is_variable(const char *name, size_t len)
{
    for (size_t i = 0; i < option_count; i++) {
        if (text_equals(name, len, options[i].variable))
            return true;
    }
    return false;
}

static void warn_of_environment(const struct given given[OPTIONS_MAX], enum config_action action, FILE *err)
{
    static const char prefix[] = "ACCOUNTSD_";

    for (size_t i = 0; i < option_count; i++) {
        if (given[i].value != NULL && options[i].kind == OPTION_NUMBER && *given[i].source != '-' &&
            is_service_address(given[i].value))
            warn(action, given[i].source, strlen(given[i].source),
                "is the address of a service, as Kubernetes sets it; the default is used", err);
    }
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        size_t len = strcspn(*entry, "=");

        if (strncmp(*entry, prefix, sizeof(prefix) - 1) == 0 && (*entry)[len] == '=' &&
            !is_variable(*entry, len) && !is_of_service(*entry, *entry + len + 1))
            warn(action, *entry, len, "is not the variable of any option", err);
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

/* Reads the command if the first argument is one. *taken: the number of arguments read. */
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

/* Names the argument by its number, because it may be a password. */
static void report_unknown_argument(const char *argument, int number, size_t len, FILE *err)
{
    const struct option *elsewhere = option_find(~0U, argument, len);

    if (elsewhere != NULL)
        fprintf(
            err, "accountsd: %s is an option of accountsd %s\n", elsewhere->flag, elsewhere->command_names);
    else
        fprintf(err, "accountsd: argument %d is not an option; see --help\n", number);
}

enum config_action config_load(struct config *config, int argc, char **argv, FILE *err)
{
    static const struct {
        const char *flag;
        enum config_action action;
    } actions[] = {{"--check-config", CONFIG_CHECK}, {"--help", CONFIG_HELP}, {"--version", CONFIG_VERSION}};
    enum config_action action = CONFIG_RUN;
    struct given given[OPTIONS_MAX] = {0};
    int taken;
    bool is_valid = take_command(config, argc > 1 ? argv[1] : NULL, &taken, err);

    load_defaults(config, err);
    read_environment(config, given);
    for (int i = 1 + taken; i < argc; i++) {
        const char *argument = argv[i], *equals = strchr(argument, '=');
        size_t flag_len = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
        const struct option *option = option_find(config->command, argument, flag_len);
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
            report_unknown_argument(argument, i, flag_len, err);
            is_valid = false;
        } else if (option->kind == OPTION_SWITCH) {
            given[option - options] = (struct given){option->flag, equals != NULL ? equals + 1 : "1"};
        } else if (equals == NULL && i + 1 == argc) {
            fprintf(err, "accountsd: %s: a value is missing\n", option->flag);
            is_valid = false;
        } else {
            given[option - options] = (struct given){option->flag, equals != NULL ? equals + 1 : argv[++i]};
        }
    }
    if (action == CONFIG_HELP || action == CONFIG_VERSION)
        return action;
    is_valid &= set_given(config, given, err);
    warn_of_environment(given, is_valid ? action : CONFIG_INVALID, err);
    return is_valid ? action : CONFIG_INVALID;
}

static void write_option(const struct option *option, FILE *out)
{
    fprintf(out, "  %s%s%s\n      %s\n", option->flag, *option->flag != '\0' ? ", " : "", option->variable,
        option->help);
    if (option->kind == OPTION_SWITCH)
        fprintf(out, "      a switch, 0 or 1; default %s\n", option->default_value);
    else if (option->kind == OPTION_NUMBER)
        fprintf(out, "      default %s, from %ld to %ld\n", option->default_value, option->min, option->max);
    else
        fprintf(out, "      default \"%s\"\n", option->default_value);
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
    fputs("Options, each with its environment variable. Write --option VALUE or --option=VALUE; a switch\n"
          "needs no value: --option means 1.\n\n",
        out);
    for (size_t i = 0; i < option_count; i++) {
        if ((options[i].commands & command) != 0)
            write_option(&options[i], out);
    }
    fputs("\n  --check-config  check the configuration and exit\n"
          "  --help          print this help and exit\n"
          "  --version       print the version and exit\n",
        out);
    if (command == CONFIG_SERVE)
        fputs("\nSee accountsd deliver --help for the options of deliver.\n", out);
}
