#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define MAX_ARGUMENTS 8

/* Loads a configuration from arguments, NULL-terminated; what it complains of is put in complaints. */
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

Test(config, takes_the_environment_and_flags_over_it)
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

Test(config, says_every_mistake)
{
    struct config config;
    char complaints[2048];

    setenv("ACCOUNTSD_WORKERS", "many", 1);
    cr_assert_eq(
        load(&config, (const char *[]){"--port=65536", "--what", "--set-size=", "--queue-size", NULL},
            complaints),
        CONFIG_INVALID);
    cr_assert_eq(count_lines(complaints), 5, "%s", complaints);
    cr_assert(strstr(complaints, "ACCOUNTSD_WORKERS: \"many\" is not a number from 0 to 256") != NULL, "%s",
        complaints);
    cr_assert(strstr(complaints, "--port: \"65536\"") != NULL, "%s", complaints);
    cr_assert(strstr(complaints, "no option \"--what\"") != NULL, "%s", complaints);
    cr_assert(strstr(complaints, "--queue-size: a value is missing") != NULL, "%s", complaints);
}

Test(config, certificate_and_key_go_together)
{
    struct config config;
    char complaints[2048];

    cr_assert_eq(load(&config, (const char *[]){"--tls-key=k", NULL}, complaints), CONFIG_INVALID);
    cr_assert(strstr(complaints, "one is given without the other") != NULL, "%s", complaints);
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

/* README's table of options: every option of ours in it, and none that is not ours. */
Test(config, readme_lists_the_same_options)
{
    FILE *readme = fopen("README.md", "r");
    char line[512], row[512];
    size_t rows = 0;

    cr_assert_not_null(readme, "the tests run in the project's top folder");
    while (fgets(line, sizeof(line), readme) != NULL) {
        bool known = false;

        if (strncmp(line, "| `--", 5) != 0)
            continue;
        rows++;
        for (size_t i = 0; i < config_option_count() && !known; i++) {
            struct config_option option = config_option_at(i);

            snprintf(row, sizeof(row), "| `%s` | `%s` | %s%s%s | %s |\n", option.flag, option.variable,
                *option.default_value != '\0' ? "`" : "", option.default_value,
                *option.default_value != '\0' ? "`" : "", option.help);
            known = strcmp(line, row) == 0;
        }
        cr_expect(known, "README has a row that the program has not: %s", line);
    }
    fclose(readme);
    cr_assert_eq(rows, config_option_count());
}

Test(config, help_lists_every_option)
{
    char help[8192] = "";
    FILE *out = fmemopen(help, sizeof(help), "w");

    config_write_help(out);
    fclose(out);
    for (size_t i = 0; i < config_option_count(); i++) {
        cr_expect(strstr(help, config_option_at(i).flag) != NULL);
        cr_expect(strstr(help, config_option_at(i).variable) != NULL);
        cr_expect(strstr(help, config_option_at(i).help) != NULL);
    }
}
