"""Rows of a table, one by one and in bags."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.autograd import no_grad
from minicnn.autograd.graph import wrap
from minicnn.autograd.op import composition
from minicnn.autograd.sample import Constant, ErrorSample, Rng, Sample
from minicnn.backend import backend_of
from minicnn.errors import DTypeError, IndexRangeError, ParameterError, ShapeError, message
from minicnn.nn.functional.common import need_float_tensors, need_number
from minicnn.ops import cat, norm
from minicnn.ops.checks import check_range, need_one_device, need_tensors
from minicnn.tensor import Tensor
from minicnn.tensor.creation import zeros


def _embedding_samples(rng: Rng) -> Iterator[Sample]:
    yield Sample(np.array([[0, 2], [2, 4]]), rng.normal(size=(5, 3)))
    yield Sample(np.array([1, 0, 1]), rng.normal(size=(3, 2)), padding_idx=2)
    yield Sample(np.array([1, 0, 1]), rng.normal(size=(3, 2)), padding_idx=-1)
    yield Sample(np.array(1), rng.normal(size=(3, 2)))  # one row: (D,)
    yield Sample(np.array([1, 1, 1, 1]), rng.normal(size=(3, 1)))  # a row many times: its gradients add up
    yield Sample(rng.integers(0, 4, (2, 2, 2)), rng.normal(size=(4, 2)))
    yield Sample(np.array([2, 0]), rng.normal(size=(3, 2)), scale_grad_by_freq=True)  # once each
    yield Sample(np.array([1, 0]), rng.normal(size=(3, 2)), max_norm=50.0, norm_type=1.0)  # no row is longer
    yield Sample(np.zeros(0, dtype=np.int64), rng.normal(size=(3, 2)))
    yield Sample(np.array([1, 0], dtype=np.int32), rng.normal(size=(3, 2)), sparse=None)


def _embedding_errors() -> Iterator[ErrorSample]:
    w, i = np.ones((3, 2)), np.array([1])
    yield ErrorSample(IndexRangeError, ("embedding", "0 to 2", "3"), np.array([3]), w)
    yield ErrorSample(IndexRangeError, ("embedding", "0 to 2", "-1"), np.array([-1]), w)
    yield ErrorSample(DTypeError, ("embedding", "float64"), np.ones(2), w)
    yield ErrorSample(ShapeError, ("weight", "2 dims", "(3,)"), i, np.ones(3))
    yield ErrorSample(ParameterError, ("padding_idx", "3"), i, w, padding_idx=3)
    yield ErrorSample(ParameterError, ("sparse", "dense"), i, w, sparse=True)


def _check(where: str, input: Any, weight: Any, padding_idx: int | None, sparse: Any) -> int | None:
    """Raise the errors of both functions; return the padding row counted from the first."""
    need_tensors(where, input=input)
    need_float_tensors(where, weight=weight)
    need_one_device(where, input=input, weight=weight)
    if input.dtype.kind not in "iu":
        raise DTypeError(
            message(
                where, f"input expects integers, got {input.dtype}.", "they number rows", "convert it: input.long()."
            )
        )
    if weight.ndim != 2:
        raise ShapeError(
            message(
                where,
                f"weight expects 2 dims (V, D), got {weight.ndim}.",
                f"weight {tuple(weight.shape)}",
                "give each of the V rows D numbers.",
            )
        )
    if sparse:
        raise ParameterError(
            message(
                where, "gradients are always dense: sparse=True is not supported.", "sparse=True", "leave sparse out."
            )
        )
    rows = weight.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise ParameterError(
            message(
                where,
                f"padding_idx expects a row from {-rows} to {rows - 1}, got {padding_idx}.",
                f"weight {tuple(weight.shape)} = (V, D)",
                "name a row of the table.",
            )
        )
    got, fix = f"weight {tuple(weight.shape)} = (V, D)", "check the indices, or set num_embeddings higher."

    def wrong_row(row: int) -> IndexRangeError:
        return IndexRangeError(message(where, f"input expects rows from 0 to {rows - 1}, got {row}.", got, fix))

    check_range(where, input, 0, rows - 1, wrong_row)
    return None if padding_idx is None else operator.index(padding_idx) % rows


def _shorten(where: str, input: Tensor, weight: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are read, where they are longer than allowed, in the table itself and off the tape."""
    need_number(where, "norm_type", norm_type)
    with no_grad():
        norms = norm(weight, norm_type, 1, True)  # (V, 1)
        read = zeros(weight.shape[0], dtype=weight.dtype, device=weight.device)
        read[input.reshape(-1)] = 1.0
        long = (norms > max_norm) & (read.unsqueeze(1) > 0)
        weight.mul_((max_norm / (norms + 1e-7)).masked_fill(~long, 1.0))


