#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/count.h"
#include "base/options.h"
#include "config_check.h"

#define MAX_ARGUMENTS 8

/* Loads a configuration from arguments, NULL-terminated; complaints receives its messages. */
static enum config_action load(struct config *config, const char *const *arguments, char complaints[2048])
{
    /* Static, because the configuration points into it. */
    static char *argv[MAX_ARGUMENTS + 1];
    int argc = 1;
    FILE *err = fmemopen(complaints, 2048, "w");
    enum config_action action;

    for (; arguments[argc - 1] != NULL && argc < MAX_ARGUMENTS; argc++) {
        free(argv[argc]);
        argv[argc] = strdup(arguments[argc - 1]);
    }
    complaints[0] = '\0';
    action = config_load(config, argc, argv, err);
    if (action != CONFIG_HELP && action != CONFIG_VERSION && !config_check_options(config, err))
        action = CONFIG_INVALID;
    fclose(err);
    return action;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

Test(config, has_defaults)
{
    struct config config;
    char complaints[2048];

    unsetenv("DATABASE_URL");
    unsetenv("ACCOUNTSD_PORT");
    cr_assert_eq(load(&config, (const char *[]){NULL}, complaints), CONFIG_RUN);
    cr_assert_str_eq(config.database_url, "");
    cr_assert_str_eq(config.listen_address, "127.0.0.1");
    cr_assert_eq(config.port, 8080);
    cr_assert_eq(config.max_body_size, 65536);
}

Test(config, flags_override_the_environment)
{
    struct config config;
    char complaints[2048];

    setenv("ACCOUNTSD_PORT", "81", 1);
    setenv("DATABASE_URL", "postgresql:///a", 1);
    cr_assert_eq(load(&config, (const char *[]){NULL}, complaints), CONFIG_RUN);
    cr_assert_eq(config.port, 81);
    cr_assert_str_eq(config.database_url, "postgresql:///a");
    cr_assert_eq(
        load(&config, (const char *[]){"--port=82", "--database-url", "b", NULL}, complaints), CONFIG_RUN);
    cr_assert_eq(config.port, 82);
    cr_assert_str_eq(config.database_url, "b");
}

Test(config, accepts_a_switch_with_and_without_a_value)
{
    struct config config;
    char complaints[2048];

    unsetenv("ACCOUNTSD_FAIL_FAST");
    cr_assert_eq(load(&config, (const char *[]){NULL}, complaints), CONFIG_RUN);
    cr_assert_eq(config.fail_fast, 0);
    cr_assert_eq(
        load(&config, (const char *[]){"--fail-fast", "--port", "82", NULL}, complaints), CONFIG_RUN);
    cr_assert_eq(config.fail_fast, 1);
    cr_assert_eq(config.port, 82);
    setenv("ACCOUNTSD_FAIL_FAST", "1", 1);
    cr_assert_eq(load(&config, (const char *[]){NULL}, complaints), CONFIG_RUN);
    cr_assert_eq(config.fail_fast, 1);
    cr_assert_eq(load(&config, (const char *[]){"--fail-fast=0", NULL}, complaints), CONFIG_RUN);
    cr_assert_eq(config.fail_fast, 0);
    cr_assert_eq(load(&config, (const char *[]){"--fail-fast=2", NULL}, complaints), CONFIG_INVALID);
    unsetenv("ACCOUNTSD_FAIL_FAST");
}

Test(config, reports_every_mistake)
{
    struct config config;
    char complaints[2048];

    setenv("ACCOUNTSD_WORKERS", "many", 1);
    cr_assert_eq(
        load(&config, (const char *[]){"--port=65536", "--what", "--set-size=", "--queue-size", NULL},
            complaints),
        CONFIG_INVALID);
    cr_assert_eq(count_lines(complaints), 5, "%s", complaints);
    cr_assert(
        strstr(complaints, "ACCOUNTSD_WORKERS is not a number from 0 to 256") != NULL, "%s", complaints);
    cr_assert(strstr(complaints, "--port is not a number") != NULL, "%s", complaints);
    cr_assert(strstr(complaints, "argument 2 is not an option") != NULL, "%s", complaints);
    cr_assert(strstr(complaints, "--queue-size: a value is missing") != NULL, "%s", complaints);
}

Test(config, certificate_and_key_are_set_together)
{
    struct config config;
    char complaints[2048];

    cr_assert_eq(load(&config, (const char *[]){"--tls-key=k", NULL}, complaints), CONFIG_INVALID);
    cr_assert(strstr(complaints, "must be set together") != NULL, "%s", complaints);
    cr_assert_eq(load(&config, (const char *[]){"--tls-certificate=c", NULL}, complaints), CONFIG_INVALID);
    cr_assert_eq(
        load(&config, (const char *[]){"--tls-certificate=c", "--tls-key=k", NULL}, complaints), CONFIG_RUN);
}

Test(config, can_be_checked)
{
    struct config config;
    char complaints[2048];

    unsetenv("ACCOUNTSD_WORKERS");
    cr_assert_eq(load(&config, (const char *[]){"--check-config", NULL}, complaints), CONFIG_CHECK);
    cr_assert_eq(
        load(&config, (const char *[]){"--check-config", "--port=x", NULL}, complaints), CONFIG_INVALID);
    cr_assert_eq(load(&config, (const char *[]){"--port=x", "--help", NULL}, complaints), CONFIG_HELP);
}

/* The table of options in server/README.md has every option of the program and no other. */
Test(config, readme_lists_the_same_options)
{
    FILE *readme = fopen("server/README.md", "r");
    char line[512], row[512];
    size_t rows = 0;

    cr_assert_not_null(readme, "the tests run in the project's top folder");
    while (fgets(line, sizeof(line), readme) != NULL) {
        bool known = false;

        if (strncmp(line, "| `--", 5) != 0 && strncmp(line, "|  | `", 6) != 0)
            continue;
        rows++;
        for (size_t i = 0; i < option_count && !known; i++) {
            struct option option = options[i];
            const char *flag_tick = *option.flag != '\0' ? "`" : "",
                       *default_tick = *option.default_value != '\0' ? "`" : "";

            snprintf(row, sizeof(row), "| %s%s%s | `%s` | %s | %s%s%s | %s |\n", flag_tick, option.flag,
                flag_tick, option.variable, option.command_names, default_tick, option.default_value,
                default_tick, option.help);
            known = strcmp(line, row) == 0;
        }
        cr_expect(known, "server/README.md has a row for an unknown option: %s", line);
    }
    fclose(readme);
    cr_assert_eq(rows, option_count);
}

/* One flag may have a row for each command. */
static bool has_flag(const char *name, const char *flag, const char *variable)
{
    for (size_t i = 0; i < option_count; i++) {
        struct option option = options[i];

        if (strcmp(option.flag, flag) == 0 && strcmp(option.variable, variable) == 0 &&
            (strcmp(option.command_names, name) == 0 || strcmp(option.command_names, "both") == 0))
            return true;
    }
    return false;
}

static void expect_help(enum config_command command, const char *name)
{
    char help[16384] = "";
    FILE *out = fmemopen(help, sizeof(help), "w");

    config_write_help(command, out);
    fclose(out);
    for (size_t i = 0; i < option_count; i++) {
        struct option option = options[i];
        char line[1024];
        bool is_its = has_flag(name, option.flag, option.variable);

        snprintf(line, sizeof(line), "  %s%s%s\n      %s\n", option.flag, *option.flag != '\0' ? ", " : "",
            option.variable, option.help);
        cr_expect_eq(strstr(help, line) != NULL, is_its, "%s: %s", name, option.variable);
    }
}

Test(config, help_lists_every_option_of_a_command)
{
    expect_help(CONFIG_SERVE, "serve");
    expect_help(CONFIG_DELIVER, "deliver");
}

Test(config, each_command_has_its_own_options)
{
    struct config config;
    char complaints[2048];

    cr_assert_eq(load(&config, (const char *[]){"serve", "--port=82", NULL}, complaints), CONFIG_RUN);
    cr_expect_eq(config.command, CONFIG_SERVE);
    cr_expect_eq(config.telemetry_port, 9180);
    cr_assert_eq(load(&config, (const char *[]){"deliver", "--mail-directory=d", "--mail-from=a@b.c", NULL},
                     complaints),
        CONFIG_RUN, "%s", complaints);
    cr_expect_eq(config.command, CONFIG_DELIVER);
    cr_expect_eq(config.telemetry_port, 9181);
    cr_expect_eq(config.port, 8080);
    cr_expect_eq(config.smtp_tls, CONFIG_TLS_REQUIRED);
    cr_assert_eq(load(&config, (const char *[]){"--lease=5000", NULL}, complaints), CONFIG_INVALID);
    cr_expect_str_eq(complaints, "accountsd: --lease is an option of accountsd deliver\n");
    cr_assert_eq(load(&config, (const char *[]){"deliver", "--help", NULL}, complaints), CONFIG_HELP);
    cr_expect_str_eq(complaints, "");
}

Test(config, an_smtp_url_names_only_a_server)
{
    static const char *const good[] = {
        "smtp://a", "smtp://a:25", "smtps://mail.example.com:465", "SMTP://[::1]:25/"};
    static const char *const bad[] = {"a", "a:25", "http://a", "smtp://", "smtp://u@a", "smtp://u:p@a",
        "smtp://a/b", "smtp://a?b", "smtp://a#b", "smtp://a:b", "smtp://a b", "smtp://a\r\nb"};
    struct config config;
    char complaints[2048], flag[64];

    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(flag, sizeof(flag), "--smtp-url=%s", good[i]);
        cr_expect_eq(load(&config, (const char *[]){"deliver", flag, "--mail-from=a@b.c", NULL}, complaints),
            CONFIG_RUN, "%s: %s", good[i], complaints);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(flag, sizeof(flag), "--smtp-url=%s", bad[i]);
        cr_expect_eq(load(&config, (const char *[]){"deliver", flag, "--mail-from=a@b.c", NULL}, complaints),
            CONFIG_INVALID, "%s", bad[i]);
    }
}

