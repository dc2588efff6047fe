#ifndef ACCOUNTSD_TEMPLATE_CHECK_H
#define ACCOUNTSD_TEMPLATE_CHECK_H

/* Checks of templates as they are loaded. Pure. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "words/template.h"

/* The mistakes found, one per line; those that do not fit are left out, but set any. */
struct template_errors {
    /* TEMPLATE_ERROR_MAX bytes. */
    char *text;
    size_t len;
    bool any;
};

__attribute__((format(printf, 2, 3))) void template_add_error(
    struct template_errors *errors, const char *format, ...);

/* The skeleton with this file name; TEMPLATE_SKELETONS if there is none. */
enum template_skeleton template_find_skeleton(const char *name);

void template_check_skeleton(
    struct template_errors *errors, enum template_skeleton skeleton, const char *text);

/* file: the name of the catalogue's file. */
void template_check_catalogue(struct template_errors *errors, const char *file, json_t *catalogue);

#endif
