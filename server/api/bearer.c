#include "api/bearer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

#include "base/field_rules.h"
#include "base/text.h"

#define SECRET_MIN 22
#define SECRET_MAX 128

static bool is_secret(const char *text, size_t len)
{
    return len >= SECRET_MIN && len <= SECRET_MAX && text_is_base64url(text, len);
}

bool bearer_prepare(void)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    return SHA256((const unsigned char *)"", 0, hash) != NULL;
}

static const char scheme[] = "Bearer ";
#define SCHEME_LEN (sizeof(scheme) - 1)

/* RFC 9110, section 11.4: the scheme in any case, then one or more spaces. */
bool bearer_is_sent(const char *value, size_t len)
{
    return len >= SCHEME_LEN && strncasecmp(value, scheme, SCHEME_LEN) == 0;
}

enum bearer_verdict bearer_parse(const char *value, size_t len, struct token *token)
{
    static const char type[] = "idt:";
    const size_t type_len = sizeof(type) - 1;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    const char *id, *colon, *secret, *end = value + len;

    if (!bearer_is_sent(value, len))
        return BEARER_MALFORMED;
    value += SCHEME_LEN;
    while (value < end && *value == ' ')
        value++;
    if ((size_t)(end - value) < type_len || memcmp(value, type, type_len) != 0)
        return BEARER_MALFORMED;
    id = value + type_len;
    colon = memchr(id, ':', (size_t)(end - id));
    if (colon == NULL || !field_is_id(id, (size_t)(colon - id), "TKN-", 2))
        return BEARER_MALFORMED;
    secret = colon + 1;
    if (!is_secret(secret, (size_t)(end - secret)))
        return BEARER_MALFORMED;
    if (SHA256((const unsigned char *)secret, (size_t)(end - secret), hash) == NULL)
        return BEARER_OUT_OF_MEMORY;

    /* The whole id, because tokens are compared with memcmp. */
    memset(token->id, 0, sizeof(token->id));
    memcpy(token->id, id, (size_t)(colon - id));
    text_write_hex(hash, SHA256_DIGEST_LENGTH, token->secret_sha256);
    return BEARER_OK;
}

bool bearer_mac(
    const char *value, size_t len, const char *text, size_t text_len, char mac[TOKEN_HASH_LEN + 1])
{
    /* A secret has no colon. */
    const char *secret = (const char *)memrchr(value, ':', len) + 1;
    unsigned char hash[SHA256_DIGEST_LENGTH];

    if (HMAC(EVP_sha256(), secret, (int)(value + len - secret), (const unsigned char *)text, text_len, hash,
            NULL) == NULL)
        return false;
    text_write_hex(hash, SHA256_DIGEST_LENGTH, mac);
    return true;
}
