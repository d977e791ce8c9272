/* Products in one precision, of which native.c, for each precision, defines
 *
 *     element, LANE      what a number is stored as, and how many of them a lane of 32 bits holds
 *     NAMED(name)        the name of a function in this precision
 *     dot(s, a, b)       s + a b in every lane, the elements of a lane added up
 *     narrowed(p, x)     stores the numbers of a vector; convert(to, from, count) those of an array
 *     positive(p)        which of a vector's numbers at p are above 0
 *     lane(a, b)         the bits of a lane of these elements
 *     joined(to, a, b)   a vector of lanes, of numbers that are still float32
 *
 * Every product is made of `tile`: rows of numbers that lie anywhere in memory times a matrix that
 * is packed for it. What differs is where rows begin and which numbers they are made of.
 */

/* Rows of a factor, as offsets in elements from `a`: lane k of row m is at rows[m] + at[k]. With
 * every tile of them memory is asked for another share of what is read after them. */
typedef struct {
    const element *a;
    const long *rows, *at;
    int count, lanes;
    const element *next;
    long share;
} NAMED(Rows);

INLINE void NAMED(ask)(const NAMED(Rows) *r, int first)
{
    for (long e = 0; e < r->share; e += LINE / sizeof(element))
        __builtin_prefetch(r->next + first / TILE * r->share + e, 0, 2);
}

/* sums[m][v] += row `first` + m times columns v of w, which lie side by side for each lane. */
INLINE void NAMED(tile)(const NAMED(Rows) *r, int first, const float *w, const int vectors,
                        __m512 sums[TILE][2])
{
    const element *p[TILE];
    __m512 s[TILE][2];
    UNROLLED
    for (int m = 0; m < TILE; m++) {
        p[m] = r->a + r->rows[first + m < r->count ? first + m : first];
        s[m][0] = sums[m][0], s[m][1] = sums[m][1];
    }
    for (int k = 0; k < r->lanes; k++, w += vectors * WIDTH) {
        const long at = r->at[k];
        const __m512 left = _mm512_loadu_ps(w);
        const __m512 right = vectors == 2 ? _mm512_loadu_ps(w + WIDTH) : left;
        UNROLLED
        for (int m = 0; m < TILE; m++) {
            const __m512 x = _mm512_set1_ps(*(const loose *)(p[m] + at));
            s[m][0] = NAMED(dot)(s[m][0], x, left);
            if (vectors == 2)
                s[m][1] = NAMED(dot)(s[m][1], x, right);
        }
    }
    UNROLLED
    for (int m = 0; m < TILE; m++)
        sums[m][0] = s[m][0], sums[m][1] = s[m][1];
}

/* What becomes of sums: a bias first, then a ReLU, or zero where `like` is not positive. */
typedef struct {
    const float *bias;
    int rectified;
    const element *like;
    element *y;
    const long *out; /* where each row's columns go, in elements from y (and from like) */
    long ahead;      /* how far behind these the next ones lie, for memory to be asked in time */
} NAMED(Finish);

INLINE void NAMED(finish)(const NAMED(Finish) *f, long at, __m512 sum)
{
    if (f->rectified)
        sum = _mm512_max_ps(_mm512_setzero_ps(), sum); /* of two, NaN if the second is */
    if (f->like)
        sum = _mm512_maskz_mov_ps(NAMED(positive)(f->like + at), sum);
    NAMED(narrowed)(f->y + at, sum);
}

