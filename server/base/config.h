#ifndef ACCOUNTSD_CONFIG_H
#define ACCOUNTSD_CONFIG_H

/* Configuration, from flags and environment variables (options.h). A flag overrides a variable. */

#include <stdbool.h>
#include <stdio.h>

/* Bits, because an option may belong to both. */
enum config_command { CONFIG_SERVE = 1, CONFIG_DELIVER = 2 };

enum config_tls { CONFIG_TLS_REQUIRED, CONFIG_TLS_OPPORTUNISTIC, CONFIG_TLS_NONE };

/* Options that the command does not have keep their defaults. */
struct config {
    enum config_command command;
    /* libpq connection string or URL; empty: libpq's PG* variables. */
    const char *database_url;
    const char *listen_address;
    long port;
    long reuse_port;
    /* Paths of PEM files; both or none. */
    const char *tls_certificate;
    const char *tls_key;
    const char *telemetry_address;
    long telemetry_port;
    /* A directory; empty: only the built-in templates. */
    const char *templates;
    long invitation_page;
    long workers;
    long database_connections;
    long database_connect_timeout;
    long database_retry_interval;
    long fail_fast;
    long database_timeout;
    long prepared_statements;
    long queue_size;
    long queue_timeout;
    long set_size;
    long set_time;
    long refusal_lifetime;
    long max_connections;
    long max_connections_per_address;
    long max_requests_per_address;
    long max_head_size;
    long max_body_size;
    long max_json_depth;
    long request_timeout;
    long send_timeout;
    long response_timeout;
    long drain_delay;
    long drain_timeout;
    long stall_timeout;
    long log_buffer;

    /* Of deliver: either an SMTP server or a directory. */
    const char *smtp_url;
    const char *smtp_user;
    const char *smtp_password;
    const char *smtp_password_file;
    /* An enum config_tls. */
    long smtp_tls;
    const char *smtp_ca_file;
    const char *smtp_ehlo_name;
    long smtp_connect_timeout;
    long smtp_timeout;
    const char *mail_from;
    const char *mail_directory;
    long mails_in_flight;
    long lease;
    long poll_interval;
    long announce_interval;
    long smtp_retry_interval;
};

enum config_action {
    CONFIG_RUN,
    CONFIG_CHECK,   /* --check-config, and the configuration is valid */
    CONFIG_HELP,    /* --help */
    CONFIG_VERSION, /* --version */
    CONFIG_INVALID, /* every mistake has been written to err, one per line */
};

/* Fills *config from the defaults, the environment and the arguments, of which the first may be a command.
 * Strings are not copied: they point into argv and the environment. */
enum config_action config_load(struct config *config, int argc, char **argv, FILE *err);

void config_write_help(enum config_command command, FILE *out);

/* The maximum of --workers. */
#define CONFIG_WORKERS_MAX 256
/* The maximum of --set-size, for arrays. */
#define CONFIG_SET_SIZE_MAX 64
/* The largest bound of mails_in_flight, for an array. */
#define CONFIG_MAILS_IN_FLIGHT_MAX 64

#endif
