#include "telemetry/prometheus.h"

#include <h2o.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/version.h"

const struct prometheus_bounds prometheus_seconds = {PROMETHEUS_BUCKETS, 1e-6,
    {{1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"}, {10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"},
        {100000, "0.1"}, {250000, "0.25"}, {500000, "0.5"}, {1000000, "1"}, {2500000, "2.5"}, {5000000, "5"},
        {10000000, "10"}}};

uint64_t prometheus_get(const prometheus_cell *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

void prometheus_set(prometheus_cell *to, uint64_t value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

/* There is one writer, so no atomic read-modify-write is needed: this costs as much as a plain addition. */
void prometheus_add(prometheus_cell *to, uint64_t value)
{
    prometheus_set(to, prometheus_get(to) + value);
}

void prometheus_observe(
    struct prometheus_histogram *histogram, const struct prometheus_bounds *bounds, uint64_t value)
{
    size_t i = 0;

    while (i < bounds->count && value > bounds->bounds[i].value)
        i++;
    prometheus_add(&histogram->buckets[i], 1);
    prometheus_add(&histogram->sum, value);
}

void prometheus_add_up(struct prometheus_total *total, const struct prometheus_histogram *histogram)
{
    for (size_t i = 0; i <= PROMETHEUS_BUCKETS; i++) {
        uint64_t value = prometheus_get(&histogram->buckets[i]);

        total->buckets[i] += value;
        total->count += value;
    }
    total->sum += prometheus_get(&histogram->sum);
}

void prometheus_render_family(const struct prometheus_family *family, FILE *out)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, family->type);
}

void prometheus_render_number(const char *name, const char *labels, uint64_t value, FILE *out)
{
    bool has_labels = *labels != '\0';

    fprintf(out, "%s%s%s%s %lu\n", name, has_labels ? "{" : "", labels, has_labels ? "}" : "", value);
}

void prometheus_render_total(const char *name, const char *labels, const struct prometheus_bounds *bounds,
    const struct prometheus_total *total, FILE *out)
{
    bool has_labels = *labels != '\0';
    const char *open = has_labels ? "{" : "", *close = has_labels ? "}" : "", *comma = has_labels ? "," : "";
    uint64_t count = 0;

    for (size_t i = 0; i < bounds->count; i++) {
        count += total->buckets[i];
        fprintf(out, "%s_bucket{%s%sle=\"%s\"} %lu\n", name, labels, comma, bounds->bounds[i].text, count);
    }
    fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %lu\n", name, labels, comma, total->count);
    fprintf(out, "%s_sum%s%s%s %.15g\n", name, open, labels, close, (double)total->sum * bounds->unit);
    fprintf(out, "%s_count%s%s%s %lu\n", name, open, labels, close, total->count);
}

void prometheus_render_build(FILE *out)
{
    static const char name[] = "accountsd_build_info";

    fprintf(out,
        "# HELP %s A constant 1, labelled with what this server was built from.\n# TYPE %s gauge\n"
        "%s{libh2o=\"%s\",version=\"%s\"} 1\n",
        name, name, name, H2O_VERSION, ACCOUNTSD_VERSION);
}
