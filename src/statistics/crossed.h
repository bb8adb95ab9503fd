/* The difference of two arms, measured on the same rows with the same seeds: how far it may be from
 * that of all seeds and all rows. A seed that was lucky was so on all rows, and a row that suits
 * one arm does so with all seeds: a cell is mean + seed + row + rest, each with a variance of its
 * own (the crossed random effects of Searle, Casella, McCulloch 1992, chapter 4). */
#ifndef HW_STATISTICS_CROSSED_H
#define HW_STATISTICS_CROSSED_H

#include "headwise.h"

typedef struct hw_crossed {
    size_t seeds, rows; /* rows 0: measured a seed at a time, without rows */
    double effect;      /* the mean of all cells */
    double by_seed;     /* variance of the seeds' means, by seeds */
    double by_row;      /* variance of the rows' means, by rows; 0 without rows */
    double by_cell;     /* variance of what neither explains, by cells; it is part of both above */
} hw_crossed;

/* cells: [seeds][rows] paired differences; seeds and rows > 1. For a measure that is no mean over
 * rows (macro-F1) a cell is the row's jackknife pseudo-value. */
hw_crossed hw_crossed_of_cells(const double *cells, size_t seeds, size_t rows);
/* differences: [seeds]. One seed alone says nothing: its interval is everything, its p 1. */
hw_crossed hw_crossed_of_seeds(const double *differences, size_t seeds);
/* What the same arms are expected to show with other numbers of seeds and rows. */
hw_crossed hw_crossed_planned(const hw_crossed *seen, size_t seeds, size_t rows);

/* Of the rows alone, what is left of by_row without by_cell's part. */
double hw_crossed_row_part(const hw_crossed *c);
/* Squared standard error of the effect, unbiased but for being at least by_seed. */
double hw_crossed_variance(const hw_crossed *c);
/* Its degrees of freedom (Satterthwaite 1946), at least seeds - 1. */
double hw_crossed_freedom(const hw_crossed *c);
/* Student's interval with these two. */
hw_interval hw_crossed_interval(const hw_crossed *c, double confidence);
/* Two-sided p of the effect being `distance` >= 0 or more from 0 if there is none. */
double hw_crossed_p(const hw_crossed *c, double distance);

#endif
