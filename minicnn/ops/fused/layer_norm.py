"""Layer normalization: each sample shifted and scaled to mean 0 and variance 1 over its last dims."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.fused import Fused
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import Array, Backend
from minicnn.errors import DTypeError, ShapeError, message
from minicnn.ops.checks import need_floats, need_one_dtype, need_tensors

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class LayerNorm(Fused):
    reads = (1,)  # x̂ was saved

    @staticmethod
    def definition(x: Tensor, weight: Tensor | None, bias: Tensor | None, *, dims: int, eps: float) -> Tensor:
        last = tuple(range(-dims, 0))
        centred = x - x.mean(last, keepdim=True)
        y = centred / ((centred * centred).mean(last, keepdim=True) + eps).sqrt()
        if weight is not None:
            y = y * weight
        return y if bias is None else y + bias

    @staticmethod
    def forward(
        be: Backend, x: Array, weight: Array | None, bias: Array | None, *, dims: int, eps: float
    ) -> tuple[Array, tuple[Array, Array]]:
        y, normal, scale = be.layer_norm(x, weight, bias, dims, eps)
        return y, (normal, scale)

    @staticmethod
    def backward(
        be: Backend,
        grads: Sequence[Array],
        saved: tuple[Array, Array],
        needs: Sequence[bool],
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        dims: int,
        eps: float,
    ) -> list[Array | None]:
        """dx = 1/σ · (γg − mean(γg) − x̂ · mean(γg·x̂)), dγ = Σ g·x̂, dβ = Σ g."""
        return be.layer_norm_grad(grads[0], weight, *saved, dims, needs)

    @staticmethod
    def samples(rng: Rng) -> Iterator[Sample]:
        def draw(*shape: int) -> Any:
            return rng.normal(size=shape)

        yield Sample(draw(4, 5), (5,), draw(5), draw(5))
        yield Sample(draw(2, 3, 4), (3, 4), draw(3, 4), draw(3, 4))
        yield Sample(draw(2, 3, 4), 4)
        yield Sample(draw(3, 4) * 2 + 3, (4,), draw(4), None, 0.1)
        yield Sample(draw(4), (4,), draw(4), draw(4))
        yield Sample(np.zeros((0, 4)), (4,), draw(4))

    @staticmethod
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ShapeError, ("layer_norm", "(4,)", "(2, 3)"), np.ones((2, 3)), (4,))
        yield ErrorSample(ShapeError, ("weight", "(3,)", "(2,)"), np.ones((2, 3)), (3,), np.ones(2))
        yield ErrorSample(DTypeError, "floats", np.ones((2, 3), dtype=np.int64), (3,))


@LayerNorm.public
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each sample over its last dims.

    y = γ · (x − mean) / √(var + eps) + β, with mean and biased variance over the dims of normalized_shape.

    Shapes: input (*, normalized_shape); weight (γ) and bias (β): normalized_shape; output as input.

    Args:
        normalized_shape: the sizes of the last dims, over which to normalize.
        eps: added to the variance.
    Raises:
        ShapeError: the input does not end in normalized_shape, or weight or bias has another shape.
    Source: Ba, Kiros and Hinton, "Layer Normalization" (2016), equation 4.

    >>> import minicnn
    >>> layer_norm(minicnn.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    need_tensors("layer_norm", input=input)
    shape = (int(normalized_shape),) if hasattr(normalized_shape, "__index__") else tuple(normalized_shape)
    found = tuple(input.shape)
    if not shape or found[-len(shape) :] != shape or not math.prod(shape):
        raise ShapeError(
            message(
                "layer_norm",
                f"expects an input that ends in {shape}, got {found}.",
                f"normalized_shape {shape}",
                "set normalized_shape to the input's last sizes.",
            )
        )
    need_tensors("layer_norm", weight=weight, bias=bias)
    need_floats("layer_norm", "input", input)
    need_one_dtype("layer_norm", input=input, weight=weight, bias=bias)
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None and tuple(value.shape) != shape:
            raise ShapeError(
                message(
                    "layer_norm",
                    f"{name} expects the shape {shape}, got {tuple(value.shape)}.",
                    f"input {found}",
                    "give it the shape of normalized_shape.",
                )
            )
    return LayerNorm.apply(input, weight, bias, dims=len(shape), eps=eps)
