"""The same values in another dtype, in memory of their own, or on another device: cast, clone, alias, transfer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.backend.device import device
from minicnn.errors import ArgumentTypeError, BackendError
from minicnn.ops.dtypes import as_dtype

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class _Copy(Primitive, abstract=True):
    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        for shape in ((2, 3), (), (0, 2), (2, 1, 2, 1, 2)):
            yield Sample(rng.normal(size=shape))
        yield Sample(np.array([[1, -2]]))
        yield Sample(np.array([True, False]))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, "expects a Tensor", [1.0])


class Cast(_Copy):
    """Float to float passes gradients; to and from integers there are none."""

    @classmethod
    def record(cls, out: Any, inputs: Any, params: Any) -> None:
        if out._array.dtype.kind == "f" and inputs[0]._array.dtype.kind == "f":
            super().record(out, inputs, {**params, "before": inputs[0]._array.dtype})

    @staticmethod
    def forward(be: Backend, x: Array, *, dtype: Any, before: Any = None) -> Array:
        return x.astype(dtype)

    @staticmethod
    def grad_x(g: Tensor, before: Any) -> Tensor:
        return cast(g, before)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=(2, 3)), np.dtype("float64"))
        yield Sample(rng.normal(size=(0, 2)), np.dtype("float64"))
        yield Sample(rng.normal(size=()), dtype=np.dtype("float64"))
        yield Sample(Constant(np.array([[1.5, -2.5, 0.0]])), np.dtype("int64"))  # towards 0
        yield Sample(Constant(np.array([1.5, -2.5, 0.0])), np.dtype("bool"))
        yield Sample(np.array([1, 0, -3]), np.dtype("float32"))
        yield Sample(np.array([True, False]), np.dtype("int32"))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, "expects a Tensor", [1.0], np.dtype("float64"))


class Clone(_Copy):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.array(x, order="K")  # its own memory, in the same order

    @staticmethod
    def grad_x(g: Tensor) -> Tensor:
        return g


class Alias(_Copy):
    views = True

    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return x[...]

    @staticmethod
    def grad_x(g: Tensor) -> Tensor:
        return g


@Cast.public
def cast(input: Tensor, dtype: Any) -> Tensor:
    """The values in another dtype; ``x.to(dtype)`` is its usual spelling.

    Gradient: cast back; none from or to integers and bools.

    >>> import minicnn
    >>> cast(minicnn.tensor([1.7, 2.0]), minicnn.int64)
    tensor([1, 2])
    """
    return Cast.apply(input, dtype=as_dtype(dtype))


@Clone.public
def clone(input: Tensor) -> Tensor:
    """The values in memory of their own; gradients pass through.

    >>> import minicnn
    >>> clone(minicnn.tensor([1.0]))
    tensor([1.])
    """
    return Clone.apply(input)


@Alias.public
def alias(input: Tensor) -> Tensor:
    """The same memory as another tensor; gradients pass through.

    >>> import minicnn
    >>> alias(minicnn.tensor([1.0]))
    tensor([1.])
    """
    return Alias.apply(input)


class Transfer(_Copy):
    """The values on another device."""

    @staticmethod
    def forward(be: Backend, x: Array, *, target: str, source: str) -> Array:
        return device(target).backend().asarray(be.to_numpy(x))

    @staticmethod
    def grad_x(g: Tensor, source: str) -> Tensor:
        return transfer(g, source)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        for target in ("strict", "cpu"):
            yield Sample(rng.normal(size=(2, 3)), target)
            yield Sample(rng.normal(size=()), target=target)
            yield Sample(np.array([[1, 0]]), target)
            yield Sample(np.zeros((0, 2)), target)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(BackendError, ("device", "'tpu'"), np.ones(2), "tpu")


@Transfer.public
def transfer(input: Tensor, target: str) -> Tensor:
    """The values on another device; ``x.to("cuda")`` is its usual spelling.

    >>> import minicnn
    >>> transfer(minicnn.tensor([1.0]), "cpu")
    tensor([1.])
    """
    here, there = backend_of(input._array).device_type, device(target).type
    return alias(input) if here == there else Transfer.apply(input, target=there, source=here)
