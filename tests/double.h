/* Included before everything else (-include) when the model and the scalar kernels are
 * compiled in double precision, for tests/test_gradients.c. The system's headers come
 * first: they must not see that float is double. */
#ifndef HW_TESTS_DOUBLE_H
#define HW_TESTS_DOUBLE_H

#include <assert.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif

#define HW_DOUBLE 1
#define float double
#define erfcf erfc
#define expf exp
#define fabsf fabs
#define floorf floor
#define fmaf fma
#define fmaxf fmax
#define fminf fmin
#define logf log
#define log1pf log1p
#define powf pow
#define rintf rint
#define roundf round
#define sqrtf sqrt
#define tanhf tanh

#endif
