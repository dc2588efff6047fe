#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "harness/fixture.h"

/* Errors of configuration name options, and contain no part of a value, because it may be a part of a
 * password. */

#define MARKER "hunter2"

TestSuite(config, .timeout = 120);

static const char *const urls[] = {"postgresql://u:50%off" MARKER "@127.0.0.1:1/db",
    "postgresql://u:p/" MARKER "@127.0.0.1:1/db", "postgresql://u:" MARKER "\"@127.0.0.1:x/db",
    "postgresql://" MARKER ":1:2@127.0.0.1:1:1/db", "postgresql://u@127.0.0.1:1/db?" MARKER "=1",
    "postgresql://u@127.0.0.1:1/db?sslmode=" MARKER, "postgresql://u:\"a" MARKER "\"b@127.0.0.1:port/db",
    "host=127.0.0.1 password=two " MARKER, "host=127.0.0.1 password='" MARKER, MARKER "=1", MARKER,
    "host=127.0.0.1 port=" MARKER, "host=127.0.0.1 port=1 sslmode=" MARKER};

static void expect_only_option(const char *const *arguments, const char *option)
{
    char *said;
    int status = server_run(arguments, &said);

    cr_expect_neq(status, 0, "%s: %s", arguments[1], said);
    cr_expect_not_null(strstr(said, option), "%s: %s", option, said);
    cr_expect_null(strstr(said, MARKER), "%s", said);
    free(said);
}

Test(config, connection_strings_are_not_printed)
{
    for (size_t i = 0; i < COUNT(urls); i++) {
        expect_only_option(
            (const char *[]){"--check-config", "--database-url", urls[i], NULL}, "--database-url");
        expect_only_option(
            (const char *[]){"serve", "--database-url", urls[i], "--port=0", "--telemetry-port=0", NULL},
            "--database-url");
        expect_only_option((const char *[]){"deliver", "--mail-from=a@b.c", "--mail-directory=/tmp",
                               "--telemetry-port=0", "--database-url", urls[i], NULL},
            "--database-url");
    }
}

static void expect_script_silent(const char *script, const char *variable, const char *value)
{
    char command[128], said[65536];
    FILE *pipe;
    size_t len;

    snprintf(command, sizeof(command), "%s </dev/null 2>&1", script);
    setenv(variable, value, 1);
    cr_assert_not_null(pipe = popen(command, "r"));
    len = fread(said, 1, sizeof(said) - 1, pipe);
    said[len] = '\0';
    cr_expect_neq(pclose(pipe), 0, "%s %s: %s", script, value, said);
    cr_expect_neq(len, 0);
    cr_expect_null(strstr(said, MARKER), "%s", said);
    unsetenv(variable);
}

Test(config, scripts_print_no_connection_string)
{
    static const char *const away[] = {"postgresql://u:x@127.0.0.1:1/" MARKER,
        "postgresql://" MARKER ":x@127.0.0.1:1/d", "postgresql://u:pa@ss" MARKER "@127.0.0.1:1/db",
        "postgresql://u:a\"" MARKER "@x\"" MARKER "@127.0.0.1:1/db"};

    static const char *const scripts[] = {"scripts/migrate", "scripts/seed /dev/null"};

    for (size_t script = 0; script < COUNT(scripts); script++) {
        for (size_t i = 0; i < COUNT(urls); i++)
            expect_script_silent(scripts[script], "DATABASE_URL", urls[i]);
        for (size_t i = 0; i < COUNT(away); i++)
            expect_script_silent(scripts[script], "DATABASE_URL", away[i]);
    }
    expect_script_silent("scripts/run", "ACCOUNTSD_PORT", MARKER);
}

/* Every option of both commands, with a value that may be invalid for it. */
Test(config, values_are_not_printed)
{
    static const char *const commands[] = {"serve", "deliver"};

    for (size_t i = 0; i < COUNT(commands); i++) {
        expect_only_option(
            (const char *[]){commands[i], "--check-config", "--port=" MARKER, "--workers", MARKER, MARKER,
                "--" MARKER, "--smtp-password=" MARKER, "--smtp-password", MARKER, "--smtp-tls=" MARKER,
                "--smtp-url=smtp://u:" MARKER "@a", "--smtp-user=" MARKER, "--mail-from=" MARKER,
                "--smtp-password-file=/" MARKER, "--smtp-ca-file=/" MARKER, "--tls-key=" MARKER,
                "--tls-certificate=/" MARKER, "--listen-address=" MARKER, "--telemetry-address=" MARKER,
                "--lease=" MARKER, NULL},
            "is no");
        expect_only_option((const char *[]){MARKER, commands[i], NULL}, "neither a command nor an option");
    }
}

/* All mistakes at once, in values and in the files that they refer to. */
Test(config, check_config_checks_all_references)
{
    static const char *const wanted[] = {"--listen-address: is not an IP address",
        "--telemetry-address: is not an IP",
        "--database-url: libpq does not accept it: invalid percent-encoded token",
        "--tls-certificate: ", "--workers is not a number", "/nowhere/at/all: No such file or directory"};
    char *said;
    int status =
        server_run((const char *[]){"--check-config", "--listen-address=nowhere", "--telemetry-address=x",
                       "--database-url=postgresql://u:50%off@h/d", "--tls-certificate=/nowhere/a",
                       "--tls-key=/nowhere/b", "--workers=many", "--templates=/nowhere/at/all", NULL},
            &said);

    cr_expect_neq(status, 0);
    for (size_t i = 0; i < COUNT(wanted); i++)
        cr_expect_not_null(strstr(said, wanted[i]), "no \"%s\" in %s", wanted[i], said);
    free(said);
    setenv("ACCOUNTSD_PORT", "tcp://10.0.0.1:80", 1);
    status = server_run((const char *[]){"--check-config", "--port=8081", NULL}, &said);
    cr_expect_eq(status, 0);
    cr_expect_str_eq(said, "accountsd: the configuration is valid\n");
    free(said);
}
