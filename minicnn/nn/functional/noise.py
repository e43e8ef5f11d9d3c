"""Functions that draw random numbers: dropout of channels, alpha dropout, a random leak, samples of classes.

The numbers are drawn here, and go into the ops as inputs: so each op stays a function of its inputs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn import ops
from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import elementwise_errors, entered, left, need_float_tensors, need_positive
from minicnn.ops.fused.dropout import Seeded, dropout
from minicnn.ops.primitive.dims import normal_dim
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor
from minicnn.tensor.creation import ones

SATURATION = -1.0507009873554805 * 1.6732632423543772  # what SELU tends to for x → −∞: −λ · α


def _uniform(x: Tensor, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
    """Numbers drawn from [0, 1), of the tensor's dtype and on its device."""
    return wrap(backend_of(x._array).random(shape, str(x.dtype), generator or default_generator))


def _drop_channels(
    where: str, input: Any, p: float, training: bool, inplace: bool, dims: tuple[int, int], generator: Generator | None
) -> Tensor:
    """Drop whole channels: one draw for all spatial elements of a channel."""
    x = entered(where, input, inplace)
    if x.ndim not in dims:
        raise ShapeError(
            message(
                where,
                f"input expects {' or '.join(map(str, dims))} dims, got {x.ndim}.",
                f"input {tuple(x.shape)} = (N, C, ...)",
                "use dropout for single elements.",
            )
        )
    spatial = dims[1] - 2
    one = ones(*x.shape[: x.ndim - spatial], *(1,) * spatial, dtype=x.dtype, device=x.device)
    mask = dropout(one, p, training, generator=generator)
    return left(input, x * mask, inplace) if training and p else input


def _dropout_samples(*shape: int) -> Callable[[Rng], Iterator[Sample]]:
    def samples(rng: Rng) -> Iterator[Sample]:
        yield Sample(rng.normal(size=shape), 0.3, False)
        yield Sample(rng.normal(size=shape), 0.0)
        yield Sample(rng.normal(size=shape), 1.0)
        for p in (0.3, 0.8):
            yield Sample(rng.normal(size=shape), p, generator=Seeded(5))
        yield Sample(rng.normal(size=shape[1:]), generator=Seeded(6))  # no batch
        yield Sample(np.zeros((0, *shape[1:])), generator=Seeded(5))
        yield Sample(np.zeros((*shape[:2], 0, *shape[3:])), generator=Seeded(5))

    return samples


def _dropout_errors(where: str, d: int) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        x = np.ones((2, 3, 4, 5, 6)[: d + 2])
        yield ErrorSample(ShapeError, (where, "dims"), np.ones(3))
        yield ErrorSample(ParameterError, ("0 to 1", "1.5"), x, 1.5)
        yield ErrorSample(ParameterError, ("0 to 1", "-0.1"), x, -0.1)
        yield ErrorSample(ArgumentTypeError, (where, "list"), [1.0])
        yield ErrorSample(DTypeError, (where, "int64"), x.astype(np.int64))

    return errors


@composition(_dropout_samples(2, 3, 4), _dropout_errors("dropout1d", 1))
def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set whole channels of sequences to 0 with probability p, and scale the rest by 1 / (1 − p), in training.

    Shapes: input and output (N, C, L) or (C, L).

    Args:
        p: the probability of 0.
        training: whether to drop at all.
        inplace: write the result over the input.
        generator: where the mask is drawn from; the default generator if None.
    Raises:
        ShapeError: another number of dims.
        ParameterError: p outside [0, 1].

    >>> import minicnn
    >>> dropout1d(minicnn.ones(1, 1, 2), training=False)
    tensor([[[1., 1.]]])
    """
    return _drop_channels("dropout1d", input, p, training, inplace, (2, 3), generator)


@composition(_dropout_samples(2, 3, 4, 2), _dropout_errors("dropout2d", 2))
def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set whole channels of images to 0 with probability p, and scale the rest by 1 / (1 − p), in training.

    Shapes: input and output (N, C, H, W) or (C, H, W).

    Args:
        p: the probability of 0.
        training: whether to drop at all.
        inplace: write the result over the input.
        generator: where the mask is drawn from; the default generator if None.
    Raises:
        ShapeError: another number of dims.
        ParameterError: p outside [0, 1].
    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks" (2014), section 3.2.

    >>> import minicnn
    >>> dropout2d(minicnn.ones(1, 1, 1, 2), training=False)
    tensor([[[[1., 1.]]]])
    """
    return _drop_channels("dropout2d", input, p, training, inplace, (3, 4), generator)