INLINE void NAMED(block)(const NAMED(Rows) *r, const float *w, const NAMED(Finish) *f, int column,
                         const int vectors)
{
    for (int first = 0; first < r->count; first += TILE) {
        const int count = r->count - first;
        __m512 sums[TILE][2];
        UNROLLED
        for (int m = 0; m < TILE; m++)
            for (int v = 0; v < 2; v++)
                sums[m][v] = f->bias && v < vectors
                                 ? _mm512_loadu_ps(f->bias + column + v * WIDTH)
                                 : _mm512_setzero_ps();
        for (int m = 0; f->ahead && m < TILE && m < count; m++) {
            const long at = f->ahead + f->out[first + m] + column;
            if (f->like)
                __builtin_prefetch(f->like + at, 0, 2);
            __builtin_prefetch(f->y + at, 1, 2);
        }
        NAMED(ask)(r, first);
        NAMED(tile)(r, first, w, vectors, sums);
        UNROLLED
        for (int m = 0; m < TILE; m++)
            for (int v = 0; v < vectors; v++)
                if (m < count)
                    NAMED(finish)(f, f->out[first + m] + column + v * WIDTH, sums[m][v]);
    }
}

/* Rows times a packed matrix of so many columns. */
TARGET static void NAMED(product)(const NAMED(Rows) *r, const element *packed, int columns,
                                  const NAMED(Finish) *f)
{
    for (int column = 0; column < columns; column += BLOCK) {
        const float *w = (const float *)(packed + (long)column * r->lanes * LANE);
        if (columns - column < BLOCK)
            NAMED(block)(r, w, f, column, 1);
        else
            NAMED(block)(r, w, f, column, 2);
    }
}

/* Add rows times columns to sums, whose rows are so far apart, or begin them. */
INLINE void NAMED(add)(const NAMED(Rows) *r, const float *w, float *sums, long apart,
                       const int fresh, const int vectors)
{
    for (int first = 0; first < r->count; first += TILE, sums += TILE * apart) {
        const int count = r->count - first;
        __m512 part[TILE][2];
        UNROLLED
        for (int m = 0; m < TILE; m++)
            for (int v = 0; v < 2; v++)
                part[m][v] = !fresh && m < count && v < vectors
                                 ? _mm512_loadu_ps(sums + m * apart + v * WIDTH)
                                 : _mm512_setzero_ps();
        NAMED(ask)(r, first);
        NAMED(tile)(r, first, w, vectors, part);
        UNROLLED
        for (int m = 0; m < TILE; m++)
            for (int v = 0; v < vectors; v++)
                if (m < count)
                    _mm512_storeu_ps(sums + m * apart + v * WIDTH, part[m][v]);
    }
}

/* The columns of 16 rows, or fewer, that lie so many elements apart and have so many lanes, of
 * which there may be fewer than 16 as well. */
INLINE void NAMED(turned)(__m512 columns[WIDTH], const element *x, long apart, int rows, int lanes)
{
    const __mmask16 some = lanes < WIDTH ? (1u << lanes) - 1 : 0xffff;
    UNROLLED
    for (int m = 0; m < WIDTH; m++)
        columns[m] = m < rows ? _mm512_maskz_loadu_ps(some, x + m * apart) : _mm512_setzero_ps();
    transpose(columns);
}

/* A matrix [column][lane] packed for `product`: for each block of columns the lanes in turn, each
 * with its columns side by side. Columns that x does not hold are zero. */
TARGET static void NAMED(pack)(element *packed, const element *x, int held, int columns, int lanes)
{
    const long length = (long)lanes * LANE;
    for (int c = 0; c < columns; c += WIDTH) {
        const int width = beside(c, columns);
        float *to = (float *)(packed + c / BLOCK * BLOCK * length) + c % BLOCK;
        for (int l = 0; l < lanes; l += WIDTH) {
            __m512 turned[WIDTH];
            NAMED(turned)(turned, x + c * length + (long)l * LANE, length, held - c, lanes - l);
            for (int k = 0; k < WIDTH && l + k < lanes; k++)
                _mm512_storeu_ps(to + (long)(l + k) * width, turned[k]);
        }
    }
}

/* to[e] = the lane of x[e] and, in bf16, x[e + step]. */
INLINE void NAMED(lanes)(uint32_t *to, const element *x, long count, long step)
{
    for (long e = 0; e < count; e++)
        to[e] = NAMED(lane)(x[e], x[LANE == 2 ? e + step : e]);
}
