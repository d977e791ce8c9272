/* Convolutions of kernel 2 or 4 and stride 2, on top of products.h. */

/* Copies a part of some images, and asks memory for what will be read soon: rows lie one behind
 * another, but the processor itself looks ahead no further than to the end of a page. */
static void NAMED(copied)(element *to, const element *x, long count)
{
    memcpy(to, x, count * sizeof(element));
    for (long e = 0; e < count; e += LINE / sizeof(element))
        __builtin_prefetch(x + AHEAD / sizeof(element) + e, 0, 2);
}

/* An image h x w of so many channels into the middle of one that is `pad` larger on every side. */
static void NAMED(centred)(element *to, const element *x, int h, int w, int channels, int pad)
{
    const long row = (long)w * channels, wide = (long)(w + 2 * pad) * channels;
    for (int i = 0; i < h; i++)
        NAMED(copied)(to + (i + pad) * wide + (long)pad * channels, x + i * row, row);
}

/* The weight packed for `down`: column c, and of what it sees one row after another. */
TARGET static element *NAMED(packed_down)(Room *room, const Shape *s, const float *weight)
{
    const int taps = s->kernel * s->kernel, F = s->fine, C = s->coarse;
    const long all = (long)taps * F * C;
    element *plain = take(room, all * sizeof(element));
    element *matrix = take(room, all * sizeof(element));
    element *packed = take(room, all * sizeof(element));
    if (room->failed)
        return NULL;
    NAMED(convert)(plain, weight, all);
    for (long c = 0; c < C; c++)
        for (int f = 0; f < F; f++)
            for (int t = 0; t < taps; t++)
                matrix[(c * taps + t) * F + f] = *plain++;
    NAMED(pack)(packed, matrix, C, C, taps * F / LANE);
    return packed;
}

/* coarse = finish(fine convolved with the weight) */
TARGET int NAMED(down)(const Shape *s, const element *fine, const element *like, element *coarse,
                       const float *weight, const float *bias, int rectified)
{
    const int k = s->kernel, pad = padding(s), F = s->fine, C = s->coarse;
    const int lanes = k * k * F / LANE, of_a_row = k * F / LANE, pixels = s->h * s->w;
    const long wide = (2L * s->w + 2 * pad) * F, high = 2 * s->h + 2 * pad;
    Room room = {0};
    const element *packed = NAMED(packed_down)(&room, s, weight);
    element *a = zeroed(&room, high * wide * sizeof(element));
    long *at = take(&room, lanes * sizeof(long)), *rows = take(&room, pixels * sizeof(long));
    long *out = take(&room, pixels * sizeof(long));
    if (room.failed)
        return leave(&room);
    for (int l = 0; l < lanes; l++)
        at[l] = l / of_a_row * wide + l % of_a_row * LANE;
    for (int p = 0; p < pixels; p++) {
        rows[p] = 2 * (p / s->w) * wide + 2 * (p % s->w) * F;
        out[p] = (long)p * C;
    }
    for (int n = 0; n < s->n; n++) {
        const element *x = fine + 4L * n * pixels * F;
        const long image = (long)n * pixels * C;
        if (pad)
            NAMED(centred)(a, x, 2 * s->h, 2 * s->w, F, pad);
        const element *next = x + 4L * pixels * F;
        const NAMED(Rows) r = {pad ? a : x, rows, at, pixels, lanes, next, 4L * F * TILE};
        const element *positive = like ? like + image : NULL;
        const NAMED(Finish) f = {bias, rectified, positive, coarse + image, out, (long)pixels * C};
        NAMED(product)(&r, packed, C, &f);
    }
    return leave(&room);
}

/* The weight packed for `up`, once for each parity of row and column: of the fine pixels, those of
 * one parity see the same part of the kernel. */