@composition(_dropout_samples(2, 3, 4, 2, 2), _dropout_errors("dropout3d", 3))
def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set whole channels of volumes to 0 with probability p, and scale the rest by 1 / (1 − p), in training.

    Shapes: input and output (N, C, D, H, W) or (C, D, H, W).

    Args:
        p: the probability of 0.
        training: whether to drop at all.
        inplace: write the result over the input.
        generator: where the mask is drawn from; the default generator if None.
    Raises:
        ShapeError: another number of dims.
        ParameterError: p outside [0, 1].

    >>> import minicnn
    >>> dropout3d(minicnn.ones(1, 1, 1, 1, 2), training=False).flatten()
    tensor([1., 1.])
    """
    return _drop_channels("dropout3d", input, p, training, inplace, (4, 5), generator)


def _alpha_dropped(
    where: str, input: Any, p: float, training: bool, inplace: bool, features: bool, generator: Generator | None
) -> Tensor:
    """What `alpha_dropout` says, with a draw an element, or a channel where it is features that are dropped."""
    x = entered(where, input, inplace)
    if not 0.0 <= p <= 1.0:
        raise ParameterError(
            message(where, f"p expects a probability from 0 to 1, got {p}.", "p is how much is dropped", "use p=0.5.")
        )
    if features and x.ndim < 2:
        raise ShapeError(
            message(
                where,
                f"input expects 2 dims (N, C, ...) or more, got {x.ndim}.",
                f"input {tuple(x.shape)}",
                "use alpha_dropout for single elements.",
            )
        )
    if not training or p == 0.0:
        return input
    if p == 1.0:
        return left(input, x * 0.0, inplace)
    a = ((1 - p) * (1 + p * SATURATION**2)) ** -0.5
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2)) if features else tuple(x.shape)
    kept = (_uniform(x, shape, generator) >= p).to(x.dtype)
    y = x * (kept * a) + ((1 - kept) * (a * SATURATION) - a * p * SATURATION)
    return left(input, y, inplace)


def _alpha_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(rng.normal(size=(3, 4)), 0.5)
    yield Sample(rng.normal(size=(3, 4)), 0.0, True)
    yield Sample(rng.normal(size=(3, 4)), 1.0, True)
    for p, shape in ((0.25, (3, 4)), (0.5, (2, 3, 2, 2)), (0.9, (2, 5))):
        yield Sample(rng.normal(size=shape), p, training=True, generator=Seeded(5))
    yield Sample(np.zeros((0, 3)), training=True, generator=Seeded(5))


def _alpha_errors(where: str) -> Callable[[], Iterator[ErrorSample]]:
    def errors() -> Iterator[ErrorSample]:
        yield ErrorSample(ParameterError, (where, "0 to 1", "1.5"), np.ones((2, 3)), 1.5)
        yield ErrorSample(ArgumentTypeError, (where, "list"), [1.0])
        yield ErrorSample(DTypeError, (where, "int64"), np.ones((2, 3), dtype=np.int64))
        if where.startswith("feature"):
            yield ErrorSample(ShapeError, (where, "2 dims"), np.ones(3), 0.5, True)

    return errors


@composition(_alpha_samples, _alpha_errors("alpha_dropout"))
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set elements to SELU's limit α′ with probability p, then scale and shift: mean 0 and variance 1 stay so.

    y = a · (m · x + (1 − m) · α′) + b, m ~ Bernoulli(1 − p), α′ = −λα ≈ −1.7581,
    a = ((1 − p) · (1 + p · α′²))^(−½), b = −a · p · α′.

    Shapes: input and output (*).

    Args:
        p: the probability of being dropped; with p = 1 the output is 0, as in PyTorch.
        training: whether to drop at all.
        inplace: write the result over the input.
        generator: where the mask is drawn from; the default generator if None.
    Raises:
        ParameterError: p outside [0, 1].
    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017), section "New Dropout Technique".

    >>> import minicnn
    >>> alpha_dropout(minicnn.tensor([1.0, 2.0]), training=False)
    tensor([1., 2.])
    """
    return _alpha_dropped("alpha_dropout", input, p, training, inplace, False, generator)


