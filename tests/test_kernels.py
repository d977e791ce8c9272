"""Kernels: every way of computing a layer gives what PyTorch's own functions give."""

from functools import partial

import pytest
import torch
from torch.func import vmap

from disentbench import kernels
from disentbench.architectures import Conv, Deconv, Dense, ReLU, Reshape, Tanh
from disentbench.kernels import library, native, processor, products

LAYERS = [
    # layer, input without its images, weight
    (Dense(7), (9,), (7, 9)),
    (Conv(6, 4, 2), (8, 16, 12), (6, 8, 4, 4)),
    (Conv(12, 4, 2), (3, 16, 12), (12, 3, 4, 4)),
    (Conv(6, 4, 2), (1, 16, 12), (6, 1, 4, 4)),
    (Conv(6, 2, 2), (8, 16, 12), (6, 8, 2, 2)),
    (Conv(6, 3, 1), (8, 16, 12), (6, 8, 3, 3)),
    (Deconv(6, 4, 2), (8, 6, 8), (8, 6, 4, 4)),
    (Deconv(2, 4, 2), (8, 6, 8), (8, 2, 4, 4)),
    (Deconv(1, 4, 2), (8, 6, 8), (8, 1, 4, 4)),
    (Deconv(6, 2, 2), (8, 6, 8), (8, 6, 2, 2)),
]
WHOLE = [
    # of whole vectors; the last block of 48 channels is half as wide as the first
    (Dense(48), (80,), (48, 80)),
    (Conv(48, 4, 2), (16, 16, 12), (48, 16, 4, 4)),
    (Conv(16, 4, 2), (48, 10, 6), (16, 48, 4, 4)),
    (Conv(32, 4, 2), (1, 16, 12), (32, 1, 4, 4)),
    (Conv(16, 4, 2), (3, 2, 2), (16, 3, 4, 4)),
    (Conv(32, 2, 2), (16, 6, 10), (32, 16, 2, 2)),
    (Deconv(48, 4, 2), (16, 6, 8), (16, 48, 4, 4)),
    (Deconv(16, 4, 2), (48, 5, 3), (48, 16, 4, 4)),
    (Deconv(1, 4, 2), (32, 6, 11), (32, 1, 4, 4)),
    (Deconv(3, 4, 2), (16, 1, 1), (16, 3, 4, 4)),
    (Deconv(32, 2, 2), (16, 3, 5), (16, 32, 2, 2)),
]
LAYERS += WHOLE
NAMES = [f"{type(layer).__name__}{tuple(layer)}-{shape[0]}" for layer, shape, _ in LAYERS]


def arguments(layer, shape, weight, *sizes, dtype):
    generator = torch.Generator().manual_seed(0)
    outputs = weight[1] if isinstance(layer, Deconv) else weight[0]
    sizes = [(*sizes, *shape), (*sizes[:-1], *weight), (*sizes[:-1], outputs)]
    drawn = [torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes]
    return [each.to(dtype).requires_grad_() for each in drawn]


def one(way, layer, x, weight, bias, *, rectified=False):
    """A layer, and perhaps a ReLU, computed in a way."""
    layers = (layer, ReLU()) if rectified else (layer,)
    return way.apply(layers, {"l.0.weight": weight, "l.0.bias": bias}, x, "l")


def outputs_and_gradients(compute, inputs):
    y = compute(*inputs)
    g = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return [y, *torch.autograd.grad(y, inputs, g.to(y.dtype))]


def assert_alike(ours, theirs, tolerance):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert (a.double() - b.double()).norm() <= tolerance * b.double().norm()


@pytest.fixture(params=["native", "without"])
def processors(request):
    """A machine that computes layers in C, and one like those that cannot."""
    if request.param == "native":
        request.getfixturevalue("in_c")
    else:
        request.getfixturevalue("monkeypatch").setattr(native, "can", lambda dtype: False)


