#ifndef ACCOUNTSD_OPTIONS_H
#define ACCOUNTSD_OPTIONS_H

/* The table of options: for each, a flag, an environment variable, a default, bounds, a line of help, the
 * commands that it is for and the field of struct config that it sets. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/config.h"

/* A switch is a number, 0 or 1, whose flag needs no value: it stands for 1. */
enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_CHOICE, OPTION_SWITCH };

struct option {
    /* "serve", "deliver" or "both". */
    const char *command_names;
    /* "" where the value must not be an argument, which everybody on the machine may read. */
    const char *flag;
    const char *variable;
    const char *default_value;
    const char *help;
    /* Of enum config_command. */
    unsigned commands;
    enum option_kind kind;
    size_t offset;
    long min, max;
    /* The values of a choice; its number is the index. */
    const char *const *choices;
};

/* For arrays. */
#define OPTIONS_MAX 64

extern const struct option options[];
extern const size_t option_count;

/* The option of these commands with this flag, or NULL. */
const struct option *option_find(unsigned commands, const char *flag, size_t len);

/* Sets an option. False, after a line to err, where the value is not valid; source says where it comes from.
 */
bool option_set(
    struct config *config, const struct option *option, const char *source, const char *value, FILE *err);

#endif
