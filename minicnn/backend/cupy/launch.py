"""How CUDA kernels are found, compiled and launched; what they are given.

The launcher does not know what compiles: on a GPU it is NVRTC, by CuPy; in tests without one it is a C++ compiler. All
else (grids, arguments, memory order, the choice of instances) is this code in both.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.backend.base import Array, Backend, Ints, Pads
from minicnn.errors import BackendError, message

FOLDER = Path(__file__).parent
THREADS = 256  # of a block; common.cu's kernels ask for powers of two
LIMIT = 2**31 - 2**16  # elements: offsets are ints, and the last block may reach past the end
TYPES = {"float32": "float", "float64": "double"}
WIDE = 16  # bytes that a thread reads at once

# The instances of each source: T is float or double, V how many values a thread reads at once.
KERNELS: dict[str, tuple[str, ...]] = {
    "windows": ("im2col<{T}>", "col2im<{T}>", "add_bias<{T}, {V}>"),
    "depthwise": ("depthwise<{T}>", "depthwise_dx<{T}>", "depthwise_dw<{T}>"),
    "pool": (
        "max_pool<{T}, unsigned char>",
        "max_pool<{T}, int>",
        "max_pool_grad<{T}, unsigned char>",
        "max_pool_grad<{T}, int>",
        "sum_pool<{T}>",
        "sum_pool_grad<{T}>",
    ),
    "channels": (
        "channel_moments<{T}, {V}>",
        "channel_moments_join<{T}>",
        "channel_sums<{T}, {V}>",
        "sum_parts<{T}>",
        "normalize_channels<{T}, {V}>",
        "batch_norm_dx<{T}, {V}>",
    ),
    "rows": (
        "softmax<{T}>",
        "softmax_grad<{T}>",
        "log_softmax<{T}>",
        "log_softmax_grad<{T}>",
        "cross_entropy<{T}>",
        "cross_entropy_grad<{T}>",
        "layer_norm<{T}>",
        "layer_norm_dx<{T}>",
        "column_sums<{T}>",
    ),
    "chain": (
        "single<{T}, {V}, Sigmoid>",
        "couple<{T}, {V}, SigmoidGrad>",
        "couple<{T}, {V}, TanhGrad>",
        "couple<{T}, {V}, ReluGrad>",
        "dropout<{T}, {V}>",
    ),
    "optimizers": ("adam<{T}, {V}>", "sgd<{T}, {V}>"),
    "random": ("philox",),
}

DIVISOR = np.dtype([("by", "i4"), ("multiplier", "u4"), ("shift", "u4")])
WINDOWS = np.dtype(
    [(name, DIVISOR, 3) for name in ("size", "out", "stride")]
    + [(name, DIVISOR) for name in ("pixels", "places")]
    + [(name, "i4", 3) for name in ("kernel", "low", "dilation")]
)


def source(file: str) -> str:
    """Return a source with what all share in front of it; errors name the lines of the files themselves."""
    texts = [
        f'#line 1 "{name}.cu"\n{(FOLDER / name).with_suffix(".cu").read_text(encoding="utf-8")}'
        for name in ("common", file)
    ]
    # CuPy writes the text to a file in the system's encoding, which may lack the comments' Greek letters.
    return "\n".join(texts).encode("ascii", "replace").decode()


def instances(file: str, dtype: Any) -> list[str]:
    """Return the names of a source's kernels for a dtype.

    >>> instances("windows", "float32")
    ['im2col<float>', 'col2im<float>', 'add_bias<float, 1>', 'add_bias<float, 4>']
    """
    dtype = np.dtype(dtype)
    found = []
    for name in KERNELS[file]:
        for v in (1, WIDE // dtype.itemsize) if "{V}" in name else (1,):
            found.append(name.format(T=TYPES[dtype.name], V=v))
    return found


def divisor(by: int) -> tuple[int, int, int]:
    """Return common.cu's Divisor of a number from 1 to 2³¹ − 1: itself, the multiplier and the shift.

    >>> divisor(7)
    (7, 613566757, 3)
    """
    by = max(by, 1)  # of an empty image nothing is divided
    shift = (by - 1).bit_length()
    return by, (2**32 * (2**shift - by)) // by + 1, shift


@functools.lru_cache(4096)
def divided(by: int) -> Any:
    """Return a Divisor as an argument of a kernel."""
    return np.array([divisor(by)], DIVISOR)


@functools.lru_cache(4096)
def windows(size: Ints, out: Ints, kernel: Ints, stride: Ints, padding: Pads, dilation: Ints) -> Any:
    """Return common.cu's Windows as an argument of a kernel: one to three dims become three."""

    def three(sizes: Ints, fill: int) -> Ints:
        return (fill,) * (3 - len(sizes)) + tuple(sizes)

    made = np.zeros(1, WINDOWS)
    for name, sizes in (("size", size), ("out", out), ("stride", stride)):
        made[name] = [divisor(n) for n in three(sizes, 1)]
    made["pixels"], made["places"] = divisor(math.prod(size)), divisor(math.prod(out))
    made["kernel"], made["dilation"] = three(kernel, 1), three(dilation, 1)
    made["low"] = three(tuple(low for low, _ in padding), 0)
    return made


