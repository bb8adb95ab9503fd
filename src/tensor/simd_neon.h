/* Vectors of 4 floats for NEON of AArch64. */
#ifndef HW_TENSOR_SIMD_NEON_H
#define HW_TENSOR_SIMD_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    VF = 4,
    /* Register tiles of gemm: rows x vectors. 24 sums + 4 of b + 1 of a in 32 registers. */
    TILE_VECTORS = 4,
    TILE_ROWS = 6,
    MOST_VECTORS = 16,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_TILE_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define HW_TILES(X) X(16, 1) X(8, 2) X(5, 4) X(4, 6) X(3, 6) X(2, 6) X(1, 6)

typedef float32x4_t vf;
typedef int32_t vi __attribute__((vector_size(sizeof(vf))));
typedef int8_t vb __attribute__((vector_size(VF)));

/* Numbers that fit into int8. */
static inline vb vi_narrow(vi x) {
    return __builtin_convertvector(x, vb);
}

static inline vf vf_set(float x) {
    return vdupq_n_f32(x);
}
static inline vf vf_load(const float *x) {
    return vld1q_f32(x);
}
static inline void vf_store(float *y, vf x) {
    vst1q_f32(y, x);
}

/* The first count <= VF lanes; the others are those of fill. */
static inline vf vf_load_some(const float *x, size_t count, vf fill) {
    float lanes[VF];
    vf_store(lanes, fill);
    memcpy(lanes, x, count * sizeof *x);
    return vf_load(lanes);
}
static inline void vf_store_some(float *y, size_t count, vf x) {
    float lanes[VF];
    vf_store(lanes, x);
    memcpy(y, lanes, count * sizeof *y);
}
static inline vf vf_load_int8(const int8_t *x) {
    int8_t lanes[8] = { 0 };
    memcpy(lanes, x, VF);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(lanes)))));
}

/* x0 y0 x1 y1 ... of the lower and of the upper halves of the lanes. */
static inline vf vf_zip_low(vf x, vf y) {
    return vzip1q_f32(x, y);
}
static inline vf vf_zip_high(vf x, vf y) {
    return vzip2q_f32(x, y);
}

/* x * y + z, rounded once. */
static inline vf vf_fma(vf x, vf y, vf z) {
    return vfmaq_f32(z, x, y);
}
static inline vf vf_sqrt(vf x) {
    return vsqrtq_f32(x);
}
/* x > y ? x : y and x < y ? x : y, so y where one of them is not a number. */
static inline vf vf_max(vf x, vf y) {
    return vbslq_f32(vcgtq_f32(x, y), x, y);
}
static inline vf vf_min(vf x, vf y) {
    return vbslq_f32(vcltq_f32(x, y), x, y);
}
/* y, or 0 where x < bound. */
static inline vf vf_zero_below(vf y, vf x, vf bound) {
    return vbslq_f32(vcltq_f32(x, bound), vf_set(0), y);
}

/* Lanes joined pairwise: 2, 1 apart. */
static inline float vf_sum(vf x) {
    const float32x2_t two = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
static inline float vf_top(vf x) {
    const vf two = vf_max(x, vextq_f32(x, x, 2));
    return vgetq_lane_f32(vf_max(two, vextq_f32(two, two, 1)), 0);
}

#endif
