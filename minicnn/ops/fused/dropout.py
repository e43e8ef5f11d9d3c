"""Dropout: in training, elements set to 0 at random and the others scaled up, so that the mean stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.graph import wrap
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import DTypeError, ParameterError, message
from minicnn.random import Generator, default_generator

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Dropout(Fused):
    """(x, mask) -> x · mask · scale. The mask is an input, so the op is pure."""

    reads = (1,)

    @staticmethod
    def definition(x: Tensor, mask: Tensor, *, scale: float) -> Tensor:
        return x * mask * scale

    @staticmethod
    def forward(be: Backend, x: Array, mask: Array, *, scale: float) -> tuple[Array, None]:
        return be.dropout(x, mask, scale), None

    @staticmethod
    def backward(
        be: Backend, grads: Sequence[Array], saved: None, needs: Sequence[bool], x: Array, mask: Array, *, scale: float
    ) -> list[Array]:
        return [be.dropout(grads[0], mask, scale), None]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        for shape in ((), (3, 4), (2, 3, 2, 2), (2, 3, 4), (0, 3)):
            yield Sample(rng.normal(size=shape), 0.25, generator=Seeded(5))
        yield Sample(rng.normal(size=(3, 4)), 0.9, generator=Seeded(6))
        yield Sample(rng.normal(size=(2, 3)), 0.5, training=False)
        yield Sample(rng.normal(size=(2, 3)), 1.0)
        yield Sample(rng.normal(size=(2, 3)), 0.0)

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ParameterError, ("dropout", "0 to 1", "1.5"), np.ones(3), 1.5)
        yield ErrorSample(DTypeError, ("floats", "int64"), np.ones(3, dtype=np.int64), 0.5)


class Seeded:
    """Stands for a generator in samples: a fresh one from the same seed at each call, so that calls repeat."""

    device = "cpu"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    @property
    def numpy(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def __repr__(self) -> str:
        return f"Generator().manual_seed({self.seed})"


@Dropout.public
def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set each element to 0 with probability p and scale the rest by 1 / (1 − p); outside training, do nothing.

    Shapes: input and output (*).

    Args:
        p: the probability of 0.
        training: whether to drop at all.
        inplace: write the result over the input.
        generator: where the mask is drawn from; the default generator if None, whose masks a GPU draws itself for its
            tensors. A `Generator` draws on the CPU, unless made for a GPU.
    Raises:
        ParameterError: p outside [0, 1].
    Source: Srivastava et al., "Dropout" (2014), section 10 (the scaling during training).

    >>> import minicnn
    >>> dropout(minicnn.tensor([1.0, 2.0]), p=0.5, training=False)
    tensor([1., 2.])
    """
    if not 0.0 <= p <= 1.0:
        raise ParameterError(
            message(
                "dropout", f"p expects a probability from 0 to 1, got {p}.", "p is how much is dropped", "use p=0.5."
            )
        )
    if input.dtype.kind != "f":
        raise DTypeError(
            message(
                "dropout",
                f"expects floats, got {input.dtype}.",
                f"input {tuple(input.shape)}",
                "convert it: x.float().",
            )
        )
    if not training or p == 0.0:
        return input
    be = backend_of(input._array)
    mask = be.asarray(be.random(input.shape, "float32", generator or default_generator) >= p)  # p = 1 drops all
    x = input.clone() if inplace else input  # so that a second backward has the old values
    y = Dropout.apply(x, wrap(mask), scale=1.0 / (1.0 - p) if p < 1.0 else 0.0)
    return input.copy_(y) if inplace else y