@pytest.fixture
def in_c():
    """A machine that computes layers in C."""
    if not native.can(torch.bfloat16):
        pytest.skip("no compiler of C at installation, or no AVX512-BF16 here")


@pytest.mark.usefixtures("in_c")
@pytest.mark.parametrize(("layer", "shape", "weight"), WHOLE, ids=NAMES[-len(WHOLE) :])
def test_layers_of_whole_vectors_are_computed_in_c(layer, shape, weight):
    x, weight, bias = arguments(layer, shape, weight, 5, dtype=torch.bfloat16)
    assert native.serves(layer, weight, bias, x)


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize(("layer", "shape", "weight"), LAYERS, ids=NAMES)
def test_processor(layer, shape, weight, rectified):
    inputs = arguments(layer, shape, weight, 5, dtype=torch.float32)
    ours, theirs = (
        outputs_and_gradients(partial(one, way, layer, rectified=rectified), inputs)
        for way in (processor, library)
    )
    assert_alike(ours, theirs, 1e-5)


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize(("layer", "shape", "weight"), LAYERS, ids=NAMES)
def test_products_of_a_pack(layer, shape, weight, rectified):
    inputs = arguments(layer, shape, weight, 3, 5, dtype=torch.float64)
    ours, theirs = (
        outputs_and_gradients(vmap(partial(one, way, layer, rectified=rectified)), inputs)
        for way in (products, library)
    )
    assert_alike(ours, theirs, 1e-12)


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("way", [processor, products])
@pytest.mark.parametrize(("layer", "shape", "weight"), LAYERS, ids=NAMES)
def test_bf16_is_the_same_rounded(way, layer, shape, weight):
    exact = arguments(layer, shape, weight, 5, dtype=torch.float32)
    theirs = outputs_and_gradients(partial(one, library, layer), exact)
    half = [each.detach().bfloat16().requires_grad_() for each in exact]
    ours = outputs_and_gradients(partial(one, way, layer), half)
    assert_alike(ours, theirs, 0.01)


@pytest.mark.usefixtures("in_c")
@pytest.mark.parametrize(
    ("layer", "weight", "bias", "x"),
    [
        (Conv(16, 4, 2), (16, 16, 4, 4), 16, (2, 16, 7, 8)),  # an odd side
        (Conv(16, 4, 2), (16, 16, 4, 4), 16, (2, 32, 8, 8)),  # other shapes than the weight's
        (Conv(16, 4, 2), (16, 16, 2, 2), 16, (2, 16, 8, 8)),
        (Deconv(32, 4, 2), (16, 32, 4, 4), 32, (2, 32, 8, 8)),
        (Deconv(32, 4, 2), (16, 32, 4, 4), 16, (2, 16, 8, 8)),
        (Dense(16), (16, 16), 16, (2, 32)),
        (Dense(16), (16, 16), 16, (2, 16, 4)),
        (Conv(24, 4, 2), (24, 16, 4, 4), 24, (2, 16, 8, 8)),  # vectors that are not whole
        (Deconv(8, 4, 2), (16, 8, 4, 4), 8, (2, 16, 8, 8)),
        (Conv(16, 2, 2), (16, 1, 2, 2), 16, (2, 1, 8, 8)),
        (Dense(20), (20, 16), 20, (2, 16)),
        (Conv(16, 3, 1), (16, 16, 3, 3), 16, (2, 16, 8, 8)),  # another kernel
    ],
)
def test_other_layers_are_left_to_the_library(layer, weight, bias, x):
    assert not native.serves(layer, torch.empty(weight), torch.empty(bias), torch.empty(x))


@pytest.mark.usefixtures("in_c")
def test_members_with_several_threads_are_left_to_the_library(monkeypatch):
    x, weight, bias = arguments(Dense(16), (32,), (16, 32), 5, dtype=torch.float32)
    assert native.serves(Dense(16), weight, bias, x)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert not native.serves(Dense(16), weight, bias, x)


