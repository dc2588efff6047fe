#ifndef ACCOUNTSD_PROMETHEUS_H
#define ACCOUNTSD_PROMETHEUS_H

/* Numbers and histograms that one thread writes and any thread reads without a lock, and their output in
 * Prometheus's text format 0.0.4. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PROMETHEUS_BUCKETS 13

typedef _Atomic uint64_t prometheus_cell;

struct prometheus_histogram {
    /* Each counts the values up to its bound and above the previous one; the last has no bound. */
    prometheus_cell buckets[PROMETHEUS_BUCKETS + 1];
    prometheus_cell sum;
};

struct prometheus_bounds {
    size_t count;
    /* The unit of the values in the unit of the output. */
    double unit;
    struct {
        uint64_t value;
        const char *text;
    } bounds[PROMETHEUS_BUCKETS];
};

/* For values in microseconds, written in seconds; from 1 ms to 10 s. */
extern const struct prometheus_bounds prometheus_seconds;

struct prometheus_family {
    const char *name;
    const char *type;
    const char *help;
};

/* A row of a table of numbers. Rows of the same family must be adjacent; a row without a name is not
 * written. */
struct prometheus_number {
    struct prometheus_family family;
    const char *labels;
};

#define PROMETHEUS_GAUGE(name, labels, help)                                                                 \
    {                                                                                                        \
        {"accountsd_" name, "gauge", help}, labels                                                           \
    }
#define PROMETHEUS_COUNTER(name, labels, help)                                                               \
    {                                                                                                        \
        {"accountsd_" name "_total", "counter", help}, labels                                                \
    }

uint64_t prometheus_get(const prometheus_cell *from);

/* For the one thread that writes. */
void prometheus_set(prometheus_cell *to, uint64_t value);
void prometheus_add(prometheus_cell *to, uint64_t value);
void prometheus_observe(
    struct prometheus_histogram *histogram, const struct prometheus_bounds *bounds, uint64_t value);

/* The sum of several histograms. */
struct prometheus_total {
    uint64_t buckets[PROMETHEUS_BUCKETS + 1];
    uint64_t count;
    uint64_t sum;
};

void prometheus_add_up(struct prometheus_total *total, const struct prometheus_histogram *histogram);

/* labels: "", or the text between { and }. */
void prometheus_render_family(const struct prometheus_family *family, FILE *out);
void prometheus_render_number(const char *name, const char *labels, uint64_t value, FILE *out);
void prometheus_render_total(const char *name, const char *labels, const struct prometheus_bounds *bounds,
    const struct prometheus_total *total, FILE *out);
/* Writes accountsd_build_info. */
void prometheus_render_build(FILE *out);

#endif
