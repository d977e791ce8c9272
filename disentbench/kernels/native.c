/* Layers on a processor with AVX-512, forward and back, in float32 (avx512f) and in bf16
 * (avx512_bf16): dense ones, and convolutions of kernel 2 or 4 and stride 2. Images have their
 * channels last in memory.
 *
 *     fine    [image][2 h][2 w][channel]        the image that a convolution reads and a
 *     coarse  [image][h][w][channel]            transposed convolution writes, and the other one
 *     weight  [coarse][fine][kernel][kernel]    float32, as PyTorch has it for both
 *
 * A kernel of 4 sees one pixel of padding. Sums are in float32. A function returns 0, or 1 where
 * there is not enough memory.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int n, h, w, fine, coarse, kernel; /* images; the coarse image's size; channels */
} Shape;

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLLED _Pragma("GCC unroll 16")

enum { TILE = 8, WIDTH = 16, BLOCK = 32 }; /* rows of a tile, lanes of a vector, columns at once */
enum { LINE = 64, AHEAD = 1 << 14 }; /* bytes that memory gives at once; and of how much later */
typedef float __attribute__((may_alias, aligned(2))) loose;

/* Memory that is left all at once; whole vectors of it, and one more that may be read. */
typedef struct {
    void *taken[16];
    int count, failed;
} Room;

static void *take(Room *room, size_t bytes)
{
    void *p = aligned_alloc(64, (bytes / 64 + 2) * 64);
    room->failed |= !p;
    return room->taken[room->count++] = p;
}

static void *zeroed(Room *room, size_t bytes)
{
    void *p = take(room, bytes);
    return p ? memset(p, 0, bytes) : p;
}

static int leave(Room *room)
{
    while (room->count)
        free(room->taken[--room->count]);
    return room->failed;
}

static inline int padding(const Shape *s)
{
    return (s->kernel - 2) / 2;
}

/* How many columns the block of column c has, of so many. */
static inline int beside(int c, int columns)
{
    return columns - c / BLOCK * BLOCK < BLOCK ? WIDTH : BLOCK;
}

/* Of 16 rows of 16, the columns. */
INLINE void transpose(__m512 x[WIDTH])
{
    __m512 y[WIDTH];
    UNROLLED
    for (int i = 0; i < 8; i++) { /* pairs within 128 bits */
        y[2 * i] = _mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
        y[2 * i + 1] = _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    UNROLLED
    for (int i = 0; i < 4; i++) /* fours */
        for (int j = 0; j < 2; j++) {
            const __m512d a = _mm512_castps_pd(y[4 * i + j]);
            const __m512d b = _mm512_castps_pd(y[4 * i + 2 + j]);
            x[4 * i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            x[4 * i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    UNROLLED
    for (int i = 0; i < 4; i++) { /* and these between them */
        const __m512 a = _mm512_shuffle_f32x4(x[i], x[4 + i], 0x88);
        const __m512 b = _mm512_shuffle_f32x4(x[8 + i], x[12 + i], 0x88);
        const __m512 c = _mm512_shuffle_f32x4(x[i], x[4 + i], 0xdd);
        const __m512 d = _mm512_shuffle_f32x4(x[8 + i], x[12 + i], 0xdd);
        y[i] = _mm512_shuffle_f32x4(a, b, 0x88);
        y[8 + i] = _mm512_shuffle_f32x4(a, b, 0xdd);
        y[4 + i] = _mm512_shuffle_f32x4(c, d, 0x88);
        y[12 + i] = _mm512_shuffle_f32x4(c, d, 0xdd);
    }
    UNROLLED
    for (int i = 0; i < WIDTH; i++)
        x[i] = y[i];
}

/* float32 */

typedef float f32;
INLINE __m512 dot_f32(__m512 sum, __m512 a, __m512 b)
{
    return _mm512_fmadd_ps(a, b, sum);
}
INLINE __mmask16 positive_f32(const f32 *p)
{
    return _mm512_cmp_ps_mask(_mm512_loadu_ps(p), _mm512_setzero_ps(), _CMP_GT_OQ);
}
INLINE void narrowed_f32(f32 *p, __m512 x)
{
    _mm512_storeu_ps(p, x);
}
static void convert_f32(f32 *to, const float *from, long count)
{
    memcpy(to, from, count * sizeof(float));
}
INLINE void joined_f32(float *lanes, const float *a, const float *b)
{
    (void)b;
    _mm512_storeu_ps(lanes, _mm512_loadu_ps(a));
}
static inline uint32_t lane_f32(f32 a, f32 b)
{
    uint32_t bits;
    (void)b;
    memcpy(&bits, &a, 4);
    return bits;
}
#define NAMED(name) name##_f32
#define element f32
#define LANE 1
#include "products.h"
#include "convolutions.h"
#include "dense.h"
#undef NAMED
#undef element
#undef LANE

/* bf16 */

typedef uint16_t bf16;
INLINE __m512 dot_bf16(__m512 sum, __m512 a, __m512 b)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}
INLINE __mmask16 positive_bf16(const bf16 *p)
{
    const __m256i signs = _mm256_loadu_si256((const __m256i *)p); /* as whole numbers have them */
    return _mm256_cmpgt_epi16_mask(signs, _mm256_setzero_si256());
}
INLINE void narrowed_bf16(bf16 *p, __m512 x)
{
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(x));
}
TARGET static void convert_bf16(bf16 *to, const float *from, long count)
{
    long i = 0;
    for (; i + WIDTH <= count; i += WIDTH)
        narrowed_bf16(to + i, _mm512_loadu_ps(from + i));
    const __mmask16 rest = (1u << (count - i)) - 1;
    const __m512 x = _mm512_maskz_loadu_ps(rest, from + i);
    _mm256_mask_storeu_epi16(to + i, rest, (__m256i)_mm512_cvtneps_pbh(x));
}
INLINE void joined_bf16(float *lanes, const float *a, const float *b)
{
    const __m256i left = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(a));
    const __m256i right = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(b));
    const __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(right), 16);
    _mm512_storeu_si512(lanes, _mm512_or_si512(_mm512_cvtepu16_epi32(left), high));
}
static inline uint32_t lane_bf16(bf16 a, bf16 b)
{
    return a | (uint32_t)b << 16;
}
#define NAMED(name) name##_bf16
#define element bf16
#define LANE 2
#include "products.h"
#include "convolutions.h"
#include "dense.h"

/* Whether this processor can run the functions of a precision. */
int can_f32(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
int can_bf16(void)
{
    return can_f32() && __builtin_cpu_supports("avx512bf16");
}

#else

int can_f32(void) { return 0; }
int can_bf16(void) { return 0; }

#endif
