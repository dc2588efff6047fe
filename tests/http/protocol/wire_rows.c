#include "wire_rows.h"

#include "base/count.h"

#define ROW(text, status)                                                                                    \
    {                                                                                                        \
        text, sizeof(text) - 1, status                                                                       \
    }

#define CL "Content-Length: 4\r\n"
#define EMPTY_CHUNK "\r\n0\r\n\r\n"

const struct wire_row framing_rows[] = {
    /* Transfer-Encoding with Content-Length, however it is spelt. */
    ROW(POST "Transfer-Encoding: chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST CL "Transfer-Encoding: chunked\r\n" EMPTY_CHUNK, 400),
    ROW(POST "TRANSFER-ENCODING: CHUNKED\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "transfer-encoding:chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: \t chunked \t\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding:\r\n chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding:\r\n\tchunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "X: y\r\n Transfer-Encoding: chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST " Transfer-Encoding: chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: xchunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: identity\r\n" CL "\r\nbody", 400),
    ROW(POST "Transfer-Encoding:\r\n" CL "\r\nbody", 400),
    ROW(POST "Transfer-Encoding: chunked, identity\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: chunked\n" CL EMPTY_CHUNK, 400),
    ROW("GET /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding : chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding\t: chunked\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: chunked\0\r\n" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: chunked\r" CL EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: \x0b"
             "chunked\r\n" CL EMPTY_CHUNK,
        400),
    ROW(POST "\x01Transfer-Encoding: chunked\r\n" CL EMPTY_CHUNK, 400),
    /* Transfer-Encoding alone. */
    ROW(POST "Transfer-Encoding: chunked, chunked\r\n" EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: gzip, chunked\r\n" EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: xchunked\r\n" EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: \"chunked\"\r\n" EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: chunked;q=1\r\n" EMPTY_CHUNK, 400),
    ROW(POST "Transfer-Encoding: ,chunked\r\n" EMPTY_CHUNK, 400),
    ROW("POST /a HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" EMPTY_CHUNK, 400),
    ROW("POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n" EMPTY_CHUNK, 400),
    /* Content-Length twice, or not a number. */
    ROW(POST "Content-Length: 0\r\nContent-Length: 50\r\n\r\n", 400),
    ROW(POST "Content-Length: 50\r\nContent-Length: 0\r\n\r\n", 400),
    ROW(POST CL "content-length: 4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4, 4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4, 0\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4 4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: +4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: -4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 0x4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4.0\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4e0\r\n\r\nbody", 400),
    ROW(POST "Content-Length: \"4\"\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4;\r\n\r\nbody", 400),
    ROW(POST "Content-Length: four\r\n\r\nbody", 400),
    ROW(POST "Content-Length:\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4 \t\r\n\r\nbody", 400),
    ROW(POST "Content-Length: \t \r\n\r\nbody", 400),
    ROW(POST "Content-Length:\r\n 4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 1\r\n 0\r\n\r\nb", 400),
    ROW(POST "Content-Length: 18446744073709551616\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 18446744073709551620\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 18446744073709551615\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 9223372036854775807\r\n\r\nbody", 413),
    ROW(POST "Content-Length: 4294967296\r\n\r\nbody", 413),
    ROW(POST "Content-Length: 0000000000000000000004\r\n\r\nbody", 400),
    ROW(POST "Content-Length : 4\r\n\r\nbody", 400),
    ROW(POST "Content-Length: 4\0\r\n\r\nbody", 400),
    ROW(POST "Content-Length: \0"
             "4\r\n\r\nbody",
        400),
};

#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

/* Chunked bodies are not read. */
const struct wire_row chunk_rows[] = {
    ROW(CHUNKED "0\r\n\r\n", 411),
    ROW(CHUNKED "4\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "0x4\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "4zzz\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "4;name=value\r\nbody\r\n0;last\r\n\r\n", 411),
    ROW(CHUNKED "4;\"\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "04\r\nbody\r\n000\r\n\r\n", 411),
    ROW(CHUNKED "4 \r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "4\nbody\n0\n\n", 411),
    ROW(CHUNKED "4\r\nbody\r\n0\r\nTrailer: x\r\n\r\n", 411),
    ROW(CHUNKED "4\r\nbody\r\n0\r\nContent-Length: 50\r\n\r\n", 411),
    ROW(CHUNKED "-4\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "+4\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED " 4\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "four\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "4\r\nbodyX0\r\n\r\n", 411),
    ROW(CHUNKED "3\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "\r\n4\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "10000000000000004\r\nbody\r\n0\r\n\r\n", 411),
    /* Incomplete bodies. */
    ROW(CHUNKED "ffffffffffffffff\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "7fffffffffffffff\r\nbody\r\n0\r\n\r\n", 411),
    ROW(CHUNKED "4\rbody\r\n0\r\n\r\n", 411),
};

const struct wire_row head_rows[] = {
    ROW("GET /a HTTP/1.1\r\n\r\n", 400),
    ROW("GET /a HTTP/1.1\r\n" HOST HOST "\r\n", 400),
    ROW("GET /a HTTP/1.1\r\n" HOST "host: b\r\n\r\n", 400),
    ROW("GET /a HTTP/1.0\r\n" HOST HOST "\r\n", 400),
    ROW("GET /a HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ROW("GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ROW("GET /a HTTP/1.1\r\nHost: b@a\r\n\r\n", 400),
    ROW("GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ROW("GET /a HTTP/1.1\r\nHost: a?b\r\n\r\n", 400),
    ROW("GET /a HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", 400),
    ROW("GET /a HTTP/1.1\r\nHost: <a>\r\n\r\n", 400),
    ROW(GET "Authorization: a\r\nAuthorization: b\r\n\r\n", 400),
    ROW(GET "authorization: a\r\nAUTHORIZATION: a\r\n\r\n", 400),
    ROW(GET "Content-Type: application/json\r\nContent-Type: text/plain\r\n\r\n", 400),
    ROW(GET "X: a\r\n folded\r\n\r\n", 400),
    ROW(GET "X: a\r\n\tfolded\r\n\r\n", 400),
    ROW(GET "X: a\r\n \r\n\r\n", 400),
    ROW(GET "X: a\n\r\n", 400),
    ROW(GET "X: a\r\n\n", 400),
    ROW("GET /a HTTP/1.1\n" HOST "\r\n", 400),
    ROW("GET /a HTTP/1.1\nHost: a\n\n", 400),
    ROW("\nGET /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET /a HTTP/1.1\r" HOST "\r\n", 400),
    ROW(GET "X: a\rb\r\n\r\n", 400),
    ROW(GET "X: a\r\r\n\r\n", 400),
    ROW(GET "X: a\0b\r\n\r\n", 400),
    ROW(GET "X\0: a\r\n\r\n", 400),
    ROW(GET "X: a\x7f\r\n\r\n", 400),
    ROW(GET "X: a\x08\r\n\r\n", 400),
    ROW(GET "no colon\r\n\r\n", 400),
    ROW(GET ": no name\r\n\r\n", 400),
    ROW(GET "X y: a\r\n\r\n", 400),
    ROW(GET "X(y): a\r\n\r\n", 400),
    ROW(GET "X\xc3\xa4: a\r\n\r\n", 400),
    /* An unknown expectation is refused before everything except framing. */
    ROW(POST CL "Expect: miracles\r\n\r\nbody", 417),
    ROW(POST CL "Expect: 100-continue, miracles\r\n\r\nbody", 417),
    ROW(POST CL "Expect: 100-continue \t\r\n\r\nbody", 417),
    ROW(POST CL "Expect: 100-continue\r\nExpect: miracles\r\n\r\nbody", 417),
    ROW("HEAD /a HTTP/1.1\r\n" HOST CL "Expect: miracles\r\n\r\nbody", 417),
    ROW("HEAD /a HTTP/1.1\r\n" HOST "Content-Length: 999999999\r\n\r\nbody", 413),
    ROW("HEAD /a HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\nbody", 400),
    ROW("HEAD /a HTTP/1.1\r\n\r\n", 400),
    ROW("HEAD /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    ROW(POST "Content-Length: 999999999\r\nExpect: 100-continue\r\n\r\n", 413),
    ROW(POST "Content-Length: x\r\nExpect: 100-continue\r\n\r\n", 400),
    ROW(POST "Transfer-Encoding: x\r\nExpect: 100-continue\r\n\r\n", 400),
    /* Requested by the client. */
    ROW(GET "Connection: close\r\n\r\n", 404),
    ROW(GET "Connection: Close, keep-alive\r\n\r\n", 404),
    ROW(GET "Connection: keep-alive, close\r\n\r\n", 404),
    ROW(GET "Connection: close\r\nConnection: keep-alive\r\n\r\n", 404),
    ROW(GET "Connection: keep-alive\r\nConnection: close\r\n\r\n", 404),
    ROW(GET "Connection: x\r\n\r\n", 404),
    ROW("GET /a HTTP/1.0\r\n\r\n", 404),
    ROW("GET /a HTTP/1.0\r\nConnection: close\r\n\r\n", 404),
    /* Unsupported protocols. */
    ROW(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
            "AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        404),
    ROW(GET "Connection: Upgrade\r\nUpgrade: h2c-14\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        404),
    ROW(GET "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", 404),
    ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", 400),
    ROW("PRI * HTTP/2.0\r\n" HOST "\r\n", 400),
};

const struct wire_row target_rows[] = {
    /* Not a request line. */
    ROW("GET /a HTTP/0.9\r\n" HOST "\r\n", 400),
    ROW("GET /a HTTP/2.0\r\n" HOST "\r\n", 400),
    ROW("GET /a HTTP/3\r\n" HOST "\r\n", 400),
    ROW("GET /a HTTP/1.10\r\n" HOST "\r\n", 400),
    ROW("GET /a HTTP/11\r\n" HOST "\r\n", 400),
    ROW("GET /a http/1.1\r\n" HOST "\r\n", 400),
    ROW("GET /a HTTP/1.1 \r\n" HOST "\r\n", 400),
    ROW("GET /a  HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET  /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET /a b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET\t/a\tHTTP/1.1\r\n" HOST "\r\n", 400),
    ROW(" GET /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET /a\0b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET\0 /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET /a\r\n\r\n", 400),
    ROW("GET\r\n\r\n", 400),
    ROW("\r\n\r\n\r\nGET /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ROW("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", 400),
    ROW("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", 400),
    ROW("G@T /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("GET\x08 /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("G\xc3\x84T /a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("\"GET\" /a HTTP/1.1\r\n" HOST "\r\n", 400),
};

#define DOCUMENT "/public/v1/accounts/openapi.json"
#define MEMBERS "/public/v1/accounts/account-users"
#define LINE_OF(method, target, status) ROW(method " " target " HTTP/1.1\r\n" HOST "\r\n", status)
#define LINE(method, target) LINE_OF(method, target, 404)
#define TEN_FIELDS "A: \r\nB: \r\nC: \r\nD: \r\nE: \r\nF: \r\nG: \r\nH: \r\nI: \r\nJ: \r\n"
#define FIFTY_FIELDS TEN_FIELDS TEN_FIELDS TEN_FIELDS TEN_FIELDS TEN_FIELDS

const struct wire_row served_rows[] = {
    ROW(GET "\r\n", 404),
    ROW("\r\n" GET "\r\n", 404),
    ROW(POST "Content-Length: 4\r\n\r\nbody", 404),
    ROW(GET "Content-Length: 4\r\n\r\nbody", 404),
    ROW(POST "Content-Length: 0\r\n\r\n", 404),
    ROW(POST "\r\n", 404),
    ROW("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 404),
    ROW("GET /a HTTP/1.2\r\n" HOST "\r\n", 404),
    ROW("GET /a HTTP/1.1\r\nHost:\r\n\r\n", 404),
    ROW("GET /a HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 404),
    ROW(GET "X: a\tb \xc3\xa4\r\nX: c\r\n\r\n", 404),
    ROW(GET "Expect: miracles\r\n\r\n", 404),
    ROW(GET "X-HTTP-Method-Override: DELETE\r\nX-Original-URL: " DOCUMENT "\r\n\r\n", 404),
    ROW("GET /a HTTP/1.1\r\nHost: a\r\n" FIFTY_FIELDS TEN_FIELDS TEN_FIELDS TEN_FIELDS TEN_FIELDS "\r\n",
        404),
    /* The forms of a target. */
    ROW("GET " DOCUMENT " HTTP/1.1\r\n" HOST "\r\n", 200),
    ROW("GET http://a" DOCUMENT " HTTP/1.1\r\n" HOST "\r\n", 200),
    ROW("GET HTTPS://[::1]:80" DOCUMENT "?x=http://b/ HTTP/1.1\r\n" HOST "\r\n", 200),
    ROW("GET http://a" MEMBERS " HTTP/1.1\r\n" HOST "\r\n", 401),
    LINE("GET", "http://a"),
    LINE("GET", "http://a/"),
    LINE("GET", "http://a?" DOCUMENT),
    LINE("GET", "http://" DOCUMENT),
    LINE("GET", "ftp://a" DOCUMENT),
    LINE("GET", "//a" DOCUMENT),
    LINE("GET", "public/v1/accounts/openapi.json"),
    LINE("GET", "*"),
    LINE("OPTIONS", "*"),
    LINE("CONNECT", "a:443"),
    LINE("CONNECT", "a"),
    LINE("TRACE", "/a"),
    /* Not a method of HTTP. */
    LINE_OF("get", "/a", 501),
    LINE_OF("PRI", "/a", 501),
    LINE_OF("PROPFIND", MEMBERS, 501),
    LINE_OF("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/a", 501),
    LINE_OF("get", DOCUMENT, 501),
    ROW("TRACE " DOCUMENT " HTTP/1.1\r\n" HOST "\r\n", 405),
    /* A path is compared byte by byte. */
    LINE("GET", "/public/v1/accounts/openapi.json%00"),
    LINE("GET", "/public/v1/accounts%00/openapi.json"),
    LINE("GET", "/public/v1/accounts%2Fopenapi.json"),
    LINE("GET", "/public/v1/accounts/%6Fpenapi.json"),
    LINE("GET", "/public/v1/accounts//openapi.json"),
    LINE("GET", "/public/v1/accounts/./openapi.json"),
    LINE("GET", "/public/v1/accounts/x/../openapi.json"),
    LINE("GET", "/public/v1/accounts/x/%2e%2e/openapi.json"),
    LINE("GET", "/public/v1/accounts/..%2faccounts/openapi.json"),
    LINE("GET", "/public/v1/accounts/..\\accounts/openapi.json"),
    LINE("GET", "/public/v1/accounts/openapi.json/"),
    LINE("GET", "/public/v1/accounts/openapi.json#a"),
    LINE("GET", "/public/v1/accounts/openapi.json;a"),
    LINE("GET", "/../public/v1/accounts/openapi.json"),
    LINE("GET", "/\xff"),
    LINE("GET", MEMBERS "/%00"),
    LINE("DELETE", MEMBERS "/..%2f..%2faccounts"),
    ROW("GET " MEMBERS "?%00 HTTP/1.1\r\n" HOST "\r\n", 401),
};

const size_t served_row_count = COUNT(served_rows);
const size_t framing_row_count = COUNT(framing_rows);
const size_t chunk_row_count = COUNT(chunk_rows);
const size_t head_row_count = COUNT(head_rows);
const size_t target_row_count = COUNT(target_rows);