@pytest.mark.usefixtures("in_c")
def test_what_does_not_fit_together_is_the_librarys_error():
    x, weight, bias = torch.ones(2, 16, 8, 8), torch.ones(16, 32, 4, 4), torch.ones(16)
    with pytest.raises(RuntimeError, match="channels"):
        one(processor, Conv(16, 4, 2), x, weight, bias)


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("layer", [Conv(16, 4, 2), Deconv(16, 4, 2), Dense(16)])
def test_what_is_not_a_number_stays_so(layer):
    """A training that has diverged must show it, through a ReLU too."""
    shape, weight = {
        Conv: ((16, 4, 4), (16, 16, 4, 4)),
        Deconv: ((16, 4, 4), (16, 16, 4, 4)),
        Dense: ((32,), (16, 32)),
    }[type(layer)]
    x, weight, bias = arguments(layer, shape, weight, 3, dtype=torch.float32)
    with torch.no_grad():
        weight[3, 5] = torch.nan
        y = one(processor, layer, x, weight, bias, rectified=True)
    assert y.isnan().any()


CONVOLUTIONS = (
    *(Conv(16, 4, 2), ReLU(), Conv(32, 2, 2), ReLU(), Reshape((-1,)), Dense(48), ReLU()),
    *(Dense(128), ReLU(), Reshape((32, 2, 2)), Deconv(16, 4, 2), ReLU(), Deconv(1, 4, 2)),
)


@pytest.mark.usefixtures("processors")
def test_layers_one_after_another():
    """A ReLU's gradient is computed by the layer behind it, also behind another shape."""
    model = {0: (16, 1, 4, 4), 2: (32, 16, 2, 2), 5: (48, 128), 7: (128, 48)}
    model |= {10: (32, 16, 4, 4), 12: (16, 1, 4, 4)}
    outputs = {0: 16, 2: 32, 5: 48, 7: 128, 10: 16, 12: 1}
    sizes = {f"l.{i}.weight": weight for i, weight in model.items()}
    sizes = {"x": (5, 1, 8, 8)} | sizes | {f"l.{i}.bias": (n,) for i, n in outputs.items()}
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(size, generator=generator).requires_grad_() for size in sizes.values()]

    def compute(way, x, *tensors):
        return way.apply(CONVOLUTIONS, dict(zip(list(sizes)[1:], tensors, strict=True)), x, "l")

    ours, theirs = (
        outputs_and_gradients(partial(compute, way), inputs) for way in (processor, library)
    )
    assert_alike(ours, theirs, 1e-5)


LAYER_STACK = (Dense(6), ReLU(), ReLU(), Tanh(), Dense(8), Reshape((2, 2, 2)), Tanh(), ReLU())


def test_layers_without_parameters():
    """A ReLU behind a ReLU or a tanh, a tanh behind an affine layer, another shape."""
    generator = torch.Generator().manual_seed(0)
    sizes = {"l.0.weight": (6, 5), "l.0.bias": (6,), "l.4.weight": (8, 6), "l.4.bias": (8,)}
    inputs = [torch.randn(size, generator=generator) for size in ((4, 5), *sizes.values())]
    inputs = [each.requires_grad_() for each in inputs]
    ours, theirs = (
        outputs_and_gradients(
            lambda x, *t, way=way: way.apply(LAYER_STACK, dict(zip(sizes, t, strict=True)), x, "l"),
            inputs,
        )
        for way in (processor, library)
    )
    assert_alike(ours, theirs, 1e-6)


@pytest.mark.parametrize(
    ("device", "together", "way"),
    [
        ("cpu", False, processor),
        ("cpu", True, library),
        ("cuda", True, products),
        ("cuda", False, library),
    ],
)
def test_each_device_has_its_way(device, together, way):
    assert kernels.fastest(torch.device(device), together) is way.apply