/* For any recipient, and whatever the server supports. */
Test(config, the_sender_is_an_ascii_address)
{
    static const struct {
        const char *from;
        enum config_action action;
    } rows[] = {
        {"accounts@example.com", CONFIG_RUN},
        {"Bücher <accounts@example.com>", CONFIG_RUN},
        {"bücher@example.com", CONFIG_INVALID},
        {"Accounts <accounts@bücher.example>", CONFIG_INVALID},
    };
    struct config config;
    char complaints[2048];

    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_expect_eq(
            load(&config,
                (const char *[]){"deliver", "--smtp-url=smtp://a", "--mail-from", rows[i].from, NULL},
                complaints),
            rows[i].action, "%s: %s", rows[i].from, complaints);
        cr_expect(rows[i].action == CONFIG_RUN ||
                      strstr(complaints, "--mail-from must be an ASCII address") != NULL,
            "%s: %s", rows[i].from, complaints);
    }
}

Test(config, a_password_requires_tls)
{
    struct config config;
    char complaints[2048];

    setenv("ACCOUNTSD_SMTP_PASSWORD", "secret", 1);
    cr_expect_eq(
        load(&config,
            (const char *[]){"deliver", "--smtp-url=smtp://a", "--mail-from=a@b.c", "--smtp-user=u", NULL},
            complaints),
        CONFIG_RUN);
    cr_expect_eq(load(&config,
                     (const char *[]){"deliver", "--smtp-url=smtps://a", "--mail-from=a@b.c", "--smtp-user=u",
                         "--smtp-tls=none", NULL},
                     complaints),
        CONFIG_RUN);
    cr_expect_eq(load(&config,
                     (const char *[]){"deliver", "--smtp-url=smtp://a", "--mail-from=a@b.c", "--smtp-user=u",
                         "--smtp-tls=opportunistic", NULL},
                     complaints),
        CONFIG_INVALID);
    cr_expect_str_eq(complaints, "accountsd: --smtp-user needs --smtp-tls required or smtps: the password "
                                 "could be sent in clear text\n");
}