TARGET static element *NAMED(packed_up)(Room *room, const Shape *s, const float *weight)
{
    const int k = s->kernel, pad = padding(s), half = k / 2, F = s->fine, C = s->coarse;
    const long part = (long)half * half * F * C;
    element *plain = take(room, 4 * part * sizeof(element));
    element *matrix = take(room, 4 * part * sizeof(element));
    element *packed = take(room, 4 * part * sizeof(element));
    if (room->failed)
        return NULL;
    long place[16]; /* of the kernel's numbers in the matrices of the parities */
    for (int t = 0; t < k * k; t++) {
        const int i = t / k, j = t % k, parity = (i + pad) % 2 * 2 + (j + pad) % 2;
        place[t] = parity * part + ((k - 1 - i) / 2 * half + (k - 1 - j) / 2) * C;
    }
    NAMED(convert)(plain, weight, 4 * part);
    for (int c = 0; c < C; c++)
        for (int f = 0; f < F; f++)
            for (int t = 0; t < k * k; t++)
                matrix[place[t] + (long)f * half * half * C + c] = *plain++;
    for (int parity = 0; parity < 4; parity++)
        NAMED(pack)(packed + parity * part, matrix + parity * part, F, F, half * half * C / LANE);
    return packed;
}

/* fine = finish(coarse convolved with the weight, transposed) */
TARGET int NAMED(up)(const Shape *s, const element *coarse, const element *like, element *fine,
                     const float *weight, const float *bias, int rectified)
{
    const int pad = padding(s), F = s->fine, C = s->coarse, half = s->kernel / 2;
    const int lanes = half * half * C / LANE, of_a_row = half * C / LANE, pixels = s->h * s->w;
    const long wide = (s->w + 2L * pad) * C, high = s->h + 2 * pad, of_image = 4L * pixels * F;
    Room room = {0};
    const element *packed = NAMED(packed_up)(&room, s, weight);
    element *a = zeroed(&room, high * wide * sizeof(element));
    long *at = take(&room, lanes * sizeof(long)), *rows = take(&room, 4L * pixels * sizeof(long));
    long *out = take(&room, 4L * pixels * sizeof(long));
    if (room.failed)
        return leave(&room);
    for (int l = 0; l < lanes; l++)
        at[l] = l / of_a_row * wide + l % of_a_row * LANE;
    for (int r = 0; r < 4 * pixels; r++) {
        const int p = r / pixels / 2, q = r / pixels % 2, i = r % pixels / s->w, j = r % s->w;
        rows[r] = (i + pad * p) * wide + (j + pad * q) * C;
        out[r] = ((2L * i + p) * 2 * s->w + 2 * j + q) * F;
    }
    for (int n = 0; n < s->n; n++) {
        const element *x = coarse + (long)n * pixels * C, *now = packed;
        const element *positive = like ? like + n * of_image : NULL;
        if (pad)
            NAMED(centred)(a, x, s->h, s->w, C, pad);
        for (int first = 0; first < 4 * pixels; first += pixels, now += (long)lanes * LANE * F) {
            const NAMED(Rows) r = {pad ? a : x, rows + first, at, pixels, lanes};
            const NAMED(Finish) f = {bias, rectified, positive, fine + n * of_image, out + first,
                                     of_image};
            NAMED(product)(&r, now, F, &f);
        }
    }
    return leave(&room);
}

/* rows[i] += the i-th of the four quarters of each sum, sum m at 2 m: two adjacent sums overlap. */
INLINE void NAMED(overlap)(float *row, long wide, const __m512 s[TILE][2])
{
    for (int odd = 0; odd < 2; odd++) {
        const __m512 a = s[odd][0], b = s[odd + 2][0], c = s[odd + 4][0], d = s[odd + 6][0];
        const __m512 ab = _mm512_shuffle_f32x4(a, b, 0x44), cd = _mm512_shuffle_f32x4(c, d, 0x44);
        const __m512 AB = _mm512_shuffle_f32x4(a, b, 0xee), CD = _mm512_shuffle_f32x4(c, d, 0xee);
        const __m512 quarters[4] = {
            _mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd),
            _mm512_shuffle_f32x4(AB, CD, 0x88), _mm512_shuffle_f32x4(AB, CD, 0xdd)};
        UNROLLED
        for (int i = 0; i < 4; i++) {
            float *to = row + i * wide + 2 * odd;
            _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), quarters[i]));
        }
    }
}

