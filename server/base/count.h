#ifndef ACCOUNTSD_COUNT_H
#define ACCOUNTSD_COUNT_H

/* The number of elements of an array; not for pointers. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