class Launching(Backend):
    """A backend whose kernels are CUDA's: what all of them go through."""

    def compile(self, file: str, names: Sequence[str]) -> Mapping[str, Callable[..., Any]]:
        """Return the kernels of a source, by name; each is called with grid, block, arguments and ``shared_mem``."""
        raise NotImplementedError(f"{type(self).__name__}.compile")

    @functools.cached_property
    def _compiled(self) -> dict[tuple[str, str], Mapping[str, Callable[..., Any]]]:
        return {}

    def launch(self, file: str, name: str, dtype: Any, grid: Ints, block: int, *args: Any, shared: int = 0) -> None:
        """Launch a kernel; nothing waits for it.

        Args:
            file: its source, which is compiled when it is first needed.
            name: the instance, with ``{T}`` for the dtype's name.
            grid: how many blocks; none is no launch.
            block: how many threads a block.
            args: arrays of this backend, contiguous; None; Python ints (int); NumPy numbers; structs.
            shared: bytes of shared memory a block.
        Raises:
            BackendError: an array of the host, or one that is not contiguous.
        """
        if not math.prod(grid):
            return
        kernels = self._compiled.get((file, dtype.char))
        if kernels is None:
            kernels = self._compiled[file, dtype.char] = self.compile(file, instances(file, dtype))
        name = name.format(T=TYPES[dtype.name])
        kernels[name](grid, (block,), tuple(self._argument(name, a) for a in args), shared_mem=shared)

    def _argument(self, name: str, value: Any) -> Any:
        array: Any = value
        if isinstance(value, self.array_type):
            if not array.flags.c_contiguous:
                raise BackendError(
                    message(
                        name,
                        "the kernel expects contiguous memory.",
                        f"an array {array.shape} of {array.dtype} with strides {array.strides}",
                        "copy it first: xp.ascontiguousarray(x).",
                    )
                )
            return value
        if isinstance(value, np.ndarray) and value.dtype.names is None:
            raise BackendError(
                message(
                    name,
                    f"the kernel expects arrays of the {self.name} backend, got one of the host.",
                    f"a numpy.ndarray {value.shape} of {value.dtype}",
                    "move it there first: backend.asarray(x), or tensor.to(device).",
                )
            )
        return np.int32(value) if type(value) is int else value

    def launch_flat(self, file: str, name: str, dtype: Any, total: int, *args: Any) -> None:
        """Launch a thread for each of ``total`` pieces of work; the kernel gets ``total`` as its last argument."""
        self.launch(file, name, dtype, (-(-total // THREADS),), THREADS, *args, total)

    def suits(self, *arrays: Array | None) -> bool:
        """Whether kernels take these arrays: floats of one dtype, not empty, small enough for offsets of 31 bits."""
        given = [a for a in arrays if a is not None]
        dtype = given[0].dtype
        return dtype.name in TYPES and all(a.dtype == dtype and 0 < a.size < LIMIT for a in given)

    def ready(self, x: Array | None) -> Any:
        """Return x with contiguous memory, which is (N, C, *S) for images; x itself where it has that."""
        return x if x is None or x.flags.c_contiguous else self.xp.ascontiguousarray(x)

    def width(self, count: int, *arrays: Array | None) -> int:
        """Return how many values a thread may read at once, if ``count`` lie together: 16 bytes, or one value."""
        given = [a for a in arrays if a is not None]
        wide = WIDE // given[0].dtype.itemsize
        return wide if count % wide == 0 and all(self.address(a) % WIDE == 0 for a in given) else 1

    def empty_map(self, shape: Ints, dtype: Any) -> Array:
        """Return an uninitialized (N, C, *S) array, contiguous: the order of all kernels here.

        The matrix products write it so without a copy, and CuPy's elementwise functions make this order of any other
        but its reverse: a channels-last order would be lost at the first activation, at the price of slow reads.
        """
        return self.xp.empty(shape, dtype=dtype)