/* Add what a coarse row gives to a channel's fine rows. */
INLINE void NAMED(contribute)(const NAMED(Rows) *r, const element *packed, float *sums, long wide)
{
    for (int first = 0; first < r->count; first += TILE) {
        __m512 part[TILE][2] = {{_mm512_setzero_ps()}};
        NAMED(tile)(r, first, (const float *)packed, 1, part);
        for (int m = r->count - first; m < TILE; m++)
            part[m][0] = _mm512_setzero_ps();
        NAMED(overlap)(sums + 2 * first, wide, part);
    }
}

/* fine = coarse convolved with the weight of kernel 4, transposed, for fewer channels than a vector
 * has lanes: every coarse pixel gives a 4 x 4 contribution to each channel. */
TARGET int NAMED(up_to_few)(const Shape *s, const element *coarse, element *fine,
                            const float *weight, const float *bias)
{
    const int F = s->fine, C = s->coarse, lanes = C / LANE, W = 2 * s->w, H = 2 * s->h;
    const long wide = 2L * ((s->w + TILE - 1) / TILE * TILE) + 2, plane = (H + 2) * wide;
    Room room = {0};
    element *plain = take(&room, (long)WIDTH * F * C * sizeof(element));
    element *packed = take(&room, (long)WIDTH * F * C * sizeof(element));
    float *sums = take(&room, F * plane * sizeof(float));
    float *line = take(&room, (long)W * F * sizeof(float));
    long *at = take(&room, lanes * sizeof(long)), *rows = take(&room, s->w * sizeof(long));
    float *biases = zeroed(&room, F * sizeof(float));
    if (room.failed)
        return leave(&room);
    if (bias)
        memcpy(biases, bias, F * sizeof(float));
    NAMED(convert)(plain, weight, (long)WIDTH * F * C);
    for (int c = 0; c < C; c++)
        for (int f = 0; f < F; f++) {
            element *lane = packed + ((long)f * lanes + c / LANE) * WIDTH * LANE + c % LANE;
            for (int t = 0; t < WIDTH; t++)
                lane[t * LANE] = *plain++;
        }
    for (int l = 0; l < lanes; l++)
        at[l] = l * LANE;
    for (int j = 0; j < s->w; j++)
        rows[j] = (long)j * C;
    for (int n = 0; n < s->n; n++) {
        memset(sums, 0, F * plane * sizeof(float));
        for (int i = 0; i < s->h; i++) {
            const NAMED(Rows) r = {coarse + ((long)n * s->h + i) * s->w * C, rows, at, s->w, lanes};
            for (int f = 0; f < F; f++)
                NAMED(contribute)(&r, packed + (long)f * C * WIDTH,
                                  sums + f * plane + 2 * i * wide, wide);
        }
        for (int y = 0; y < H; y++) {
            for (int f = 0; f < F; f++)
                for (int x = 0; x < W; x++)
                    line[x * F + f] = sums[f * plane + (y + 1) * wide + x + 1] + biases[f];
            NAMED(convert)(fine + ((long)n * H + y) * W * F, line, (long)W * F);
        }
    }
    return leave(&room);
}

/* Of so many images, from x on, lane [row][pixel][channel] of the padded fine image, wide numbers a
 * row: with each number, in bf16, the one that the next coarse pixel sees in its place. */
TARGET static void NAMED(fine_lanes)(uint32_t *a, const Shape *s, int images, const element *x,
                                     long wide, element *line)
{
    const int pad = padding(s), H = 2 * s->h;
    const long row = 2L * s->w * s->fine;
    for (int i = 0; i < images * H; i++) {
        NAMED(copied)(line + pad * s->fine, x + i * row, row);
        const long padded = (long)i / H * (H + 2 * pad) + i % H + pad;
        NAMED(lanes)(a + padded * wide, line, wide, 2L * s->fine);
    }
}

