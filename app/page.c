/* What pages share. The policy is a second fence behind the escaping: even markup that came through
 * could neither run nor load anything. */
#include "page.h"

#include "json_text.h"

#include "base/file.h"

#include <string.h>

static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<style>\n"
    ":root { --paper: #fff; --ink: #1b1e23; --quiet: #5d6672; --line: #d8dde4; --for: 26 138 74; "
    "--against: 206 60 50; }\n"
    "@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --ink: #e8eaed; --quiet: "
    "#9aa4b0; --line: #343b44; --for: 46 160 92; --against: 214 76 66; } }\n"
    "* { box-sizing: border-box; }\n"
    "body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--paper); color: "
    "var(--ink); font: 1rem/1.5 system-ui, sans-serif; }\n"
    "h1 { font-size: 1.4rem; margin: .5rem 0 1rem; }\n"
    "h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }\n"
    "p { overflow-wrap: anywhere; }\n"
    "article { border-top: 1px solid var(--line); padding: 1rem 0; }\n"
    ".quiet { color: var(--quiet); font-size: .9rem; margin: .3rem 0; }\n"
    ".text { font-size: 1.15rem; line-height: 2; white-space: pre-wrap; overflow-wrap: anywhere; "
    "margin: .7rem 0; unicode-bidi: isolate; }\n"
    ".text span { border-radius: .25em; padding: .12em .1em; unicode-bidi: isolate; }\n"
    ".for { background: rgb(var(--for) / var(--a)); }\n"
    ".against { background: rgb(var(--against) / var(--a)); }\n"
    ".scroll { overflow: auto; max-height: 22rem; margin: .7rem 0; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; }\n"
    "th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid var(--line); "
    "white-space: nowrap; }\n"
    "th { font-weight: 600; color: var(--quiet); }\n"
    "td:last-child.word, th:last-child.word { text-align: left; white-space: pre-wrap; "
    "overflow-wrap: anywhere; unicode-bidi: isolate; }\n"
    "@media (max-width: 30rem) { th, td { padding: .15rem .3rem; font-size: .8rem; } "
    "th { white-space: normal; } }\n"
    ".maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: "
    "1rem; "
    "}\n"
    "figure { margin: 0; }\n"
    "figcaption { color: var(--quiet); font-size: .9rem; }\n"
    "svg { width: 100%; height: auto; max-height: 40rem; }\n"
    "svg path { fill: rgb(var(--for)); }\n"
    "svg text { fill: var(--ink); font-size: .75px; text-anchor: end; }\n"
    ".frame { fill: none; stroke: var(--line); stroke-width: .05px; }\n"
    ".arcs path { fill: none; stroke: rgb(var(--for)); stroke-width: .16px; }\n"
    ".arcs rect { fill: transparent; }\n"
    ".arcs .to { text-anchor: start; }\n"
    ".arcs:hover g { opacity: .12; }\n"
    ".arcs g:hover { opacity: 1; }\n"
    ".cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: "
    ".4rem; margin: .4rem 0; }\n"
    ".card { border: 1px solid var(--line); border-radius: .35em; padding: .35rem .5rem; "
    "font-size: .9rem; line-height: 1.35; overflow-wrap: anywhere; }\n"
    ".card span { float: right; font-variant-numeric: tabular-nums; }\n"
    ".curve { max-width: 36rem; margin: 1rem 0; }\n"
    ".curve text { font-size: 4px; fill: var(--quiet); }\n"
    ".curve .frame { stroke-width: .3px; }\n"
    ".curve circle { fill: rgb(var(--for)); }\n"
    ".curve .beyond { fill: rgb(var(--against)); }\n"
    ".curve .limit { fill: none; stroke: var(--quiet); stroke-width: .4px; stroke-dasharray: 2; }\n"
    ".curve .line { fill: none; stroke: rgb(var(--for)); stroke-width: .6px; }\n"
    ".small text { font-size: .4px; }\n"
    ".part { margin-top: 1.5rem; }\n"
    ".numbers th, .numbers td { padding: .15rem .4rem; font-size: .9rem; }\n"
    ".numbers td:nth-child(2), .numbers th:nth-child(2) { text-align: left; }\n"
    ".small { grid-template-columns: repeat(auto-fill, minmax(9rem, 12rem)); }\n"
    "summary { cursor: pointer; color: var(--quiet); }\n"
    "</style>\n<title>";

void page_begin(hw_text_buffer *page, const char *title) {
    hw_text_append(page, head, sizeof head - 1);
    page_append(page, hw_text_of(title));
    hw_text_printf(page, "</title>\n</head>\n<body>\n<h1>");
    page_append(page, hw_text_of(title));
    hw_text_printf(page, "</h1>\n");
}

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* What stands for a byte; NULL: itself. */
static const char *escape_of(unsigned char byte) {
    if (byte == '\n' || byte == '\t') return NULL;
    return byte < ' ' || byte == 127 ? replacement : hw_html_entity(byte);
}

/* U+202A to U+202E and U+2066 to U+2069, which would show a text in another order than it has. */
static bool turns_direction(const char *bytes, size_t length) {
    if (length < 3 || (unsigned char)bytes[0] != 0xe2) return false;
    const unsigned char second = (unsigned char)bytes[1], third = (unsigned char)bytes[2];
    return (second == 0x80 && third >= 0xaa && third <= 0xae) ||
           (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

static void append_escaped(hw_text_buffer *page, const char *bytes, size_t length) {
    for (size_t i = 0, taken; i < length; i += taken) {
        const bool turns = turns_direction(bytes + i, length - i);
        const char *escape = turns ? replacement : escape_of((unsigned char)bytes[i]);
        taken = turns ? 3 : 1;
        if (escape)
            hw_text_append(page, escape, strlen(escape));
        else
            hw_text_append(page, bytes + i, 1);
    }
}

void page_append(hw_text_buffer *page, hw_text text) {
    json_t *clean = json_text(text);
    if (clean)
        append_escaped(page, json_string_value(clean), json_string_length(clean));
    else
        page->failed = true;
    json_decref(clean);
}

hw_status page_write(hw_text_buffer *page, const char *path, hw_error *err) {
    hw_text_printf(page, "</body>\n</html>\n");
    const hw_chunk chunk = { page->bytes, page->length };
    const hw_status status =
        page->failed ? hw_fail(err, HW_ERROR_MEMORY, "out of memory while making %.400s", path)
                     : hw_file_replace(path, &chunk, 1, err);
    hw_text_buffer_free(page);
    return status;
}