/* Not checked: a variable that a flag overrides, an empty variable, and a flag that is repeated later. */
Test(config, checks_only_values_that_are_used)
{
    struct config config;
    char complaints[2048];

    setenv("ACCOUNTSD_PORT", "nonsense", 1);
    setenv("ACCOUNTSD_WORKERS", "", 1);
    setenv("ACCOUNTSD_LISTEN_ADDRESS", "", 1);
    cr_assert_eq(
        load(&config, (const char *[]){"--queue-size=x", "--port=82", "--queue-size=7", NULL}, complaints),
        CONFIG_RUN, "%s", complaints);
    cr_expect_str_eq(complaints, "");
    cr_expect_eq(config.port, 82);
    cr_expect_eq(config.queue_size, 7);
    cr_expect_eq(config.workers, 0);
    cr_expect_str_eq(config.listen_address, "127.0.0.1");
    cr_assert_eq(load(&config, (const char *[]){NULL}, complaints), CONFIG_INVALID);
    cr_expect_str_eq(complaints, "accountsd: ACCOUNTSD_PORT is not a number from 0 to 65535\n");
}

/* Kubernetes sets these variables for services of these names. */
Test(config, ignores_addresses_of_services)
{
    static const char *const links[][2] = {{"ACCOUNTSD_SERVICE_HOST", "10.0.0.1"},
        {"ACCOUNTSD_SERVICE_PORT", "80"}, {"ACCOUNTSD_SERVICE_PORT_HTTP", "80"},
        {"ACCOUNTSD_PORT_80_TCP", "tcp://10.0.0.1:80"}, {"ACCOUNTSD_PORT_80_TCP_ADDR", "10.0.0.1"},
        {"ACCOUNTSD_PORT_80_TCP_PROTO", "tcp"}, {"ACCOUNTSD_DELIVER_PORT", "tcp://10.0.0.2:80"},
        {"ACCOUNTSD_PORT", "tcp://10.0.0.1:80"}, {"ACCOUNTSD_TELEMETRY_PORT", "tcp://10.0.0.3:9180"}};
    struct config config;
    char complaints[2048];

    for (size_t i = 0; i < COUNT(links); i++)
        setenv(links[i][0], links[i][1], 1);
    cr_assert_eq(load(&config, (const char *[]){"--check-config", "--telemetry-port=1", NULL}, complaints),
        CONFIG_CHECK, "%s", complaints);
    cr_expect_eq(config.port, 8080);
    cr_expect_eq(config.telemetry_port, 1);
    cr_expect_str_eq(complaints,
        "accountsd: warning: ACCOUNTSD_PORT is the address of a service, as Kubernetes sets "
        "it; the default is used\n");
    cr_assert_eq(
        load(&config, (const char *[]){"--port=tcp://10.0.0.1:80", NULL}, complaints), CONFIG_INVALID);
}

Test(config, warns_of_unknown_variables)
{
    struct config config;
    char complaints[2048];

    setenv("ACCOUNTSD_PROT", "81", 1);
    setenv("ACCOUNTSD_LEASE", "5000", 1);
    cr_assert_eq(load(&config, (const char *[]){"--check-config", NULL}, complaints), CONFIG_CHECK);
    cr_expect_str_eq(complaints, "accountsd: warning: ACCOUNTSD_PROT is not the variable of any option\n");
}
