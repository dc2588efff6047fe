#include <string.h>

#include "base/config.h"
#include "fuzz.h"

/* Arguments, one per line. Each mistake is reported on a line of its own, and accepted values are within
 * the bounds that the program relies on. */

#define MAX_ARGUMENTS 64
#define MAX_INPUT 4096

static enum config_action load(const uint8_t *data, size_t size, struct config *config, char **said)
{
    char text[MAX_INPUT + 1], *argv[MAX_ARGUMENTS], *rest = text;
    int argc = 1;
    size_t said_len;
    FILE *err = open_memstream(said, &said_len);
    enum config_action action;

    argv[0] = text + size;
    memcpy(text, data, size);
    text[size] = '\0';
    while (argc < MAX_ARGUMENTS && (argv[argc] = strsep(&rest, "\n")) != NULL)
        argc++;
    action = config_load(config, argc, argv, err);
    fclose(err);
    return action;
}

static size_t count_lines(const char *said)
{
    size_t count = 0;

    for (const char *line = said; *line != '\0'; line = strchr(line, '\n') + 1, count++)
        MUST(strncmp(line, "accountsd: ", strlen("accountsd: ")) == 0 && strchr(line, '\n') != NULL);
    return count;
}

int fuzz_one(const uint8_t *data, size_t size)
{
    struct config config = {0}, again = {0};
    char *said, *said_again;
    enum config_action action;

    if (size > MAX_INPUT)
        return -1;
    clearenv();
    action = load(data, size, &config, &said);
    MUST(load(data, size, &again, &said_again) == action && strcmp(said, said_again) == 0);
    if (action == CONFIG_INVALID)
        MUST(count_lines(said) > 0);
    if (action == CONFIG_RUN || action == CONFIG_CHECK) {
        MUST(*said == '\0');
        MUST(config.port >= 0 && config.port <= 65535);
        MUST(config.set_size >= 1 && config.set_size <= CONFIG_SET_SIZE_MAX);
        MUST(config.max_head_size > 0 && config.max_body_size > 0 && config.max_json_depth > 0);
        MUST(config.database_connections > 0 && config.workers >= 0 && config.queue_size > 0);
        MUST(config.database_url != NULL && config.listen_address != NULL);
    }
    free(said);
    free(said_again);
    return 0;
}
