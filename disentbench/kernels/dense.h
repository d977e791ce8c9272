/* Dense layers on top of products.h: W is [out][in], x is [n][in] and y is [n][out]. */

/* 16 outputs of 32 images, or of as many as there are, which go to `at` and are so far apart. */
INLINE void NAMED(of_outputs)(const NAMED(Rows) *r, const float *w, int images, const float *bias,
                              const NAMED(Finish) *f, long at, long apart)
{
    __m512 sums[WIDTH][2] = {{_mm512_setzero_ps()}};
    NAMED(tile)(r, 0, w, 2, sums);
    NAMED(tile)(r, TILE, w, 2, sums + TILE);
    for (int v = 0; v < 2; v++, images -= WIDTH) {
        __m512 of_images[WIDTH];
        UNROLLED
        for (int m = 0; m < WIDTH; m++)
            of_images[m] = sums[m][v];
        transpose(of_images);
        for (int m = 0; m < WIDTH && m < images; m++, at += apart)
            NAMED(finish)(f, at, _mm512_add_ps(of_images[m], _mm512_loadu_ps(bias)));
    }
}

/* y = finish(x W^T). Rows are W's, which lie as they must; columns are images, 32 at a time. */
TARGET int NAMED(dense)(int n, int in, int out, const element *x, element *y, const float *weight,
                        const float *bias, int rectified)
{
    const int lanes = in / LANE;
    Room room = {0};
    element *a = take(&room, (long)WIDTH * in * sizeof(element));
    element *w = take(&room, (n + BLOCK - 1L) / BLOCK * BLOCK * in * sizeof(element));
    long *at = take(&room, lanes * sizeof(long)), rows[WIDTH];
    if (room.failed)
        return leave(&room);
    for (int l = 0; l < lanes; l++)
        at[l] = l * LANE;
    for (int m = 0; m < WIDTH; m++)
        rows[m] = (long)m * in;
    for (long i = 0; i < n; i += BLOCK)
        NAMED(pack)(w + i * in, x + i * in, n - i, BLOCK, lanes);
    const NAMED(Rows) r = {a, rows, at, WIDTH, lanes};
    const NAMED(Finish) f = {NULL, rectified, NULL, y, NULL, 0};
    for (long o = 0; o < out; o += WIDTH) {
        NAMED(convert)(a, weight + o * in, (long)WIDTH * in);
        for (long i = 0; i < n; i += BLOCK) {
            const float *images = (const float *)(w + i * in);
            NAMED(of_outputs)(&r, images, n - i, bias + o, &f, i * out + o, out);
        }
    }
    return leave(&room);
}

/* x's gradient from y's, g: finish(g W), some columns of W at a time. */
TARGET int NAMED(dense_to_x)(int n, int in, int out, const element *g, const element *like,
                             element *x, const float *weight)
{
    enum { SOME = 4 * BLOCK };
    const int lanes = out / LANE;
    Room room = {0};
    element *w = take(&room, (long)out * SOME * sizeof(element));
    long *at = take(&room, lanes * sizeof(long)), *rows = take(&room, n * sizeof(long));
    long *to = take(&room, n * sizeof(long));
    if (room.failed)
        return leave(&room);
    for (int l = 0; l < lanes; l++)
        at[l] = l * LANE;
    for (int m = 0; m < n; m++) {
        rows[m] = (long)m * out;
        to[m] = (long)m * in;
    }
    const NAMED(Rows) r = {g, rows, at, n, lanes};
    for (int first = 0; first < in; first += SOME) {
        const int some = in - first < SOME ? in - first : SOME;
        for (int l = 0; l < lanes; l++)
            for (int i = 0; i < some; i += WIDTH) {
                const float *from = weight + (long)l * LANE * in + first + i;
                float *block = (float *)(w + i / BLOCK * BLOCK * (long)out);
                NAMED(joined)(block + (long)l * beside(i, some) + i % BLOCK, from, from + in);
            }
        const NAMED(Finish) f = {NULL, 0, like ? like + first : NULL, x + first, to, 0};
        NAMED(product)(&r, w, some, &f);
    }
    return leave(&room);
}

/* Lanes [image, in bf16 two of them][number] of x [n][size], in blocks of so many columns.
 * `pair` is room for two images, of which the second is zero: for one that is left over. */
TARGET static void NAMED(image_lanes)(uint32_t *to, const element *x, int n, int size, int block,
                                      element *pair)
{
    const int lanes = (n + LANE - 1) / LANE;
    for (int l = 0; l < lanes; l++, x += (long)LANE * size) {
        if (LANE * (l + 1) > n)
            x = memcpy(pair, x, size * sizeof(element));
        for (int i = 0; i < size; i += block) {
            const int width = size - i < block ? size - i : block;
            NAMED(lanes)(to + (long)i * lanes + (long)l * width, x + i, width, size);
        }
    }
}

/* W's gradient: the sum over images of g times x. */
TARGET int NAMED(dense_of_weight)(int n, int in, int out, const element *x, const element *g,
                                  float *gradient)
{
    const int lanes = (n + LANE - 1) / LANE;
    Room room = {0};
    uint32_t *a = take(&room, (long)lanes * out * 4), *w = take(&room, (long)lanes * in * 4);
    element *of_g = zeroed(&room, 2L * out * sizeof(element));
    element *of_x = zeroed(&room, 2L * in * sizeof(element));
    long *at = take(&room, lanes * sizeof(long)), *rows = take(&room, out * sizeof(long));
    if (room.failed)
        return leave(&room);
    NAMED(image_lanes)(a, g, n, out, out, of_g);
    NAMED(image_lanes)(w, x, n, in, BLOCK, of_x);
    for (int l = 0; l < lanes; l++)
        at[l] = (long)l * out * LANE;
    for (int o = 0; o < out; o++)
        rows[o] = o * LANE;
    const NAMED(Rows) r = {(const element *)a, rows, at, out, lanes};
    for (int i = 0; i < in; i += BLOCK) {
        const float *columns = (const float *)w + (long)i * lanes;
        if (in - i < BLOCK)
            NAMED(add)(&r, columns, gradient + i, in, 1, 1);
        else
            NAMED(add)(&r, columns, gradient + i, in, 1, 2);
    }
    return leave(&room);
}
