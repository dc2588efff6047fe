#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "api/bearer.h"
#include "fuzz.h"

/* The value of an Authorization header. Only one form is accepted, and a refused value leaves the result
 * unchanged. */

#define SHAPE "idt:TKN-0000-0000:"
#define LONG_SHAPE "idt:TKN-0000-0000-0000:"

static void must_be_canonical(const char *value, size_t len, const struct token *bearer)
{
    const char *credentials = value + strlen("Bearer "), *end = value + len, *secret;
    const char *shape = strlen(bearer->id) == TOKEN_ID_MAX ? LONG_SHAPE : SHAPE;
    unsigned char hash[EVP_MAX_MD_SIZE];
    char hex[TOKEN_HASH_LEN + 1], canonical[256];
    struct token again;
    int canonical_len;

    MUST(len > strlen("Bearer ") && strncasecmp(value, "Bearer ", strlen("Bearer ")) == 0);
    while (credentials < end && *credentials == ' ')
        credentials++;
    secret = credentials + strlen(shape);
    MUST(secret < end && end - secret >= 22 && end - secret <= 128);
    for (size_t i = 0; i < strlen(shape); i++)
        MUST(shape[i] == '0' ? credentials[i] >= '0' && credentials[i] <= '9' : credentials[i] == shape[i]);
    for (const char *c = secret; c < end; c++)
        MUST(fuzz_is_base64url(*c));

    MUST(strlen(bearer->id) == strlen(shape) - 5 &&
         memcmp(bearer->id, credentials + 4, strlen(bearer->id)) == 0);
    MUST(EVP_Digest(secret, (size_t)(end - secret), hash, NULL, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < TOKEN_HASH_LEN / 2; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    MUST(strcmp(bearer->secret_sha256, hex) == 0);

    canonical_len =
        snprintf(canonical, sizeof(canonical), "Bearer idt:%s:%.*s", bearer->id, (int)(end - secret), secret);
    MUST(bearer_parse(canonical, (size_t)canonical_len, &again) == BEARER_OK);
    MUST(memcmp(&again, bearer, sizeof(again)) == 0);
}

int fuzz_one(const uint8_t *data, size_t size)
{
    struct token bearer, untouched;
    enum bearer_verdict verdict;

    memset(&bearer, 0xa5, sizeof(bearer));
    memset(&untouched, 0xa5, sizeof(untouched));
    verdict = bearer_parse((const char *)data, size, &bearer);
    MUST(verdict == BEARER_OK || verdict == BEARER_MALFORMED);
    if (verdict == BEARER_OK)
        must_be_canonical((const char *)data, size, &bearer);
    else
        MUST(memcmp(&bearer, &untouched, sizeof(bearer)) == 0);
    return 0;
}
