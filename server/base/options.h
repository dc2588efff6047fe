#ifndef ACCOUNTSD_OPTIONS_H
#define ACCOUNTSD_OPTIONS_H

/* The table of options: each has a flag, an environment variable, a default, bounds, a help text, the
 * commands that accept it and the field of struct config that it sets. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/config.h"

/* A switch is a number, 0 or 1; its flag without a value means 1. */
enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_CHOICE, OPTION_SWITCH };

struct option {
    /* "serve", "deliver" or "both". */
    const char *command_names;
    /* "" for a secret: every user of the machine can read the arguments of a process. */
    const char *flag;
    const char *variable;
    const char *default_value;
    const char *help;
    /* Bits of enum config_command. */
    unsigned commands;
    enum option_kind kind;
    size_t offset;
    long min, max;
    /* The values of a choice, NULL at the end; the field is set to the index. */
    const char *const *choices;
};

/* For arrays. */
#define OPTIONS_MAX 64

extern const struct option options[];
extern const size_t option_count;

/* The option of these commands that has this flag, or NULL. */
const struct option *option_find(unsigned commands, const char *flag, size_t len);

/* Sets an option. If the value is not valid, writes a line to err that names source, and returns false. */
bool option_set(
    struct config *config, const struct option *option, const char *source, const char *value, FILE *err);

#endif
