#include "vector.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes are written as a string with one character for each. */
static char *bytes_of(const char *text, size_t len, size_t *count)
{
    char *bytes = malloc(len + 1);

    cr_assert_not_null(bytes);
    *count = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80) {
            cr_assert(c <= 0xc3 && i + 1 < len, "a character of \"bytes\" is above U+00FF");
            c = (unsigned char)(c << 6 | (text[++i] & 0x3f));
        }
        bytes[(*count)++] = (char)c;
    }
    return bytes;
}

static struct vector read_vector(json_t *line, const char *at)
{
    struct vector vector = {0};
    const char *text = NULL, *bytes = NULL, *only = NULL, *why = NULL;
    size_t text_len = 0, bytes_len = 0;
    json_t *sql = NULL;
    json_error_t error;

    cr_assert_eq(json_unpack_ex(line, &error, 0, "{s:s, s?o, s?s%, s?s%, s:o, s?s, s?o, s?s !}", "name",
                     &vector.name, "request", &vector.request, "text", &text, &text_len, "bytes", &bytes,
                     &bytes_len, "errors", &vector.errors, "only", &only, "sql", &sql, "why", &why),
        0, "%s: %s", at, error.text);
    cr_assert((vector.request != NULL) + (text != NULL) + (bytes != NULL) == 1,
        "%s: not one of request, text, bytes", at);
    cr_assert(json_is_null(vector.errors) || json_object_size(vector.errors) > 0,
        "%s: errors is neither null nor an object with members", at);
    cr_assert(only == NULL ? sql == NULL && why == NULL
                           : strcmp(only, "c") == 0 && why != NULL &&
                                 (json_is_string(sql) || json_object_size(sql) > 0),
        "%s: only, sql and why do not fit together", at);

    if (bytes != NULL) {
        vector.body = bytes_of(bytes, bytes_len, &vector.len);
    } else if (text != NULL) {
        vector.body = memcpy(malloc(text_len + 1), text, text_len);
        vector.len = text_len;
    } else {
        vector.body = json_dumps(vector.request, JSON_COMPACT | JSON_ENCODE_ANY);
        cr_assert_not_null(vector.body);
        vector.len = strlen(vector.body);
    }
    vector.sql_verdict = vector.errors;
    if (sql != NULL)
        vector.sql_verdict =
            json_is_string(sql) && strcmp(json_string_value(sql), "accepts") == 0 ? json_null() : sql;
    return vector;
}

void vector_for_each(
    const char *file, void (*on_vector)(const struct vector *vector, const char *at, void *data), void *data)
{
    const char *folder = getenv("TEST_VECTORS");
    char path[4096], *line = NULL, at[256];
    json_t *names = json_object();
    size_t size = 0, count = 0;
    ssize_t len;

    snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : "tests/vectors", file);
    FILE *stream = fopen(path, "r");
    cr_assert_not_null(stream, "cannot open %s", path);
    while ((len = getline(&line, &size, stream)) > 0) {
        json_error_t error;

        snprintf(at, sizeof(at), "%s:%zu", file, ++count);
        json_t *object = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        cr_assert_not_null(object, "%s: %s", at, error.text);
        struct vector vector = read_vector(object, at);
        cr_assert_null(json_object_get(names, vector.name), "%s: a second \"%s\"", at, vector.name);
        json_object_set_new(names, vector.name, json_true());
        on_vector(&vector, at, data);
        free(vector.body);
        json_decref(object);
    }
    cr_assert_eq(ferror(stream), 0, "cannot read %s", path);
    cr_assert_gt(count, 0, "%s is empty", path);
    fclose(stream);
    free(line);
    json_decref(names);
}

struct pool {
    const char *const *path;
    json_t *texts;
};

static void add_to_pool(const struct vector *vector, const char *at, void *data)
{
    struct pool *pool = data;
    json_t *value = vector->request;

    (void)at;
    for (size_t i = 0; i < VECTOR_MAX_STEPS && pool->path[i] != NULL; i++)
        value = json_is_array(value) ? json_array_get(value, 0) : json_object_get(value, pool->path[i]);
    if (json_is_null(vector->errors) && json_is_string(value))
        json_array_append(pool->texts, value);
}

json_t *vector_valid_texts(const char *file, const char *const path[VECTOR_MAX_STEPS])
{
    struct pool pool = {path, json_array()};

    vector_for_each(file, add_to_pool, &pool);
    cr_assert_gt(json_array_size(pool.texts), 0, "%s has no valid text at %s", file, path[0]);
    return pool.texts;
}
