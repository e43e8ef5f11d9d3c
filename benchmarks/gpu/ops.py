"""Ops alone, forward and backward, beside two ceilings: the bandwidth of copies, and the rate of matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.gpu.sides import Side
from benchmarks.gpu.timing import Entry, measure


class Case(NamedTuple):
    """An op with its inputs.

    Attributes:
        call: runs it forward.
        inputs: the tensors that want gradients.
        reads: what backward must read besides the output's gradient.
        operations: multiplications and additions forward; 0 where the bytes are what counts.
        others: what forward reads besides the inputs.
    """

    call: Callable[[], Any]
    inputs: list[Any]
    reads: list[Any]
    operations: float = 0.0
    others: tuple[Any, ...] = ()


def _normal(lib: Any, *shape: int) -> Any:
    values = np.random.default_rng(len(shape)).standard_normal(shape, dtype=np.float32)
    return lib.tensor(values).requires_grad_()


def _maps(name: str, reads: bool = True, channels: int = 64, side: int = 32, **options: Any) -> Callable[..., Case]:
    """A function of feature maps (N, C, H, W)."""

    def case(lib: Any, n: int) -> Case:
        x = _normal(lib, n, channels, side, side)
        function = getattr(lib.nn.functional, name)
        return Case(lambda: function(x, **options), [x], [x] if reads else [])

    return case


def _conv(c: int, o: int, kernel: int, size: int, stride: int = 1, groups: int = 1) -> Callable[..., Case]:
    def case(lib: Any, n: int) -> Case:
        x, w, b = _normal(lib, n, c, size, size), _normal(lib, o, c // groups, kernel, kernel), _normal(lib, o)
        places = math.ceil(size / stride) ** 2
        operations = 2.0 * n * o * places * kernel**2 * c / groups
        padding = kernel // 2
        return Case(
            lambda: lib.nn.functional.conv2d(x, w, b, stride, padding, 1, groups), [x, w, b], [x, w], operations
        )

    return case


def _linear(lib: Any, n: int) -> Case:
    x, w, b = _normal(lib, n * 4, 4096), _normal(lib, 1024, 4096), _normal(lib, 1024)
    return Case(lambda: lib.nn.functional.linear(x, w, b), [x, w, b], [x, w], 2.0 * n * 4 * 4096 * 1024)


def _matmul(lib: Any, n: int) -> Case:
    size = 4 * n
    a, b = _normal(lib, size, size), _normal(lib, size, size)
    return Case(lambda: a @ b, [a, b], [a, b], 2.0 * size**3)


def _add(lib: Any, n: int) -> Case:
    x, y = _normal(lib, n, 64, 32, 32), _normal(lib, n, 64, 32, 32)
    return Case(lambda: x + y, [x, y], [])


def _cat(lib: Any, n: int) -> Case:
    x, y = _normal(lib, n, 64, 32, 32), _normal(lib, n, 16, 32, 32)
    return Case(lambda: lib.cat([x, y], 1), [x, y], [])


def _batch_norm(lib: Any, n: int) -> Case:
    x, norm = _normal(lib, n, 64, 32, 32), lib.nn.BatchNorm2d(64)
    return Case(lambda: norm(x), [x, norm.weight, norm.bias], [x])


def _layer_norm(lib: Any, n: int) -> Case:
    x, w, b = _normal(lib, n * 64, 1024), _normal(lib, 1024), _normal(lib, 1024)
    return Case(lambda: lib.nn.functional.layer_norm(x, (1024,), w, b), [x, w, b], [x])


def _group_norm(lib: Any, n: int) -> Case:
    x, w, b = _normal(lib, n, 64, 32, 32), _normal(lib, 64), _normal(lib, 64)
    return Case(lambda: lib.nn.functional.group_norm(x, 8, w, b), [x, w, b], [x])


def _softmax(lib: Any, n: int) -> Case:
    x = _normal(lib, n * 64, 1000)
    return Case(lambda: lib.softmax(x, 1), [x], [x])


def _cross_entropy(lib: Any, n: int) -> Case:
    x = _normal(lib, n * 64, 1000)
    target = lib.tensor(np.random.default_rng(0).integers(0, 1000, n * 64))
    return Case(lambda: lib.nn.functional.cross_entropy(x, target), [x], [x], 0.0, (target,))


def _embedding(lib: Any, n: int) -> Case:
    table, words = _normal(lib, 20_000, 128), lib.tensor(np.random.default_rng(0).integers(0, 20_000, (n, 56)))
    return Case(lambda: lib.nn.functional.embedding(words, table), [table], [words])


def _chain(lib: Any, n: int) -> Case:
    """Elementwise work on one another's results, which a library may join."""
    x = _normal(lib, n, 64, 32, 32)
    return Case(lambda: (x * 2 + 1).clamp(min=0) * x, [x], [x])


