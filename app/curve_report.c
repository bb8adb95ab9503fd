/* One row for each number of heads that are gone; then what each order comes to. */
#include "curve_report.h"

#include "json_text.h"

#include <math.h>
#include <stdio.h>

/* ---- The table ---------------------------------------------------------------------------- */

/* A number of an order; gone: heads, which only the score depends on. */
typedef double order_measure(const hw_prune_plan *order, size_t gone);

static double score_of(const hw_prune_plan *order, size_t gone) {
    return gone ? order->steps[gone - 1].score : order->score;
}

static double largest_of(const hw_prune_plan *order, size_t gone) {
    (void)gone;
    return (double)order->chosen;
}

static double area_of(const hw_prune_plan *order, size_t gone) {
    (void)gone;
    return order->area;
}

typedef struct spread {
    double mean, least, most; /* NaN of no random orders */
} spread;

static spread spread_of(const hw_prune_curve *curve, order_measure *measure, size_t gone) {
    spread s = { (double)NAN, (double)NAN, (double)NAN };
    double sum = 0;
    for (size_t i = 0; i < curve->random_orders; i++) {
        const double value = measure(&curve->random[i], gone);
        sum += value;
        s.least = i && s.least < value ? s.least : value;
        s.most = i && s.most > value ? s.most : value;
    }
    if (curve->random_orders) s.mean = sum / (double)curve->random_orders;
    return s;
}

static void print_value(double value, int decimals) {
    if (isnan(value))
        printf("\t-");
    else
        printf("\t%.*f", decimals, value);
}

static void print_values(const hw_prune_curve *curve, order_measure *measure, size_t gone,
                         int decimals) {
    const spread random = spread_of(curve, measure, gone);
    print_value(measure(curve->plan, gone), decimals);
    print_value(random.mean, decimals ? decimals : 1);
    print_value(random.least, decimals);
    print_value(random.most, decimals);
    print_value(measure(curve->reverse, gone), decimals);
    if (curve->oracle) print_value(measure(curve->oracle, gone), decimals);
}

static const char *score_name(const curve_view *view) {
    return hw_classifier_summary(view->classifier)->multi_label ? "micro-F1" : "accuracy";
}

static void print_rows(const hw_prune_curve *curve) {
    printf("gone\tchosen\trandom\tleast\tmost\treverse%s\thead\n", curve->oracle ? "\toracle" : "");
    for (size_t gone = 0; gone <= curve->plan->count; gone++) {
        printf("%zu", gone);
        print_values(curve, score_of, gone, 4);
        const hw_head_id head = curve->plan->steps[gone ? gone - 1 : 0].head;
        if (gone) printf("\t%d.%d", (int)head.layer, (int)head.head);
        putchar('\n');
    }
}

void curve_print(const curve_view *view) {
    const hw_prune_curve *curve = view->curve;
    const double area = curve->plan->area;
    printf("%s on %llu texts\n", score_name(view), (unsigned long long)curve->plan->examples);
    print_rows(curve);
    printf("k1");
    print_values(curve, largest_of, 0, 0);
    printf("\nAUPC");
    print_values(curve, area_of, 0, 4);
    putchar('\n');
    if (!isnan(curve->gain))
        printf("AUPC of the chosen order %+.4f against the mean of random ones; "
               "%zu of %zu are at least as good\n",
               curve->gain, curve->as_good, curve->random_orders);
    if (curve->oracle && !isnan(area))
        printf("AUPC of the chosen order %+.4f against the oracle's\n", area - curve->oracle->area);
}

/* ---- JSON --------------------------------------------------------------------------------- */

json_t *curve_steps_json(const hw_prune_plan *plan) {
    json_t *steps = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const hw_prune_step *s = &plan->steps[i];
        json_array_append_new(steps, json_pack("{s:[i, i], s:o, s:o, s:o, s:b}", "head",
                                               (int)s->head.layer, (int)s->head.head, "importance",
                                               json_number(s->importance), "score",
                                               json_number(s->score), "log_loss",
                                               json_number(s->log_loss), "gone", i < plan->chosen));
    }
    return steps;
}

static json_t *order_json(const hw_prune_plan *order) {
    return json_pack("{s:I, s:o, s:o}", "k1", (json_int_t)order->chosen, "aupc",
                     json_number(order->area), "steps", curve_steps_json(order));
}

json_t *curve_json(const curve_view *view) {
    const hw_prune_curve *curve = view->curve;
    json_t *random = json_array();
    for (size_t i = 0; i < curve->random_orders; i++)
        json_array_append_new(random, order_json(&curve->random[i]));
    return json_pack("{s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o*, s:o, s:I}", "examples",
                     (json_int_t)curve->plan->examples,
                     hw_classifier_summary(view->classifier)->multi_label ? "micro_f1" : "accuracy",
                     json_number(curve->plan->score), "log_loss",
                     json_number(curve->plan->log_loss), "tolerance", json_number(view->tolerance),
                     "seed", (json_int_t)view->seed, "chosen", order_json(curve->plan), "reverse",
                     order_json(curve->reverse), "random", random, "oracle",
                     curve->oracle ? order_json(curve->oracle) : NULL, "gain",
                     json_number(curve->gain), "as_good", (json_int_t)curve->as_good);
}