def _rows(weight: Tensor, input: Tensor, padding_idx: int | None, scale_grad_by_freq: bool) -> Tensor:
    """w[x], its gradient divided by how often the row is read, and nothing for the padding row."""
    y = weight[input]
    if scale_grad_by_freq:
        ones = zeros(input.numel(), dtype=weight.dtype, device=weight.device) + 1.0
        count = zeros(weight.shape[0], dtype=weight.dtype, device=weight.device)
        count = count.index_add(0, input.reshape(-1).long(), ones)
        y = y.detach() + (y - y.detach()) / count[input].unsqueeze(-1)
    if padding_idx is None:
        return y
    skipped = (input == padding_idx).unsqueeze(-1)
    return y.masked_fill(skipped, 0.0) + y.detach().masked_fill(~skipped, 0.0)


@composition(_embedding_samples, _embedding_errors)
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a table: y[*] = w[x[*]].

    Shapes: input (*) of integers; weight (V, D); output (*, D).

    Args:
        padding_idx: a row that gets no gradient.
        max_norm: how long a row may be: longer ones that are read are scaled in the table itself, off the tape.
        norm_type: which norm that is: 2 for the length.
        scale_grad_by_freq: divide each row's gradient by how often it is read here.
        sparse: not offered; gradients are dense.
    Raises:
        IndexRangeError: a row that the table does not have.
        DTypeError: the input is not of integers.
        ShapeError: the weight has not two dims.
        ParameterError: padding_idx is no row, or sparse gradients are asked for.

    >>> import minicnn
    >>> embedding(minicnn.tensor([1, 0]), minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.]])
    """
    row = _check("embedding", input, weight, padding_idx, sparse)
    if max_norm is not None:
        _shorten("embedding", input, weight, max_norm, norm_type)
    return _rows(weight, input, row, scale_grad_by_freq)


def _bag_samples(rng: Rng) -> Iterator[Sample]:
    flat, starts = np.array([1, 0, 4, 2, 3]), np.array([0, 2, 2])
    for mode in ("sum", "mean", "max"):
        yield Sample(rng.integers(0, 5, (2, 3)), rng.normal(size=(5, 2)), mode=mode)
        yield Sample(flat, rng.normal(size=(5, 2)), starts, mode=mode)  # the second bag is empty
        yield Sample(flat, rng.normal(size=(6, 2)), starts, mode=mode, padding_idx=5)
        yield Sample(np.array([[1, 0], [2, 1]]), rng.normal(size=(3, 2)), mode=mode, padding_idx=2)
    yield Sample(flat, rng.normal(size=(5, 2)), np.array([0, 2, 5]), mode="sum", include_last_offset=True)
    yield Sample(flat, rng.normal(size=(5, 2)), starts, mode="sum", per_sample_weights=rng.normal(size=5))
    yield Sample(flat, rng.normal(size=(5, 2)), starts, 50.0, 1.0, scale_grad_by_freq=True)
    yield Sample(flat, rng.normal(size=(5, 2)), starts, per_sample_weights=Constant(np.ones(5)), mode="sum")
    yield Sample(np.zeros((0, 3), dtype=np.int64), rng.normal(size=(3, 2)), sparse=None)


def _bag_errors() -> Iterator[ErrorSample]:
    w, flat, starts = np.ones((3, 2)), np.array([0, 1]), np.array([0, 1])
    where = "embedding_bag"
    yield ErrorSample(ParameterError, (where, "offsets", "None"), flat, w)
    yield ErrorSample(ParameterError, (where, "offsets"), flat.reshape(1, 2), w, starts)
    yield ErrorSample(ParameterError, (where, "offsets", "[1, 2]"), flat, w, starts + 1)
    yield ErrorSample(ParameterError, (where, "offsets", "[0, 3]"), flat, w, starts * 3)
    yield ErrorSample(ParameterError, (where, "input", "3"), np.zeros((1, 1, 1), dtype=np.int64), w)
    yield ErrorSample(ParameterError, (where, "mode", "'last'"), flat, w, starts, mode="last")
    yield ErrorSample(ParameterError, (where, "max"), flat, w, starts, mode="max", scale_grad_by_freq=True)
    yield ErrorSample(
        ParameterError, (where, "per_sample_weights", "(3,)"), flat, w, starts, per_sample_weights=w[:, 0]
    )
    yield ErrorSample(
        ParameterError, (where, "per_sample_weights", "sum"), flat, w, starts, per_sample_weights=np.ones(2)
    )
    yield ErrorSample(IndexRangeError, (where, "0 to 2", "3"), np.array([3]), w, np.array([0]))


@composition(_bag_samples, _bag_errors)
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum of the rows in each bag: y[b] = Σ over i in bag b of s[i] · w[x[i]], for the sum.

    Shapes: input (B, L), a bag a row, or (T,) with offsets (B,); weight (V, D); output (B, D).

    Args:
        offsets: where each bag starts in the flat input; an empty bag gives 0.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for `embedding`.
        mode: "sum", "mean" or "max".
        per_sample_weights: s, of the input's shape, for the sum alone.
        include_last_offset: whether offsets ends in T, which starts no bag: (B + 1,).
        padding_idx: a row that is left out of its bag, and of the mean's count.
    Raises:
        IndexRangeError, DTypeError, ShapeError: as for `embedding`.
        ParameterError: offsets that do not fit, an unknown mode, or options that do not go together.

    >>> import minicnn
    >>> w = minicnn.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> embedding_bag(minicnn.tensor([[0, 1], [1, 1]]), w)
    tensor([[2., 3.],
            [3., 4.]])
    """
    where = "embedding_bag"
    row = _check(where, input, weight, padding_idx, sparse)
    _check_bag(where, input, offsets, mode, scale_grad_by_freq, per_sample_weights)
    starts = _starts(where, input, offsets, include_last_offset)
    if max_norm is not None:
        _shorten(where, input, weight, max_norm, norm_type)
    flat = input.reshape(-1)
    be = backend_of(input._array)
    ids = np.asarray(be.to_numpy(flat._array))
    kept = np.arange(len(ids)) if row is None else np.flatnonzero(ids != row)
    bags = (np.searchsorted(starts, kept, side="right") - 1).astype(np.int64)  # the bag of each row that counts
    count = np.bincount(bags, minlength=len(starts))
    rows = _rows(weight, flat, None, scale_grad_by_freq)  # (T, D)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    rows = rows[wrap(be.asarray(kept))]
    if mode == "max":
        return _largest(rows, count)
    y = zeros(len(starts), weight.shape[1], dtype=weight.dtype, device=weight.device)
    y = y.index_add(0, wrap(be.asarray(bags)), rows)
    if mode == "sum":
        return y
    share: Tensor = wrap(be.asarray((1 / np.maximum(count, 1)).astype(str(weight.dtype))))
    return y * share.unsqueeze(1)


