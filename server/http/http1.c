#include "http/http1.h"

/* A timeout of libh2o that never passes; libh2o subtracts it from the time since 1970, so it must be less. */
#define NEVER_MS (365ULL * 24 * 3600 * 1000)

h2o_hostconf_t *http1_configure(h2o_globalconf_t *globalconf, size_t max_body_size)
{
    h2o_config_init(globalconf);
    globalconf->server_name = h2o_iovec_init(H2O_STRLIT("accountsd"));
    /* HTTP/2 of this libh2o has vulnerabilities that cannot be fixed from outside. */
    globalconf->http1.upgrade_to_http2 = 0;
    /* At shutdown this callback would start a timer that outlives the context. */
    globalconf->http2.callbacks.request_shutdown = NULL;
    globalconf->http1.req_timeout = NEVER_MS;
    globalconf->handshake_timeout = NEVER_MS;
    globalconf->max_request_entity_size = max_body_size;
    return h2o_config_register_host(globalconf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
}
