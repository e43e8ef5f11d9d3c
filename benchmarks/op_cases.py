"""The ops that `benchmarks.ops` measures, each written once for both libraries, in shapes that networks use.

A case of `CASES` takes the library and returns a call without arguments and the tensors that want gradients.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.networks import NETWORKS
from benchmarks.worker import Job

Case = Callable[[Any], tuple[Callable[[], Any], list[Any]]]


class Conv(NamedTuple):
    """A convolution: of (n, c, \\*sizes) by (o, c / groups, \\*kernel).

    Attributes:
        image: the input is the user's, needs no gradient, and lies in memory as N, C, H, W.
    """

    n: int
    c: int
    sizes: tuple[int, ...]
    o: int
    kernel: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    groups: int = 1
    image: bool = False

    @property
    def x_shape(self) -> tuple[int, ...]:
        """The input's shape."""
        return (self.n, self.c, *self.sizes)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The kernels' shape."""
        return (self.o, self.c // self.groups, *self.kernel)


CONVS = {
    "conv 3x3 64-64 32x32": Conv(64, 64, (32, 32), 64, (3, 3), padding=1),
    "conv 3x3 128-128 16x16": Conv(64, 128, (16, 16), 128, (3, 3), padding=1),
    "conv 3x3 256-256 8x8": Conv(64, 256, (8, 8), 256, (3, 3), padding=1),
    "conv 3x3 512-512 4x4": Conv(64, 512, (4, 4), 512, (3, 3), padding=1),
    "conv 3x3 16-16 32x32": Conv(128, 16, (32, 32), 16, (3, 3), padding=1),
    "conv 3x3 32-32 16x16": Conv(128, 32, (16, 16), 32, (3, 3), padding=1),
    "conv 3x3 3-64 32x32": Conv(64, 3, (32, 32), 64, (3, 3), padding=1, image=True),
    "conv 5x5 1-6 28x28": Conv(64, 1, (28, 28), 6, (5, 5), padding=2, image=True),
    "conv 5x5 6-16 14x14": Conv(64, 6, (14, 14), 16, (5, 5)),
    "conv 3x3/2 64-128 32x32": Conv(64, 64, (32, 32), 128, (3, 3), stride=2, padding=1),
    "conv 1x1 128-64 32x32": Conv(64, 128, (32, 32), 64, (1, 1)),
    "conv 3x3 depthwise 64 32x32": Conv(64, 64, (32, 32), 64, (3, 3), padding=1, groups=64),
    "conv 3x3 64-64 in 4 groups 32x32": Conv(64, 64, (32, 32), 64, (3, 3), padding=1, groups=4),
    "conv 11x11/4 3-64 224x224": Conv(8, 3, (224, 224), 64, (11, 11), stride=4, padding=2, image=True),
    "conv 1d 3 128-100 56": Conv(50, 128, (56,), 100, (3,)),
}


def drawn(lib: Any, *shape: int, plain: bool = False, seed: int = 0) -> Any:
    """Return a tensor of normal numbers: in plain order, or as the library's own convolutions lay out feature maps."""
    values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    if lib.__name__ == "minicnn" and len(shape) > 2 and not plain:
        ordered = lib.backend.current().empty_map(shape, np.float32)
        ordered[...] = values
        values = ordered
    return lib.tensor(values)


def wanted(lib: Any, *shape: int) -> Any:
    """Return a tensor that wants a gradient."""
    return drawn(lib, *shape).requires_grad_()


def convolution(conv: Conv) -> Case:
    """Return the case of a convolution with a bias."""

    def case(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
        x = drawn(lib, *conv.x_shape, plain=conv.image).requires_grad_(not conv.image)
        weight, bias = wanted(lib, *conv.weight_shape), wanted(lib, conv.o)
        function = getattr(lib.nn.functional, f"conv{len(conv.kernel)}d")
        return (
            lambda: function(x, weight, bias, conv.stride, conv.padding, 1, conv.groups),
            [weight, bias] if conv.image else [x, weight, bias],
        )

    return case


def transposed(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """The autoencoder's: a stride of 2, from 7×7 to 14×14."""
    x, weight, bias = wanted(lib, 128, 32, 7, 7), wanted(lib, 32, 16, 3, 3), wanted(lib, 16)
    return lambda: lib.nn.functional.conv_transpose2d(x, weight, bias, 2, 1, 1), [x, weight, bias]


def function(name: str, *shapes: tuple[int, ...], **options: Any) -> Case:
    """Return the case of a function of `nn.functional` on tensors of these shapes, all of which want gradients."""

    def case(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
        inputs = [wanted(lib, *shape) for shape in shapes]
        call = getattr(lib.nn.functional, name)
        return lambda: call(*inputs, **options), inputs

    return case


def batch_norm(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """In training, with running statistics."""
    x, norm = wanted(lib, 64, 64, 32, 32), lib.nn.BatchNorm2d(64)
    return lambda: norm(x), [x, norm.weight, norm.bias]


def layer_norm(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """Over the last of three dims, with weight and bias."""
    x, weight, bias = drawn(lib, 32, 128, 256, plain=True).requires_grad_(), wanted(lib, 256), wanted(lib, 256)
    return lambda: lib.nn.functional.layer_norm(x, (256,), weight, bias), [x, weight, bias]


def group_norm(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """Eight groups, with weight and bias."""
    x, weight, bias = wanted(lib, 64, 64, 32, 32), wanted(lib, 64), wanted(lib, 64)
    return lambda: lib.nn.functional.group_norm(x, 8, weight, bias), [x, weight, bias]


def cross_entropy(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """Softmax and cross entropy of a batch of a thousand classes."""
    x, target = wanted(lib, 256, 1000), lib.tensor(np.random.default_rng(0).integers(0, 1000, 256))
    return lambda: lib.nn.functional.cross_entropy(x, target), [x]


def embedding(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """50 texts of 56 words."""
    words, table = lib.tensor(np.random.default_rng(0).integers(0, 20_000, (50, 56))), wanted(lib, 20_000, 128)
    return lambda: lib.nn.functional.embedding(words, table), [table]


def cat(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """DenseNet's: a few channels more."""
    x, more = wanted(lib, 64, 84, 16, 16), wanted(lib, 64, 12, 16, 16)
    return lambda: lib.cat([x, more], 1), [x, more]


def add(lib: Any) -> tuple[Callable[[], Any], list[Any]]:
    """A shortcut's."""
    x, y = wanted(lib, 64, 64, 32, 32), wanted(lib, 64, 64, 32, 32)
    return lambda: x + y, [x, y]


MAP = (64, 64, 32, 32)
CASES: dict[str, Case] = {
    **{name: convolution(conv) for name, conv in CONVS.items()},
    "conv_transpose2d": transposed,
    "max_pool2d": function("max_pool2d", MAP, kernel_size=2),
    "max_pool2d 3/2": function("max_pool2d", (8, 64, 55, 55), kernel_size=3, stride=2),
    "avg_pool2d": function("avg_pool2d", MAP, kernel_size=2),
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": function("instance_norm", MAP),
    "relu": function("relu", MAP),
    "sigmoid": function("sigmoid", MAP),
    "tanh": function("tanh", MAP),
    "gelu": function("gelu", MAP),
    "cross_entropy": cross_entropy,
    "dropout": function("dropout", (8, 4096), p=0.5),
    "pad": function("pad", MAP, pad=(1, 1, 1, 1)),
    "cat": cat,
    "linear": function("linear", (64, 4096), (1024, 4096), (1024,)),
    "embedding": embedding,
    "add": add,
}
OPTIMIZERS: dict[str, dict[str, Any]] = {  # on the parameters of ResNet-18
    "SGD": {"lr": 1e-3, "momentum": 0.9},
    "Adam": {"lr": 1e-3},
}
NAMES = [*CASES, *OPTIMIZERS]


def job(lib: Any, name: str) -> Job:
    """Return the job of the op: "forward" and "backward", or an optimizer's "step"."""
    if name in OPTIMIZERS:
        return _optimizing(lib, name)
    call, inputs = CASES[name](lib)
    like = call().detach().numpy()  # for its memory order
    values = np.empty_like(like)
    values[...] = np.random.default_rng(1).standard_normal(like.shape, dtype=np.float32)
    grad = lib.tensor(values)

    def run() -> dict[str, float]:
        start = time.perf_counter()
        out = call()
        middle = time.perf_counter()
        # The gradients as such: what adds them to leaves is no part of an op.
        lib.autograd.grad(out, inputs, grad)
        end = time.perf_counter()
        return {"forward": middle - start, "backward": end - middle}

    return run


def _optimizing(lib: Any, name: str) -> Job:
    parameters = list(NETWORKS["resnet18"].build(lib).parameters())
    for p in parameters:
        p.grad = drawn(lib, math.prod(p.shape)).reshape(p.shape)
    optimizer = getattr(lib.optim, name)(parameters, **OPTIMIZERS[name])

    def run() -> dict[str, float]:
        start = time.perf_counter()
        optimizer.step()
        return {"step": time.perf_counter() - start}

    return run
