/* Both languages are in the page, and two radio buttons before them say which one is seen; the
 * script only presses the second for a Chinese browser. The policy is a fence behind the escaping:
 * markup that came through could neither run nor load anything. */
#include "study/page.h"

#include "study/chinese.h"
#include "text/utf8.h"

#include <stdarg.h>

extern const char hw_page_style[]; /* page.css */

/* The policy names the script by the SHA-256 of its text. */
#define SCRIPT "if (/^zh/i.test(navigator.language)) document.getElementById(\"zh\").checked = true"
#define SCRIPT_HASH "sha256-5CBMZ36m3I89zEavJYMkMQtHhQYu/QyKZEykFRB9b/U="

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'; script-src '" SCRIPT_HASH "'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";

static const char switches[] =
    "</style>\n</head>\n<body>\n"
    "<input type=\"radio\" name=\"language\" id=\"en\" aria-label=\"English\" checked>"
    "<input type=\"radio\" name=\"language\" id=\"zh\" aria-label=\"中文\">\n"
    "<script>" SCRIPT "</script>\n"
    "<nav><label for=\"en\">English</label><label for=\"zh\">中文</label></nav>\n<main>\n";

void hw_page_begin(hw_text_buffer *page, const char *title) {
    hw_text_printf(page, "%s", head);
    hw_page_text(page, title);
    hw_text_printf(page, "</title>\n<style>\n%s%s", hw_page_style, switches);
    hw_page_element(page, "h1", title);
}

void hw_page_end(hw_text_buffer *page) {
    hw_text_printf(page, "</main>\n</body>\n</html>\n");
}

/* ---- Text --------------------------------------------------------------------------------- */

/* What stands for a code point; NULL: itself. */
static const char *escape_of(uint32_t code) {
    const bool is_control = code < ' ' || (code >= 0x7f && code < 0xa0);
    return is_control || code == HW_UTF8_REPLACEMENT ? "\xef\xbf\xbd" : hw_html_entity(code);
}

void hw_page_text(hw_text_buffer *page, const char *text) {
    size_t size;
    for (size_t left = strlen(text); left > 0; left -= size, text += size) {
        const char *escape = escape_of(hw_utf8_decode(&size, text, left));
        hw_text_append(page, escape ? escape : text, escape ? strlen(escape) : size);
    }
}

static void append_phrase(hw_text_buffer *page, const char *tag, const char *english) {
    char chinese[2048];
    if (!hw_chinese(chinese, sizeof chinese, english)) {
        hw_page_text(page, english);
        return;
    }
    hw_text_printf(page, "<%s lang=\"en\">", tag);
    hw_page_text(page, english);
    hw_text_printf(page, "</%s><%s lang=\"zh\">", tag, tag);
    hw_page_text(page, chinese);
    hw_text_printf(page, "</%s>", tag);
}

void hw_page_phrase(hw_text_buffer *page, const char *format, ...) {
    char english[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(english, sizeof english, format, arguments);
    va_end(arguments);
    append_phrase(page, "span", english);
}

void hw_page_svg_phrase(hw_text_buffer *page, const char *text) {
    append_phrase(page, "tspan", text);
}

/* ---- Elements ----------------------------------------------------------------------------- */

void hw_page_element(hw_text_buffer *page, const char *tag, const char *text) {
    hw_text_printf(page, "<%s>", tag);
    append_phrase(page, "span", text);
    hw_text_printf(page, "</%s>\n", tag);
}

static void append_row(hw_text_buffer *page, const json_t *cells, bool is_head) {
    hw_text_printf(page, "<tr>");
    for (size_t i = 0; i < json_array_size(cells); i++)
        hw_page_element(page, is_head || i == 0 ? "th" : "td",
                        json_string_value(json_array_get(cells, i)));
    hw_text_printf(page, "</tr>\n");
}

void hw_page_table(hw_text_buffer *page, const json_t *table) {
    const json_t *rows = json_object_get(table, "rows");
    hw_text_printf(page, "<div>\n");
    hw_page_element(page, "h3", json_string_value(json_object_get(table, "title")));
    hw_text_printf(page, "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead>");
    append_row(page, json_object_get(table, "columns"), true);
    hw_text_printf(page, "</thead>\n<tbody>\n");
    for (size_t i = 0; i < json_array_size(rows); i++)
        append_row(page, json_array_get(rows, i), false);
    hw_text_printf(page, "</tbody>\n</table></div>\n</div>\n");
}
