#ifndef ACCOUNTSD_COUNT_H
#define ACCOUNTSD_COUNT_H

/* How many elements an array has; not for pointers. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