/* And of the coarse images lanes of neighbours in a row, packed as columns. */
TARGET static void NAMED(coarse_lanes)(uint32_t *w, const Shape *s, int images, const element *y,
                                       int steps, element *line)
{
    const int C = s->coarse, lanes = images * s->h * steps;
    for (int first = 0; first < lanes; first += steps, y += (long)s->w * C) {
        NAMED(copied)(line, y, (long)s->w * C);
        for (int c = 0; c < C; c += BLOCK) {
            const int width = beside(c, C);
            uint32_t *to = w + (long)c * lanes + (long)first * width;
            for (int l = 0; l < steps; l++, to += width)
                if (width == BLOCK)
                    NAMED(lanes)(to, line + (long)l * LANE * C + c, BLOCK, C);
                else
                    NAMED(lanes)(to, line + (long)l * LANE * C + c, WIDTH, C);
        }
    }
}

/* Sums [tap][fine channel], of blocks of coarse channels, as a gradient has them. */
TARGET static void NAMED(ordered)(float *gradient, const Shape *s, const float *sums)
{
    const int taps = s->kernel * s->kernel, F = s->fine, C = s->coarse, places = taps * F;
    for (int c = 0; c < C; c += WIDTH)
        for (int e = 0; e < places; e += WIDTH) {
            const float *of_c = sums + (long)(c / BLOCK * BLOCK) * places + c % BLOCK;
            __m512 x[WIDTH];
            UNROLLED
            for (int m = 0; m < WIDTH; m++) {
                const long place = (e + m) % taps * F + (e + m) / taps;
                x[m] = _mm512_loadu_ps(of_c + place * beside(c, C));
            }
            transpose(x);
            UNROLLED
            for (int m = 0; m < WIDTH; m++)
                _mm512_storeu_ps(gradient + (long)(c + m) * places + e, x[m]);
        }
}

/* The weight's gradient: the sum over coarse pixels of each times what the kernel sees of fine. A
 * lane holds the pixels that are summed over: in bf16 two, neighbours in a coarse row, for which
 * an odd width is filled up with zeros. */
TARGET int NAMED(of_weight)(const Shape *s, const element *fine, const element *coarse,
                            float *gradient)
{
    const int k = s->kernel, F = s->fine, C = s->coarse, places = k * k * F;
    const int steps = (s->w + LANE - 1) / LANE, high = 2 * s->h + 2 * padding(s);
    const long wide = (2L * LANE * steps + 2) * F;
    int together = 1; /* images in one sum: the smaller they are, the more */
    while (s->n % (2 * together) == 0 && together * s->h * steps < 128)
        together *= 2;
    const int lanes = together * s->h * steps;
    Room room = {0};
    uint32_t *a = zeroed(&room, together * high * wide * 4), *w = take(&room, (long)lanes * C * 4);
    element *of_fine = zeroed(&room, 2 * wide * sizeof(element));
    element *of_coarse = zeroed(&room, 2L * LANE * steps * C * sizeof(element));
    float *sums = zeroed(&room, (long)places * C * sizeof(float));
    long *at = take(&room, lanes * sizeof(long)), *rows = take(&room, places * sizeof(long));
    if (room.failed)
        return leave(&room);
    for (int m = 0; m < places; m++)
        rows[m] = LANE * (m / (k * F) * wide + m % (k * F));
    for (int l = 0; l < lanes; l++) {
        const int i = l / steps % s->h, image = l / steps / s->h;
        at[l] = LANE * (((long)image * high + 2 * i) * wide + 2 * LANE * (l % steps) * F);
    }
    const long of_sum = together * 4L * s->h * s->w * F;
    NAMED(Rows) r = {(const element *)a, rows, at, places, lanes, fine, of_sum * TILE / places};
    for (long n = 0; n < s->n; n += together) {
        NAMED(fine_lanes)(a, s, together, r.next, wide, of_fine);
        r.next += of_sum;
        NAMED(coarse_lanes)(w, s, together, coarse + n * s->h * s->w * C, steps, of_coarse);
        for (int c = 0; c < C; c += BLOCK) {
            const float *columns = (const float *)w + (long)c * lanes;
            if (C - c < BLOCK)
                NAMED(add)(&r, columns, sums + (long)c * places, WIDTH, 0, 1);
            else
                NAMED(add)(&r, columns, sums + (long)c * places, BLOCK, 0, 2);
        }
    }
    NAMED(ordered)(gradient, s, sums);
    return leave(&room);
}
