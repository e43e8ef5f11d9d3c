"""The way back from maxima: MaxUnpool in 1, 2 and 3 dims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.ops.fused.spatial import ints
from minicnn.tensor import Tensor


class _MaxUnpool(Module):
    """What the three have in common: all but the function they call, and the number of dims."""

    function: ClassVar[Callable[..., Tensor]]
    dims: ClassVar[int]

    def __init__(
        self, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None, padding: Any = 0
    ) -> None:
        super().__init__()
        where, d = type(self).__name__, self.dims
        self.kernel_size = ints(where, "kernel_size", kernel_size, d, 1)
        self.stride = ints(where, "stride", kernel_size if stride is None else stride, d, 1)
        self.padding = ints(where, "padding", padding, d, 0)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Return the input with the maxima in their places."""
        return self.function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Put maxima back to where they stood, with zeros elsewhere; see `functional.max_unpool1d`.

    Shapes: input and indices (N, C, L) or (C, L); output (N, C, OL), OL = (L − 1) · s − 2p + K.

    Args:
        kernel_size: the window's size in elements.
        stride: s; the kernel's size if None.
        padding: p.

    >>> import minicnn
    >>> from minicnn import nn
    >>> y, places = nn.MaxPool1d(2, return_indices=True)(minicnn.arange(4.0).reshape(1, 1, 4))
    >>> nn.MaxUnpool1d(2)(y, places)
    tensor([[[0., 1., 0., 3.]]])
    """

    function = staticmethod(F.max_unpool1d)
    dims = 1


class MaxUnpool2d(_MaxUnpool):
    """Put maxima back to where they stood, with zeros elsewhere; see `functional.max_unpool2d`.

    Shapes: input and indices (N, C, H, W) or (C, H, W); output (N, C, OH, OW), OH = (H − 1) · s − 2p + KH.

    Args:
        kernel_size: the window's size in pixels: a number, or two.
        stride: s; the kernel's size if None.
        padding: p.

    >>> import minicnn
    >>> from minicnn import nn
    >>> y, places = nn.MaxPool2d(2, return_indices=True)(minicnn.arange(16.0).reshape(1, 1, 4, 4))
    >>> nn.MaxUnpool2d(2)(y, places)[0, 0, 1]
    tensor([0., 5., 0., 7.])
    """

    function = staticmethod(F.max_unpool2d)
    dims = 2


class MaxUnpool3d(_MaxUnpool):
    """Put maxima back to where they stood, with zeros elsewhere; see `functional.max_unpool3d`.

    Shapes: input and indices (N, C, D, H, W) or (C, D, H, W); output (N, C, OD, OH, OW),
    OD = (D − 1) · s − 2p + KD.

    Args:
        kernel_size: the window's size in voxels: a number, or three.
        stride: s; the kernel's size if None.
        padding: p.

    >>> import minicnn
    >>> from minicnn import nn
    >>> y, places = nn.MaxPool3d(2, return_indices=True)(minicnn.arange(8.0).reshape(1, 1, 2, 2, 2))
    >>> nn.MaxUnpool3d(2)(y, places).flatten()
    tensor([0., 0., 0., 0., 0., 0., 0., 7.])
    """

    function = staticmethod(F.max_unpool3d)
    dims = 3
