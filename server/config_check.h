#ifndef ACCOUNTSD_CONFIG_CHECK_H
#define ACCOUNTSD_CONFIG_CHECK_H

/* What is wrong with a configuration beyond each option's own bounds: every mistake, a line each to err, with
 * the names of options and none of their values. */

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"

/* Options that do not go together. Reads nothing but them. */
bool config_check_options(const struct config *config, FILE *err);

/* What options refer to: addresses, the connection string, files. Connects to nothing. */
bool config_check_references(const struct config *config, FILE *err);

#endif