@composition(_alpha_samples, _alpha_errors("feature_alpha_dropout"))
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Drop whole channels as `alpha_dropout` drops elements: one draw a channel of each sample.

    Shapes: input and output (N, C, *).

    Args:
        p: the probability of being dropped.
        training: whether to drop at all.
        inplace: write the result over the input.
        generator: where the mask is drawn from; the default generator if None.
    Raises:
        ParameterError: p outside [0, 1].
        ShapeError: the input has no channels.
    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017), section "New Dropout Technique".

    >>> import minicnn
    >>> feature_alpha_dropout(minicnn.ones(1, 2), training=False)
    tensor([[1., 1.]])
    """
    return _alpha_dropped("feature_alpha_dropout", input, p, training, inplace, True, generator)


def _rrelu_samples(rng: Rng) -> Iterator[Sample]:
    for shape in ((), (3, 4), (2, 3, 2, 2), (0, 3)):
        yield Sample(rng.normal(size=shape) * 2.5)
        yield Sample(rng.normal(size=shape) * 2.5, training=True, generator=Seeded(5))
    yield Sample(rng.normal(size=(4, 5)), 0.25, 0.5)
    yield Sample(rng.normal(size=(4, 5)), 0.25, 0.5, True, generator=Seeded(7))


_rrelu_errors = elementwise_errors(ErrorSample(ParameterError, ("rrelu", "0.5", "0.25"), np.ones(2), 0.5, 0.25))


@composition(_rrelu_samples, _rrelu_errors)
def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Rectify with a random leak: y = x for x > 0, s · x elsewhere, s drawn for each element from [l, u).

    Outside training s = (l + u) / 2.

    Shapes: input and output (*).

    Args:
        lower, upper: l and u.
        training: whether the leak is random.
        inplace: write the result over the input.
        generator: where s is drawn from; the default generator if None.
    Raises:
        ParameterError: lower is above upper.
        DTypeError: the input is not of floats.
    Source: Xu et al., "Empirical Evaluation of Rectified Activations in Convolution Network" (2015), equation 2.

    >>> import minicnn
    >>> rrelu(minicnn.tensor([-1.0, 2.0]), 0.1, 0.3)
    tensor([-0.2000,  2.0000])
    """
    if lower > upper:
        raise ParameterError(message("rrelu", f"lower {lower} is above upper.", f"upper = {upper}", "swap the two."))
    x = entered("rrelu", input, inplace)
    slope: Any = (lower + upper) / 2
    if training:
        slope = _uniform(x, tuple(x.shape), generator) * (upper - lower) + lower
    return left(input, ops.where(x > 0, x, x * slope), inplace)


def _gumbel_samples(rng: Rng) -> Iterator[Sample]:
    for dim in (0, 1, -1):
        yield Sample(rng.normal(size=(3, 4)), dim=dim, generator=Seeded(5))
    yield Sample(rng.normal(size=4), 0.5, generator=Seeded(6))
    yield Sample(rng.normal(size=(2, 3, 2)), 2.0, dim=1, generator=Seeded(7))
    yield Sample(rng.normal(size=(3, 1)), hard=True, eps=1e-8, generator=Seeded(5))  # one class: it is chosen
    yield Sample(np.zeros((0, 3)), generator=Seeded(5))
    yield Sample(np.zeros((0, 3)), hard=True, generator=Seeded(5))


def _gumbel_errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ArgumentTypeError, ("gumbel_softmax", "logits", "list"), [1.0])
    yield ErrorSample(DTypeError, ("gumbel_softmax", "logits", "int64"), np.ones(3, dtype=np.int64))
    yield ErrorSample(IndexRangeError, ("gumbel_softmax", "2"), np.ones((2, 3)), dim=2)
    yield ErrorSample(ParameterError, ("gumbel_softmax", "tau", "0"), np.ones((2, 3)), 0.0)


@composition(_gumbel_samples, _gumbel_errors)
def gumbel_softmax(
    logits: Tensor,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Samples of classes with a gradient: y = softmax((x + g) / τ), g = −ln(−ln u), u uniform in (0, 1).

    Shapes: logits and output (*).

    Args:
        tau: τ, the temperature: the lower, the nearer to one class.
        hard: return the class drawn, 1 among 0s; the gradient is that of the soft sample.
        eps: accepted and without effect, as in PyTorch.
        dim: along which the classes lie.
        generator: where u is drawn from; the default generator if None.
    Raises:
        IndexRangeError: there is no such dim.
        ParameterError: tau is not above 0.
    Source: Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax" (2016), equation 2.

    >>> import minicnn
    >>> gumbel_softmax(minicnn.tensor([0.0, 1000.0]), hard=True)
    tensor([0., 1.])
    """
    where = "gumbel_softmax"
    need_float_tensors(where, logits=logits)
    need_positive(where, "tau", tau)
    dim = normal_dim(where, dim, logits.ndim)
    u = _uniform(logits, tuple(logits.shape), generator).clamp(min=float(np.finfo(str(logits.dtype)).tiny))
    soft: Tensor = ops.softmax((logits - (-u.log()).log()) / tau, dim)
    if not hard or not soft.numel():
        return soft
    one = soft.detach()
    chosen = ops.one_hot(one.argmax(dim), one.shape[dim]).to(one.dtype).movedim(-1, dim)
    return chosen - one + soft  # the value of the first, the gradient of the last