CASES: dict[str, Callable[..., Case]] = {
    "relu": _maps("relu"),
    "sigmoid": _maps("sigmoid"),
    "tanh": _maps("tanh"),
    "gelu": _maps("gelu"),
    "add": _add,
    "cat": _cat,
    "elementwise chain": _chain,
    "pad": _maps("pad", reads=False, pad=(1, 1, 1, 1)),
    "dropout": _maps("dropout", reads=False, p=0.5),
    "max_pool2d 2": _maps("max_pool2d", reads=False, kernel_size=2),
    "max_pool2d 3/2": _maps("max_pool2d", reads=False, kernel_size=3, stride=2, padding=1),
    "avg_pool2d 2": _maps("avg_pool2d", reads=False, kernel_size=2),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _maps("instance_norm"),
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "embedding": _embedding,
    "conv 3x3 64-64 32x32": _conv(64, 64, 3, 32),
    "conv 3x3 256-256 8x8": _conv(256, 256, 3, 8),
    "conv 3x3 3-64 32x32": _conv(3, 64, 3, 32),
    "conv 5x5 1-6 28x28": _conv(1, 6, 5, 28),
    "conv 3x3/2 64-128 32x32": _conv(64, 128, 3, 32, 2),
    "conv 1x1 128-64 32x32": _conv(128, 64, 1, 32),
    "conv 3x3 depthwise 64 32x32": _conv(64, 64, 3, 32, 1, 64),
    "linear 4096-1024": _linear,
    "matmul": _matmul,
}
OPTIMIZERS = {"SGD": {"lr": 1e-3, "momentum": 0.9}, "Adam": {"lr": 1e-3}, "AdamW": {"lr": 1e-3}}
STATE = {
    "SGD": 5,
    "Adam": 7,
    "AdamW": 7,
}  # passes over the parameters' bytes: weights and state read and written, gradients read


def ceilings(sides: list[Side], n: int, rounds: int, milliseconds: float) -> dict[str, float]:
    """Return the copy bandwidth, in GB/s of bytes read and written, and the products' rates, in TFLOP/s."""
    found: dict[str, float] = {}
    for side in sides:
        lib = side.lib
        with side.here(), lib.no_grad():
            x = lib.zeros(n * 2**18) + 1.0
            y = lib.zeros(n * 2**18)
            ms = measure({"copy": Entry(side, lambda x=x, y=y: y.copy_(x))}, rounds, milliseconds)["copy"]["ms"]
            found["copy_gb_s"] = max(found.get("copy_gb_s", 0.0), 2 * 4 * n * 2**18 / ms / 1e6)
            size = 8 * n
            a, b = (_normal(lib, size, size).detach() for _ in range(2))
            before = side.tf32()
            for key, allowed in (("float32_tflop_s", False), ("tf32_tflop_s", True)):
                side.set_tf32(before["convolutions"], allowed)
                ms = measure({key: Entry(side, lambda a=a, b=b: a @ b)}, rounds, milliseconds)[key]["ms"]
                found[key] = max(found.get(key, 0.0), 2 * size**3 / ms / 1e9)
            side.set_tf32(before["convolutions"], before["matmul"])
    return found


def _bytes(*tensors: Any) -> int:
    return sum(int(t.numel()) * t.element_size() for t in tensors)


def row(
    sides: list[Side], name: str, n: int, rounds: int, milliseconds: float, limits: dict[str, float]
) -> dict[str, Any]:
    """Return the figures of an op: times, and the part of the ceiling that each side reaches."""
    forward, backward, work = {}, {}, {}
    for side in sides:
        lib = side.lib
        with side.here():
            case = CASES[name](lib, n)
            out = case.call()
            g = lib.ones_like(out.detach()) * 0.5
            work = {
                "forward": (_bytes(*case.inputs, *case.others, out), case.operations),
                "backward": (_bytes(g, *case.reads, *case.inputs), 2 * case.operations),
            }
            forward[side.name] = Entry(side, _quietly(lib, case.call))
            backward[side.name] = Entry(side, _gradients(lib, out, case.inputs, g))
    convolution = name.startswith("conv ")
    fast = sides[0].tf32()["convolutions" if convolution else "matmul"]
    rate = limits["tf32_tflop_s" if fast else "float32_tflop_s"]
    parts = {}
    for part, entries in (("forward", forward), ("backward", backward)):
        times = measure(entries, rounds, milliseconds)
        moved, operations = work[part]
        floor = max(moved / limits["copy_gb_s"] / 1e6, operations / rate / 1e9)
        parts[part] = {
            "times": times,
            "bytes": moved,
            "operations": operations,
            "floor_ms": floor,
            "of_ceiling": {key: floor / value["ms"] for key, value in times.items()},
        }
    return {"name": name, "n": n, "parts": parts}


def _quietly(lib: Any, call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with lib.no_grad():
            return call()

    return run


def _gradients(lib: Any, out: Any, inputs: list[Any], g: Any) -> Callable[[], Any]:
    return lambda: lib.autograd.grad(out, inputs, g, retain_graph=True)


def optimizer_row(
    sides: list[Side], name: str, count: int, rounds: int, milliseconds: float, limits: dict[str, float]
) -> dict[str, Any]:
    """Return the figures of an optimizer's step over so many parameters, in tensors of many sizes."""
    entries, moved = {}, 0
    for side in sides:
        lib = side.lib
        with side.here():
            parameters = [lib.nn.Parameter(_normal(lib, count >> i).detach()) for i in range(1, 12) if count >> i]
            for p in parameters:
                p.grad = lib.ones_like(p.detach()) * 0.1
            optimizer = getattr(lib.optim, name)(parameters, **OPTIMIZERS[name])
            moved = STATE[name] * _bytes(*parameters)
            entries[side.name] = Entry(side, optimizer.step)
    times = measure(entries, rounds, milliseconds)
    floor = moved / limits["copy_gb_s"] / 1e6
    part = {
        "times": times,
        "bytes": moved,
        "operations": 0,
        "floor_ms": floor,
        "of_ceiling": {key: floor / value["ms"] for key, value in times.items()},
    }
    return {"name": name, "n": count, "parts": {"step": part}}


def shown(row: dict[str, Any]) -> str:
    """Return a row as text."""
    cells = []
    for part, found in row["parts"].items():
        sides = ", ".join(f"{k} {v['ms']:.3f} ms ({found['of_ceiling'][k]:.0%})" for k, v in found["times"].items())
        cells.append(f"{part} {sides}")
    return f"{row['name']:28} " + "; ".join(cells)
