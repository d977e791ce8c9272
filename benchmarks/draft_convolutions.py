"""A draft for the GPU: convolutions of a pack as implicit matrix products in Triton.

[member, image, h, w, channel] throughout; `apply` takes the place of networks.apply under vmap, by
a Function whose vmap rule calls the kernels on all members. Correct on an H100 (bf16 against
float32 convolutions: .0017) and, by TRITON_INTERPRET=1, on a CPU (1e-7).

Measured there, conv_locatello2019, beta-TCVAE, batch 64, 50 members, with a CUDA graph of the step,
a distortion whose gradient is sigmoid(l) - x, images unpacked by shifts, and `_terms` indexing no
tensor by a list (which copies to the device, and so forbids a graph):

    as it stands                     110,791 images/s (with a graph: 139,712)
    batched products (9816da7)       127,271 (with a graph: 184,628)
    this, eager                      176,053
    this, a graph of the step        636,788; 699,690 with 100 members, 736,254 with 200
    this, float32                    245,968
    conv_burgess2018, with a graph   676,654
    one member, as it stands         6,485 to 9,272 (with a graph: 45,913)

Of the 5.0 ms of a step the kernels take 2.4 (up .87, weights .81, down .71), bias sums .4, Adam .37,
copies and casts .9. Block sizes hardly matter (BM 64 or 128, 3 or 4 stages). The MLP takes 20 ms:
8 of Adam on 50 x 11 million parameters, 9 of copies of transposed bf16 weights, 1.7 of products.
The exact engine's 14.5 s there are 12 of quadrature.py, on the CPU, and .7 of the joint density.
"""

import torch, triton, triton.language as tl
from torch.autograd import Function
from disentbench.architectures import Conv, Deconv, Dense, ReLU, Reshape, Tanh

