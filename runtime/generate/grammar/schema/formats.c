/* Where standards leave a choice, what every reader takes is written: no leap seconds, T and Z as capitals, no year
 * 0000, no labels of internationalised host names (xn--, whose insides are a code of their own), no e-mail addresses at
 * an IPv6 address. */
#include "runtime/generate/grammar/schema/formats.h"

#include "runtime/base/text.h"

#include <string.h>

#define HEX "[0-9a-fA-F]"

/* RFC 3339. A day that its month has in every year, or the 29th of February of a leap year. */
#define YEAR      "(?:\\d{3}[1-9]|\\d\\d[1-9]0|\\d[1-9]00|[1-9]000)"
#define DAY       "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
#define EVERY_4TH "(?:0[48]|[2468][048]|[13579][26])"
#define DATE      "(?:" YEAR "-" DAY "|(?:\\d\\d" EVERY_4TH "|" EVERY_4TH "00)-02-29)"
#define HOUR      "(?:[01]\\d|2[0-3])"
#define TIME      HOUR ":[0-5]\\d:[0-5]\\d(?:\\.\\d+)?(?:Z|[+-]" HOUR ":[0-5]\\d)"

#define SECONDS  "\\d+S"
#define MINUTES  "\\d+M(?:" SECONDS ")?"
#define HOURS    "\\d+H(?:" MINUTES ")?"
#define OF_DAY   "T(?:" HOURS "|" MINUTES "|" SECONDS ")"
#define MONTHS   "\\d+M(?:\\d+D)?"
#define DURATION "P(?:(?:\\d+D|" MONTHS "|\\d+Y(?:" MONTHS ")?)(?:" OF_DAY ")?|" OF_DAY "|\\d+W)"

#define OCTET "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]\\d|\\d)"
#define IPV4  OCTET "(?:\\." OCTET "){3}"
#define H16   HEX "{1,4}"
#define LS32  "(?:" H16 ":" H16 "|" IPV4 ")"
#define IPV6                                                                                                 \
    "(?:(?:" H16 ":){6}" LS32 "|::(?:" H16 ":){5}" LS32 "|(?:" H16 ")?::(?:" H16 ":){4}" LS32 "|(?:(?:" H16  \
    ":){0,1}" H16 ")?::(?:" H16 ":){3}" LS32 "|(?:(?:" H16 ":){0,2}" H16 ")?::(?:" H16 ":){2}" LS32          \
    "|(?:(?:" H16 ":){0,3}" H16 ")?::" H16 ":" LS32 "|(?:(?:" H16 ":){0,4}" H16 ")?::" LS32 "|(?:(?:" H16    \
    ":){0,5}" H16 ")?::" H16 "|(?:(?:" H16 ":){0,6}" H16 ")?::)"

/* RFC 1123, without labels that have "--" in third place. */
#define AN       "[0-9A-Za-z]"
#define ANH      "[0-9A-Za-z-]"
#define LABEL    AN "(?:" AN "|" ANH AN "|" ANH ANH AN "|" ANH "(?:" AN ANH "|-" AN ")" ANH "{0,58}" AN ")?"
#define HOSTNAME LABEL "(?:\\." LABEL ")*"

/* RFC 5321. */
#define ATOM   "[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+"
#define QUOTED "\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\""
#define DOMAIN AN "(?:" ANH "{0,61}" AN ")?(?:\\." AN "(?:" ANH "{0,61}" AN ")?)*"
#define EMAIL  "(?:" ATOM "(?:\\." ATOM ")*|" QUOTED ")@(?:" DOMAIN "|\\[" IPV4 "\\])"

/* RFC 3986. */
#define PCT       "%" HEX "{2}"
#define PCHAR     "(?:[0-9A-Za-z._~!$&'()*+,;=:@-]|" PCT ")"
#define NOT_COLON "(?:[0-9A-Za-z._~!$&'()*+,;=@-]|" PCT ")"
#define REG_CHAR  "(?:[0-9A-Za-z._~!$&'()*+,;=-]|" PCT ")"
#define AUTHORITY                                                                                            \
    "(?:(?:[0-9A-Za-z._~!$&'()*+,;=:-]|" PCT ")*@)?(?:\\[(?:" IPV6                                           \
    "|v[0-9A-Fa-f]+\\.[0-9A-Za-z._~!$&'()*+,;=:-]+)\\]|" REG_CHAR "*)(?::\\d*)?"
#define SEGMENTS  "(?:/" PCHAR "*)*"
#define ABSOLUTE  "//" AUTHORITY SEGMENTS "|/(?:" PCHAR "+" SEGMENTS ")?"
#define QUERY     "(?:\\?(?:" PCHAR "|[/?])*)?(?:#(?:" PCHAR "|[/?])*)?"
#define URI       "[A-Za-z][0-9A-Za-z+.-]*:(?:" ABSOLUTE "|" PCHAR "+" SEGMENTS "|)" QUERY
#define REFERENCE "(?:" URI "|(?:" ABSOLUTE "|" NOT_COLON "+" SEGMENTS "|)" QUERY ")"

#define POINTER "(?:/(?:[^~/]|~[01])*)*" /* RFC 6901 */

static const struct {
    const char *name, *expression;
    unsigned max;
} formats[] = {
    {"date", DATE, 0},
    {"time", TIME, 0},
    {"date-time", DATE "T" TIME, 0},
    {"duration", DURATION, 0},
    {"uuid", HEX "{8}-(?:" HEX "{4}-){3}" HEX "{12}", 0},
    {"ipv4", IPV4, 0},
    {"ipv6", IPV6, 0},
    {"hostname", HOSTNAME, 253},
    {"email", EMAIL, 0},
    {"uri", URI, 0},
    {"uri-reference", REFERENCE, 0},
    {"json-pointer", POINTER, 0},
    {"relative-json-pointer", "(?:0|[1-9]\\d*)(?:#|" POINTER ")", 0},
};

const char *format_expression(const char *name, size_t size, unsigned *max)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (text_is((struct hone_text){name, size}, formats[i].name)) {
            *max = formats[i].max;
            return formats[i].expression;
        }
    return NULL;
}