def _largest(rows: Tensor, count: Any) -> Tensor:
    """The maxima of as many rows as each bag counts: (T, D) -> (B, D); 0 for an empty bag."""
    be = backend_of(rows._array)
    place = np.arange(max(int(count.max(initial=0)), 1))[None, :]
    index = np.where(place < count[:, None], np.cumsum(count)[:, None] - count[:, None] + place, len(rows))  # (B, L)
    below = zeros(1, rows.shape[1], dtype=rows.dtype, device=rows.device) - float("inf")
    values: Tensor = cat([rows, below])[wrap(be.asarray(index))].max(1)[0]  # (B, D)
    return values.masked_fill(wrap(be.asarray(count == 0)).unsqueeze(1), 0.0)


def _starts(where: str, input: Tensor, offsets: Tensor | None, include_last: bool) -> Any:
    """Return where each bag starts, on the host."""
    if offsets is None:
        return np.arange(input.shape[0]) * input.shape[1]
    starts = np.asarray(backend_of(offsets._array).to_numpy(offsets._array))
    steps = np.diff(starts, append=input.shape[0])
    if starts.ndim != 1 or (len(starts) and starts[0] != 0) or (steps < 0).any():
        raise ParameterError(
            message(
                where,
                f"offsets expects places that start at 0, never fall and stay within the input, got {starts.tolist()}.",
                f"input {tuple(input.shape)}",
                "give the place in the input where each bag starts.",
            )
        )
    return starts[:-1] if include_last else starts


def _check_bag(where: str, input: Tensor, offsets: Any, mode: str, by_freq: bool, per_sample: Tensor | None) -> None:
    problem = None
    if input.ndim not in (1, 2):
        problem, fix = f"input expects 1 or 2 dims, got {input.ndim}", "give one bag per row, (B, L)."
    elif (offsets is None) == (input.ndim == 1):
        problem = (
            f"an input of 1 dim needs offsets, one of 2 dims none; offsets is {'None' if offsets is None else 'given'}"
        )
        fix = "pass the start of each bag, or an input (B, L) without offsets."
    elif mode not in ("sum", "mean", "max"):
        problem, fix = f"mode expects 'sum', 'mean' or 'max', got {mode!r}", "choose one of the three."
    elif mode == "max" and by_freq:
        problem, fix = "mode 'max' does not go with scale_grad_by_freq", "leave scale_grad_by_freq out."
    elif per_sample is not None and per_sample.shape != input.shape:
        problem = f"per_sample_weights expects the input's shape, got {tuple(per_sample.shape)}"
        fix = "give a weight for each index."
    elif per_sample is not None and mode != "sum":
        problem, fix = f"per_sample_weights goes with mode 'sum' alone, got {mode!r}", "use mode='sum'."
    if problem:
        raise ParameterError(message(where, f"{problem}.", f"input {tuple(input.shape)}", fix))
