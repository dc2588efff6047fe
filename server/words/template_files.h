#ifndef ACCOUNTSD_TEMPLATE_FILES_H
#define ACCOUNTSD_TEMPLATE_FILES_H

/* The built-in templates: the files of server/words/templates, which the Makefile compiles in. */

#include <stddef.h>

struct template_file {
    const char *name;
    const char *text;
};

extern const struct template_file template_files[];
extern const size_t template_file_count;

#endif