@triton.jit
def down_kernel(x, w, bias, act, out, images, H, W, B: tl.constexpr, S: tl.constexpr,
                KER: tl.constexpr, PAD: tl.constexpr, BIAS: tl.constexpr, RELU: tl.constexpr, MASK: tl.constexpr,
                BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """out[m, r, s] = sum over taps and channels b of x at the taps of r times w[m, tap, b, s]."""
    m = tl.program_id(1).to(tl.int64)
    rows = images * H * W
    r = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(2) * BN + tl.arange(0, BN)
    img = r // (H * W)
    i = (r // W) % H
    j = r % W
    live = r < rows
    x += m * images * (4 * H * W * B)
    w += m * (KER * KER * B * S)
    acc = tl.zeros((BM, BN), tl.float32)
    K: tl.constexpr = KER * KER * B
    for k0 in range(0, K, BK):
        k = k0 + tl.arange(0, BK)
        tap = k // B
        b = k % B
        ky = tap // KER
        kx = tap % KER
        yy = 2 * i[:, None] + ky[None, :] - PAD
        xx = 2 * j[:, None] + kx[None, :] - PAD
        ok = (yy >= 0) & (yy < 2 * H) & (xx >= 0) & (xx < 2 * W) & live[:, None] & (k < K)[None, :]
        at = ((img[:, None] * (2 * H) + yy) * (2 * W) + xx) * B + b[None, :]
        a = tl.load(x + at, mask=ok, other=0.0)
        ww = tl.load(w + k[:, None] * S + n[None, :], mask=(k < K)[:, None] & (n < S)[None, :], other=0.0)
        acc = tl.dot(a, ww, acc)
    if BIAS:
        acc += tl.load(bias + m * S + n, mask=n < S, other=0.0).to(tl.float32)[None, :]
    if RELU:
        acc = tl.maximum(acc, 0.0)
    to = m * rows * S + r[:, None] * S + n[None, :]
    keep = live[:, None] & (n < S)[None, :]
    if MASK:
        acc = tl.where(tl.load(act + to, mask=keep, other=0.0) > 0, acc, 0.0)
    tl.store(out + to, acc.to(out.dtype.element_ty), mask=keep)

@triton.jit
def up_kernel(x, w, bias, act, out, images, H, W, B: tl.constexpr, S: tl.constexpr,
              T: tl.constexpr, BIAS: tl.constexpr, RELU: tl.constexpr, MASK: tl.constexpr,
              BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """2 x 2 blocks of the padded large image from T x T squares of the small grid [.., s]."""
    m = tl.program_id(1).to(tl.int64)
    HB = H + T - 1
    WB = W + T - 1
    rows = images * HB * WB
    r = tl.program_id(0) * BM + tl.arange(0, BM)
    n = tl.program_id(2) * BN + tl.arange(0, BN)
    N: tl.constexpr = 4 * B
    K: tl.constexpr = T * T * S
    img = r // (HB * WB)
    I = (r // WB) % HB
    J = r % WB
    live = r < rows
    x += m * images * (H * W * S)
    w += m * (K * N)
    acc = tl.zeros((BM, BN), tl.float32)
    for k0 in range(0, K, BK):
        k = k0 + tl.arange(0, BK)
        tap = k // S
        s = k % S
        i = I[:, None] - (T - 1) + (tap // T)[None, :]
        j = J[:, None] - (T - 1) + (tap % T)[None, :]
        ok = (i >= 0) & (i < H) & (j >= 0) & (j < W) & live[:, None] & (k < K)[None, :]
        a = tl.load(x + ((img[:, None] * H + i) * W + j) * S + s[None, :], mask=ok, other=0.0)
        ww = tl.load(w + k[:, None] * N + n[None, :], mask=(k < K)[:, None] & (n < N)[None, :], other=0.0)
        acc = tl.dot(a, ww, acc)
    place = n // B
    b = n % B
    if BIAS:
        acc += tl.load(bias + m * B + b, mask=n < N, other=0.0).to(tl.float32)[None, :]
    if RELU:
        acc = tl.maximum(acc, 0.0)
    yy = 2 * I[:, None] + (place // 2)[None, :] - (T - 1)
    xx = 2 * J[:, None] + (place % 2)[None, :] - (T - 1)
    keep = live[:, None] & (n < N)[None, :] & (yy >= 0) & (yy < 2 * H) & (xx >= 0) & (xx < 2 * W)
    to = m * images * (4 * H * W * B) + ((img[:, None] * (2 * H) + yy) * (2 * W) + xx) * B + b[None, :]
    if MASK:
        acc = tl.where(tl.load(act + to, mask=keep, other=0.0) > 0, acc, 0.0)
    tl.store(out + to, acc.to(out.dtype.element_ty), mask=keep)

@triton.jit
def weight_kernel(large, small, out, images, H, W, splits, per: tl.constexpr, B: tl.constexpr, S: tl.constexpr,
                  KER: tl.constexpr, PAD: tl.constexpr, BKT: tl.constexpr, BN: tl.constexpr, BR: tl.constexpr):
    """out[m, split, (tap, b), s] = sum over r of large at the taps of r times small[r, s]."""
    m = tl.program_id(1).to(tl.int64)
    split = tl.program_id(2)
    K: tl.constexpr = KER * KER * B
    NT: tl.constexpr = (S + BN - 1) // BN
    k = (tl.program_id(0) // NT) * BKT + tl.arange(0, BKT)
    n = (tl.program_id(0) % NT) * BN + tl.arange(0, BN)
    rows = images * H * W
    tap = k // B
    b = k % B
    ky = tap // KER
    kx = tap % KER
    large += m * images * (4 * H * W * B)
    small += m * rows * S
    acc = tl.zeros((BKT, BN), tl.float32)
    for r0 in range(0, per, BR):
        r = split * per + r0 + tl.arange(0, BR)
        live = r < rows
        img = r // (H * W)
        i = (r // W) % H
        j = r % W
        yy = 2 * i[None, :] + ky[:, None] - PAD
        xx = 2 * j[None, :] + kx[:, None] - PAD
        ok = (yy >= 0) & (yy < 2 * H) & (xx >= 0) & (xx < 2 * W) & live[None, :] & (k < K)[:, None]
        a = tl.load(large + ((img[None, :] * (2 * H) + yy) * (2 * W) + xx) * B + b[:, None], mask=ok, other=0.0)
        g = tl.load(small + r[:, None] * S + n[None, :], mask=live[:, None] & (n < S)[None, :], other=0.0)
        acc = tl.dot(a, g, acc)
    to = (m * splits + split) * K * S + k[:, None] * S + n[None, :]
    tl.store(out + to, acc, mask=(k < K)[:, None] & (n < S)[None, :])

CONFIG = dict(BM=128, warps=4, stages=3)

def pow2(x): return max(16, triton.next_power_of_2(x))

def down(x, w, bias=None, relu=False, act=None):
    """x [m, i, 2h, 2w, b], w [m, s, b, k, k] -> [m, i, h, w, s]."""
    m, images, H, W, B = x.shape; H //= 2; W //= 2
    S, ker = w.shape[1], w.shape[-1]
    wk = w.permute(0, 3, 4, 2, 1).contiguous()  # m, ky, kx, b, s
    out = torch.empty(m, images, H, W, S, dtype=x.dtype, device=x.device)
    K = ker * ker * B
    BM, BN, BK = CONFIG["BM"], min(128, pow2(S)), min(64 if B >= 64 else 32, pow2(K))
    grid = (triton.cdiv(images * H * W, BM), m, triton.cdiv(S, BN))
    down_kernel[grid](x, wk, x if bias is None else bias, x if act is None else act, out, images, H, W, B, S, ker, (ker - 2) // 2,
        bias is not None, relu, act is not None, BM, BN, BK, num_warps=CONFIG["warps"], num_stages=CONFIG["stages"])
    return out

def up(x, w, bias=None, relu=False, act=None):
    """x [m, i, h, w, s], w [m, s, b, k, k] -> [m, i, 2h, 2w, b]."""
    m, images, H, W, S = x.shape
    B, ker = w.shape[2], w.shape[-1]
    T = ker // 2
    # [m, s, b, ky, kx], ky = pi + 2 (T - 1 - di)
    wk = w.view(m, S, B, T, 2, T, 2).flip(3, 5).permute(0, 3, 5, 1, 4, 6, 2).contiguous()  # m, di, dj, s, pi, pj, b
    out = torch.empty(m, images, 2 * H, 2 * W, B, dtype=x.dtype, device=x.device)
    BM, BN, BK = CONFIG["BM"], min(128, pow2(4 * B)), min(64 if S >= 64 else 32, pow2(T * T * S))
    grid = (triton.cdiv(images * (H + T - 1) * (W + T - 1), BM), m, triton.cdiv(4 * B, BN))
    up_kernel[grid](x, wk, x if bias is None else bias, x if act is None else act, out, images, H, W, B, S, T,
        bias is not None, relu, act is not None, BM, BN, BK, num_warps=CONFIG["warps"], num_stages=CONFIG["stages"])
    return out

def of_weight(small, large, w):
    """The gradient [m, s, b, k, k], in float32."""
    m, images, H, W, S = small.shape
    B, ker = w.shape[2], w.shape[-1]
    K = ker * ker * B
    BKT, BN, BR = min(128, pow2(K)), min(64, pow2(S)), 64
    tiles = triton.cdiv(K, BKT) * triton.cdiv(S, BN)
    splits = max(1, min(16, 1024 // (tiles * m), images * H * W // 512))
    per = triton.cdiv(triton.cdiv(images * H * W, splits), BR) * BR
    out = torch.empty(m, splits, K, S, dtype=torch.float32, device=w.device)
    weight_kernel[(tiles, m, splits)](large, small, out, images, H, W, splits, per, B, S, ker, (ker - 2) // 2, BKT, BN, BR,
        num_warps=4, num_stages=3)
    return out.sum(1).view(m, ker, ker, B, S).permute(0, 4, 3, 1, 2).to(w.dtype)

class PackDown(Function):
    @staticmethod
    def forward(ctx, x, w, bias, relu, mask):
        ctx.save_for_backward(x, w); ctx.mask = mask
        return down(x, w, bias, relu)
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors; g = g.contiguous()
        gx = up(g, w, act=x if ctx.mask else None) if ctx.needs_input_grad[0] else None
        return gx, of_weight(g, x, w), g.sum((1, 2, 3)), None, None

class PackUp(Function):
    @staticmethod
    def forward(ctx, x, w, bias, relu, mask):
        ctx.save_for_backward(x, w); ctx.mask = mask
        return up(x, w, bias, relu)
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors; g = g.contiguous()
        gx = down(g, w, act=x if ctx.mask else None) if ctx.needs_input_grad[0] else None
        return gx, of_weight(x, g, w), g.sum((1, 2, 3)), None, None

def member_rule(pack):
    class One(Function):
        @staticmethod
        def forward(x, w, bias, relu, mask):
            raise NotImplementedError
        @staticmethod
        def setup_context(ctx, inputs, output): pass
        @staticmethod
        def vmap(info, in_dims, x, w, bias, relu, mask):
            x = x.movedim(in_dims[0], 0) if in_dims[0] is not None else x.expand(info.batch_size, *x.shape)
            return pack.apply(x.contiguous(), w, bias, relu, mask), 0
    return One

Down, Up = member_rule(PackDown), member_rule(PackUp)

def apply(layers, parameters, x, prefix):
    """As networks.apply; inside, images are [image, h, w, channel]."""
    layers = list(layers)
    spatial = x.dim() == 4
    if spatial: x = x.permute(0, 2, 3, 1)
    fused = False  # x is the output of a convolution's fused ReLU
    i = 0
    while i < len(layers):
        layer, name = layers[i], f"{prefix}.{i}"
        if f"{name}.weight" in parameters:
            weight, bias = parameters[f"{name}.weight"].to(x.dtype), parameters[f"{name}.bias"].to(x.dtype)
        if isinstance(layer, (Conv, Deconv)):
            follow = i + 2 < len(layers) and isinstance(layers[i + 1], ReLU) and isinstance(layers[i + 2], (Conv, Deconv))
            x = (Down if isinstance(layer, Conv) else Up).apply(x, weight, bias, follow, fused)
            fused = follow
            if follow: i += 1
        elif isinstance(layer, Dense):
            x = x @ weight.T + bias
        elif isinstance(layer, Reshape):
            if spatial: x = x.permute(0, 3, 1, 2)
            x = x.reshape(x.shape[0], *layer.shape)
            spatial = x.dim() == 4
            if spatial: x = x.permute(0, 2, 3, 1)
        else:
            x = x.relu() if isinstance(layer, ReLU) else x.tanh()
        i += 1
    return x.permute(0, 3, 1, 2) if spatial else x
