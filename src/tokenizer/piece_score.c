/* Doubles between LEAST and GREATEST have a shortest decimal of at most 17 digits before a power of
 * ten of at most 10^22, which is a double, too. */
#include "tokenizer/piece_score.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>

static const double LEAST = 1e-5, GREATEST = 1e14;

typedef struct decimal {
    uint64_t digits; /* without the point */
    double power;    /* 10^behind */
    int behind;      /* digits behind the point */
} decimal;

static bool is_usual(double size) {
    return size >= LEAST && size < GREATEST;
}

/* size * power to the nearest integer; the product is exact as product + rest. */
static uint64_t digits_of(double size, double power) {
    const double product = size * power, rest = fma(size, power, -product);
    const double whole = floor(product);
    return (uint64_t)whole + (uint64_t)(int64_t)nearbyint(product - whole + rest);
}

/* Whether size is the double next to the decimal. */
static bool reads_as(double size, const decimal *d) {
    const double product = size * d->power, rest = fma(size, d->power, -product);
    const double whole = floor(product);
    const double distance =
        (double)(int64_t)(d->digits - (uint64_t)whole) - (product - whole) - rest;
    const double unit = nextafter(size, INFINITY) - size;
    return fabs(distance) < unit / 2 * d->power;
}

/* 15 digits if they tell the double from its neighbours, else 16 or 17. */
static decimal shortest(double size) {
    decimal d = { .power = 1 };
    for (; size * d.power < 1e14; d.power *= 10) ++d.behind;
    d.digits = digits_of(size, d.power);
    for (int more = 0; more < 2 && !reads_as(size, &d); ++more) {
        d.power *= 10;
        ++d.behind;
        d.digits = digits_of(size, d.power);
    }
    return d;
}

double hw_piece_score(double score) {
    const double size = fabs(score);
    if (!is_usual(size)) return score;
    const decimal d = shortest(size);
    return copysign((double)d.digits / d.power, score);
}

static void append_decimal(hw_text_buffer *text, double score) {
    const decimal d = shortest(fabs(score));
    char digits[64];
    const int length =
        snprintf(digits, sizeof digits, "%0*llu", d.behind + 1, (unsigned long long)d.digits);
    const int before = length - d.behind;
    int end = length;
    while (end > before + 1 && digits[end - 1] == '0') --end;
    hw_text_printf(text, "%s%.*s.%.*s", score < 0 ? "-" : "", before, digits, end - before,
                   digits + before);
}

/* As jansson writes it, without the array that it wants around it. */
static void append_unusual(hw_text_buffer *text, double score) {
    hw_text_buffer array = { 0 };
    if (hw_json_append(&array, json_pack("[f]", score), NULL) == HW_OK)
        hw_text_append(text, array.bytes + 1, array.length - 2);
    else
        text->failed = true;
    hw_text_buffer_free(&array);
}

void hw_piece_score_append(hw_text_buffer *text, double score) {
    if (is_usual(fabs(score)))
        append_decimal(text, score);
    else
        append_unusual(text, score);
}
