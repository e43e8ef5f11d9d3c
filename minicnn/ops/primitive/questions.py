"""Questions about each element, as bools: isnan, isinf, isfinite, isposinf, isneginf, isreal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.primitive import Primitive
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend, backend_of
from minicnn.errors import ArgumentTypeError
from minicnn.ops.checks import need_tensors

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Question(Primitive, abstract=True):
    """A question about each element; a bool tensor, without gradient."""

    constants = ("x",)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(np.array([[0.0, 1.0], [np.nan, np.inf]]))
        yield Sample(rng.integers(0, 2, (2, 3)).astype(float))
        yield Sample(np.array(-np.inf))
        yield Sample(np.array([-0.0]))
        yield Sample(np.array([[[-2, 0, 3]]]))
        yield Sample(np.array([True, False]))
        yield Sample(np.zeros((0, 2)))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ArgumentTypeError, "expects a Tensor", [1.0])


class Isnan(Question):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.isnan(x)


class Isinf(Question):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.isinf(x)


class Isfinite(Question):
    @staticmethod
    def forward(be: Backend, x: Array) -> Array:
        return be.xp.isfinite(x)


@Isnan.public
def isnan(input: Tensor) -> Tensor:
    """Whether the element is NaN, as bools.

    >>> import minicnn
    >>> isnan(minicnn.tensor([0.0, float("nan")]))
    tensor([False,  True])
    """
    return Isnan.apply(input)


@Isinf.public
def isinf(input: Tensor) -> Tensor:
    """Whether the element is infinite, as bools.

    >>> import minicnn
    >>> isinf(minicnn.tensor([0.0, float("-inf")]))
    tensor([False,  True])
    """
    return Isinf.apply(input)


@Isfinite.public
def isfinite(input: Tensor) -> Tensor:
    """Whether the element is neither infinite nor NaN, as bools.

    >>> import minicnn
    >>> isfinite(minicnn.tensor([0.0, float("nan")]))
    tensor([ True, False])
    """
    return Isfinite.apply(input)


def _infinite_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(Constant(np.array([np.inf, -np.inf, np.nan, 0.0, 1.0])))
    yield Sample(Constant(rng.normal(size=(2, 3))))
    yield Sample(np.array([1, -2]))
    yield Sample(np.array([True, False]))
    yield Sample(Constant(np.zeros((0, 2))))
    yield Sample(Constant(np.array(np.inf)))


@composition(_infinite_samples, Question.errors)
def isposinf(input: Tensor) -> Tensor:
    """Whether the element is +∞, as bools.

    >>> import minicnn
    >>> isposinf(minicnn.tensor([1.0, float("inf"), float("-inf")]))
    tensor([False,  True, False])
    """
    need_tensors("isposinf", input=input)
    return input.detach() == float("inf")


@composition(_infinite_samples, Question.errors)
def isneginf(input: Tensor) -> Tensor:
    """Whether the element is −∞, as bools.

    >>> import minicnn
    >>> isneginf(minicnn.tensor([1.0, float("inf"), float("-inf")]))
    tensor([False, False,  True])
    """
    need_tensors("isneginf", input=input)
    return input.detach() == -float("inf")


@composition(_infinite_samples, Question.errors)
def isreal(input: Tensor) -> Tensor:
    """Whether the element has no imaginary part: True everywhere, since there are no complex tensors.

    >>> import minicnn
    >>> isreal(minicnn.tensor([1.0, 2.0]))
    tensor([True, True])
    """
    need_tensors("isreal", input=input)
    return wrap(backend_of(input._array).xp.ones(input.shape, dtype="bool"))
