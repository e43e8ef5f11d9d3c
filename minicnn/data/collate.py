"""Collation: from a list of samples to one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minicnn.autograd.graph import wrap
from minicnn.backend import backend_of
from minicnn.errors import ArgumentTypeError, ShapeError, message
from minicnn.ops.primitive.join import stack
from minicnn.tensor import Tensor
from minicnn.tensor.creation import as_tensor

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Join samples into a batch, by the type of the first, as PyTorch does.

    Tensors and arrays are stacked along a new first dimension; whole numbers give an int64 Tensor, Python
    floats a float64 one, bools a bool one; strings and bytes stay a list; mappings give a mapping and tuples
    and lists a list (named tuples a named tuple) of the fields' batches.

    Shapes: N samples (C, H, W) give (N, C, H, W); N numbers give (N,).

    Args:
        batch: at least one sample; all alike.

    Raises:
        ShapeError: tensors or arrays of different shapes, or sequences of different lengths.
        ArgumentTypeError: the samples are of a type that is not known here, or there are none.

    >>> default_collate([(np.zeros(2, dtype="float32"), 7), (np.ones(2, dtype="float32"), 8)])
    [tensor([[0., 0.],
            [1., 1.]]), tensor([7, 8])]
    >>> default_collate([{"name": "a", "size": 0.5}, {"name": "b", "size": 1.5}])["name"]
    ['a', 'b']
    """
    if not len(batch):
        raise ArgumentTypeError(
            message("default_collate", "expects at least one sample.", f"got {batch!r}", "give no empty batches.")
        )
    first = batch[0]
    if isinstance(first, Tensor):
        return _stack(batch, _join)
    if isinstance(first, np.ndarray | np.generic) and first.dtype.kind in "biufc":
        return _stack(batch, lambda arrays: as_tensor(np.stack([np.asarray(array) for array in arrays])))
    if isinstance(first, bool | int | float):
        return as_tensor(np.array(batch, dtype=np.float64 if isinstance(first, float) else None))
    if isinstance(first, str | bytes):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, Sequence):
        lengths = {len(sample) for sample in batch}
        if len(lengths) > 1:
            fix = "give samples with as many fields each, or a collate_fn of your own."
            got = f"got lengths {sorted(lengths)}"
            raise ShapeError(message("default_collate", "expects sequences of equal length.", got, fix))
        fields = [default_collate(field) for field in zip(*batch, strict=True)]
        return type(first)(*fields) if hasattr(first, "_fields") else fields
    raise _unknown(first)


def default_convert(data: Any) -> Any:
    """Make Tensors of the arrays in a sample, however deep in tuples, lists and mappings; what else is there stays.

    A loader with ``batch_size=None``, which joins nothing, applies it to each sample.

    Args:
        data: a sample.

    >>> default_convert((np.zeros(2, dtype="float32"), {"label": 7}))
    [tensor([0., 0.]), {'label': 7}]
    """
    if isinstance(data, np.ndarray | np.generic) and data.dtype.kind in "biufc":
        return as_tensor(np.asarray(data))
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return [default_convert(value) for value in data]
    return data


def _join(tensors: Sequence[Tensor]) -> Tensor:
    if any(tensor.requires_grad for tensor in tensors):
        return stack(tensors)
    arrays = [tensor._array for tensor in tensors]  # in one call, where nothing is to be recorded
    joined: Tensor = wrap(backend_of(arrays[0]).xp.stack(arrays))
    return joined


def _stack(samples: Sequence[Any], join: Callable[[Sequence[Any]], Tensor]) -> Tensor:
    shapes = [tuple(getattr(sample, "shape", ())) for sample in samples]
    if len(set(shapes)) > 1:
        other = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
        raise ShapeError(
            message(
                "default_collate",
                "expects samples of the same shape, to stack them.",
                f"sample 0 of the batch has shape {shapes[0]}, sample {other} has {shapes[other]}",
                "bring them to one shape in the dataset's transform, or pass a collate_fn that pads them.",
            )
        )
    return join(samples)


def _unknown(sample: object) -> ArgumentTypeError:
    kind = f"{type(sample).__module__}.{type(sample).__qualname__}"
    fix = "return tensors, arrays, numbers, strings, tuples or dicts, or pass a collate_fn of your own."
    if kind.startswith("PIL."):
        fix = "give the dataset transform=transforms.ToTensor(), which makes tensors of pictures."
    return ArgumentTypeError(message("default_collate", "cannot join samples of this type.", f"got {kind}", fix))
