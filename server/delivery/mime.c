#include "delivery/mime.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/field_rules.h"
#include "base/text.h"

/* RFC 2045 and RFC 2047. */
#define LINE_MAX_QP 76
/* RFC 5322, section 2.1.1. */
#define LINE_MAX_PLAIN 998
#define WORD_MAX 75
/* Longer header texts are encoded, which also folds them: "Subject: " and this fit into a line. */
#define PLAIN_MAX 64

/* "=_" does not occur in quoted-printable text. */
#define BOUNDARY "=_alternative"

static bool is_one_of(unsigned char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_printable(unsigned char c)
{
    return c >= ' ' && c <= '~';
}

static bool is_address(struct mime_text address)
{
    const char *messages[FIELD_MAX_MESSAGES];

    return text_is_utf8(address.text, address.len) &&
           field_check(FIELD_EMAIL, address.text, address.len, messages) == 0;
}

static struct mime_text text_of(const char *text)
{
    return (struct mime_text){text, strlen(text)};
}

static struct mime_text trim(struct mime_text text)
{
    while (text.len > 0 && *text.text == ' ') {
        text.text++;
        text.len--;
    }
    while (text.len > 0 && text.text[text.len - 1] == ' ')
        text.len--;
    return text;
}

bool mime_read_mailbox(const char *text, struct mailbox *mailbox)
{
    struct mime_text all = trim(text_of(text));
    const char *open = memrchr(all.text, '<', all.len);

    if (all.len == 0)
        return false;
    *mailbox = (struct mailbox){.name = {all.text, 0}, .address = all};
    if (open != NULL && all.text[all.len - 1] == '>') {
        mailbox->name = trim((struct mime_text){all.text, (size_t)(open - all.text)});
        mailbox->address = (struct mime_text){open + 1, (size_t)(all.text + all.len - 1 - (open + 1))};
    }
    if (mailbox->name.len >= 2 && mailbox->name.text[0] == '"' &&
        mailbox->name.text[mailbox->name.len - 1] == '"') {
        mailbox->name.text++;
        mailbox->name.len -= 2;
    }
    return is_address(mailbox->address);
}

/* C0, DEL, C1, and Unicode's line and paragraph separators. */
static bool is_control(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* Whether a header text needs no encoding: it has only letters, digits, spaces and characters of set. */
static bool is_plain(struct mime_text text, const char *set)
{
    if (text.len == 0 || text.len > PLAIN_MAX || text.text[0] == ' ' || text.text[text.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.text[i];

        if (!text_is_alphanumeric(c) && c != ' ' && !is_one_of(c, set))
            return false;
    }
    return memmem(text.text, text.len, "=?", 2) == NULL;
}

/* Writes encoded words (Q encoding), one per line; the first line already has column bytes. A character is
 * never split. Characters that RFC 2047 does not allow in a name are encoded. */
static void write_words(struct mime_text text, size_t column, FILE *out)
{
    static const char open[] = "=?UTF-8?Q?", close[] = "?=";
    const size_t room = WORD_MAX - strlen(open) - strlen(close);
    size_t used = column;

    fputs(open, out);
    for (const char *at = text.text, *end = at + text.len; at < end;) {
        char encoded[3 * 4 + 1] = "";
        const char *start = at, *bytes = start;
        uint32_t c = text_next(&at, end);
        size_t len = (size_t)(at - start), encoded_len = 0;

        if (c == TEXT_NOT_UTF8 || is_control(c)) {
            bytes = c == TEXT_NOT_UTF8 ? "?" : " ";
            len = 1;
        }
        for (size_t i = 0; i < len; i++) {
            unsigned char byte = (unsigned char)bytes[i];

            if (text_is_alphanumeric(byte) || is_one_of(byte, "!*+-/")) {
                encoded[encoded_len++] = (char)byte;
            } else if (byte == ' ') {
                encoded[encoded_len++] = '_';
            } else {
                encoded_len += (size_t)snprintf(encoded + encoded_len, sizeof("=00"), "=%02X", byte);
            }
        }
        if (used + encoded_len > room) {
            fprintf(out, "%s\r\n %s", close, open);
            used = 0;
        }
        fwrite(encoded, 1, encoded_len, out);
        used += encoded_len;
    }
    fputs(close, out);
}

static void write_mailbox(const char *header, const struct mailbox *mailbox, FILE *out)
{
    /* The atext of RFC 5322, and what is allowed in a quoted string; names with " or \ are encoded. */
    static const char atext[] = "!#$%&'*+-/=?^_`{|}~", quoted[] = "!#$%&'*+-/=?^_`{|}~()<>[]:;@,.";

    fprintf(out, "%s: ", header);
    if (is_plain(mailbox->name, atext))
        fprintf(out, "%.*s\r\n ", (int)mailbox->name.len, mailbox->name.text);
    else if (is_plain(mailbox->name, quoted))
        fprintf(out, "\"%.*s\"\r\n ", (int)mailbox->name.len, mailbox->name.text);
    else if (mailbox->name.len > 0) {
        write_words(mailbox->name, strlen(header) + 2, out);
        fputs("\r\n ", out);
    }
    fprintf(out, "<%.*s>\r\n", (int)mailbox->address.len, mailbox->address.text);
}

static void write_subject(const char *subject, FILE *out)
{
    static const char printable[] = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    struct mime_text text = text_of(subject);

    fputs("Subject: ", out);
    if (is_plain(text, printable))
        fputs(subject, out);
    else if (text.len > 0)
        write_words(text, strlen("Subject: "), out);
    fputs("\r\n", out);
}

static void write_date(time_t date, FILE *out)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm utc;

    gmtime_r(&date, &utc);
    fprintf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[utc.tm_wday], utc.tm_mday,
        months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* Whether a line begins with something that servers or mail programs may change. */
static bool has_special_beginning(const char *line, size_t len)
{
    return *line == '.' || (len >= 5 && memcmp(line, "From ", 5) == 0);
}

/* Writes a line of a body as quoted-printable. */
static void write_line(const char *line, size_t len, FILE *out)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        bool is_last = i + 1 == len, is_itself = is_printable(c) && c != '=' && !(c == ' ' && is_last);

        /* A soft line break needs room for its "=". */
        if (used + (is_itself ? 1 : 3) > (is_last ? LINE_MAX_QP : LINE_MAX_QP - 1)) {
            fputs("=\r\n", out);
            used = 0;
        }
        if (is_itself && !(used == 0 && has_special_beginning(line + i, len - i))) {
            fputc(c, out);
            used++;
        } else {
            fprintf(out, "=%02X", c);
            used += 3;
        }
    }
    fputs("\r\n", out);
}

/* Whether a body can be sent as 7bit, which keeps links whole and the file readable. */
static bool is_plain_body(const char *body)
{
    if (strstr(body, BOUNDARY) != NULL)
        return false;
    while (*body != '\0') {
        size_t len = strcspn(body, "\n");

        if (len > LINE_MAX_PLAIN || has_special_beginning(body, len) || (len > 0 && body[len - 1] == ' '))
            return false;
        for (size_t i = 0; i < len; i++) {
            if (!is_printable((unsigned char)body[i]))
                return false;
        }
        body += len + (body[len] == '\n');
    }
    return true;
}

static void write_part(const char *subtype, const char *body, FILE *out)
{
    const bool is_7bit = is_plain_body(body);

    fprintf(out,
        "--" BOUNDARY "\r\n"
        "Content-Type: text/%s; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: %s\r\n"
        "\r\n",
        subtype, is_7bit ? "7bit" : "quoted-printable");
    while (*body != '\0') {
        size_t len = strcspn(body, "\n");

        if (is_7bit)
            fprintf(out, "%.*s\r\n", (int)len, body);
        else
            write_line(body, len, out);
        body += len + (body[len] == '\n');
    }
}

/* Whether an id has the form that api.claim_deliveries makes; it is also used as a file name. */
static bool is_id(const char *id)
{
    size_t len = strlen(id);

    for (size_t i = 0; i < len; i++) {
        if (!text_is_alphanumeric((unsigned char)id[i]) && !is_one_of((unsigned char)id[i], ".-_@"))
            return false;
    }
    return len > 0 && len <= 200 && id[0] != '.';
}

static const char *find_mistake(const struct mime_message *message)
{
    if (!is_address(message->from.address))
        return "the sender's address is not valid";
    if (!is_address(text_of(message->to_address)))
        return "the recipient's address is not valid";
    if (!is_id(message->id))
        return "the message's id is not valid";
    return NULL;
}

char *mime_make(const struct mime_message *message, size_t *len, const char **reason)
{
    const struct mailbox to = {text_of(message->to_name), text_of(message->to_address)};
    char *text = NULL;
    FILE *out;
    bool failed;

    if ((*reason = find_mistake(message)) != NULL)
        return NULL;
    if ((out = open_memstream(&text, len)) == NULL)
        return NULL;
    write_date(message->date, out);
    write_mailbox("From", &message->from, out);
    write_mailbox("To", &to, out);
    write_subject(message->subject, out);
    fprintf(out, "Message-ID: <%s>\r\n", message->id);
    fputs("Auto-Submitted: auto-generated\r\n"
          "MIME-Version: 1.0\r\n"
          "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n"
          "\r\n",
        out);
    write_part("plain", message->text, out);
    write_part("html", message->html, out);
    fputs("--" BOUNDARY "--\r\n", out);
    failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}
