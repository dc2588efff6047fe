#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/count.h"
#include "fuzz.h"
#include "words/language.h"

/* A value of Accept-Language. The result is one of the available tags, does not depend on malformed parts,
 * and is empty if nothing is acceptable. The culture is a substring of the value, for the requested
 * language. */

static const char *const tags[] = {"de", "en", "es", "fr", "pt-BR", "zh-Hant"};

int fuzz_one(const uint8_t *data, size_t size)
{
    char *header = malloc(size + sizeof(",*;q=x")), culture[LANGUAGE_CULTURE_MAX];
    size_t found;

    memcpy(header, data, size);
    header[size] = '\0';
    found = language_accept(header, tags, COUNT(tags));
    MUST(found <= COUNT(tags));
    MUST(language_lookup(header, tags, COUNT(tags)) <= COUNT(tags));
    for (size_t i = 0; i < COUNT(tags); i++) {
        language_accepted_culture(header, tags[i], culture);
        MUST(strlen(culture) < sizeof(culture) && strstr(header, culture) != NULL);
        MUST(*culture == '\0' || strncasecmp(culture, tags[i], strcspn(tags[i], "-")) == 0);
        MUST(i != found || strchr(tags[i], '-') != NULL || *culture != '\0' ||
             strlen(header) >= sizeof(culture));
    }
    memcpy(header + strlen(header), ",*;q=x", sizeof(",*;q=x"));
    MUST(language_accept(header, tags, COUNT(tags)) == found);
    free(header);
    return 0;
}
