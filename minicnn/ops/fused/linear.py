"""The linear map of the last dim: y = x Wᵀ + b."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import ArgumentTypeError, DTypeError, ShapeError, message
from minicnn.ops.checks import need_one_dtype, need_tensors
from minicnn.ops.fused.spatial import Settled

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class Linear(Fused):
    """(x (*, I), W (O, I), b (O,) or None) -> (*, O)."""

    reads = (0, 1)

    @staticmethod
    def definition(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        y = x @ weight.transpose(0, 1)  # a product for each of the leading dims
        return y if bias is None else y + bias

    @staticmethod
    def forward(be: Backend, x: Array, weight: Array, bias: Array | None) -> tuple[Array, None]:
        y = be.map_rows(_rows(x), weight.T)  # one product for all leading dims
        if bias is not None:
            y += bias
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], weight.shape[0]), None

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: None,
        needs: Sequence[bool],
        x: Array,
        weight: Array,
        bias: Array | None,
    ) -> list[Array]:
        """dx = g W, dW = gᵀ x, db = Σ g."""
        g = _rows(grads[0])
        return [
            be.map_rows(g, weight).reshape(x.shape) if needs[0] else None,
            be.matmul(g.T, _rows(x)) if needs[1] else None,
            g.sum(axis=0) if needs[2] else None,
        ]

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        yield Sample(draw(3, 4), draw(2, 4), draw(2))
        yield Sample(draw(3, 4), draw(2, 4))
        yield Sample(draw(4), draw(2, 4), draw(2))
        yield Sample(draw(2, 3, 4), draw(5, 4), draw(5))
        yield Sample(draw(2, 1, 3, 4), draw(1, 4))
        yield Sample(draw(3, 4), draw(4))  # a vector as weight: one number a row
        yield Sample(draw(0, 4), draw(2, 4), draw(2))
        yield Sample(draw(2, 0, 4), draw(2, 4), draw(2))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        x, w = np.ones((2, 4)), np.ones((3, 4))
        yield ErrorSample(
            ShapeError, ("linear", "weight expects 4 input features", "has 5", "(2, 5)", "Fix"), np.ones((2, 5)), w
        )
        yield ErrorSample(ShapeError, ("4 input features", "Flatten"), np.ones((2, 1, 2, 2)), w)
        yield ErrorSample(ShapeError, ("at least 1 dim", "()"), np.ones(()), w)
        yield ErrorSample(ShapeError, ("weight", "2 dims", "(3, 4, 1)"), x, np.ones((3, 4, 1)))
        yield ErrorSample(ShapeError, ("bias", "(3,)", "(4,)"), x, w, np.ones(4))
        yield ErrorSample(DTypeError, ("one dtype", "int64"), np.ones((2, 4), dtype=np.int64), w)
        yield ErrorSample(ArgumentTypeError, ("weight", "list"), x, [1.0])


def _rows(x: Array) -> Array:
    """(*, I) -> (M, I)."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


_settled = Settled()


@Linear.public
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The linear map of the last dim: y = x Wᵀ + b.

    yₒ = bₒ + Σᵢ wₒᵢ · xᵢ

    Shapes: input (*, I); weight (O, I), or (I,) for O = 1 without a dim; bias (O,); output (*, O).
    Args:
        input: samples of I features each, floats.
        weight: one row an output feature.
        bias: one number an output feature; none by default.
    Gradient: dx = g W, dW = gᵀ x and db = Σ g, summed over all dims but the last.
    Raises:
        ShapeError: the sizes do not fit.
        DTypeError: the dtypes differ.
        ArgumentTypeError: an argument is no tensor.

    >>> import minicnn
    >>> linear(minicnn.tensor([[1.0, 2.0]]), minicnn.tensor([[3.0, 4.0]]), minicnn.tensor([0.5]))
    tensor([[11.5000]])
    """
    key = _settled.key((input, weight, bias), ())
    if key is None or key not in _settled.known:
        need_tensors("linear", input=input, weight=weight, bias=bias)
        _check(input, weight, bias)
        _settled.keep(key, True)
    if weight.ndim == 1:
        y = input @ weight  # (*,)
        return y if bias is None else y + bias
    return Linear.apply(input, weight, bias)


def _check(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    shapes = f"input {tuple(x.shape)} = (*, in_features); weight {tuple(weight.shape)} = (out_features, in_features)"
    if x.ndim == 0 or weight.ndim not in (1, 2):
        problem = f"weight expects 2 dims, or 1, got {weight.ndim}." if x.ndim else "input expects at least 1 dim."
        raise ShapeError(message("linear", problem, shapes, "use unsqueeze to add a dim, or squeeze to remove one."))
    features = weight.shape[-1]
    if x.shape[-1] != features:
        flat = x.ndim > 2 and math.prod(x.shape[1:]) == features
        raise ShapeError(
            message(
                "linear",
                f"weight expects {features} input features, input has {x.shape[-1]}.",
                shapes,
                "flatten the input first, with nn.Flatten() or x.flatten(1)."
                if flat
                else f"set in_features={x.shape[-1]}, or pass an input whose last dim is {features}.",
            )
        )
    if bias is not None and tuple(bias.shape) != tuple(weight.shape[:-1]):
        raise ShapeError(
            message(
                "linear",
                f"bias expects the shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}.",
                shapes,
                "give it one element per output feature.",
            )
        )
    need_one_dtype("linear", input=x, weight=weight, bias=bias)
